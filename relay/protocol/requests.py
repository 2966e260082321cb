"""Requests as signatures see them: received ones, targets of our own, and what holds for either scheme."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from relay.domain.hosts import origin as origin_of
from relay.protocol.sigheader import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_AGE: Final = 4200
"""Seconds after which a signature is stale: Mastodon's five minutes, an hour of clock error, some more."""

MAX_AHEAD: Final = 3600
"""Seconds by which a sender's clock may be ahead."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as received: `target` is path and query; header names are in lower case, in their order.

    `deferred`: the body is still to come, and `body` is empty. Then what is covered has to promise its SHA-256.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    deferred: bool = False
    _values: dict[str, list[str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Note what stands under each name: it is asked for a dozen times."""
        for name, value in self.headers:
            self._values.setdefault(name, []).append(value.strip(" \t"))

    def values(self, name: str) -> Sequence[str]:
        """All values of a header, without the space around them."""
        return self._values.get(name, ())


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that we sign requests to, with everything prepared that does not change between them.

    `url` is what has to be requested and `host` what the Host header has to say, both to the letter.
    """

    url: str
    host: str
    path: str
    post_prefix: str
    get_prefix: str

    @classmethod
    def of(cls, url: str) -> Target:
        """The target for an http(s) URL. Raises `Malformed`. Characters beyond ASCII are percent-encoded."""
        origin = origin_of(url)
        authority_and_path = url.partition("#")[0].split("://", 1)[1]
        start = min((at for at in map(authority_and_path.find, "/?") if at >= 0), default=None)
        path = authority_and_path[start:] if start is not None else ""
        path = quote(path if path.startswith("/") else f"/{path}", safe="/?:@!$&'()*+,;=~%[]|^`{}")
        host = origin.split("://", 1)[1]
        return cls(
            url=origin + path,
            host=host,
            path=path,
            post_prefix=f"(request-target): post {path}\nhost: {host}\ndate: ",
            get_prefix=f"(request-target): get {path}\nhost: {host}\ndate: ",
        )


def host_of(request: SignedRequest, hosts: frozenset[str]) -> str | Failure:
    """The one of `hosts` that the request is for, without the default port. Total."""
    values = request.values("host")
    if len(values) != 1:  # RFC 9112 3.2
        return Failure.HOST_MALFORMED
    host = values[0].lower()
    host = host if host in hosts else host.removesuffix(":443")
    return host if host in hosts else Failure.WRONG_HOST


def check_moment(moment: float, now: float) -> Failure | None:
    """Whether a time of signing is in the window around `now`, both in seconds since 1970."""
    if moment < now - MAX_AGE:
        return Failure.STALE
    return Failure.AHEAD if moment > now + MAX_AHEAD else None
