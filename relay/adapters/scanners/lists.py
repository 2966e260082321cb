"""A scanner that looks items up in a hash list of any size."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relay.adapters.scanners.hashindex import Hit, index_of_entries
from relay.adapters.scanners.listfile import list_version
from relay.domain.hashlist import HashAlgorithm, ListPurpose, entry_mark
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

    from relay.adapters.scanners.hashindex import Lookup
    from relay.domain.hashlist import ListEntry
    from relay.domain.media import Digests

_DIGESTS: Final = (HashAlgorithm.SHA256, HashAlgorithm.SHA1, HashAlgorithm.MD5)

_KINDS: Final = {ListPurpose.NCII: MatchKind.NCII, ListPurpose.TEST: MatchKind.TEST}


class ListScanner:
    """Implements the port `Scanner` over the entries of one list, or a `lookup` in what holds them.

    A match is an equal digest, a PDQ within 31 bits of any frame in any of its eight orientations (with how many of
    the frames came as near to the entry), or, in
    lists that carry it, a pHash within 8 bits (never more than `NEAR`: 64 bits are few). `version` defaults
    to `list_version(entries)`. Replace the scanner to replace its list.
    """

    def __init__(
        self,
        name: str,
        entries: Iterable[ListEntry] = (),
        *,
        purpose: ListPurpose = ListPurpose.ABUSE,
        attests: bool = True,
        version: str | None = None,
        lookup: Lookup | None = None,
    ) -> None:
        entries = tuple(entries)
        self._name = name
        self._purpose = purpose
        self._attests = attests
        self._version = version or list_version(entries)
        self._lookup = lookup or index_of_entries(entries)
        occurring = self._lookup.algorithms
        self._methods = tuple(algorithm.value for algorithm in HashAlgorithm if algorithm in occurring)

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

    @property
    def asks_others(self) -> bool:
        """No: a list is here."""
        return False

    async def scan(
        self,
        digests: Digests,
        decoded: Decoded | Undecodable,
        content: bytes | None = None,  # noqa: ARG002 - the port's: a list needs hashes only
    ) -> ScanResult:
        """Look the item up. What could not be decoded can match by digest and is otherwise `UNSCANNABLE`.

        So is what was decoded in part: its frames can match, and nothing found in them says little.
        """
        found = [*self._by_digest(digests)]
        if isinstance(decoded, Decoded):
            # Of millions of entries some may have to come from the disk: the loop must not wait for it.
            found += await asyncio.to_thread(self._by_likeness, decoded)
        versions = {self._name: self._version}
        if found:
            outcome = ScanOutcome.MATCH
            if self._purpose is ListPurpose.TEST:
                outcome = ScanOutcome.VENDOR_TEST_MATCH
            return ScanResult(outcome, _closest(found), versions=versions)
        if isinstance(decoded, Undecodable):
            return ScanResult(ScanOutcome.UNSCANNABLE, reason=decoded.value, versions=versions)
        unseen = decoded.unseen or (None if decoded.frames else Undecodable.TOO_LITTLE_DETAIL)
        if unseen:
            return ScanResult(ScanOutcome.UNSCANNABLE, reason=unseen.value, versions=versions)
        return ScanResult(ScanOutcome.NO_KNOWN_MATCH, versions=versions)

    def _by_digest(self, digests: Digests) -> Iterator[Match]:
        values = (digests.sha256, digests.sha1, digests.md5)
        for algorithm, value in zip(_DIGESTS, map(bytes.fromhex, values), strict=True):
            category = self._lookup.exact(algorithm, value)
            if category is not None:
                yield self._match(MatchKind.KNOWN, algorithm, Hit(0, category, 0, value))

    def _by_likeness(self, decoded: Decoded) -> list[Match]:
        phashes = list(dict.fromkeys(frame.phash for frame in decoded.frames))
        near = self._lookup.near(HashAlgorithm.PHASH, phashes)
        found = [self._match(MatchKind.NEAR, HashAlgorithm.PHASH, hit) for hit in near]
        return [*self._by_pdq(decoded), *found]

    def _by_pdq(self, decoded: Decoded) -> Iterator[Match]:
        whose: dict[bytes, set[int]] = {}
        for number, frame in enumerate(decoded.frames):
            for query in frame.dihedral:
                whose.setdefault(query, set()).add(number)
        turned = list(whose)
        nearest: dict[bytes, Hit] = {}
        frames: dict[bytes, set[int]] = {}
        for hit in self._lookup.near(HashAlgorithm.PDQ, turned):
            frames.setdefault(hit.value, set()).update(whose[turned[hit.query]])
            before = nearest.get(hit.value)
            if before is None or hit.distance < before.distance:
                nearest[hit.value] = hit
        for value, hit in nearest.items():
            kind = MatchKind.KNOWN if hit.distance <= PDQ_DRIFT else MatchKind.NEAR
            match = self._match(kind, HashAlgorithm.PDQ, hit)
            yield replace(match, frames=len(frames[value]), of=len(decoded.frames))

    def _match(self, kind: MatchKind, algorithm: HashAlgorithm, hit: Hit) -> Match:
        return Match(
            _KINDS.get(self._purpose, kind),
            self._name,
            hit.category,
            algorithm.value,
            hit.distance,
            entry=entry_mark(self._name, algorithm, hit.value),
        )


def _closest(found: Iterable[Match]) -> tuple[Match, ...]:
    """For each category and algorithm the closest match, the closest of all first."""
    best: dict[tuple[str, str], Match] = {}
    for match in sorted(found, key=lambda item: (item.distance, item.algorithm, item.category)):
        best.setdefault((match.category, match.algorithm), match)
    return tuple(best.values())
