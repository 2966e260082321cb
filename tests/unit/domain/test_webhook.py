"""Posts that are only checked: what is a finding, what is reported, what makes two of them one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.domain.content import Content
from relay.domain.facts import AttestationState, Facts, Scan
from relay.domain.intake import Item
from relay.domain.media import MatchKind, MediaKind, MediaRef, ScanOutcome
from relay.domain.policy import Decision, Verb
from relay.domain.webhook import (
    Checked,
    HookedPost,
    Sender,
    finding_key,
    is_reported,
    outcome_of,
    still_there,
)

POST = HookedPost(
    id="https://a.test/1",
    author="https://a.test/alice",
    kind="Create",
    version=None,
    visibility="public",
    media=(MediaRef("https://a.test/1.png", MediaKind.IMAGE),),
    complete=True,
    content=Content(),
)
RELAYS = Decision(
    Verb.RELAY, Verb.RELAY, enforced=True, seconds=0, rule="r", reason="relayed", policy="1-0", trace=()
)
MATCHED = Facts(scan=Scan.MATCH, match=MatchKind.KNOWN)


def item(outcome: ScanOutcome, digest: str | None = "ab", reason: str | None = None) -> Item:
    url = f"https://a.test/{digest}.png"
    return Item(url, MediaKind.IMAGE, digest, outcome, reason, AttestationState.MISSING)


def would(verb: Verb, *, enforced: bool = True, tell: tuple[str, ...] = ()) -> Decision:
    return replace(RELAYS, would=verb, enforced=enforced, tell=tell)


@pytest.mark.parametrize("verb", [Verb.QUARANTINE, Verb.DROP])
def test_what_the_policy_would_not_relay_is_a_finding_unless_it_is_clean(verb: Verb) -> None:
    assert outcome_of(MATCHED, would(verb)) is Checked.FINDING
    assert outcome_of(Facts(scan=Scan.UNSCANNABLE), would(verb, enforced=False)) is Checked.FINDING
    assert outcome_of(Facts(scan=Scan.CLEAN), would(verb)) is Checked.CLEAN


def test_what_the_policy_would_relay_has_passed_unless_somebody_is_told() -> None:
    assert outcome_of(Facts(scan=Scan.UNSCANNABLE), RELAYS) is Checked.PASSED
    assert outcome_of(Facts(), RELAYS) is Checked.PASSED
    assert outcome_of(Facts(scan=Scan.CLEAN), RELAYS) is Checked.CLEAN
    assert outcome_of(Facts(scan=Scan.CLEAN), would(Verb.RELAY, tell=("mods",))) is Checked.FINDING


def test_a_match_is_reported_when_the_policy_acts_on_it() -> None:
    assert is_reported(MATCHED, would(Verb.DROP))
    assert not is_reported(MATCHED, would(Verb.DROP, enforced=False))
    assert not is_reported(MATCHED, would(Verb.RELAY, tell=("mods",)))
    assert not is_reported(Facts(scan=Scan.UNSCANNABLE), would(Verb.QUARANTINE))


def test_what_its_server_refuses_for_good_is_not_there_any_more() -> None:
    gone, late = item(ScanOutcome.UNSCANNABLE, None, "status"), item(ScanOutcome.UNAVAILABLE, None, "status")
    bad = item(ScanOutcome.UNSCANNABLE, "cd", "corrupt")
    assert still_there([gone, late, bad]) == [late, bad]


def test_a_version_of_a_post_has_one_key() -> None:
    others = [replace(POST, version="1"), replace(POST, kind="Update"), replace(POST, id="https://a.test/2")]
    assert len({POST.key, *(one.key for one in others)}) == 4
    assert replace(POST, media=(), content=Content(mentions=1)).key == POST.key
    assert POST.id not in POST.key


def test_two_findings_are_one_for_the_same_bytes_in_the_same_post() -> None:
    bad, clean = item(ScanOutcome.MATCH), item(ScanOutcome.NO_KNOWN_MATCH, "cd")
    key = finding_key(POST, [bad])
    assert finding_key(replace(POST, version="1"), [clean, bad]) == key
    assert finding_key(POST, [item(ScanOutcome.MATCH, "ef")]) != key
    assert finding_key(POST, [item(ScanOutcome.MATCH, None)]) != key
    assert finding_key(replace(POST, id="https://a.test/2"), [bad]) != key


def test_a_secret_is_not_shown() -> None:
    assert "tell" not in repr(Sender("social", "a.test", b"do not tell"))
