"""Several answers made one: a failure is never clean, a match from any is a match."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from relay.domain.facts import AttestationState, Scan
from relay.domain.intake import Item, MediaFacts
from relay.domain.media import Match, MatchKind, MediaKind, ScanOutcome, ScanResult, Undecodable
from relay.domain.screening import (
    SPARED,
    UNABLE,
    combine,
    digests_of,
    facts_of,
    is_certain,
    is_current,
    spared,
)

CLEAN, MATCH = ScanOutcome.NO_KNOWN_MATCH, ScanOutcome.MATCH


def result(outcome: ScanOutcome, name: str = "a") -> ScanResult:
    return ScanResult(outcome, versions={name: "1"}, reason=outcome.value)


@given(st.lists(st.sampled_from(ScanOutcome), min_size=1))
def test_a_match_from_any_is_a_match_and_a_failure_is_never_clean(outcomes: list[ScanOutcome]) -> None:
    joined = combine([result(outcome, str(n)) for n, outcome in enumerate(outcomes)])
    assert (joined.outcome is MATCH) is (MATCH in outcomes)
    if ScanOutcome.UNAVAILABLE in outcomes:
        assert joined.outcome is not CLEAN
    if joined.outcome is CLEAN:
        assert CLEAN in outcomes
    assert set(joined.versions) == {str(n) for n in range(len(outcomes))}


def test_without_scanners_nothing_is_clean() -> None:
    assert combine([]).outcome is ScanOutcome.UNAVAILABLE


def test_digests_are_of_the_exact_bytes() -> None:
    digests = digests_of(b"abc")
    assert (digests.sha256, digests.size) == (hashlib.sha256(b"abc").hexdigest(), 3)
    assert (len(digests.sha1), len(digests.md5)) == (40, 32)


def test_a_scan_stands_until_a_list_changes_and_never_when_it_failed() -> None:
    known = MediaFacts(digests_of(b""), Undecodable.EMPTY, result(CLEAN), 1.0)
    assert is_current(known, {"a": "1"})
    assert not is_current(known, {"a": "2"})
    assert not is_current(known, {"a": "1", "b": "1"})
    failed = MediaFacts(digests_of(b""), Undecodable.EMPTY, result(ScanOutcome.UNAVAILABLE), 1.0)
    assert not is_current(failed, {"a": "1"})


def test_what_a_scanner_could_not_compare_is_marked_and_stands_all_the_same() -> None:
    joined = combine([result(CLEAN, "a"), result(ScanOutcome.UNSCANNABLE, "b")])
    assert joined.outcome is CLEAN
    assert joined.versions == {"a": "1", "b": f"{UNABLE}1"}
    known = MediaFacts(digests_of(b""), Undecodable.EMPTY, joined, 1.0)
    assert is_current(known, {"a": "1", "b": "1"})
    assert not is_current(known, {"a": "1", "b": "2"})


def test_what_was_spared_because_of_a_match_is_spared_while_the_match_stands() -> None:
    known = Match(MatchKind.KNOWN, "a", "csam", "sha256", 0)
    certain = ScanResult(MATCH, (known,), versions={"a": "1"})
    joined = combine([certain, spared("b")])
    assert (joined.outcome, joined.matches, joined.versions) == (MATCH, (known,), {"a": "1", "b": SPARED})
    facts = MediaFacts(digests_of(b""), Undecodable.EMPTY, joined, 1.0)
    assert is_current(facts, {"a": "1", "b": "7"})
    assert not is_current(facts, {"a": "2", "b": "7"})
    assert not is_current(facts, {"a": "1", "c": "7"})


def test_only_a_known_match_is_certain() -> None:
    kinds = {kind: is_certain(ScanResult(MATCH, (Match(kind, "a", "x", "pdq"),))) for kind in MatchKind}
    assert {kind for kind, certain in kinds.items() if certain} == {MatchKind.KNOWN}
    assert not is_certain(result(CLEAN))


def item(outcome: ScanOutcome, *matches: Match, kind: MediaKind = MediaKind.IMAGE) -> Item:
    return Item("https://a.test/x", kind, "d", outcome, None, AttestationState.MISSING, None, matches)


def test_the_worst_item_counts() -> None:
    near = Match(MatchKind.NEAR, "a", "csam", "pdq", 20)
    known = Match(MatchKind.KNOWN, "a", "csam", "sha256", 0)
    facts = facts_of(
        [item(CLEAN), item(MATCH, near, known), item(ScanOutcome.NOT_ATTEMPTED, kind=MediaKind.VIDEO)],
        servers=["a.test"],
        kind="Create",
        issuers=[],
    )
    assert facts.media == {MediaKind.IMAGE, MediaKind.VIDEO}
    assert (facts.scan, facts.match, facts.match_distance, facts.category) == (
        Scan.MATCH,
        "known",
        20,
        "csam",
    )


def test_no_items_are_no_media_and_a_digest_match_is_at_distance_zero() -> None:
    empty = facts_of([], servers=[], kind="Create", issuers=[])
    assert (empty.media, empty.scan, empty.match_distance) == (frozenset(), None, None)
    exact = Match(MatchKind.KNOWN, "a", "csam", "sha256", 0)
    assert facts_of([item(MATCH, exact)], servers=[], kind="Create", issuers=[]).match_distance == 0
