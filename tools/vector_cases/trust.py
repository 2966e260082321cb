"""Steps 3 to 6: issuer, key and signature."""

from __future__ import annotations

from typing import Any

from mediaattest import base58
from vector_cases.tokens import (
    CLAIMS,
    ENTRY,
    ISSUER,
    KID,
    OTHER_DIGEST,
    Vector,
    actor,
    b64u,
    case,
    raw,
    token,
    with_claims,
    with_header,
    without_claim,
)


def issuer_cases() -> list[Vector]:
    """Steps 3 to 6."""
    secret_prefix = "z" + base58.encode(b"\x80\x26" + bytes(32))
    bad_documents: dict[str, Any] = {
        "actor is gone": None,
        "document of another actor": actor(ENTRY, id="https://relay.example/other"),
        "no assertionMethod": {"id": ISSUER},
        "key listed as publicKey only": {"id": ISSUER, "publicKey": ENTRY},
        "another key": actor(ENTRY | {"id": ISSUER + "#att-2026-10"}),
        "key not embedded": actor(KID),
        "two keys of one id": actor(ENTRY, ENTRY),
        "key of another type": actor(ENTRY | {"type": "Ed25519VerificationKey2020"}),
        "key of another controller": actor(ENTRY | {"controller": "https://relay.example/other"}),
        "key with another prefix": actor(ENTRY | {"publicKeyMultibase": secret_prefix}),
        "key without a value": actor(ENTRY | {"publicKeyMultibase": None}),
    }
    dead = {
        "key expired": {"expires": "2026-11-21T00:00:00Z"},
        "key revoked": {"revoked": "2026-11-01T02:00:00.5+02:00"},
        "revocation time without a zone": {"revoked": "2030-01-01T00:00:00"},
        "expiry on no day of the calendar": {"expires": "2030-02-30T00:00:00Z"},
        "expiry in no time zone": {"expires": "2030-01-01T00:00:00+14:01"},
        "expiry at 24 o'clock": {"expires": "2030-01-01T24:00:00Z"},
    }
    tampered = token().replace(b64u(raw(CLAIMS)), b64u(raw(CLAIMS | {"sub": OTHER_DIGEST})))
    bad_signature = ("bad-signature", 6)
    return [
        case("no issuer", "step 3", ("malformed", 3), without_claim("iss")),
        case("issuer over http", "step 3", ("malformed", 3), with_claims(iss="http://relay.example/actor")),
        case("unknown issuer", "step 3", ("untrusted-issuer", 3), token(), trusted_issuers=[]),
        case(
            "not self: another port",
            "step 3; FEP-fe34",
            ("untrusted-issuer", 3),
            token(),
            trusted_issuers=[],
            object_origin="https://relay.example:8443",
        ),
        case(
            "key of another origin",
            "step 4; FEP-fe34",
            ("malformed", 4),
            with_header(kid="https://evil.example/actor#att-2026-11"),
        ),
        case("actor could not be fetched", "step 5", ("key-unavailable", 5), token(), actors={}),
        *(
            case(name, "step 5; FEP-521a", ("unknown-key", 5), token(), actors={ISSUER: document})
            for name, document in bad_documents.items()
        ),
        *(
            case(
                name,
                "step 5; CID 1.0 2.2",
                ("revoked-key", 5),
                token(),
                actors={ISSUER: actor(ENTRY | times)},
            )
            for name, times in dead.items()
        ),
        case("signed by another key", "step 6; RFC 8032 5.1.7", bad_signature, token(label="stranger")),
        case("claims changed after signing", "step 6; RFC 8032 5.1.7", bad_signature, tampered),
        case("signature of 63 bytes", "step 6; RFC 8032 5.1.7", bad_signature, token(signature=bytes(63))),
    ]
