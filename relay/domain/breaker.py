"""A circuit breaker: a service that does not answer is left alone for a while, then asked once to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FAILURES: Final = 5
"""Failures in a row after which a service is left alone."""
PAUSE: Final = 30.0
"""Seconds of the first pause; each one after it is twice as long."""
LONGEST_PAUSE: Final = 600.0


@dataclass(slots=True)
class Breaker:
    """Whether a service may be asked. Times are in seconds, of any one clock.

    Half open: once a pause is over one question is let through, and the next only after another pause, unless the
    first was answered.
    """

    failures: int = 0
    pause: float = PAUSE
    closed_until: float | None = None

    def admits(self, now: float) -> bool:
        """Whether a question may be asked now. Counts as the one question when a pause is over."""
        if self.closed_until is None:
            return True
        if now < self.closed_until:
            return False
        self.closed_until = now + self.pause
        return True

    @property
    def is_open(self) -> bool:
        """Whether the service is left alone."""
        return self.closed_until is not None

    def succeeded(self) -> None:
        """The service answered."""
        self.failures, self.pause, self.closed_until = 0, PAUSE, None

    def failed(self, now: float, retry_after: float = 0.0) -> None:
        """The service did not answer; `retry_after` is how many seconds it asked to be left alone."""
        self.failures += 1
        was_open = self.is_open
        if self.failures >= FAILURES:
            self.closed_until = now + max(self.pause, retry_after)
            self.pause = min(self.pause * 2, LONGEST_PAUSE)
        elif retry_after > 0.0 or was_open:
            self.closed_until = now + max(retry_after, self.pause if was_open else 0.0)
