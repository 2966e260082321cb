"""The attestation string: a compact JWS behind `data:application/jwt,`.

The prefix makes it an absolute IRI, which JSON-LD keeps and linked-data signatures cover; a bare JWS under a
term typed `@id` is dropped before signing. Source: RFC 2397; media type RFC 7519 10.3.1.
"""

from __future__ import annotations

import re
from typing import Final

PREFIX: Final = "data:application/jwt,"
"""What every attestation string begins with, to the letter."""

MAX_LENGTH: Final = 2048
"""Largest number of characters of an attestation string, prefix included."""

_PART: Final = "[A-Za-z0-9_-]+"
_COMPACT_JWS: Final = re.compile(rf"{_PART}\.{_PART}\.{_PART}")


def is_compact_jws(text: str) -> bool:
    """Whether `text` has the outward form of a compact JWS and fits into an attestation string.

    Three non-empty parts of base64url characters, no padding (RFC 7515 7.1). What the parts hold is not
    looked at.
    """
    return len(text) <= MAX_LENGTH - len(PREFIX) and _COMPACT_JWS.fullmatch(text) is not None


def to_data_url(jws: str) -> str:
    """The attestation string of a compact JWS. Raises ValueError when `jws` has not that form."""
    if not is_compact_jws(jws):
        raise ValueError("not a compact JWS, or too long")
    return PREFIX + jws


def from_data_url(attestation: str) -> str | None:
    """The compact JWS in an attestation string, or None when it breaks the grammar or the length."""
    if not attestation.startswith(PREFIX):
        return None
    jws = attestation[len(PREFIX) :]
    return jws if is_compact_jws(jws) else None
