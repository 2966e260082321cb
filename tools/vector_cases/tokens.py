"""What the vectors are made of: fixed keys, and tokens put together from raw parts.

Nothing here uses the library's own token code, so a vector and the code it tests do not share a mistake.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mediaattest import base58, encode_multikey

Vector = dict[str, Any]

GOLDEN_KEY = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"  # FEP-8b32, secret key of its test vectors
GOLDEN_PUBLIC_KEY = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"  # FEP-8b32
GOLDEN = (
    "data:application/jwt,eyJhbGciOiJFZERTQSIsImtpZCI6Imh0dHBzOi8vcmVsYXkuZXhhbXBsZS9hY3RvciNhdHQtMjAyNi0xMSIsInR5"
    "cCI6Im1lZGlhLWF0dGVzdGF0aW9uK2p3dCJ9.eyJjaGsiOlt7ImFsZyI6InBkcSIsImxpc3QiOiJodHRwczovL3JlbGF5LmV4YW1wbGUvbGlz"
    "dHMvMSJ9XSwiZXhwIjoxNzk2NTA4MDAwLCJpYXQiOjE3OTUyOTg0MDAsImlzcyI6Imh0dHBzOi8vcmVsYXkuZXhhbXBsZS9hY3RvciIsImp0"
    "aSI6InE4M3ZFalJXZUpDcnplOFNORlo0a0EiLCJyZXMiOiJuby1tYXRjaCIsInN1YiI6InNoYTI1NjoxOWE3NmZlYWYzNzg4ZmEwZTVmZWY2"
    "YjI3YTdjMjVlYzA5NjNiNzY3MWE2NDFmMWI2MWQzNGFkZjY3M2Q3OWJmIn0.7Tx-7jfg4Xtw_ranXxMCMXuEJa046Pn7F5paYV9EcCKU9_Ah"
    "jMY0-skQ_lgsDxw3kEzOLMKNYwMIvtifdoSOBw"
)
ISSUER = "https://relay.example/actor"
KID = ISSUER + "#att-2026-11"
LIST = "https://relay.example/lists/1"
MEDIA = "hello media attestation\n"
DIGEST = "sha256:19a76feaf3788fa0e5fef6b27a7c25ec0963b7671a641f1b61d34adf673d79bf"
OTHER_DIGEST = "sha256:" + hashlib.sha256(b"other bytes").hexdigest()
IAT = 1795298400
EXP = 1796508000
NOW = 1795300000
JTI = "q83vEjRWeJCrze8SNFZ4kA"
DAY = 86400
HEADER = {"alg": "EdDSA", "kid": KID, "typ": "media-attestation+jwt"}
CLAIMS: dict[str, Any] = {
    "chk": [{"alg": "pdq", "list": LIST}],
    "exp": EXP,
    "iat": IAT,
    "iss": ISSUER,
    "jti": JTI,
    "res": "no-match",
    "sub": DIGEST,
}


def private_key(label: str) -> Ed25519PrivateKey:
    """The test key of a label."""
    return Ed25519PrivateKey.from_private_bytes(
        hashlib.sha256(f"mediaattest vector {label}".encode()).digest()
    )


def golden_key() -> Ed25519PrivateKey:
    """The key of the golden vector: prefix 0x8026 and 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes((base58.decode(GOLDEN_KEY[1:]) or b"")[2:])


def multikey(label: str) -> str:
    """The public key of a label as a Multikey."""
    return encode_multikey(private_key(label).public_key().public_bytes_raw())


_Y = {
    "neutral element": "0100000000000000000000000000000000000000000000000000000000000000",
    "of order 2": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "of order 4": "0000000000000000000000000000000000000000000000000000000000000000",
    "of order 8": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "another of order 8": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "of order 4 with p added": "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "neutral element with p added": "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}
SMALL_ORDER = {
    name + sign: bytes.fromhex(y)[:-1] + bytes([bytes.fromhex(y)[-1] | bit])
    for name, y in _Y.items()
    for sign, bit in (("", 0), (", x odd", 0x80))
}
"""Public keys to which no secret belongs, in all their spellings: RFC 8032 5.1.3 reads half of them."""
ENTRY: dict[str, Any] = {
    "id": KID,
    "type": "Multikey",
    "controller": ISSUER,
    "publicKeyMultibase": multikey("relay"),
}


def actor(*entries: Any, **members: Any) -> dict[str, Any]:
    """An actor document with these keys."""
    return {"id": ISSUER, "type": "Service", "assertionMethod": list(entries)} | members


def b64u(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(value: Any) -> bytes:
    """Compact JSON, names in order (all are ASCII here); bytes stay as they are."""
    if isinstance(value, bytes):
        return value
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def token(
    claims: Any = None, header: Any = None, *, label: str = "relay", signature: bytes | None = None
) -> str:
    """An attestation string with whatever claims and header, well signed unless a signature is given."""
    signing_input = b64u(raw(HEADER if header is None else header)) + "." + b64u(raw(claims or CLAIMS))
    signed = private_key(label).sign(signing_input.encode()) if signature is None else signature
    return f"data:application/jwt,{signing_input}.{b64u(signed)}"


def with_claims(**changed: Any) -> str:
    """A token with some claims changed."""
    return token(CLAIMS | changed)


def without_claim(name: str) -> str:
    """A token with one claim left out."""
    return token({other: value for other, value in CLAIMS.items() if other != name})


def with_header(**changed: Any) -> str:
    """A token with some header parameters changed, those that are None left out."""
    return token(header={name: value for name, value in (HEADER | changed).items() if value is not None})


def case(  # a vector has as many sides as the verification has inputs
    name: str, clause: str, outcome: tuple[str, int], attestation: str | None, /, **changed: Any
) -> Vector:
    """A vector of verify.json. Inputs not named are those of a valid verification."""
    verdict, step = outcome
    issuer_class = changed.pop("issuer_class", "trusted" if step == 11 else None)
    usual = {
        "attestation": attestation,
        "received_text": MEDIA,
        "actors": {ISSUER: actor(ENTRY)},
        "trusted_issuers": [ISSUER],
        "accepted_lists": [LIST],
        "now": NOW,
        "declared_hashes": [],
        "object_origin": None,
        "status": None,
    }
    expected = {"verdict": verdict, "step": step, "temporary": verdict == "key-unavailable"}
    if verdict == "valid":
        expected["issuer_class"] = issuer_class
    return {"name": name, "clause": clause, "input": usual | changed, "expected": expected}
