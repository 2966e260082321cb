"""Hashes that people hand in of their own pictures: what is taken, and what becomes of it.

Nobody has seen the pictures, so nobody can say whether the hashes are what they are said to be. Until the operator has
looked at a submission its hashes are *unreviewed*: what they match is held for a person, never relayed and never
dropped, and benign lists overrule them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.errors import Malformed, TooLarge
from relay.domain.hashlist import HEX_LENGTH, HashAlgorithm, ListEntry
from relay.domain.media import PDQ_MIN_QUALITY, Match, MatchKind, ScanOutcome
from relay.domain.policy import Decision, Tried, Verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from relay.domain.intake import Item


class About(StrEnum):
    """Whom the pictures show. `MINOR`: somebody who was under 18 in any of them."""

    ADULT = "adult"
    MINOR = "minor"


CATEGORY: Final = {About.ADULT: "ncii", About.MINOR: "ncii-minor"}
"""Category of entries that the operator has accepted. The two are kept in lists of their own."""

UNREVIEWED: Final = "-unreviewed"
"""Behind the category of an entry that nobody has reviewed."""

MOST_AT_ONCE: Final = 5_000
"""Hashes in one request; more come in further ones, as often as needed."""

_TAKEN: Final = {HashAlgorithm.SHA256.value: HashAlgorithm.SHA256, HashAlgorithm.PDQ.value: HashAlgorithm.PDQ}
_DIGITS: Final = frozenset("0123456789abcdef")
_FEWEST_BITS: Final = 96
_MOST_BITS: Final = 132
"""A PDQ has a bit for each frequency above the median: 128, fewer where some are equal."""
_KEYS: Final = {
    HashAlgorithm.SHA256: {"algorithm", "value"},
    HashAlgorithm.PDQ: {"algorithm", "value", "quality"},
}


class SubmissionState(StrEnum):
    """What became of a submission. `RECEIVED`: the operator has not reviewed it, or what was added to it."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class HashSubmission:
    """What one person handed in, by and by.

    `list` is the name of the hash list. `hashes` counts what is kept of it: none once it was refused or withdrawn.
    `who` decided, and `note` says why, in words for the submitter.
    """

    number: int
    about: About
    list: str
    state: SubmissionState
    received_at: float
    changed_at: float
    hashes: int = 0
    who: str | None = None
    note: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether something of it is kept, and more may be added."""
        return self.state in {SubmissionState.RECEIVED, SubmissionState.ACCEPTED}


@dataclass(frozen=True, slots=True)
class SubmissionPart:
    """Hashes that came together: how many, and the batch that they are in force by, None for none."""

    place: int
    hashes: int
    batch: int | None = None
    accepted: bool = False


def read_hashes(document: object) -> tuple[About | None, tuple[ListEntry, ...]]:
    """Whom a submission is about, if it says so, and its hashes, each once and without a category.

    Takes `{"about": "adult", "hashes": [{"algorithm": "pdq", "value": "…", "quality": 90}]}` and no other key: there
    is no room for names, addresses or pictures. Raises `Malformed`, `TooLarge`.
    """
    if not isinstance(document, dict) or not set(document) <= {"about", "hashes"}:
        raise Malformed("Only hashes are taken here.", code="only-hashes")
    about, hashes = document.get("about"), document.get("hashes")
    if about is not None and about not in tuple(About):
        raise Malformed("Say whom the pictures show: adult or minor.", code="bad-about")
    if not isinstance(hashes, list) or not hashes:
        raise Malformed("There are no hashes in it.", code="no-hashes")
    if len(hashes) > MOST_AT_ONCE:
        raise TooLarge(f"These are more than {MOST_AT_ONCE:,} hashes: send them in parts.")
    entries = tuple(dict.fromkeys(map(_entry, hashes)))
    return None if about is None else About(about), entries


def _entry(item: object) -> ListEntry:
    algorithm = _TAKEN.get(str(item.get("algorithm"))) if isinstance(item, dict) else None
    if not isinstance(item, dict) or algorithm is None or set(item) != _KEYS[algorithm]:
        cause = (
            "A hash has an algorithm, sha256 or pdq, a value, and for pdq a quality; nothing else is taken."
        )
        raise Malformed(cause, code="only-hashes")
    value, quality = item["value"], item.get("quality", PDQ_MIN_QUALITY)
    if not isinstance(value, str) or len(value) != HEX_LENGTH[algorithm] or not set(value) <= _DIGITS:
        raise Malformed("A value is not the hexadecimal digits of its hash.", code="bad-hash")
    if algorithm is HashAlgorithm.PDQ:
        if type(quality) is not int or not PDQ_MIN_QUALITY <= quality <= 100:
            cause = f"A picture of less quality than {PDQ_MIN_QUALITY} cannot be recognised by its PDQ."
            raise Malformed(cause, code="low-quality")
        if not _FEWEST_BITS <= int(value, 16).bit_count() <= _MOST_BITS:
            raise Malformed("A value is not the PDQ of a picture.", code="bad-hash")
    return ListEntry(algorithm, value, "")


def entries_of(about: About, entries: Iterable[ListEntry], *, accepted: bool) -> list[ListEntry]:
    """Entries with the category that they have in their list."""
    category = CATEGORY[about] + ("" if accepted else UNREVIEWED)
    return [replace(entry, category=category) for entry in entries]


def is_unreviewed(match: Match) -> bool:
    """Whether a match is of an entry that nobody has reviewed."""
    return match.kind is MatchKind.NCII and match.category.endswith(UNREVIEWED)


def without_unreviewed(items: Sequence[Item]) -> list[Item]:
    """What the items were like if nothing unreviewed had matched."""
    return [_without(item) for item in items]


def _without(item: Item) -> Item:
    kept = tuple(match for match in item.matches if not is_unreviewed(match))
    outcome = item.outcome
    if not kept and len(kept) < len(item.matches) and outcome is ScanOutcome.MATCH:
        outcome = ScanOutcome.NO_KNOWN_MATCH
    return replace(item, matches=kept, outcome=outcome)


def held_for_review(decision: Decision) -> Decision:
    """Hold what would be dropped. Rule and reason stay: what is told outside must not differ (attestation.md)."""
    trace = (*decision.trace, Tried("floor", "unreviewed hashes"))
    return replace(decision, verb=Verb.QUARANTINE, would=Verb.QUARANTINE, trace=trace)
