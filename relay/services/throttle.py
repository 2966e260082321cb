"""How often somebody may ask, where anybody may: limits by a name, in bounded memory.

Forgetting a name gives it a full bucket, so whoever can have many names is held by a limit for all together.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import TYPE_CHECKING, Final

from relay.domain.rates import Bucket
from relay.services.memory import Remembered

if TYPE_CHECKING:
    from relay.domain.rates import Rate
    from relay.ports import Clock

NAMES: Final = 10_000


class Throttle:
    """Counts by name."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: Remembered[Bucket] = Remembered(clock, seconds=3600.0, most=NAMES)

    def take(self, name: str, rate: Rate | None) -> int:
        """Count once; return 0, or the whole seconds to wait when that was too often. No rate is no limit."""
        if rate is None:
            return 0
        now = self._clock.monotonic()
        bucket = self._buckets.get(name) or Bucket(float(rate.count), now)
        wait = bucket.take(rate, now)
        self._buckets.put(name, bucket, seconds=float(rate.seconds))
        return ceil(wait)

    def __len__(self) -> int:
        return len(self._buckets)


def client_of(address: str) -> str:
    """Return what stands for who has an address: itself, or of IPv6 the /64, of which who has one has all.

    Any text that is no address is one client, too.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ip_network((found, 64), strict=False))
    return str(found)
