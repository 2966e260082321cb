"""One issuer with one key, and what it says about one medium; every test changes what it is about."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mediaattest import Check, IssuerKey, Verification, describe_key, digest_of, issue, verify
from mediaattest.jws import encode_part

ISSUER = "https://relay.example/actor"
KID = f"{ISSUER}#att-2026-11"
LIST = "https://relay.example/lists/1"
MEDIA = b"hello media attestation\n"
IAT = 1795298400
NOW = IAT + 1600
JTI = bytes(range(16))
PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"unit test key").digest())
KEY = IssuerKey(KID, ISSUER, PRIVATE_KEY.public_key().public_bytes_raw())
ACTOR: dict[str, Any] = {"id": ISSUER, "type": "Service", "assertionMethod": [describe_key(KEY)]}


def attest(media: bytes = MEDIA, **changed: Any) -> str:
    """A token of the sample issuer, from `issue`."""
    usual: dict[str, Any] = {
        "private_key": PRIVATE_KEY,
        "kid": KID,
        "issuer": ISSUER,
        "digest": digest_of(media),
        "checks": (Check("pdq", LIST),),
        "now": NOW,
        "jti": JTI,
    }
    return issue(**(usual | changed))


def check(attestation: str | None, **changed: Any) -> Verification:
    """The verification of a token by somebody who trusts the sample issuer."""
    usual: dict[str, Any] = {
        "received": MEDIA,
        "actors": {ISSUER: ACTOR},
        "trusted_issuers": {ISSUER},
        "accepted_lists": {LIST},
        "now": NOW,
    }
    return verify(attestation, **(usual | changed))


def forge(header: bytes, claims: bytes) -> str:
    """A token with any header and claims, signed with the sample key."""
    signing_input = f"{encode_part(header)}.{encode_part(claims)}"
    return f"data:application/jwt,{signing_input}.{encode_part(PRIVATE_KEY.sign(signing_input.encode()))}"


def header(**changed: Any) -> bytes:
    """The sample header, changed."""
    return json.dumps({"alg": "EdDSA", "kid": KID, "typ": "media-attestation+jwt"} | changed).encode()


def claims(**changed: Any) -> bytes:
    """The sample claims, changed."""
    usual: dict[str, Any] = {
        "iss": ISSUER,
        "sub": digest_of(MEDIA),
        "iat": IAT,
        "exp": IAT + 86400,
        "jti": encode_part(JTI),
        "res": "no-match",
        "chk": [{"alg": "pdq", "list": LIST}],
    }
    return json.dumps(usual | changed).encode()
