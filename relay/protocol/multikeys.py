"""Multikeys in actor documents (FEP-521a): public keys of other kinds than RSA, and with an end.

The document comes from its origin, nothing in it is trusted to have a shape. A time that cannot be read
counts as past: a key is not used on a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from relay.protocol.keys import pem_of_multikey

_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
"""dateTimeStamp of XML Schema 1.1 (CID 1.0 2.2), years of four digits."""


def multikey_pem(entry: object, *, key_id: str, controller: str, now: float) -> str | None:
    """The PEM of an entry of `assertionMethod` if it is the key `key_id` of the actor `controller` at `now`.

    FEP-521a asks for the type, the id and the controller; CID 1.0 2.2 for `expires` and `revoked` to be in the future.
    Total.
    """
    if not isinstance(entry, Mapping) or entry.get("id") != key_id or entry.get("controller") != controller:
        return None
    if any(_is_past(entry.get(name), now) for name in ("expires", "revoked")):
        return None
    return multikey_of(entry)


def multikey_of(entry: Mapping[str, object]) -> str | None:
    """The PEM of a Multikey, whosever it is; None when it is none that we accept."""
    text = entry.get("publicKeyMultibase")
    is_key = entry.get("type") == "Multikey" and isinstance(text, str)
    return pem_of_multikey(str(text)) if is_key else None


def _is_past(value: object, now: float) -> bool:
    if value is None:
        return False
    if not isinstance(value, str) or _TIMESTAMP.fullmatch(value) is None:
        return True
    try:
        return datetime.fromisoformat(value).timestamp() <= now
    except (ValueError, OverflowError):  # the 30th of February; the year 0000
        return True
