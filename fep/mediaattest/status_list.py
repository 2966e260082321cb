"""Status lists: one bit for each of many attestations, which tells that it was retracted.

A Status List Token is a JWT of type `statuslist+jwt`. It is fetched as a whole and kept, so that its issuer does not
learn which attestation is looked at. Our own have one bit for each index; two, four and eight are read, and any value
but 0 counts as retracted. The key is one of the issuer's `assertionMethod`, as for attestations.

Early drafts want `iss` in the token when the attestation has it, later ones do not: it is written, and has to be the
issuer where it is there.

Source: draft-ietf-oauth-status-list, sections 4 (the list), 5.1 (the token), 8 (checking it).
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mediaattest.jws import ALGORITHM, decode_part, encode_part, header_fault
from mediaattest.keys import find_key
from mediaattest.model import IssuerKey, Status
from mediaattest.origin import origin_of
from mediaattest.strict_json import is_members, is_safe_integer, read_object, write_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

STATUS_LIST_TYPE: Final = "statuslist+jwt"
"""The `typ` of the token; its media type is `application/statuslist+jwt` (5.1)."""

MAX_TOKEN: Final = 1024 * 1024
"""Longest token that is read, in characters."""

MAX_BYTES: Final = 1024 * 1024
"""Largest list that is read, in bytes after decompression: eight million attestations."""

CLOCK_SKEW: Final = 300
"""Seconds that an issuer's clock may be ahead of ours."""

_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_BITS: Final = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class StatusList:
    """A list whose signature was good. Times are seconds since the epoch.

    `uri` is its address, `issuer` the actor whose key signed it, `statuses` the array with `bits` bits for each index.
    It may be used until `expires_at`, and should be fetched again after `ttl` seconds; either may be None.
    """

    uri: str
    issuer: str
    bits: int
    statuses: bytes
    issued_at: int
    expires_at: int | None
    ttl: int | None

    def status(self, index: int, *, now: int) -> Status:
        """What the list says of an index: `UNAVAILABLE` when it has ended or has no such index (8)."""
        if self.expires_at is not None and self.expires_at <= now:
            return Status.UNAVAILABLE
        place, shift = divmod(index * self.bits, 8)
        if place >= len(self.statuses):
            return Status.UNAVAILABLE
        # 4.1: the first of the statuses in a byte is in its least significant bits
        value = self.statuses[place] >> shift & (1 << self.bits) - 1
        return Status.REVOKED if value else Status.STANDING


def write_status_list(
    *,
    private_key: Ed25519PrivateKey,
    kid: str,
    issuer: str,
    uri: str,
    size: int,
    revoked: Iterable[int],
    now: int,
    lifetime: int,
    ttl: int,
) -> str:
    """The token of a list with one bit for each of `size` indexes, of which `revoked` are set.

    `uri` is the https address of the list, of the origin of `kid` and `issuer`; `now`, `lifetime` and `ttl` are in
    seconds. Raises ValueError for an index that is not in the list, for a size that is not a multiple of 8, and for
    another origin.
    """
    if size % 8 or not 0 < size <= MAX_BYTES * 8:
        raise ValueError("the size is not a multiple of 8, or too large")
    if origin_of(uri) is None or not origin_of(uri) == origin_of(kid) == origin_of(issuer):
        raise ValueError("the list is not of the key's origin")
    statuses = bytearray(size // 8)
    for index in revoked:
        if not 0 <= index < size:
            raise ValueError("an index is not in the list")
        statuses[index // 8] |= 1 << index % 8
    claims = {
        "iss": issuer,
        "sub": uri,
        "iat": now,
        "exp": now + lifetime,
        "ttl": ttl,
        "status_list": {"bits": 1, "lst": encode_part(zlib.compress(bytes(statuses), 9))},
    }
    header = {"alg": ALGORITHM, "kid": kid, "typ": STATUS_LIST_TYPE}
    signing_input = encode_part(write_object(header)) + "." + encode_part(write_object(claims))
    return f"{signing_input}.{encode_part(private_key.sign(signing_input.encode('ascii')))}"


def read_status_list(
    token: str, *, uri: str, issuer: str, actor: Mapping[str, Any], now: int
) -> StatusList | None:
    """The list in a token that was fetched from `uri`, or None when anything about it is not in order.

    `issuer` is the actor that the list has to be of, and `actor` its document; the list has to be of its origin, too,
    so that nobody can make a verifier fetch from elsewhere. Never raises.
    """
    parts = _parts(token)
    if parts is None or origin_of(uri) is None or origin_of(uri) != origin_of(issuer):
        return None
    header, claims, signature = parts
    if header_fault(header, STATUS_LIST_TYPE) is not None:
        return None
    key = find_key(actor, kid=header["kid"], issuer=issuer, now=now)
    if not isinstance(key, IssuerKey):
        return None
    try:
        signed = token.rpartition(".")[0].encode("ascii")
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, signed)
    except InvalidSignature:
        return None
    return _list(claims, uri, issuer, now)


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes] | None:
    if len(token) > MAX_TOKEN or _COMPACT.fullmatch(token) is None:
        return None
    decoded = [decode_part(part) for part in token.split(".")]
    header, claims = (read_object(part or b"") for part in decoded[:2])
    signature = decoded[2]
    return None if header is None or claims is None or signature is None else (header, claims, signature)


def _list(claims: dict[str, Any], uri: str, issuer: str, now: int) -> StatusList | None:
    issued_at, expires_at, ttl = claims.get("iat"), claims.get("exp"), claims.get("ttl")
    times_fit = (
        is_safe_integer(issued_at)
        and issued_at <= now + CLOCK_SKEW
        and (expires_at is None or (is_safe_integer(expires_at) and expires_at > now))
        and (ttl is None or (is_safe_integer(ttl) and ttl > 0))
    )
    found = claims.get("status_list")
    names_fit = claims.get("sub") == uri and claims.get("iss", issuer) == issuer
    if not times_fit or not names_fit or not is_members(found):
        return None
    bits, packed = found.get("bits"), found.get("lst")
    if type(bits) is not int or bits not in _BITS or not isinstance(packed, str):
        return None
    statuses = _unpacked(decode_part(packed) or b"")
    if statuses is None:
        return None
    return StatusList(uri, issuer, bits, statuses, claims["iat"], expires_at, ttl)


def _unpacked(packed: bytes) -> bytes | None:
    """The array in its ZLIB form (4.1, RFC 1950); None for anything else, and for more than `MAX_BYTES`."""
    inflate = zlib.decompressobj()
    try:
        statuses = inflate.decompress(packed, MAX_BYTES)
    except zlib.error:
        return None
    return statuses if inflate.eof and not inflate.unused_data else None
