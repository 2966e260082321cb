"""The clock of a demo in which a minute's pause must not take a minute."""

from __future__ import annotations

from typing import Final

from relay.adapters.system import SystemClock

TIMES: Final = 10.0
"""How much faster it runs."""


class HastyClock(SystemClock):
    """A clock that runs faster than the system's, and can be put forward."""

    def __init__(self) -> None:
        self._ahead, self._since = 0.0, super().monotonic()

    def now(self) -> float:
        """Seconds since the Unix epoch, as this clock has them."""
        return super().now() + self._gained()

    def monotonic(self) -> float:
        """Seconds from an arbitrary start."""
        return super().monotonic() + self._gained()

    def forward(self, seconds: float) -> None:
        """Let that many seconds have passed."""
        self._ahead += seconds

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds of this clock."""
        await super().sleep(seconds / TIMES)

    def _gained(self) -> float:
        return self._ahead + (super().monotonic() - self._since) * (TIMES - 1)
