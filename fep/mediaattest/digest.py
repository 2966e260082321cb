"""Hash strings: `sha256:` and 64 lower-case hex digits, of the exact bytes served at a media URL.

A hash string is an absolute IRI, so FEP-b53d's `hash` (typed `@id`) keeps it through JSON-LD expansion.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from mediaattest import base58

_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")
_SHA2_256: Final = b"\x12\x20"
"""Multihash prefix: function 0x12, length 32."""


def digest_of(data: bytes) -> str:
    """The hash string of `data`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def is_hash(text: str) -> bool:
    """Whether `text` is a hash string to the letter: no upper case, nothing shortened, nothing around it."""
    return _HASH.fullmatch(text) is not None


def from_multibase(text: str) -> str | None:
    """The hash string of a `digestMultibase`, or None when it is not `z` and a SHA2-256 multihash.

    Source: FEP-1311 `digestMultibase`.
    """
    if not text.startswith("z"):
        return None
    data = base58.decode(text[1:])
    if data is None or len(data) != len(_SHA2_256) + 32 or not data.startswith(_SHA2_256):
        return None
    return "sha256:" + data[len(_SHA2_256) :].hex()


def to_multibase(digest: str) -> str:
    """The `digestMultibase` of a hash string (FEP-1311). Raises ValueError when `digest` is none."""
    if not is_hash(digest):
        raise ValueError("not a hash string")
    return "z" + base58.encode(_SHA2_256 + bytes.fromhex(digest.removeprefix("sha256:")))
