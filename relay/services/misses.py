"""The wait before "there is none": how long an answer takes must not tell why it is no.

Unknown, withheld, expired and on a list: each takes a few steps more or less in the store. The wait is drawn from one
distribution for all of them, and is a thousand times as long as those steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from relay.ports import Clock

SHORTEST: Final = 0.1
SPREAD: Final = 0.4
"""Seconds: every "no" waits the shortest and a part of the spread, drawn anew each time."""


class Misses:
    """Makes every "no" wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def pause(self) -> None:
        """Return after a time that depends on nothing."""
        await self._clock.sleep(SHORTEST + self._clock.jitter() * SPREAD)
