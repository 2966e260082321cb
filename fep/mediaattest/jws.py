"""Compact JWS: reading one strictly, and writing the one form that we issue.

Nothing here checks a signature; `read_token` gives what must be known before a key can be looked for.
Source: RFC 7515, RFC 7519, RFC 8725.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from mediaattest.data_url import from_data_url
from mediaattest.model import Step, Verdict, Verification
from mediaattest.origin import is_https_id
from mediaattest.strict_json import read_object, write_object

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_TYPE: Final = "media-attestation+jwt"  # noqa: S105
"""The only `typ`: no other kind of JWT can be passed off as an attestation (RFC 8725 3.11)."""

ALGORITHM: Final = "EdDSA"
"""The `alg` that we write (RFC 8037 3.1); `Ed25519` (RFC 9864 2.2) is read as the same."""

_ALGORITHMS: Final = (ALGORITHM, "Ed25519")

_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")

_REFUSED: Final = frozenset({"crit", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "b64", "zip"})
"""Header parameters that bring their own key, change what is signed, or must be understood (RFC 7515 4.1)."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token whose form and header are in order. `claims` are as unverified as everything else in it."""

    kid: str
    claims: dict[str, Any]
    signing_input: bytes
    signature: bytes


def encode_part(data: bytes) -> str:
    """Base64url without padding (RFC 7515 2)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_URL_SAFE).decode("ascii")


def decode_part(text: str) -> bytes | None:
    """The bytes of a base64url text, or None unless it is the very text that `encode_part` gives for them.

    Padding, foreign characters and stray bits at the end are refused (RFC 4648 3.2, 3.3, 3.5), so that one
    token has one spelling.
    """
    try:
        data = binascii.a2b_base64(text.encode("ascii").translate(_STANDARD) + b"=" * (-len(text) % 4))
    except ValueError:  # not ASCII, or binascii.Error
        return None
    # Reading is lenient, so the spelling decides
    return data if encode_part(data) == text else None


def write_token(*, kid: str, claims: bytes, sign: Callable[[bytes], bytes]) -> str:
    """The compact JWS of the JSON `claims`; `sign` gives the 64-byte Ed25519 signature of the signing input."""
    signing_input = _header_part(kid) + "." + encode_part(claims)
    return signing_input + "." + encode_part(sign(signing_input.encode("ascii")))


@lru_cache(maxsize=8)  # an issuer has one key, and for a while two
def _header_part(kid: str) -> str:
    return encode_part(write_object({"alg": ALGORITHM, "kid": kid, "typ": TOKEN_TYPE}))


def read_token(attestation: str) -> Token | Verification:
    """The token in an attestation string, or the verdict of step 1 or 2.

    Duplicate names are refused here already, in the claims too: the steps before the signature need `iss`,
    and must not read another one than the last step does.
    """
    jws = from_data_url(attestation)
    if jws is None:
        return _malformed(
            Step.GRAMMAR, "The attestation is not a data: URL with a compact JWS of allowed length."
        )
    signing_input = jws.rpartition(".")[0]
    parts = [decode_part(part) for part in jws.split(".")]
    header, claims = (read_object(part or b"") for part in parts[:2])
    signature = parts[2]
    if header is None or claims is None or signature is None:
        return _malformed(
            Step.GRAMMAR, "A part of the token is not strict base64url or not a strict JSON object."
        )
    fault = header_fault(header, TOKEN_TYPE)
    if fault is not None:
        return _malformed(Step.HEADER, fault)
    return Token(header["kid"], claims, signing_input.encode("ascii"), signature)


def header_fault(header: dict[str, Any], token_type: str) -> str | None:
    """What is wrong with the header of a token of this `typ`, as a sentence for people; None when nothing is."""
    if header.get("alg") not in _ALGORITHMS:  # RFC 8725 3.1
        return "The token's algorithm is not EdDSA."
    if header.get("typ") != token_type:  # RFC 8725 3.11
        return "The token is of another type."
    if not is_https_id(header.get("kid")):
        return "The token does not name its key by an https id."
    if not _REFUSED.isdisjoint(header):
        return "The token's header has a parameter that is refused."
    return None


def _malformed(step: Step, reason: str) -> Verification:
    return Verification(Verdict.MALFORMED, step, reason)
