"""How a subscriber is doing: told from what is stored, in words that leave nothing open."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.catchup import FASTER, LATE, Backlog, pace
from relay.domain.condition import (
    CatchUp,
    Condition,
    Gap,
    Health,
    Suspension,
    Waiting,
    catch_up,
    condition,
    trouble,
)
from relay.domain.delivery import HEARD_FROM, Host, Straggler
from relay.domain.healthwords import Times, lines, notes
from relay.domain.subscription import State

NOW = 10_000.0
FAILING = Host(3, NOW + 60, "status 500", NOW - 90, None)
TIMES = Times(lambda at: f"<{at - NOW:+.0f}>", lambda seconds: f"{seconds:.0f} s")
WELL = Health(
    at=NOW,
    condition=Condition.WELL,
    since=None,
    delivered_at=None,
    trouble=None,
    backlog=None,
    catch_up=None,
    stragglers=(),
    gaps=(),
    suspension=None,
)


def said(health: Health) -> dict[str, str]:
    return dict(lines(health, TIMES))


@pytest.mark.parametrize(
    ("state", "host", "late", "expected"),
    [
        (State.ACCEPTED, None, False, Condition.WELL),
        (State.ACCEPTED, Host(), False, Condition.WELL),
        (State.ACCEPTED, Host(), True, Condition.CATCHING_UP),
        (State.ACCEPTED, FAILING, True, Condition.RESTING),
        (State.UNREACHABLE, FAILING, True, Condition.UNREACHABLE),
        (State.SUSPENDED, FAILING, True, Condition.SUSPENDED),
        (State.PENDING, None, True, Condition.NOT_SERVED),
        (State.REJECTED, None, False, Condition.NOT_SERVED),
    ],
)
def test_a_condition(state: State, host: Host | None, *, late: bool, expected: Condition) -> None:
    assert condition(state, host, late=late) is expected


def test_a_trouble_tells_when_it_is_tried_again_and_how_that_grows() -> None:
    assert trouble(None) is None
    assert trouble(Host()) is None
    found = trouble(FAILING)
    assert found is not None
    assert (found.failures, found.since, found.next_at, found.next_rest) == (3, NOW - 90, NOW + 60, 120.0)
    assert not found.heard
    heard = trouble(replace(FAILING, retry_at=HEARD_FROM, error=None))
    assert heard is not None
    assert (heard.heard, heard.error) == (True, "no answer")


def test_what_is_news_is_no_backlog() -> None:
    assert catch_up(None, 20.0, NOW) is None
    assert catch_up(Backlog(5, NOW - LATE), 20.0, NOW) is None
    assert catch_up(Backlog(5, NOW - 3600), None, NOW) == CatchUp(5, None, None)


@given(st.integers(1, 10_000_000), st.floats(LATE + 1, 1e6), st.floats(1e-6, 1e5))
def test_catching_up_ends_and_never_takes_longer_than_it_was_published_in(
    left: int, age: float, least: float
) -> None:
    found = catch_up(Backlog(left, NOW - age), least, NOW)
    assert found is not None
    assert found.per_second is not None
    assert found.ends_at is not None
    assert found.per_second >= max(least, FASTER * left / age) * 0.999
    assert NOW <= found.ends_at <= NOW + age * 1.001


@given(st.floats(1e-6, 1e5))
def test_a_bucket_is_never_slower_than_the_pace(per_second: float) -> None:
    rate = pace(per_second)
    assert rate.count / rate.seconds >= per_second * 0.999
    assert rate.count >= 1


def test_words_for_each_condition() -> None:
    assert said(WELL) == {"Deliveries": "well"}
    assert said(replace(WELL, delivered_at=NOW - 5)) == {"Deliveries": "well; its last trouble ended <-5>"}
    late = replace(WELL, condition=Condition.CATCHING_UP, backlog=Backlog(1, NOW - 400))
    assert said(replace(late, catch_up=CatchUp(1, None, None))) == {
        "Deliveries": "catching up: it gets what it missed",
        "Oldest due": "published <-400>",
        "Catching up": "1 log position, as fast as it takes them",
    }
    assert said(replace(late, catch_up=CatchUp(1200, 20.0, NOW + 60)))["Catching up"] == (
        "1,200 log positions, up to 20 a second, done about <+60>"
    )
    assert said(replace(WELL, condition=Condition.NOT_SERVED))["Deliveries"] == "it is not served"


def test_words_for_troubles() -> None:
    resting = replace(WELL, condition=Condition.RESTING, since=NOW - 90, trouble=trouble(FAILING))
    assert said(resting) == {
        "Deliveries": "resting: its server failed 3 times in a row, since <-90>",
        "Last error": "status 500",
        "Next attempt": "<+60>; if that fails, about 120 s later, twice as long each time up to 6 hours",
    }
    once = trouble(Host(1, NOW - 1, "down"))
    assert once is not None
    found = said(replace(resting, since=None, trouble=once))
    assert found["Deliveries"] == "resting: its server failed once"
    assert found["Next attempt"].startswith("now; if that fails")
    heard = trouble(replace(FAILING, retry_at=HEARD_FROM))
    assert said(replace(resting, trouble=heard))["Next attempt"].startswith(
        "now, because its server was heard"
    )
    gone = said(replace(resting, condition=Condition.UNREACHABLE))
    assert gone["Deliveries"] == "unreachable: its inbox is gone, and failed 3 times in a row, since <-90>"
    assert gone["Next attempt"] == "<+60>; one a day, until one arrives: then it is served again"


def test_words_for_suspensions() -> None:
    suspended = replace(WELL, condition=Condition.SUSPENDED)
    assert said(suspended)["Deliveries"] == "suspended"
    by_hand = Suspension("cli:ann", "spam", NOW - 7, by_itself=False)
    assert said(replace(suspended, suspension=by_hand))["Deliveries"] == (
        "suspended by cli:ann <-7>: spam; until somebody resumes it"
    )
    by_itself = Suspension("", None, NOW - 7, by_itself=True)
    assert said(replace(suspended, suspension=by_itself))["Deliveries"] == (
        "suspended <-7>; ends by itself with its cause"
    )


def test_words_for_what_does_not_come_as_it_should() -> None:
    known = Waiting(7, Straggler(3, NOW + 60, "status 500"), "https://a.example/1", NOW - 600)
    deleted = Waiting(8, Straggler(4, NOW - 1, "status 502"), None, None)
    found = replace(WELL, stragglers=(known, deleted), gaps=(Gap(1, 1, 1, NOW - 9), Gap(3, 9, 4, NOW)))
    (first, known_said), (_, deleted_said), *gaps = notes(found, TIMES)
    assert first == "Straggler"
    failed = "failed {} times while others arrived; next attempt"
    assert known_said == (
        f"https://a.example/1 (position 7), published <-600>, {failed.format(3)} <+60>: status 500"
    )
    assert deleted_said == f"a post that is deleted by now (position 8) {failed.format(4)} now: status 502"
    away = "will not come: it was away for longer than they are kept; since"
    assert gaps == [
        ("Gap", f"1 activity (positions 1 to 1) {away} <-9>"),
        ("Gap", f"4 activities (positions 3 to 9) {away} <+0>"),
    ]
