"""What is taken as the hashes of somebody's pictures, and what they may do before anybody reviewed them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relay.domain.errors import Malformed, TooLarge
from relay.domain.facts import AttestationState
from relay.domain.hashlist import HashAlgorithm, ListEntry
from relay.domain.hashsubmission import (
    MOST_AT_ONCE,
    About,
    HashSubmission,
    SubmissionState,
    entries_of,
    held_for_review,
    is_unreviewed,
    read_hashes,
    without_unreviewed,
)
from relay.domain.intake import Item
from relay.domain.media import Match, MatchKind, MediaKind, ScanOutcome
from relay.domain.policy import Decision, Verb

SHA256 = {"algorithm": "sha256", "value": "0" * 64}
PDQ = {"algorithm": "pdq", "value": "f0" * 32, "quality": 100}


def document(*hashes: Any, **more: Any) -> dict[str, Any]:
    return {"about": "adult", "hashes": list(hashes), **more}


def test_hashes_are_read_each_once() -> None:
    about, entries = read_hashes(document(SHA256, PDQ, PDQ | {"quality": 50}))
    assert about is About.ADULT
    assert entries == (
        ListEntry(HashAlgorithm.SHA256, "0" * 64, ""),
        ListEntry(HashAlgorithm.PDQ, "f0" * 32, ""),
    )
    assert read_hashes({"hashes": [SHA256]})[0] is None
    assert read_hashes({"about": "minor", "hashes": [SHA256]})[0] is About.MINOR


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ([], "only-hashes"),
        ("text", "only-hashes"),
        (document(SHA256, name="me.jpg"), "only-hashes"),
        (document(SHA256, about="child"), "bad-about"),
        (document(SHA256, about=["adult"]), "bad-about"),
        (document(), "no-hashes"),
        ({"hashes": {}}, "no-hashes"),
        (document("sha256"), "only-hashes"),
        (document(SHA256 | {"name": "me.jpg"}), "only-hashes"),
        (document(SHA256 | {"quality": 100}), "only-hashes"),
        (document({"algorithm": "md5", "value": "0" * 32}), "only-hashes"),
        (document({"algorithm": "pdq", "value": "f0" * 32}), "only-hashes"),
        (document(SHA256 | {"value": "0" * 63}), "bad-hash"),
        (document(SHA256 | {"value": "G" * 64}), "bad-hash"),
        (document(SHA256 | {"value": 0}), "bad-hash"),
        (document(PDQ | {"quality": 49}), "low-quality"),
        (document(PDQ | {"quality": 101}), "low-quality"),
        (document(PDQ | {"quality": True}), "low-quality"),
        (document(PDQ | {"quality": "90"}), "low-quality"),
        (document(PDQ | {"value": "0" * 64}), "bad-hash"),
        (document(PDQ | {"value": "f" * 64}), "bad-hash"),
    ],
)
def test_nothing_else_is_taken(wrong: object, code: str) -> None:
    with pytest.raises(Malformed) as caught:
        read_hashes(wrong)
    assert caught.value.code == code


def test_more_than_fit_into_one_request_come_in_parts() -> None:
    with pytest.raises(TooLarge):
        read_hashes(document(*[SHA256] * (MOST_AT_ONCE + 1)))
    assert len(read_hashes(document(*[SHA256] * MOST_AT_ONCE))[1]) == 1


def test_entries_say_whom_they_are_about_and_whether_they_are_reviewed() -> None:
    entry = ListEntry(HashAlgorithm.SHA256, "0" * 64, "")
    found = {
        (about, accepted): entries_of(about, [entry], accepted=accepted)[0].category
        for about in About
        for accepted in (True, False)
    }
    assert found == {
        (About.ADULT, True): "ncii",
        (About.ADULT, False): "ncii-unreviewed",
        (About.MINOR, True): "ncii-minor",
        (About.MINOR, False): "ncii-minor-unreviewed",
    }


def test_a_submission_is_open_until_it_is_refused_or_withdrawn() -> None:
    one = HashSubmission(1, About.ADULT, "own", SubmissionState.RECEIVED, 1.0, 1.0)
    states = {state: replace(one, state=state).is_open for state in SubmissionState}
    assert [state for state, is_open in states.items() if is_open] == ["received", "accepted"]


UNREVIEWED = Match(MatchKind.NCII, "own", "ncii-unreviewed", "pdq", 4)
KNOWN = Match(MatchKind.KNOWN, "other", "csam", "sha256")
ITEM = Item("u", MediaKind.IMAGE, "d", ScanOutcome.MATCH, None, AttestationState.MISSING)


def test_only_matches_of_such_lists_are_unreviewed() -> None:
    assert is_unreviewed(UNREVIEWED)
    assert not is_unreviewed(replace(UNREVIEWED, category="ncii"))
    assert not is_unreviewed(replace(UNREVIEWED, kind=MatchKind.KNOWN))


def test_what_an_item_is_without_them() -> None:
    alone = replace(ITEM, matches=(UNREVIEWED,))
    both = replace(ITEM, matches=(UNREVIEWED, KNOWN))
    down = replace(alone, outcome=ScanOutcome.UNAVAILABLE)
    clean = replace(ITEM, outcome=ScanOutcome.NO_KNOWN_MATCH)
    assert without_unreviewed([alone, both, down, clean, ITEM]) == [
        clean,
        replace(ITEM, matches=(KNOWN,)),
        replace(ITEM, outcome=ScanOutcome.UNAVAILABLE),
        clean,
        ITEM,
    ]


def test_what_is_held_keeps_its_rule_and_reason() -> None:
    dropped = Decision(Verb.DROP, Verb.DROP, True, 0, "Known match", "known-match", "1-a", ())
    held = held_for_review(dropped)
    assert (held.verb, held.would) == (Verb.QUARANTINE, Verb.QUARANTINE)
    assert (held.rule, held.reason) == ("Known match", "known-match")
    assert held.trace[-1].rule == "unreviewed hashes"
