"""How a subscriber is doing, in words: the same for commands and pages, which write times in their own way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.domain.condition import Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from relay.domain.condition import CatchUp, Gap, Health, Suspension, Trouble, Waiting


@dataclass(frozen=True, slots=True)
class Times:
    """How times are written: `moment` a point in time (seconds since the epoch), `span` a length (seconds)."""

    moment: Callable[[float], str]
    span: Callable[[float], str]


def lines(health: Health, times: Times) -> Iterator[tuple[str, str]]:
    """Yield labels and what there is to say: no more than there is."""
    yield "Deliveries", _deliveries(health, times)
    if health.trouble is not None:
        yield "Last error", health.trouble.error
        yield "Next attempt", _next_attempt(health, health.trouble, times)
    if health.backlog is not None:
        yield "Oldest due", f"published {times.moment(health.backlog.oldest)}"
    if health.catch_up is not None:
        yield "Catching up", _catching_up(health.catch_up, times)


def notes(health: Health, times: Times) -> Iterator[tuple[str, str]]:
    """The same for each post that failed while others arrived, and for each gap."""
    for one in health.stragglers:
        yield "Straggler", _straggler(one, times, health.at)
    for gap in health.gaps:
        yield "Gap", _gap(gap, times)


def _deliveries(health: Health, times: Times) -> str:
    match health.condition:
        case Condition.WELL:
            return _well(health, times)
        case Condition.CATCHING_UP:
            return "catching up: it gets what it missed"
        case Condition.SUSPENDED:
            return _suspended(health.suspension, times)
        case Condition.NOT_SERVED:
            return "it is not served"
    failures = health.trouble.failures if health.trouble else 1
    since = "" if health.since is None else f", since {times.moment(health.since)}"
    what = (
        "resting: its server"
        if health.condition is Condition.RESTING
        else "unreachable: its inbox is gone, and"
    )
    return f"{what} failed {in_a_row(failures)}{since}"


def in_a_row(times: int) -> str:
    """Return how often something happened without a break: `once`, `3 times in a row`."""
    return "once" if times == 1 else f"{times} times in a row"


def _well(health: Health, times: Times) -> str:
    if health.delivered_at is None:
        return "well"
    return f"well; its last trouble ended {times.moment(health.delivered_at)}"


def _suspended(suspension: Suspension | None, times: Times) -> str:
    if suspension is None:
        return "suspended"
    who = f" by {suspension.who}" if suspension.who else ""
    why = f": {suspension.why}" if suspension.why else ""
    ends = "ends by itself with its cause" if suspension.by_itself else "until somebody resumes it"
    return f"suspended{who} {times.moment(suspension.at)}{why}; {ends}"


def _next_attempt(health: Health, trouble: Trouble, times: Times) -> str:
    at = _at(trouble, times, health.at)
    if health.condition is Condition.UNREACHABLE:
        return f"{at}; one a day, until one arrives: then it is served again"
    return f"{at}; if that fails, about {times.span(trouble.next_rest)} later, twice as long each time up to 6 hours"


def _at(trouble: Trouble, times: Times, now: float) -> str:
    if trouble.heard:
        return "now, because its server was heard from"
    return "now" if trouble.next_at <= now else times.moment(trouble.next_at)


def _catching_up(found: CatchUp, times: Times) -> str:
    left = "1 log position" if found.left == 1 else f"{found.left:,} log positions"
    if found.per_second is None or found.ends_at is None:
        return f"{left}, as fast as it takes them"
    return f"{left}, up to {found.per_second:,.3g} a second, done about {times.moment(found.ends_at)}"


def _straggler(found: Waiting, times: Times, now: float) -> str:
    what = "a post that is deleted by now" if found.object_id is None else found.object_id
    when = "" if found.published_at is None else f", published {times.moment(found.published_at)},"
    due_at = found.straggler.due_at
    at = "now" if due_at <= now else times.moment(due_at)
    return (
        f"{what} (position {found.position}){when} failed {found.straggler.attempts} times while others arrived; "
        f"next attempt {at}: {found.straggler.error}"
    )


def _gap(found: Gap, times: Times) -> str:
    some = "1 activity" if found.entries == 1 else f"{found.entries:,} activities"
    return (
        f"{some} (positions {found.first} to {found.last}) will not come: it was away for longer than they are kept; "
        f"since {times.moment(found.since)}"
    )
