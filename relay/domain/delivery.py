"""What one delivery attempt means, and how far a subscriber has come in the log.

A subscriber's progress is a cursor (every position up to it is settled), the positions above it that are
settled already, and stragglers: positions that failed while others succeeded and wait for a retry of their own.
A host that fails as a whole just stays where it is; nothing piles up for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

BACKOFF_FIRST: Final = 15.0
BACKOFF_LONGEST: Final = 6 * 3600.0
RETRY_AFTER_LONGEST: Final = 24 * 3600.0
HEARD_FROM: Final = 0.0
"""What stands for the end of a rest that ended because the server sent something: it is tried at once."""
STRAGGLER_AFTER: Final = 3
"""Failures of one position, while others succeed, that make it a straggler."""
STRAGGLERS_MOST: Final = 500
"""Stragglers of one subscriber. One more fails with its host: what refuses that much is not well, and rests."""
STRAGGLER_ATTEMPTS: Final = 10
"""Attempts after which a straggler is given up and counted as failed."""


class Verdict(Enum):
    """What an attempt means: delivered; refused for good; the inbox is gone; the host should rest."""

    DELIVERED = auto()
    REFUSED = auto()
    GONE = auto()
    RETRY = auto()


_RETRIED: Final = frozenset({401, 403, 408, 425, 429})


def verdict(status: int, *, misdated: bool = False) -> Verdict:
    """Read an HTTP status. 401 and 403 may be a stale key or a passing block, so they are tried again.

    So is what was refused when perhaps a clock is wrong (`Posted.misdated`).
    """
    if 200 <= status < 300:
        return Verdict.DELIVERED
    if status == 410:  # RFC 9110 15.5.11: gone, likely for good
        return Verdict.GONE
    if 400 <= status < 500 and status not in _RETRIED and not misdated:
        return Verdict.REFUSED
    return Verdict.RETRY


def backoff(failures: int, jitter: float, retry_after: float | None = None) -> float:
    """Return the seconds to rest after `failures` failures in a row: exponential, +-25 %, at most six hours.

    A `Retry-After` is honoured when it is longer, up to a day (RFC 9110 10.2.3).
    """
    grown = min(BACKOFF_LONGEST, BACKOFF_FIRST * 2.0 ** min(failures - 1, 16))
    rest = grown * (0.75 + 0.5 * jitter)
    return max(rest, min(retry_after or 0.0, RETRY_AFTER_LONGEST))


@dataclass(slots=True)
class Host:
    """The health of one server: failures in a row, the time before which it rests, the last words it said.

    Also of an inbox that answered 410, under its address: its probes that failed, and when the next one is.
    """

    failures: int = 0
    retry_at: float = 0.0
    error: str | None = None
    failing_since: float | None = None
    succeeded_at: float | None = None
    failed_at: float = 0.0
    """When it failed last; not stored."""

    def rests_until(self, now: float) -> float:
        """The time before which nothing is sent. A rest that began in the future is none: the clock was set back."""
        return 0.0 if now < max(self.failed_at, self.failing_since or 0.0) else self.retry_at

    def failed(self, error: str, now: float, jitter: float, retry_after: float | None) -> None:
        """Rest longer after each failure. Failures while it already rests belong to the same trouble."""
        self._rest(error, now, backoff(self.failures + 1, jitter))
        granted = now + min(retry_after or 0.0, RETRY_AFTER_LONGEST)
        if granted > self.retry_at:
            self.retry_at, self.error = granted, f"{error}, {_asked(retry_after or 0.0)}"

    def probed(self, error: str, now: float, again: float) -> None:
        """An inbox that is gone said so again: the next probe is in `again` seconds."""
        self._rest(error, now, again)

    def _rest(self, error: str, now: float, seconds: float) -> None:
        rests = self.rests_until(now) > now
        self.failed_at = now
        if not rests:
            self.failures += 1
            self.error = error
            self.failing_since = min(self.failing_since or now, now)
            self.retry_at = now + seconds

    def succeeded(self, now: float) -> None:
        """Forget the trouble: one success is enough."""
        self.failures, self.retry_at, self.error, self.failing_since = 0, 0.0, None, None
        self.succeeded_at = now


def _asked(retry_after: float) -> str:
    """Say for people which rest a server asked for."""
    asked = f"asked to be left alone for {retry_after:,.0f} seconds"
    return asked if retry_after <= RETRY_AFTER_LONGEST else f"{asked}, gets a day"


@dataclass(frozen=True, slots=True)
class Straggler:
    """A position that waits for a retry of its own."""

    attempts: int
    due_at: float
    error: str

    def is_due(self, now: float) -> bool:
        """Whether its time has come, or is further off than it can be: the clock was set back."""
        return not now < self.due_at <= now + backoff(self.attempts, 1.0)


@dataclass(frozen=True, slots=True)
class Failing:
    """How often a position failed in a row, and since when."""

    count: int
    since: float


@dataclass(frozen=True, slots=True)
class Reached:
    """How far one subscriber has come, as it is written: all up to a position is settled or straggles, or is `open`."""

    upto: int
    open: frozenset[int] = frozenset()


@dataclass(slots=True)
class Progress:
    """How far one subscriber has come: a position is settled, in flight, straggling or ahead."""

    cursor: int
    settled: set[int] = field(default_factory=set)
    flying: set[int] = field(default_factory=set)
    failures: dict[int, Failing] = field(default_factory=dict)
    stragglers: dict[int, Straggler] = field(default_factory=dict)

    @classmethod
    def after(cls, reached: Reached, stragglers: dict[int, Straggler]) -> Progress:
        """Go on from what was written."""
        cursor = min((*reached.open, reached.upto + 1)) - 1
        beyond = range(cursor + 1, reached.upto + 1)
        settled = {at for at in beyond if at not in reached.open and at not in stragglers}
        return cls(cursor, settled, stragglers=stragglers)

    @property
    def reached(self) -> Reached:
        """Return what is to be written so that nothing comes again but what is in flight."""
        upto = max(self.settled, default=self.cursor)
        between = range(self.cursor + 1, upto)
        return Reached(
            upto, frozenset(at for at in between if at not in self.settled and at not in self.stragglers)
        )

    def is_settled(self, position: int) -> bool:
        """Whether the position is done with, unless it straggles."""
        return position <= self.cursor or position in self.settled

    def is_open(self, position: int) -> bool:
        """Whether the position may be started now."""
        return (
            position > self.cursor
            and position not in self.settled
            and position not in self.flying
            and position not in self.stragglers
        )

    def settle(self, position: int) -> None:
        """Mark a position as done and move the cursor over everything that is settled or straggling."""
        self.flying.discard(position)
        self.failures.pop(position, None)
        self.stragglers.pop(position, None)
        if position > self.cursor:  # a straggler may be ahead of a position that is still in flight
            self.settled.add(position)
        self._advance()

    def fail(
        self, position: int, *, error: str, now: float, jitter: float, host_succeeded_at: float | None
    ) -> bool:
        """Note a failed attempt; return False when the position is given up (and settled by that).

        A position becomes a straggler only when its host accepted something else since it first failed:
        otherwise the host is down as a whole and everything just waits.
        """
        self.flying.discard(position)
        straggler = self.stragglers.get(position)
        if straggler is not None:
            if straggler.attempts + 1 >= STRAGGLER_ATTEMPTS:
                self.settle(position)
                return False
            attempts = straggler.attempts + 1
            self.stragglers[position] = Straggler(attempts, now + backoff(attempts, jitter), error)
            return True
        before = self.failures.get(position, Failing(0, now))
        failing = self.failures[position] = Failing(before.count + 1, before.since)
        # What succeeded in the future did so before the clock was set back.
        others_succeed = host_succeeded_at is not None and failing.since <= host_succeeded_at <= now
        room = len(self.stragglers) < STRAGGLERS_MOST
        if failing.count >= STRAGGLER_AFTER and others_succeed and room:
            del self.failures[position]
            self.stragglers[position] = Straggler(failing.count, now + backoff(failing.count, jitter), error)
            self._advance()
        return True

    def skip_to(self, position: int) -> None:
        """Give up everything up to `position` (the log no longer holds it)."""
        self.cursor = max(self.cursor, position)
        self.settled = {at for at in self.settled if at > self.cursor}
        self.failures = {at: n for at, n in self.failures.items() if at > self.cursor}
        self.stragglers = {at: s for at, s in self.stragglers.items() if at > position}
        self._advance()

    def _advance(self) -> None:
        following = self.cursor + 1
        while following in self.settled or following in self.stragglers:
            self.settled.discard(following)
            self.cursor = following
            following += 1


@dataclass(frozen=True, slots=True)
class Gap:
    """What a subscriber will never get: what the log held after one position, up to another. `at`: since when."""

    after: int
    upto: int
    at: float


@dataclass(frozen=True, slots=True)
class Saved:
    """What is written of the cursors: one shared watermark, and the few that are not with the pack.

    `apart` maps a subscription to how far it has come; everyone else resumes at `watermark`.
    """

    watermark: int
    apart: dict[int, Reached]


def checkpoint(reached: Mapping[int, Reached], leader_before: int, exact: Container[int] = ()) -> Saved:
    """Choose the watermark so that writing it costs one row however many subscribers there are.

    Whoever has reached `leader_before`, the furthest cursor at the previous checkpoint, is with the pack and
    resumes at the least cursor among them: after a crash nobody gets more again than the leader handled since
    that checkpoint. The others are behind and keep rows of their own, rewritten only when they move. So does whoever
    is ahead among those that are to be `exact`: they get nothing again. That is worth its rows when others are to go
    on from here.
    """
    pack = [one.upto for one in reached.values() if one.upto >= leader_before]
    if not pack:
        return Saved(leader_before, dict(reached))
    watermark = min(pack)
    apart = {
        who: one
        for who, one in reached.items()
        if one.upto < leader_before or one.open or (one.upto > watermark and who in exact)
    }
    return Saved(watermark, apart)
