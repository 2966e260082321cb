"""How a subscriber is doing: what keeps posts from it, since when, and when that is over.

Everything here is told by what is in the store, so that commands and pages of any process say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.delivery import HEARD_FROM, backoff
from relay.domain.subscription import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.catchup import Backlog
    from relay.domain.delivery import Host, Straggler

_MIDDLE: Final = 0.5
"""Jitter that makes a rest neither shorter nor longer."""


class Condition(StrEnum):
    """How deliveries to a subscriber go; of two, what stands first in `condition`."""

    WELL = "well"
    """It gets everything as it comes."""
    CATCHING_UP = "catching-up"
    """It gets what it missed."""
    RESTING = "resting"
    """Deliveries to its server fail: it is left alone for a while, longer each time."""
    UNREACHABLE = "unreachable"
    """Its inbox answered 410: one delivery a day tries whether it is back."""
    SUSPENDED = "suspended"
    """Somebody stopped it."""
    NOT_SERVED = "not-served"
    """It waits to be approved, or was rejected."""


def condition(state: State, host: Host | None, *, late: bool) -> Condition:
    """Tell it from the state, the health of the server, and whether it is `late` (`domain.catchup`)."""
    if state is State.SUSPENDED:
        return Condition.SUSPENDED
    if state is State.UNREACHABLE:
        return Condition.UNREACHABLE
    if state is not State.ACCEPTED:
        return Condition.NOT_SERVED
    if host is not None and host.failures:
        return Condition.RESTING
    return Condition.CATCHING_UP if late else Condition.WELL


@dataclass(frozen=True, slots=True)
class Trouble:
    """Deliveries that fail: how often in a row, since when, with which last words.

    `next_at` is the next attempt, `next_rest` how many seconds it rests if that fails too, give or take a quarter.
    `heard`: its rest ended because its server sent something.
    """

    failures: int
    since: float | None
    error: str
    next_at: float
    next_rest: float
    heard: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A post that failed while others arrived and waits for a retry of its own.

    `object_id` and `published_at` are None when the post is no longer in the log.
    """

    position: int
    straggler: Straggler
    object_id: str | None
    published_at: float | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Log positions `first` to `last`, with `entries` posts, that never come; noticed first at `since`."""

    first: int
    last: int
    entries: int
    since: float


@dataclass(frozen=True, slots=True)
class Suspension:
    """Who stopped a subscriber, why, and when; `by_itself` when the relay did, and ends it when the cause ends."""

    who: str
    why: str | None
    at: float
    by_itself: bool


@dataclass(frozen=True, slots=True)
class CatchUp:
    """What a subscriber missed: how many log positions, how many a second, and when that will be over."""

    left: int
    per_second: float | None
    ends_at: float | None


@dataclass(frozen=True, slots=True)
class Health:
    """All of it, of one subscriber, `at` a time. `backlog` is None when it has everything, or is not served."""

    at: float
    condition: Condition
    since: float | None
    delivered_at: float | None
    trouble: Trouble | None
    backlog: Backlog | None
    catch_up: CatchUp | None
    stragglers: Sequence[Waiting]
    gaps: Sequence[Gap]
    suspension: Suspension | None


def trouble(host: Host | None) -> Trouble | None:
    """What is wrong with a server, or with an inbox that answered 410; None when nothing is."""
    if host is None or not host.failures:
        return None
    return Trouble(
        failures=host.failures,
        since=host.failing_since,
        error=host.error or "no answer",
        next_at=host.retry_at,
        next_rest=backoff(host.failures + 1, _MIDDLE),
        heard=host.retry_at == HEARD_FROM,
    )


def catch_up(backlog: Backlog | None, least: float | None, now: float) -> CatchUp | None:
    """Reckon how long catching up takes; None for who keeps up. `least`: posts a second, None for any number."""
    if backlog is None or not backlog.late(now):
        return None
    if least is None:
        return CatchUp(backlog.left, None, None)
    return CatchUp(backlog.left, backlog.per_second(least, now), now + backlog.seconds(least, now))
