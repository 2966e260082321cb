"""Tokens that must verify."""

from __future__ import annotations

import hashlib
import json

from mediaattest import base58
from vector_cases.tokens import (
    CLAIMS,
    DAY,
    DIGEST,
    ENTRY,
    EXP,
    GOLDEN,
    GOLDEN_PUBLIC_KEY,
    IAT,
    ISSUER,
    KID,
    LIST,
    MEDIA,
    OTHER_DIGEST,
    Vector,
    actor,
    case,
    token,
    with_claims,
    with_header,
)


def valid_cases() -> list[Vector]:
    """What must verify."""
    golden_actor = actor(ENTRY | {"publicKeyMultibase": GOLDEN_PUBLIC_KEY})
    eight = [{"alg": "pdq", "list": f"https://lists.example/{number}"} for number in range(7)]
    padding = "x" * 1000
    at_limit = next(
        long for size in range(1000) if len(long := with_claims(note=padding + "x" * size)) == 2048
    )
    rich = {
        "alt": {"sha512": hashlib.sha512(MEDIA.encode()).hexdigest()},
        "med": {"type": "image/png", "size": 24},
        "status": {"status_list": {"uri": "https://relay.example/status-lists/1", "idx": 7}},
        "chk": [{"alg": "photodna", "list": LIST, "at": IAT - 60}],
    }
    spaced = json.dumps(dict(reversed(CLAIMS.items())), indent=1).encode()
    ok = ("valid", 11)
    return [
        case("golden vector", "Media Attestation JWT v1", ok, GOLDEN, actors={ISSUER: golden_actor}),
        case("alg Ed25519", "header; RFC 9864 2.2", ok, with_header(alg="Ed25519")),
        case("unknown header parameter", "header; RFC 7515 4", ok, with_header(note="x")),
        case("unknown claim", "claims; RFC 7519 4", ok, with_claims(note=[1.5, None, True])),
        case("all optional claims", "claims", ok, token(CLAIMS | rich)),
        case("claims in another order with white space", "claims", ok, token(spaced)),
        case(
            "eight checks, the last accepted", "claims chk", ok, with_claims(chk=[*eight, CLAIMS["chk"][0]])
        ),
        case("2048 characters", "grammar", ok, at_limit),
        case("declared hash", "step 8", ok, token(), declared_hashes=[DIGEST]),
        case("one of several declared hashes", "step 8", ok, token(), declared_hashes=[OTHER_DIGEST, DIGEST]),
        case(
            "declared digestMultibase",
            "step 8; FEP-1311",
            ok,
            token(),
            declared_hashes=["z" + base58.encode(b"\x12\x20" + bytes.fromhex(DIGEST[7:]))],
        ),
        case("issued 300 s ahead of our clock", "step 7", ok, token(), now=IAT - 300),
        case("one second before exp", "step 7; RFC 7519 4.1.4", ok, token(), now=EXP - 1),
        case("lifetime of 30 days", "step 7", ok, with_claims(exp=IAT + 30 * DAY)),
        case(
            "a single key object",
            "step 5; FEP-521a",
            ok,
            token(),
            actors={ISSUER: actor(assertionMethod=ENTRY)},
        ),
        case(
            "key among others, expiry to come",
            "step 5; CID 1.0 2.2",
            ok,
            token(),
            actors={
                ISSUER: actor(
                    "https://relay.example/key",
                    ENTRY | {"id": KID + "b"},
                    ENTRY | {"expires": "2027-01-01T00:00:00Z"},
                )
            },
        ),
        case(
            "self: issuer of the object's origin",
            "step 3; FEP-fe34",
            ok,
            token(),
            trusted_issuers=[],
            object_origin="https://RELAY.example:443/notes/1",
            issuer_class="self",
        ),
        case("status says standing", "step 11", ok, token(CLAIMS | rich), status="standing"),
    ]
