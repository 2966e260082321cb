"""From single answers to one: several scanners about one item, several items about one activity."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from relay.domain.content import Content, is_media_type
from relay.domain.facts import Facts, Scan, Standing, worst_attestation, worst_match, worst_scan
from relay.domain.media import Digests, MatchKind, ScanOutcome, ScanResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relay.domain.intake import Item, MediaFacts

_ORDER: Final = (
    ScanOutcome.MATCH,
    ScanOutcome.VENDOR_TEST_MATCH,
    ScanOutcome.UNAVAILABLE,
    ScanOutcome.NO_KNOWN_MATCH,
    ScanOutcome.UNSCANNABLE,
    ScanOutcome.NOT_ATTEMPTED,
)
"""Which of several scanners' outcomes stands. A scanner that failed could have found something, so its failure
outweighs another's finding nothing; media that one scanner cannot read may be fine for another."""

UNABLE: Final = "!"
"""Stands before the version of a scanner that could not compare the item: it must never be named as a check."""
SPARED: Final = ""
"""In place of the version of a scanner that was not asked, because another one was certain."""

_SCAN: Final = {
    ScanOutcome.NO_KNOWN_MATCH: Scan.CLEAN,
    ScanOutcome.MATCH: Scan.MATCH,
    ScanOutcome.VENDOR_TEST_MATCH: Scan.MATCH,
    ScanOutcome.UNSCANNABLE: Scan.UNSCANNABLE,
    ScanOutcome.UNAVAILABLE: Scan.UNAVAILABLE,
}

_UNKNOWN: Final = Standing()
_SAYS_NOTHING: Final = Content()


def digests_of(content: bytes) -> Digests:
    """Digest the exact bytes. SHA-1 and MD5 only because lists of known material are kept in them."""
    return Digests(
        hashlib.sha256(content).hexdigest(),
        hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        hashlib.md5(content, usedforsecurity=False).hexdigest(),
        len(content),
    )


def combine(results: Sequence[ScanResult]) -> ScanResult:
    """Join the answers of all scanners about one digest: a match from any is a match."""
    if not results:
        return ScanResult(ScanOutcome.UNAVAILABLE, reason="no-scanner")
    outcome = min((result.outcome for result in results), key=_ORDER.index)
    versions = {
        name: f"{UNABLE}{version}" if result.outcome is ScanOutcome.UNSCANNABLE else version
        for result in results
        for name, version in result.versions.items()
    }
    matches = tuple(match for result in results for match in result.matches)
    reason = next((result.reason for result in results if result.outcome is outcome), None)
    return ScanResult(outcome, matches, reason, versions)


def is_certain(result: ScanResult) -> bool:
    """Whether a scanner's answer settles it: what it knows needs nobody else's opinion."""
    return any(match.kind is MatchKind.KNOWN for match in result.matches)


def spared(name: str) -> ScanResult:
    """Stand in for the answer of a scanner that was not asked, because another one was certain."""
    return ScanResult(ScanOutcome.NOT_ATTEMPTED, versions={name: SPARED})


def is_current(known: MediaFacts, versions: Mapping[str, str]) -> bool:
    """Whether a stored scan still stands: it succeeded, with the very lists that are asked now.

    What was spared because of a match stays spared for as long as the match stands.
    """
    asked = known.result.versions
    if known.result.outcome is ScanOutcome.UNAVAILABLE or asked.keys() != versions.keys():
        return False
    return all(asked[name] in {version, f"{UNABLE}{version}", SPARED} for name, version in versions.items())


def facts_of(
    items: Sequence[Item],
    *,
    servers: Iterable[str],
    kind: str,
    issuers: Iterable[str],
    standing: Standing = _UNKNOWN,
    content: Content = _SAYS_NOTHING,
) -> Facts:
    """Put together the facts that the policy decides on; of several items the worst counts.

    `issuers` are the servers of the issuers of valid attestations, `servers` everybody the activity names, `standing`
    is that of the server that signed, `content` what the post says about itself.
    """
    matches = [match for item in items for match in item.matches]
    worst = worst_match(match.kind for match in matches)
    distances = [match.distance for match in matches if match.algorithm in {"pdq", "phash"}]
    return Facts(
        media=frozenset(item.kind for item in items),
        attestation=worst_attestation(item.attestation for item in items),
        attested_by=frozenset(issuers),
        scan=worst_scan(_SCAN[item.outcome] for item in items if item.outcome in _SCAN),
        match=worst,
        match_distance=min(distances, default=0 if matches else None),
        category=next((match.category for match in matches if match.kind is worst), None),
        lists=frozenset(match.scanner for match in matches if match.kind is worst),
        media_count=len(items),
        media_size=max((item.size for item in items if item.size is not None), default=None),
        media_types=frozenset(
            item.media_type for item in items if item.media_type and is_media_type(item.media_type)
        ),
        from_hosts=frozenset(servers),
        type=kind,
        content=content,
        standing=standing,
    )
