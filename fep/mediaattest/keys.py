"""The issuer's keys in its actor document: FEP-521a Multikeys under `assertionMethod`.

The document comes from the caller, who fetched it from the issuer's id; nothing in it is trusted to have a
shape.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from mediaattest.model import IssuerKey, Step, Verdict, Verification
from mediaattest.multikey import decode_multikey, encode_multikey
from mediaattest.strict_json import is_array, is_members

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMESTAMP: Final = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))",
    re.ASCII,
)
"""XML Schema 1.1 dateTimeStamp (CID 1.0 2.2), with years of four digits and hours up to 23."""


def find_key(actor: Mapping[str, Any], *, kid: str, issuer: str, now: int) -> IssuerKey | Verification:
    """The key `kid` of the actor `issuer`, or `unknown-key` or `revoked-key`, both of step 5.

    `actor` is the parsed actor document; `assertionMethod` may be an array or a single object, entries are
    embedded. The entry has the id `kid`, the type Multikey and the controller `issuer` (FEP-521a), an Ed25519
    key, and is neither expired nor revoked at `now` (seconds; CID 1.0 2.2). Two entries with one id are
    ambiguous: unknown. A time that cannot be read counts as past. Never raises, whatever the document.
    """
    if actor.get("id") != issuer:
        return _unknown("The document that was given for the issuer has another id.")  # FEP-fe34
    named = [entry for entry in _entries(actor.get("assertionMethod")) if entry.get("id") == kid]
    if len(named) != 1:
        return _unknown("The issuer does not publish the key that the token names.")
    entry = named[0]
    multibase = entry.get("publicKeyMultibase")
    public_key = decode_multikey(multibase) if isinstance(multibase, str) else None
    if entry.get("type") != "Multikey" or entry.get("controller") != issuer or public_key is None:
        return _unknown("The key that the token names is not an Ed25519 Multikey of the issuer.")
    expires, revoked = _seconds(entry.get("expires")), _seconds(entry.get("revoked"))
    if any(time is not None and time <= now for time in (expires, revoked)):
        return Verification(Verdict.REVOKED_KEY, Step.KEY, "The issuer's key has expired or was revoked.")
    return IssuerKey(kid, issuer, public_key, expires, revoked)


def describe_key(key: IssuerKey) -> dict[str, str]:
    """The entry of `assertionMethod` that publishes a key (FEP-521a).

    Raises ValueError for a bad length, or a time that is not before the year 10000.
    """
    entry = {
        "id": key.kid,
        "type": "Multikey",
        "controller": key.controller,
        "publicKeyMultibase": encode_multikey(key.public_key),
    }
    for name, time in (("expires", key.expires), ("revoked", key.revoked)):
        if time is not None:
            entry[name] = datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return entry


def _entries(value: object) -> list[dict[str, Any]]:
    # JSON-LD makes a single value and an array of one the same
    members = value if is_array(value) else [value]
    return [member for member in members if is_members(member)]


def _seconds(value: object) -> int | None:
    """Seconds since the epoch, None when not set, the epoch itself when it cannot be read."""
    if value is None:
        return None
    if not isinstance(value, str) or _TIMESTAMP.fullmatch(value) is None:
        return 0
    try:
        return int(datetime.fromisoformat(value).replace(microsecond=0).timestamp())
    except ValueError:  # the 30th of February; the year 0000
        return 0


def _unknown(reason: str) -> Verification:
    return Verification(Verdict.UNKNOWN_KEY, Step.KEY, reason)
