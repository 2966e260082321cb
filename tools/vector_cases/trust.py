"""Steps 3 to 6: issuer, key and signature."""

from __future__ import annotations

import base64
from typing import Any

from mediaattest import base58
from vector_cases.tokens import (
    CLAIMS,
    ENTRY,
    EXP,
    ISSUER,
    KID,
    OTHER_DIGEST,
    SMALL_ORDER,
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

GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493  # RFC 8032 5.1


def unreduced() -> str:
    """A good signature whose second half has the order of the group added: the same number, another text."""
    good = token()
    head, _, text = good.rpartition(".")
    signature = base64.urlsafe_b64decode(text + "==")
    scalar = int.from_bytes(signature[32:], "little") + GROUP_ORDER
    return f"{head}.{b64u(signature[:32] + scalar.to_bytes(32, 'little'))}"


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
    forgery = token(signature=bytes([1, *bytes(63)]))  # R is the neutral element, S is 0
    dead = {
        "key expired": {"expires": "2026-11-21T00:00:00Z"},
        "key revoked": {"revoked": "2026-11-01T02:00:00.5+02:00"},
        "revocation time without a zone": {"revoked": "2030-01-01T00:00:00"},
        "expiry on no day of the calendar": {"expires": "2030-02-30T00:00:00Z"},
        "key that expires this second": {"expires": "2026-11-21T22:26:40Z"},
        "expiry in no time zone": {"expires": "2030-01-01T00:00:00+14:01"},
        "expiry at 24 o'clock": {"expires": "2030-01-01T24:00:00Z"},
    }
    odd_ids = {
        "a name in other letters than ASCII": "https://relais-vidéo.example/actor",
        "an empty port": "https://relay.example:/actor",
        "a space": "https://relay.example/an actor",
        "user information": "https://relay.example@relay.example/actor",
    }
    tampered = token().replace(b64u(raw(CLAIMS)), b64u(raw(CLAIMS | {"sub": OTHER_DIGEST})))
    bad_signature = ("bad-signature", 6)
    return [
        case("no issuer", "F-10, V-11", ("malformed", 3), without_claim("iss")),
        case(
            "issuer over http", "F-10, V-11", ("malformed", 3), with_claims(iss="http://relay.example/actor")
        ),
        *(
            case(f"issuer with {name}", "F-10, V-11", ("malformed", 3), with_claims(iss=issuer))
            for name, issuer in odd_ids.items()
        ),
        case("unknown issuer", "V-12", ("untrusted-issuer", 3), token(), trusted_issuers=[]),
        case(
            "not self: another port",
            "V-12; FEP-fe34",
            ("untrusted-issuer", 3),
            token(),
            trusted_issuers=[],
            object_origin="https://relay.example:8443",
        ),
        case(
            "key of another origin",
            "F-11, V-15; FEP-fe34",
            ("malformed", 4),
            with_header(kid="https://evil.example/actor#att-2026-11"),
        ),
        case("actor could not be fetched", "V-17", ("key-unavailable", 5), token(), actors={}),
        *(
            case(name, "K-01, V-16; FEP-521a", ("unknown-key", 5), token(), actors={ISSUER: document})
            for name, document in bad_documents.items()
        ),
        *(
            case(
                f"forged for a key of small order: {name}",
                "K-08, V-16; RFC 8032 5.1.7",
                ("unknown-key", 5),
                forgery,
                actors={
                    ISSUER: actor(ENTRY | {"publicKeyMultibase": "z" + base58.encode(b"\xed\x01" + key)})
                },
            )
            for name, key in SMALL_ORDER.items()
        ),
        *(
            case(
                name,
                "V-18; CID 1.0 2.2",
                ("revoked-key", 5),
                token(),
                actors={ISSUER: actor(ENTRY | times)},
            )
            for name, times in dead.items()
        ),
        case("signed by another key", "V-21; RFC 8032 5.1.7", bad_signature, token(label="stranger")),
        case("claims changed after signing", "V-21; RFC 8032 5.1.7", bad_signature, tampered),
        case("signature with a part that is not reduced", "V-21; RFC 8032 5.1.7", bad_signature, unreduced()),
        case(
            "two faults: nobody trusted, and another's key",
            "V-01",
            ("untrusted-issuer", 3),
            token(label="stranger"),
            trusted_issuers=[],
        ),
        case(
            "two faults: a revoked key, and expired",
            "V-01",
            ("revoked-key", 5),
            token(),
            now=EXP,
            actors={ISSUER: actor(ENTRY | dead["key revoked"])},
        ),
        case("signature of 63 bytes", "V-21; RFC 8032 5.1.7", bad_signature, token(signature=bytes(63))),
    ]
