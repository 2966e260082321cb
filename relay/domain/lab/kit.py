"""The canary kit: files that harm nobody, and what a scan must say of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.domain.media import MatchKind, ScanOutcome


class Promise(StrEnum):
    """What of a file is the same wherever and whenever the kit is made."""

    BYTES = "bytes"
    """Every byte, and so its digests."""
    PDQ = "pdq"
    """Its PDQ, within the drift of implementations: encoders write other bytes from version to version."""
    OUTCOME = "outcome"
    """What a scan says of it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a scanner with the list `canary` says of a file, and why, in a sentence.

    `match` is known or near: what the match would be called if the list were no test list; None where nothing
    matches. `reason` is the code of what keeps a file from being scanned, such as `truncated`, otherwise None.
    """

    outcome: ScanOutcome
    why: str
    match: MatchKind | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A file of the kit before it is made. `title` says what it is; `media_type` is the one to serve it with."""

    name: str
    media_type: str
    title: str
    expected: Expected
    promise: Promise


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """PDQ of a picture, 32 bytes, and its quality 0..100: of an animation that of the frame nearest to the list."""

    pdq: bytes
    quality: int


@dataclass(frozen=True, slots=True)
class KitFile:
    """A file of the kit. `fingerprint` is None for what cannot be decoded."""

    plan: Plan
    content: bytes
    fingerprint: Fingerprint | None
