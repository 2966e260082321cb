"""How much the lab does for strangers: limits for one client and for all together.

A client is an IPv4 address or an IPv6 /64: who has one of the latter has all of it. Memory is bounded: forgetting a
client gives it a full bucket, and the limit of all still holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import TYPE_CHECKING, Final

from relay.domain.errors import TooMany
from relay.domain.rates import Bucket
from relay.services.memory import Remembered

if TYPE_CHECKING:
    from relay.domain.rates import Rate
    from relay.ports import Clock

CLIENTS: Final = 10_000
_ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class LabRules:
    """Numbers are most at once, lives are seconds, rates None for no limit."""

    inboxes: int
    inbox_life: float
    reports: int
    report_life: float
    rate: Rate | None
    rate_of_all: Rate | None


class Clients:
    """Counts what clients ask for."""

    def __init__(self, rules: LabRules, clock: Clock) -> None:
        self._rules, self._clock = rules, clock
        self._buckets: Remembered[Bucket] = Remembered(clock, seconds=3600.0, most=CLIENTS)

    def check(self, address: str) -> None:
        """Count a request of the client with this IP address. Raises `TooMany`."""
        self._take(client_of(address), self._rules.rate, "you")
        self._take(_ALL, self._rules.rate_of_all, "everybody together")

    def _take(self, key: str, rate: Rate | None, who: str) -> None:
        if rate is None:
            return
        now = self._clock.monotonic()
        bucket = self._buckets.get(key) or Bucket(float(rate.count), now)
        wait = bucket.take(rate, now)
        self._buckets.put(key, bucket, seconds=float(rate.seconds))
        if wait:
            message = f"The lab takes {rate} from {who}. Please wait a moment and try again."
            raise TooMany(message, retry_after=max(1, ceil(wait)))


def client_of(address: str) -> str:
    """Return what stands for a client; any text that is no address is one, too."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ip_network((found, 64), strict=False))
    return str(found)
