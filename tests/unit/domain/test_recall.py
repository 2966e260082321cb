"""Recalls: who may have received a post, when servers are told, and what is known of the files."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.delivery import Verdict
from relay.domain.hashlist import ListPurpose
from relay.domain.media import Decoded, Match, MatchKind, ScanOutcome, ScanResult, Undecodable
from relay.domain.policy_rules import Verb
from relay.domain.recall import (
    DISMISSED,
    Cause,
    Copy,
    NoticeState,
    Recall,
    RecallMode,
    RecallRules,
    RecallState,
    Serving,
    attempted,
    letter_kind,
    matched,
    may_have,
    notice_of,
    why_wait,
    without,
)
from relay.domain.recallwords import stage
from relay.domain.subscriber_profile import Direction, SubscriberProfile
from relay.domain.subscription import Dialect
from relay.domain.traits import Traits

COPY = Copy(
    seq=1,
    position=10,
    object_id="https://a.test/1",
    author="https://a.test/users/a",
    origins=frozenset({"a.test"}),
    announce="https://relay.test/activities/1",
    published_at=1000.0,
    traits=Traits("Create", Verb.RELAY, languages=("en",), media=True),
)
SERVING = Serving(
    actor="https://m.test/actor",
    server="m.test",
    inbox="https://m.test/inbox",
    dialect=Dialect.MASTODON,
    first=0,
    last=None,
    cursor=20,
)


def test_hashes_that_nobody_reviewed_wait_for_a_person() -> None:
    rules, ncii = RecallRules(RecallMode.ACT), ListPurpose.NCII
    assert why_wait(rules, ncii, MatchKind.NCII, 1, reviewed=False) is Cause.UNREVIEWED
    assert why_wait(rules, ncii, MatchKind.NCII, 1) is None


def test_who_has_come_past_a_post_may_have_it() -> None:
    assert may_have(COPY, SERVING)


@pytest.mark.parametrize(
    "serving",
    [
        replace(SERVING, server="a.test"),
        replace(SERVING, first=10),
        replace(SERVING, last=9),
        replace(SERVING, gaps=((1, 2), (10, 12))),
        replace(SERVING, profile=SubscriberProfile(direction=Direction.PUSH)),
        replace(SERVING, profile=SubscriberProfile(media=False)),
        replace(SERVING, profile=SubscriberProfile(languages=frozenset({"de"}))),
        replace(SERVING, profile=SubscriberProfile(sample=0.0001)),
        replace(SERVING, stragglers={10: "status 500"}),
        replace(SERVING, cursor=9, fails=True, error="status 502"),
        replace(SERVING, cursor=9, fails=True, succeeded_at=999.0, error="unreachable: no"),
    ],
)
def test_who_certainly_did_not_get_it(serving: Serving) -> None:
    assert not may_have(COPY, serving)


@pytest.mark.parametrize(
    "serving",
    [
        replace(SERVING, last=10),
        replace(SERVING, gaps=((11, 12),)),
        replace(SERVING, profile=SubscriberProfile(name="gone", media=True)),
        replace(SERVING, profile=SubscriberProfile(media=False), profile_since=10),
        replace(SERVING, stragglers={10: "timeout: no answer"}),
        replace(SERVING, cursor=9),
        replace(SERVING, cursor=9, fails=True, succeeded_at=1000.0),
        replace(SERVING, cursor=9, fails=True, error="timeout: no answer"),
    ],
)
def test_whoever_may_have_it_counts(serving: Serving) -> None:
    assert may_have(COPY, serving)


@pytest.mark.parametrize("traits", [None, Traits("Update", media=True)])
def test_a_profile_excludes_nothing_of_which_the_log_tells_nothing(traits: Traits | None) -> None:
    assert may_have(replace(COPY, traits=traits), replace(SERVING, profile=SubscriberProfile(media=False)))


@pytest.mark.parametrize(
    ("purpose", "kind", "posts", "mode", "cause"),
    [
        (ListPurpose.ABUSE, MatchKind.KNOWN, 20, RecallMode.ACT, None),
        (ListPurpose.NCII, MatchKind.NCII, 1, RecallMode.ACT, None),
        (ListPurpose.ABUSE, MatchKind.KNOWN, 21, RecallMode.ACT, Cause.FLOOD),
        (ListPurpose.ABUSE, MatchKind.NEAR, 1, RecallMode.ACT, Cause.NEAR),
        (ListPurpose.TEST, MatchKind.TEST, 1, RecallMode.ACT, Cause.TEST),
        (ListPurpose.ABUSE, MatchKind.KNOWN, 1, RecallMode.ASK, Cause.MODE),
    ],
)
def test_when_a_person_is_asked(
    purpose: ListPurpose, kind: MatchKind, posts: int, mode: RecallMode, cause: Cause | None
) -> None:
    assert why_wait(RecallRules(mode, flood=20), purpose, kind, posts) is cause


@given(st.integers(0, 10**12))
def test_a_letter_names_its_notice(number: int) -> None:
    assert notice_of(letter_kind(number)) == number


@pytest.mark.parametrize("kind", ["accept", "recall:", "recall:x", "17"])
def test_other_letters_carry_none(kind: str) -> None:
    assert notice_of(kind) is None


@pytest.mark.parametrize(
    ("verdict", "old", "state"),
    [
        (Verdict.DELIVERED, True, NoticeState.DELIVERED),
        (Verdict.GONE, False, NoticeState.GIVEN_UP),
        (Verdict.RETRY, True, NoticeState.GIVEN_UP),
        (Verdict.REFUSED, False, NoticeState.REFUSED),
        (Verdict.RETRY, False, NoticeState.WAITING),
    ],
)
def test_what_an_attempt_comes_to(verdict: Verdict, *, old: bool, state: NoticeState) -> None:
    assert attempted(verdict, old=old) is state


KNOWN = Match(MatchKind.KNOWN, "local", "csam", "sha256")
TEST = Match(MatchKind.TEST, "canary", "test", "sha256")
OTHER = Match(MatchKind.KNOWN, "other", "csam", "md5")
SEEN = Decoded("image/png", 1, 1, ())
CLEAN = ScanResult(ScanOutcome.NO_KNOWN_MATCH, versions={"local": "1"})


def test_a_late_match_is_a_match() -> None:
    found = matched(CLEAN, KNOWN)
    assert (found.outcome, found.matches, found.versions) == (ScanOutcome.MATCH, (KNOWN,), {"local": "1"})
    assert matched(None, TEST) == ScanResult(ScanOutcome.VENDOR_TEST_MATCH, (TEST,))
    assert matched(found, TEST).outcome is ScanOutcome.MATCH
    assert matched(matched(found, OTHER), replace(KNOWN, distance=1)).matches == (
        OTHER,
        replace(KNOWN, distance=1),
    )


def test_what_a_person_dismissed_is_left_out() -> None:
    found = ScanResult(ScanOutcome.MATCH, (KNOWN, OTHER), versions={"local": "1"})
    assert without(found, {"third"}, SEEN) is found
    assert without(found, {"local"}, SEEN).matches == (OTHER,)
    assert without(found, {"local"}, SEEN).outcome is ScanOutcome.MATCH
    free = without(found, {"local", "other"}, SEEN)
    assert (free.outcome, free.reason, free.versions) == (
        ScanOutcome.NO_KNOWN_MATCH,
        DISMISSED,
        {"local": "1"},
    )
    both = ScanResult(ScanOutcome.MATCH, (KNOWN, TEST))
    assert without(both, {"local"}, SEEN).outcome is ScanOutcome.VENDOR_TEST_MATCH


@pytest.mark.parametrize(
    ("decoded", "reason"),
    [
        (replace(SEEN, unseen=Undecodable.SECOND_FILE), "second-file"),
        (Undecodable.UNSUPPORTED, "unsupported"),
    ],
)
def test_what_could_not_be_looked_at_is_not_clean_by_that(
    decoded: Decoded | Undecodable, reason: str
) -> None:
    found = without(ScanResult(ScanOutcome.MATCH, (KNOWN,)), {"local"}, decoded)
    assert (found.outcome, found.reason) == (ScanOutcome.UNSCANNABLE, reason)


def test_where_a_recall_stands_in_words() -> None:
    one = Recall(
        1,
        "local",
        ListPurpose.ABUSE,
        "m",
        "csam",
        MatchKind.KNOWN,
        RecallState.WAITING,
        Cause.FLOOD,
        0.0,
    )
    assert stage(one) == "waits for you: very many posts are hit at once, which may be a mistake"
    assert stage(replace(one, state=RecallState.SENT)) == "servers were told"
    assert one.stands
    assert not replace(one, state=RecallState.UNDONE).stands
