"""What is told outside of what was decided: the table, and that nothing tells a match from anything else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.disclosure import (
    STATES,
    Decided,
    Delay,
    Disclosure,
    Level,
    Outside,
    Record,
    disclose,
    is_kept_back,
)
from relay.domain.log import ActivityState

DELAY = Delay(b"k" * 32, 3600.0)
POST = "https://a.test/notes/1"
OUTSIDE = (Level.PUBLIC, Level.SUBSCRIBER)
NEVER = float("inf")

MATCH = Decided("Known match", "known-match", media=True, relays=False)
CLEAN = Decided("We scanned it", "no-known-match", media=True, relays=True)
TEXT = Decided("Text only", "allowed", media=False, relays=True)
CROWD = Decided("Crowd of mentions", "mentions", media=False, relays=False)


def gone(reason: str) -> Decided:
    """What is dropped because there is nothing to decide on."""
    return Decided("nothing to relay", reason, media=None, relays=False)


def record(state: ActivityState, *decisions: Decided, kind: str = "Create", deleted: bool = False) -> Record:
    return Record(kind, POST, state, 0.0, deleted, decisions)


def told(found: Record, level: Level = Level.PUBLIC, now: float = NEVER, **more: bool) -> Disclosure | None:
    return disclose(found, level, now, DELAY, **more)


DECIDED = st.builds(
    Decided,
    rule=st.sampled_from(["Known match", "Near match", "Probation", "Bad attestation", "otherwise"]),
    reason=st.sampled_from(["known-match", "possible-match", "probation", "bad-attestation", "needs-review"]),
    media=st.just(True),
    relays=st.just(False),
)
STOPPED = st.sampled_from([ActivityState.HELD, ActivityState.DROPPED, ActivityState.DEFERRED])
ASKERS = st.sampled_from(["author", "other"])
PERSON = Decided("operator", "dropped", media=None, relays=False, by_person=True)
PEOPLE = st.lists(st.just(PERSON), max_size=1)


@given(st.lists(DECIDED, min_size=1, max_size=3), STOPPED, PEOPLE, st.floats(0, 9000), ASKERS)
def test_all_posts_with_media_that_are_not_relayed_are_told_of_alike(
    decisions: list[Decided], state: ActivityState, people: list[Decided], now: float, by: str
) -> None:
    found, author = record(state, *decisions, *people), by == "author"
    match = record(ActivityState.HELD, MATCH)
    for level in OUTSIDE:
        assert told(found, level, now, author=author) == told(match, level, now, author=author)


def test_nothing_is_told_before_its_time_and_then_no_more_than_that_it_is_not_relayed() -> None:
    held, at = record(ActivityState.HELD, MATCH), DELAY.until(record(ActivityState.HELD, MATCH))
    for level in OUTSIDE:
        assert told(held, level, at - 1) == Disclosure(Outside.WAITING, "waiting")
        assert told(held, level, at) == Disclosure(Outside.NOT_RELAYED, "not-relayed", shows_media=True)
        screening = record(ActivityState.SCREENING)
        assert told(screening, level, at - 1) == told(held, level, at - 1)
        assert told(screening, level, at) == Disclosure(Outside.NOT_RELAYED, "not-relayed")


def test_the_time_lies_between_once_and_twice_the_delay_and_depends_on_key_and_post_alone() -> None:
    held = [replace(record(ActivityState.HELD, MATCH), object_id=f"{POST}{n}") for n in range(200)]
    times = [DELAY.until(one) for one in held]
    assert 3600 <= min(times) < 3800
    assert 7000 < max(times) <= 7200
    assert times == [DELAY.until(replace(one, state=ActivityState.DROPPED, decisions=())) for one in held]
    assert times != [replace(DELAY, key=b"x" * 32).until(one) for one in held]
    assert DELAY.until(replace(held[0], received_at=50.0)) == times[0] + 50


@pytest.mark.parametrize("level", OUTSIDE)
def test_what_cannot_have_to_do_with_a_match_is_told_at_once(level: Level) -> None:
    rule = None if level is Level.PUBLIC else "Crowd of mentions"
    assert told(record(ActivityState.HELD, CROWD), level, 0) == Disclosure(
        Outside.NOT_RELAYED, "mentions", rule
    )
    assert told(record(ActivityState.DEFERRED, CROWD), level, 0) == Disclosure(
        Outside.WAITING, "mentions", rule
    )
    wrong = gone("object-wrong-author")
    found = told(record(ActivityState.DROPPED, wrong, kind="Announce"), level, 0)
    assert found is not None
    assert (found.state, found.reason) == (Outside.NOT_RELAYED, "object-wrong-author")


def test_what_was_relayed() -> None:
    text = record(ActivityState.PUBLISHED, TEXT)
    assert told(text, Level.SUBSCRIBER, 0) == Disclosure(Outside.RELAYED, "allowed", "Text only")
    media = Disclosure(Outside.RELAYED, "relayed", shows_media=True)
    assert told(record(ActivityState.PUBLISHED, CLEAN), Level.SUBSCRIBER, 0) == media
    # In `observe` a near match is relayed, and told of like everything else with media.
    assert (
        told(record(ActivityState.PUBLISHED, replace(MATCH, reason="possible-match")), Level.SUBSCRIBER)
        == media
    )
    observed = record(ActivityState.PUBLISHED, CROWD)
    assert told(observed, Level.SUBSCRIBER) == Disclosure(Outside.RELAYED, "relayed")
    released = record(ActivityState.PUBLISHED, MATCH, replace(PERSON, reason="released", relays=True))
    assert told(released, Level.SUBSCRIBER) == media


@pytest.mark.parametrize("reason", ["blocked", "opted-out", "object-blocked"])
def test_who_blocks_whom_is_not_told(reason: str) -> None:
    dropped = record(ActivityState.DROPPED, gone(reason), kind="Announce")
    for level in OUTSIDE:
        found = told(dropped, level)
        assert found is not None
        assert (found.reason, found.rule) == ("not-relayed", None)
        assert told(dropped, level, 0) == Disclosure(Outside.WAITING, "waiting")
    own = told(dropped, Level.SUBSCRIBER, author=True)
    assert own is not None
    assert own.reason == ("opted-out" if reason == "opted-out" else "not-relayed")


def test_a_post_without_media_that_waits_for_a_person_does_not_say_so() -> None:
    held = record(ActivityState.HELD, Decided("otherwise", "needs-review", media=False, relays=False))
    assert is_kept_back(held)
    assert told(held) == Disclosure(Outside.NOT_RELAYED, "not-relayed", shows_media=True)


@pytest.mark.parametrize("author", [False, True])
@pytest.mark.parametrize("level", OUTSIDE)
def test_nothing_is_told_of_what_is_not_public(level: Level, *, author: bool) -> None:
    hidden = record(ActivityState.DROPPED, gone("object-not-public"), kind="Announce")
    assert told(hidden, level, author=author) is None
    assert told(record(ActivityState.SCREENING, kind="Announce"), level, author=author) is None


def test_what_could_not_be_fetched_is_told_to_its_own_server_only() -> None:
    lost = record(ActivityState.DROPPED, gone("object-status"), kind="Announce")
    assert told(lost, Level.SUBSCRIBER) is None
    found = told(lost, Level.SUBSCRIBER, author=True)
    assert found == Disclosure(Outside.NOT_RELAYED, "object-status", "nothing to relay")


def test_an_announced_post_is_told_of_once_it_was_fetched() -> None:
    assert told(record(ActivityState.HELD, MATCH, kind="Announce"), now=0) == Disclosure(
        Outside.WAITING, "waiting"
    )


def test_other_activities_and_replaced_edits_are_not_told_of() -> None:
    assert told(record(ActivityState.PUBLISHED, TEXT, kind="Delete")) is None
    assert told(record(ActivityState.WITHDRAWN, kind="Update")) is None


def test_a_deleted_post_is_not_told_of_in_public() -> None:
    for state in (ActivityState.PUBLISHED, ActivityState.WITHDRAWN):
        deleted = record(state, MATCH, deleted=True)
        assert told(deleted) is None
        assert told(deleted, Level.SUBSCRIBER) == Disclosure(Outside.WITHDRAWN, "withdrawn")


def test_every_state_has_a_sentence() -> None:
    assert set(STATES) == set(Outside)
