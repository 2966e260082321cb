"""Entries of hash lists: what a list says about one file or picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class HashAlgorithm(StrEnum):
    """How an entry's value was computed: digests of exact bytes, and perceptual hashes of pictures."""

    SHA256 = "sha256"
    SHA1 = "sha1"
    MD5 = "md5"
    PDQ = "pdq"
    PHASH = "phash"


HEX_LENGTH: Final = {
    HashAlgorithm.SHA256: 64,
    HashAlgorithm.SHA1: 40,
    HashAlgorithm.MD5: 32,
    HashAlgorithm.PDQ: 64,
    HashAlgorithm.PHASH: 16,
}
"""Hexadecimal digits of a value."""

PHASH_RADIUS: Final = 8
"""Largest distance, inclusive, at which two 64-bit pHashes match; used only for lists that carry pHash."""


class ListPurpose(StrEnum):
    """What a list is for: it decides how its matches are named.

    `ABUSE`: known illegal material. `NCII`: intimate images of adults, shared without consent. `TEST`: the
    canary list and vendors' test sets, whose matches prove that scanning works.
    """

    ABUSE = "abuse"
    NCII = "ncii"
    TEST = "test"


@dataclass(frozen=True, slots=True, order=True)
class ListEntry:
    """One line of a list. `value` is lower-case hex of the algorithm's length; `category` is never empty.

    `source` and `note` are the list keeper's own words and never leave the operator.
    """

    algorithm: HashAlgorithm
    value: str
    category: str
    source: str = ""
    note: str = ""
