"""Media items, what is known about their bytes, and what scanning said.

A scan has six outcomes, not two; only `no-known-match` can be attested, and it never means "safe".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

PDQ_RADIUS: Final = 31
"""Largest Hamming distance, inclusive, at which two PDQ hashes match (PDQ README, recommended threshold)."""

PDQ_DRIFT: Final = 10
"""Distance that two conforming implementations may show for one picture (PDQ README): up to here it is known."""

PDQ_MIN_QUALITY: Final = 50
"""PDQ hashes below this quality say nothing about the picture (PDQ README: discard 49 and less)."""


class MediaKind(StrEnum):
    """What sort of media an item is, as policies name it."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    OTHER = "other"


class ScanOutcome(StrEnum):
    """What a scan said. `UNAVAILABLE` is a failure of the scanner and is never read as clean."""

    NO_KNOWN_MATCH = "no-known-match"
    MATCH = "match"
    VENDOR_TEST_MATCH = "vendor-test-match"
    UNSCANNABLE = "unscannable"
    UNAVAILABLE = "unavailable"
    NOT_ATTEMPTED = "not-attempted"


class MatchKind(StrEnum):
    """How close a match is, as policies name it.

    `KNOWN`: an exact digest, or a perceptual hash within `PDQ_DRIFT`. `NEAR`: within `PDQ_RADIUS`.
    `NCII`: a list whose purpose is intimate images of adults, or what people handed in of their own pictures.
    `CLASSIFIER`: a model's score, never a known match. `TEST`: the canary list or a vendor's test set.
    """

    KNOWN = "known"
    NEAR = "near"
    NCII = "ncii"
    CLASSIFIER = "classifier"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class MediaRef:
    """One media item as an activity refers to it: nothing here has been checked.

    `hashes` and `attestations` are the strings found in the object's own properties (FEP-b53d `hash`,
    `attestation`; FEP-1311 `digestMultibase` already turned into `sha256:<hex>`), at most four each.
    """

    url: str
    kind: MediaKind
    media_type: str | None = None
    hashes: tuple[str, ...] = ()
    attestations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Digests:
    """Digests of the exact bytes received, lower-case hex, and their number."""

    sha256: str
    sha1: str
    md5: str
    size: int


@dataclass(frozen=True, slots=True)
class FrameHash:
    """Perceptual hashes of one frame.

    `pdq` is 32 bytes, most significant bit first, as the reference prints them in hex; `quality` 0..100;
    `dihedral` the eight hashes of the frame's rotations and mirrors, the first is `pdq` itself;
    `phash` the 64-bit pHash of `imagehash`, 8 bytes.
    """

    pdq: bytes
    quality: int
    dihedral: tuple[bytes, ...]
    phash: bytes


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the sandbox made of the bytes: type by content, size in pixels after EXIF rotation, frame hashes.

    `unseen` says why a part of the file was not looked at: its frames can match, and finding nothing in them is
    `unscannable` and never clean.
    """

    media_type: str
    width: int
    height: int
    frames: tuple[FrameHash, ...]
    unseen: Undecodable | None = None


class Undecodable(StrEnum):
    """Why bytes, or a part of them, could not be decoded and hashed.

    `SECOND_FILE`: they are also another file, or another one stands behind them. `SOUND_ONLY`: what can be heard is
    compared by digests and nothing else.
    """

    EMPTY = "empty"
    UNSUPPORTED = "unsupported"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    TOO_MANY_PIXELS = "too-many-pixels"
    TOO_LITTLE_DETAIL = "too-little-detail"
    SECOND_FILE = "second-file"
    SOUND_ONLY = "sound-only"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out-of-memory"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Match:
    """One entry that matched. `distance` in bits for perceptual hashes, 0 for digests. Never leaves the operator.

    `frames` of the `of` frames that were compared came as near as a match has to; both are 1 for digests. `entry` tells
    entries of hash lists apart without showing them (`relay.domain.hashlist.entry_mark`); it does not count when two
    matches are compared.
    """

    kind: MatchKind
    scanner: str
    category: str
    algorithm: str
    distance: int = 0
    frames: int = 1
    of: int = 1
    entry: str = field(default="", compare=False)

    @property
    def resembles(self) -> bool:
        """Whether it is of something like an entry, by whatever name its list calls that."""
        return self.algorithm == "phash" or (self.algorithm == "pdq" and self.distance > PDQ_DRIFT)


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one scanner, or all together, said about one digest.

    `versions` maps each scanner to the version of its list: when one changes, the result is stale. In the joint result
    of several, one that could not compare the item is marked (`UNABLE`), and so is one that was spared (`SPARED`).
    """

    outcome: ScanOutcome
    matches: tuple[Match, ...] = ()
    reason: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
