"""What is asked of a hash service, and how one is doing."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final, TypeAlias

from relay.domain.media import PDQ_MIN_QUALITY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.media import Decoded, Digests

Network: TypeAlias = IPv4Network | IPv6Network

INSIDE: Final[tuple[Network, ...]] = (
    IPv4Network("127.0.0.0/8"),  # RFC 1122
    IPv4Network("10.0.0.0/8"),  # RFC 1918
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("::1/128"),  # RFC 4291 2.5.3
    IPv6Network("fc00::/7"),  # RFC 4193
)
"""Where a service that is named like one of the operator's own machines may be."""
_OWN_NAMES: Final = (".localhost", ".local", ".internal", ".home.arpa")  # RFC 6761, RFC 6762, ICANN, RFC 8375


@dataclass(frozen=True, slots=True)
class Question:
    """One media item: its digests, its frames, and its bytes where they are at hand."""

    digests: Digests
    decoded: Decoded
    content: bytes | None = None

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The PDQ hashes to ask for: all orientations of every frame that says something, each once."""
        frames = [frame for frame in self.decoded.frames if frame.quality >= PDQ_MIN_QUALITY]
        return tuple(dict.fromkeys(one for frame in frames for one in frame.dihedral))


@dataclass(frozen=True, slots=True)
class Unfit:
    """The service cannot check this item, and never will: `reason` is a short word."""

    reason: str


@dataclass(frozen=True, slots=True)
class ServiceState:
    """How a service is doing since the relay started at `since` (seconds since the Unix epoch).

    `answers` counts by outcome; `error` is a code, of the failure at `error_at`; `paused`: it is left alone for now.
    Nothing here tells what was asked.
    """

    name: str
    kind: str
    since: float
    version: str = ""
    answers: Mapping[str, int] = field(default_factory=dict)
    answered_at: float | None = None
    error: str | None = None
    error_at: float | None = None
    paused: bool = False

    @property
    def failing(self) -> bool:
        """Whether it has not answered since it failed last."""
        return self.error_at is not None and (self.answered_at is None or self.answered_at < self.error_at)


def networks_of(host: str) -> tuple[Network, ...]:
    """The private networks that a service on `host` may be in: the wall's only exception for it.

    An address is only itself; a name that only the operator's own network knows may be in any of `INSIDE`; whatever
    public names resolve to must be public.
    """
    try:
        address = ip_address(host)
    except ValueError:
        name = host.lower().rstrip(".")
        return INSIDE if "." not in name or name.endswith(_OWN_NAMES) else ()
    own = ip_network(address)
    return (own,) if any(address in network for network in INSIDE) else ()
