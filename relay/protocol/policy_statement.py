"""Signed statements about the policy: compact JWS (RFC 7515) with the key of our attestations.

Each version of the policy has one. It names the digest of the statement before, so that whoever has one has seen all
that came earlier, and none can be changed later without that showing. What the public must not learn is sealed: the
statement has a keyed digest of it, and only who has the key, the operator, can tell whether it is the same.
Their `typ` keeps them apart from attestations (RFC 8725 3.11).
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mediaattest.jws import ALGORITHM, decode_part, encode_part
from mediaattest.strict_json import write_object
from relay.domain import strictjson
from relay.domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VERSION_TYPE: Final = "policy-version+jwt"
"""`typ` of the statement about one version."""
HEAD_TYPE: Final = "policy-head+jwt"
"""`typ` of the statement that says which version is the last one."""


def write_statement(claims: Mapping[str, Any], *, typ: str, kid: str, sign: Callable[[bytes], bytes]) -> str:
    """The compact JWS of `claims`: strings, whole numbers, literals, arrays and objects of these."""
    header = {"alg": ALGORITHM, "kid": kid, "typ": typ}
    signing_input = f"{encode_part(write_object(header))}.{encode_part(write_object(dict(claims)))}"
    return f"{signing_input}.{encode_part(sign(signing_input.encode('ascii')))}"


def read_statement(token: str, *, typ: str, keys: Mapping[str, bytes]) -> dict[str, Any] | None:
    """The claims of a statement of this type, made with one of `keys` (32 bytes each, by id); None for any other."""
    parts = [decode_part(part) for part in token.split(".")]
    if len(parts) != 3 or None in parts:
        return None
    header, claims, signature = (_object(parts[0]), _object(parts[1]), parts[2] or b"")
    if header is None or claims is None or header.get("typ") != typ or header.get("alg") != ALGORITHM:
        return None
    key = keys.get(str(header.get("kid")))
    if key is None:
        return None
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, token.rpartition(".")[0].encode("ascii"))
    except InvalidSignature:
        return None
    return claims


def key_of(token: str) -> str:
    """The id of the key that a statement says it was made with; empty when it says nothing."""
    header = _object(decode_part(token.partition(".")[0]))
    return str((header or {}).get("kid", ""))


def digest_of_statement(token: str) -> str:
    """What the next statement says of this one: SHA-256 of its compact form."""
    return f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"


def seal(salt: bytes, content: bytes) -> str:
    """A digest (HMAC-SHA-256) that tells nothing about `content` to who has not got `salt`, however short it is."""
    return f"hmac-sha256:{hmac.digest(salt, content, 'sha256').hex()}"


def _object(part: bytes | None) -> dict[str, Any] | None:
    try:
        found = strictjson.loads(part or b"")
    except Malformed:
        return None
    return found if isinstance(found, dict) else None
