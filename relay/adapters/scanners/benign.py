"""Benign lists: what resembles an entry of another list and harms nobody (ADR 0026).

A benign entry overrules *near* matches only: a perceptual hash further away than two right implementations may differ.
An equal digest, or a perceptual hash that may be of the very picture, stays known whatever a benign list says. What
people handed in and nobody has reviewed is overruled in any case (ADR 0030).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from relay.domain.hashlist import HashAlgorithm
from relay.domain.hashsubmission import is_unreviewed
from relay.domain.media import PDQ_DRIFT, Decoded, ScanOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.adapters.scanners.hashindex import Lookup
    from relay.domain.media import Digests, Match, ScanResult, Undecodable
    from relay.ports import Scanner

BENIGN: Final = "benign"
"""Reason of a result from which benign lists took every match."""

_MATCHED: Final = (ScanOutcome.MATCH, ScanOutcome.VENDOR_TEST_MATCH)


@dataclass(frozen=True, slots=True)
class BenignList:
    """A benign list in force."""

    version: str
    lookup: Lookup

    def knows(self, digests: Digests, decoded: Decoded | Undecodable) -> bool:
        """Whether this very file is on it, or every frame of it is so close to an entry that it may be the same."""
        if self.lookup.exact(HashAlgorithm.SHA256, bytes.fromhex(digests.sha256)) is not None:
            return True
        if not isinstance(decoded, Decoded) or not decoded.frames:
            return False
        # The frame as it is: turning it would let more pass, and whoever shows a turned one can list it, too.
        hits = self.lookup.near(HashAlgorithm.PDQ, [frame.pdq for frame in decoded.frames])
        same = {hit.query for hit in hits if hit.distance <= PDQ_DRIFT}
        return len(same) == len(decoded.frames)


class Tempered:
    """Implements the port `Scanner`: another scanner, without the near matches that benign lists overrule."""

    def __init__(self, scanner: Scanner, lists: Sequence[BenignList]) -> None:
        self._scanner, self._lists = scanner, tuple(lists)
        self._version = "+".join([scanner.version, *(one.version for one in lists)])

    @property
    def name(self) -> str:
        """The name of the scanner."""
        return self._scanner.name

    @property
    def version(self) -> str:
        """Changes when the scanner's does, or a benign list."""
        return self._version

    @property
    def attests(self) -> bool:
        """As the scanner does."""
        return self._scanner.attests

    @property
    def methods(self) -> Sequence[str]:
        """Those of the scanner."""
        return self._scanner.methods

    @property
    def asks_others(self) -> bool:
        """As the scanner does."""
        return self._scanner.asks_others

    async def scan(
        self, digests: Digests, decoded: Decoded | Undecodable, content: bytes | None = None
    ) -> ScanResult:
        """Ask the scanner; take away near matches of what is benign."""
        answer = await self._scanner.scan(digests, decoded, content)
        found = replace(answer, versions={self.name: self._version})
        if not any(map(_is_doubtful, found.matches)):
            return found
        if not any(one.knows(digests, decoded) for one in self._lists):
            return found
        kept = tuple(match for match in found.matches if not _is_doubtful(match))
        if kept or found.outcome not in _MATCHED:
            return replace(found, matches=kept)
        if isinstance(decoded, Decoded) and decoded.unseen is not None:
            return replace(found, outcome=ScanOutcome.UNSCANNABLE, matches=(), reason=decoded.unseen.value)
        return replace(found, outcome=ScanOutcome.NO_KNOWN_MATCH, matches=(), reason=BENIGN)


def _is_doubtful(match: Match) -> bool:
    """Whether a match is of something like an entry, or of an entry that nobody has reviewed."""
    return match.resembles or is_unreviewed(match)
