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

OTHER_SPELLING = "https://RELAY.example:443/actor#att-2026-11"


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
        case("golden vector", "V-01", ok, GOLDEN, actors={ISSUER: golden_actor}),
        case("alg Ed25519", "F-06; RFC 9864 2.2", ok, with_header(alg="Ed25519")),
        case("unknown header parameter", "V-26; RFC 7515 4", ok, with_header(note="x")),
        case("unknown claim", "V-26; RFC 7519 4", ok, with_claims(note=[1.5, None, True])),
        case("all optional claims", "F-17, F-18, F-19, F-20", ok, token(CLAIMS | rich)),
        case("claims in another order with white space", "F-04, V-21", ok, token(spaced)),
        case(
            "eight checks, the last accepted", "F-17, V-30", ok, with_claims(chk=[*eight, CLAIMS["chk"][0]])
        ),
        case("2048 characters", "F-02", ok, at_limit),
        case("declared hash", "V-27", ok, token(), declared_hashes=[DIGEST]),
        case("one of several declared hashes", "V-27", ok, token(), declared_hashes=[OTHER_DIGEST, DIGEST]),
        case(
            "declared digestMultibase",
            "V-28; FEP-1311",
            ok,
            token(),
            declared_hashes=["z" + base58.encode(b"\x12\x20" + bytes.fromhex(DIGEST[7:]))],
        ),
        case("issued 300 s ahead of our clock", "V-25", ok, token(), now=IAT - 300),
        case("one second before exp", "V-24; RFC 7519 4.1.4", ok, token(), now=EXP - 1),
        case("lifetime of 30 days", "F-14", ok, with_claims(exp=IAT + 30 * DAY)),
        case(
            "a single key object",
            "V-16; FEP-521a",
            ok,
            token(),
            actors={ISSUER: actor(assertionMethod=ENTRY)},
        ),
        case(
            "key among others, expiry to come",
            "V-16, V-18; CID 1.0 2.2",
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
            "V-12, V-13; FEP-fe34",
            ok,
            token(),
            trusted_issuers=[],
            object_origin="https://RELAY.example:443/notes/1",
            issuer_class="self",
        ),
        case("status says standing", "W-06", ok, token(CLAIMS | rich), status="standing"),
        case(
            "the longest method and digest",
            "F-17, F-18",
            ok,
            with_claims(
                alt={"a" * 32: "ab" * 128},
                chk=[*CLAIMS["chk"], {"alg": "9" + "._-" * 10 + "z", "list": LIST}],
            ),
        ),
        case("64 brackets", "F-05", ok, with_claims(note="[" * 61)),
        case(
            "key of the issuer's origin, spelled differently",
            "F-11, V-15; RFC 6454 4",
            ok,
            with_header(kid=OTHER_SPELLING),
            actors={ISSUER: actor(ENTRY | {"id": OTHER_SPELLING})},
        ),
        case(
            "what is no key stands beside the key",
            "V-16; FEP-521a",
            ok,
            token(),
            actors={ISSUER: actor(None, 7, "https://relay.example/actor#main-key", ENTRY)},
        ),
        case(
            "revocation to come",
            "V-18; CID 1.0 2.2",
            ok,
            token(),
            actors={ISSUER: actor(ENTRY | {"revoked": "2027-01-01T00:00:00Z"})},
        ),
    ]
