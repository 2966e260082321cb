"""A scanner that looks items up in a hash list held in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from relay.adapters.scanners.listfile import list_version
from relay.adapters.scanners.pdqindex import PdqIndex
from relay.domain.hashlist import PHASH_RADIUS, HashAlgorithm, ListPurpose
from relay.domain.media import (
    PDQ_DRIFT,
    Decoded,
    Match,
    MatchKind,
    ScanOutcome,
    ScanResult,
    Undecodable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from relay.domain.hashlist import ListEntry
    from relay.domain.media import Digests

_DIGESTS: Final = (HashAlgorithm.SHA256, HashAlgorithm.SHA1, HashAlgorithm.MD5)

_KINDS: Final = {ListPurpose.NCII: MatchKind.NCII, ListPurpose.TEST: MatchKind.TEST}


class ListScanner:
    """Implements the port `Scanner` over the entries of one list.

    A match is an equal digest, a PDQ within 31 bits of any frame in any of its eight orientations, or, in
    lists that carry it, a pHash within 8 bits (never more than `NEAR`: 64 bits are few). `version` defaults
    to `list_version(entries)`. Replace the scanner to replace its list.
    """

    def __init__(
        self,
        name: str,
        entries: Iterable[ListEntry],
        *,
        purpose: ListPurpose = ListPurpose.ABUSE,
        attests: bool = True,
        version: str | None = None,
    ) -> None:
        entries = tuple(entries)
        self._name = name
        self._purpose = purpose
        self._attests = attests
        self._version = version or list_version(entries)
        occurring = {item.algorithm for item in entries}
        self._methods = tuple(algorithm.value for algorithm in HashAlgorithm if algorithm in occurring)
        self._exact = {(item.algorithm, item.value): item.category for item in entries}
        pdq = [item for item in entries if item.algorithm is HashAlgorithm.PDQ]
        self._pdq = PdqIndex([bytes.fromhex(item.value) for item in pdq])
        self._pdq_categories = [item.category for item in pdq]
        phash = [item for item in entries if item.algorithm is HashAlgorithm.PHASH]
        self._phash = np.array([int(item.value, 16) for item in phash], np.uint64)
        self._phash_categories = [item.category for item in phash]

    @property
    def name(self) -> str:
        """The name in the configuration."""
        return self._name

    @property
    def version(self) -> str:
        """Changes when an entry does."""
        return self._version

    @property
    def attests(self) -> bool:
        """Whether the operator may attest what this list does not hold."""
        return self._attests

    @property
    def methods(self) -> tuple[str, ...]:
        """The algorithms that occur in the list, in the order of `HashAlgorithm`; no other is asked for."""
        return self._methods

    async def scan(
        self,
        digests: Digests,
        decoded: Decoded | Undecodable,
        content: bytes | None = None,  # noqa: ARG002 - the port's: a list needs hashes only
    ) -> ScanResult:
        """Look the item up. What could not be decoded can match by digest and is otherwise `UNSCANNABLE`."""
        found = [*self._by_digest(digests)]
        if isinstance(decoded, Decoded):
            found += [*self._by_pdq(decoded), *self._by_phash(decoded)]
        versions = {self._name: self._version}
        if found:
            outcome = ScanOutcome.MATCH
            if self._purpose is ListPurpose.TEST:
                outcome = ScanOutcome.VENDOR_TEST_MATCH
            return ScanResult(outcome, _closest(found), versions=versions)
        if isinstance(decoded, Undecodable):
            return ScanResult(ScanOutcome.UNSCANNABLE, reason=decoded.value, versions=versions)
        if not decoded.frames:
            reason = Undecodable.TOO_LITTLE_DETAIL.value
            return ScanResult(ScanOutcome.UNSCANNABLE, reason=reason, versions=versions)
        return ScanResult(ScanOutcome.NO_KNOWN_MATCH, versions=versions)

    def _by_digest(self, digests: Digests) -> Iterator[Match]:
        values = (digests.sha256, digests.sha1, digests.md5)
        for algorithm, value in zip(_DIGESTS, values, strict=True):
            category = self._exact.get((algorithm, value))
            if category is not None:
                yield self._match(MatchKind.KNOWN, category, algorithm, 0)

    def _by_pdq(self, decoded: Decoded) -> Iterator[Match]:
        queries = {query for frame in decoded.frames for query in frame.dihedral}
        for query in queries:
            for number, distance in self._pdq.near(query):
                kind = MatchKind.KNOWN if distance <= PDQ_DRIFT else MatchKind.NEAR
                yield self._match(kind, self._pdq_categories[number], HashAlgorithm.PDQ, distance)

    def _by_phash(self, decoded: Decoded) -> Iterator[Match]:
        if not self._phash.size:
            return
        for frame in decoded.frames:
            distances = np.bitwise_count(self._phash ^ np.uint64(int.from_bytes(frame.phash, "big")))
            for number in np.flatnonzero(distances <= PHASH_RADIUS):
                category, distance = self._phash_categories[number], int(distances[number])
                yield self._match(MatchKind.NEAR, category, HashAlgorithm.PHASH, distance)

    def _match(self, kind: MatchKind, category: str, algorithm: HashAlgorithm, distance: int) -> Match:
        return Match(_KINDS.get(self._purpose, kind), self._name, category, algorithm.value, distance)


def _closest(found: Iterable[Match]) -> tuple[Match, ...]:
    """For each category and algorithm the closest match, the closest of all first."""
    best: dict[tuple[str, str], Match] = {}
    for match in sorted(found, key=lambda item: (item.distance, item.algorithm, item.category)):
        best.setdefault((match.category, match.algorithm), match)
    return tuple(best.values())
