"""How much one server may send: a token bucket each, for as long as it matters.

Memory is bounded: the servers heard from last are remembered, each for as long as its bucket takes to fill. A bucket
that is forgotten is a full one, so forgetting never refuses anybody.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from relay.domain.errors import TooMany
from relay.domain.rates import Bucket
from relay.services.memory import Remembered

if TYPE_CHECKING:
    from relay.domain.rates import Rate
    from relay.ports import Clock

SERVERS: Final = 10_000
NEVER_LIMITED: Final = frozenset({"Delete", "Undo"})
"""What takes something back must always arrive."""


class Limits:
    """Limits servers to `rate`, which may be replaced while running; None is no limit."""

    def __init__(self, rate: Rate | None, clock: Clock) -> None:
        self.rate = rate
        self._clock = clock
        self._buckets: Remembered[Bucket] = Remembered(clock, seconds=3600.0, most=SERVERS)

    def check(self, server: str, kind: str) -> None:
        """Count an activity of a server. Raises `TooMany` when it has sent too many."""
        rate = self.rate
        if rate is None or kind in NEVER_LIMITED:
            return
        now = self._clock.monotonic()
        bucket = self._buckets.get(server) or Bucket(float(rate.count), now)
        wait = bucket.take(rate, now)
        self._buckets.put(server, bucket, seconds=float(rate.seconds))
        if wait:
            raise TooMany(f"More than {rate} came from this server.", retry_after=max(1, ceil(wait)))

    def __len__(self) -> int:
        return len(self._buckets)
