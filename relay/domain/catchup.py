"""Catching up: what a subscriber missed comes at a bounded rate.

A server that was away is often small, and has its own queue to work off. So what is older than `LATE` is sent to it at
a rate of its own, in the order of the log: live posts wait behind it, because a change of a post must not overtake the
post. The rate sees to it that the wait ends: it is at least `FASTER` times that at which the backlog was published.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from relay.domain.rates import Rate

LATE: Final = 300.0
"""Seconds after which a post is no news: who gets it later than that is catching up."""
FASTER: Final = 2.0
"""How many times faster than it was published a backlog goes, at least."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a subscriber has yet to get: how many log positions, and when the oldest of them was published."""

    left: int
    oldest: float

    def late(self, now: float) -> bool:
        """Whether it is more than what is just being sent."""
        return now - self.oldest > LATE

    def per_second(self, least: float, now: float) -> float:
        """How many posts a second go when `least` are asked for. Only of a backlog that is `late`."""
        return max(least, FASTER * self._published(now))

    def seconds(self, least: float, now: float) -> float:
        """How long it will take while as much is published as before. Only of a backlog that is `late`."""
        return self.left / (self.per_second(least, now) - self._published(now))

    def _published(self, now: float) -> float:
        return self.left / (now - self.oldest)


def pace(per_second: float) -> Rate:
    """The same as a rate for a `Bucket`, which then holds what goes in a second, and one at least."""
    if per_second >= 1.0:
        return Rate(math.ceil(per_second), 1)
    return Rate(1, math.floor(1.0 / per_second))
