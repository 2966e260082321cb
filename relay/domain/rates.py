"""How often something may happen, and how often it did: limits that end by themselves.

Both are a few numbers per server, so that many servers cost little memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

WINDOWS: Final = {"minute": 60, "hour": 3600, "day": 86400}
"""Lengths of time that rates are written with, in seconds."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` events in `seconds`; also what may come at once after a quiet time."""

    count: int
    seconds: int

    def __str__(self) -> str:
        """The rate as it is written."""
        per = next(name for name, seconds in WINDOWS.items() if seconds == self.seconds)
        return f"{self.count} per {per}"


@dataclass(slots=True)
class Bucket:
    """What one server may still send: a token bucket, full at first. Times are in seconds, of any one clock."""

    tokens: float
    at: float

    def take(self, rate: Rate, now: float) -> float:
        """Take one token; return 0.0, or the seconds until there is one when there is none."""
        refilled = (now - self.at) * rate.count / rate.seconds
        self.tokens = min(float(rate.count), self.tokens + max(0.0, refilled))
        self.at = now
        if self.tokens >= 1.0:
            self.tokens -= 1.0
            return 0.0
        return (1.0 - self.tokens) * rate.seconds / rate.count


@dataclass(frozen=True, slots=True)
class PostCounts:
    """How many posts came from a server in the last minute, hour and day."""

    minute: int = 0
    hour: int = 0
    day: int = 0


@dataclass(slots=True)
class Window:
    """Counts events in a stretch of `seconds` that slides. Exact within a stretch, an estimate across two."""

    seconds: float
    _number: int = 0
    _now: int = 0
    _before: int = 0

    def add(self, now: float) -> None:
        """Count an event at `now`, in seconds."""
        self._turn(int(now // self.seconds))
        self._now += 1

    def count(self, now: float) -> int:
        """How many there were up to `now`; the stretch before counts by how much of it is still near."""
        self._turn(int(now // self.seconds))
        left = 1.0 - (now % self.seconds) / self.seconds
        return self._now + int(self._before * left)

    def _turn(self, number: int) -> None:
        """Go on to the stretch with this number."""
        if number == self._number + 1:
            self._before, self._now = self._now, 0
        elif number != self._number:
            self._before = self._now = 0
        self._number = number


@dataclass(slots=True)
class PostCounter:
    """Counts the posts of one server in windows that slide."""

    _windows: tuple[Window, ...] = field(
        default_factory=lambda: tuple(Window(seconds) for seconds in WINDOWS.values())
    )

    def add(self, now: float) -> None:
        """Count a post that came at `now`, in seconds."""
        for window in self._windows:
            window.add(now)

    def counts(self, now: float) -> PostCounts:
        """How many came up to `now`."""
        return PostCounts(*(window.count(now) for window in self._windows))
