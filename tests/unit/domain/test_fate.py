"""What became of an activity for one subscriber: the table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relay.domain.delivery import Host, Progress, Straggler
from relay.domain.fate import PARTS, SENTENCES, Fate, Passage, Sendable, passage
from relay.domain.subscriber_profile import Skip
from relay.domain.subscription import Dialect, State, Subscription

READER = Subscription(
    id=1,
    actor="https://r.test/actor",
    server="r.test",
    inbox="https://r.test/inbox",
    dialect=Dialect.MASTODON,
    state=State.ACCEPTED,
    follow={},
    created_at=100.0,
    changed_at=100.0,
)
WANTED = Sendable(own=False, can_be_said=True, part=None)
FILTERED = replace(WANTED, part=Skip.LANGUAGE)
AT = 10
BEHIND, PAST = Progress(AT - 1), Progress(AT)
HEALTHY = Host()


def became(subscription: Subscription = READER, **given: Any) -> Passage:
    known = {"published_at": 200.0, "sendable": WANTED, "progress": PAST, "host": HEALTHY, "missed": False}
    return passage(subscription, AT, **(known | given))


@pytest.mark.parametrize(
    ("given", "fate"),
    [
        ({}, Fate.SETTLED),
        ({"sendable": None}, Fate.SETTLED),
        ({"progress": Progress(AT - 2, {AT})}, Fate.SETTLED),
        ({"progress": BEHIND}, Fate.COMING),
        ({"progress": BEHIND, "sendable": None}, Fate.TAKEN_BACK),
        ({"published_at": 99.0}, Fate.BEFORE),
        ({"missed": True}, Fate.MISSED),
        ({"sendable": replace(WANTED, own=True)}, Fate.OWN),
        ({"sendable": replace(WANTED, own=True), "progress": BEHIND}, Fate.OWN),
        ({"sendable": replace(WANTED, can_be_said=False)}, Fate.CANNOT),
        ({"sendable": FILTERED}, Fate.UNWANTED),
        ({"sendable": FILTERED, "progress": BEHIND}, Fate.UNWANTED),
    ],
)
def test_fate(given: dict[str, Any], fate: Fate) -> None:
    assert became(**given).fate is fate


@pytest.mark.parametrize("state", set(State) - {State.ACCEPTED, State.UNREACHABLE})
def test_who_is_not_served(state: State) -> None:
    assert became(replace(READER, state=state)).fate is Fate.UNSERVED


def test_an_inbox_that_is_gone_is_still_to_be_sent_to() -> None:
    assert became(replace(READER, state=State.UNREACHABLE), progress=BEHIND).fate is Fate.COMING


def test_what_waits_for_its_own_retry() -> None:
    straggling = Progress(AT, stragglers={AT: Straggler(3, 900.0, "status 500")})
    found = became(progress=straggling)
    assert found == Passage(READER, Fate.RETRYING, attempts=3, error="status 500", retry_at=900.0)
    assert became(progress=straggling, sendable=None).fate is Fate.SETTLED  # deleted meanwhile


def test_a_server_that_fails_is_told_with_what_is_to_come() -> None:
    failing = Host(failures=4, retry_at=700.0, error="timeout")
    found = became(progress=BEHIND, host=failing)
    assert (found.fate, found.attempts, found.error, found.retry_at) == (Fate.COMING, 4, "timeout", 700.0)
    assert became(progress=BEHIND).error is None


def test_what_was_passed_under_an_earlier_profile_is_not_judged_by_the_present_one() -> None:
    changed = replace(READER, profile_since=AT)
    assert became(changed, sendable=FILTERED).fate is Fate.SETTLED
    assert became(changed, sendable=FILTERED, progress=BEHIND).fate is Fate.UNWANTED


def test_json_has_no_times() -> None:
    assert became(sendable=FILTERED).as_json() == {
        "subscriber": "https://r.test/actor",
        "fate": "unwanted",
        "part": "language",
        "attempts": 0,
        "error": None,
    }


def test_everything_has_words() -> None:
    assert set(SENTENCES) == set(Fate)
    assert set(PARTS) == set(Skip)
