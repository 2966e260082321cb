"""Steps 7 to 11: claims, hashes, lists and status."""

from __future__ import annotations

from typing import Any

from vector_cases.tokens import (
    CLAIMS,
    DAY,
    DIGEST,
    EXP,
    IAT,
    JTI,
    LIST,
    OTHER_DIGEST,
    Vector,
    b64u,
    case,
    raw,
    token,
    with_claims,
    without_claim,
)


def claim_cases() -> list[Vector]:
    """Steps 7 to 11."""
    check = CLAIMS["chk"][0]
    changes: dict[str, dict[str, Any]] = {
        "aud": {"aud": "https://a.example"},
        "nbf": {"nbf": IAT},
        "sub of 32 digits": {"sub": "sha256:" + "2f2d" * 8},
        "sub in upper case": {"sub": "sha256:" + DIGEST[7:].upper()},
        "sub a number": {"sub": 1},
        "res a truth value": {"res": True},
        "iat a fraction": {"iat": IAT + 0.5},
        "iat a truth value": {"iat": True},
        "exp a string": {"exp": str(EXP)},
        "exp beyond exact integers": {"exp": 2**53},
        "exp not after iat": {"exp": IAT},
        "lifetime over 30 days": {"exp": IAT + 30 * DAY + 1},
        "jti of 15 bytes": {"jti": b64u(bytes(15))},
        "jti padded": {"jti": JTI + "=="},
        "no checks": {"chk": []},
        "nine checks": {"chk": [check] * 9},
        "checks an object": {"chk": check},
        "check a string": {"chk": [LIST]},
        "check without a method": {"chk": [{"list": LIST}]},
        "method in upper case": {"chk": [check | {"alg": "PDQ"}]},
        "list over http": {"chk": [check | {"list": "http://relay.example/lists/1"}]},
        "check time a string": {"chk": [check | {"at": "now"}]},
        "alt empty": {"alt": {}},
        "alt in upper case": {"alt": {"sha512": "AB" * 64}},
        "med without a size": {"med": {"type": "image/png"}},
        "med of no type": {"med": {"type": "png", "size": 1}},
        "status an index only": {"status": {"status_list": {"idx": 1}}},
        "status with a negative index": {"status": {"status_list": {"uri": LIST, "idx": -1}}},
        "status a string": {"status": "ok"},
    }
    written = {
        "exp with a fraction of nothing": f"{EXP}.0",
        "exp with an exponent": f"{EXP}e0",
    }
    mismatch, unaccepted = "hash-mismatch", ("no-accepted-check", 10)
    return [
        *(
            case(name, "step 7", ("malformed", 7), with_claims(**changed))
            for name, changed in changes.items()
        ),
        *(
            case(f"{name} missing", "step 7", ("malformed", 7), without_claim(name))
            for name in ("sub", "iat", "exp", "jti", "res", "chk")
        ),
        *(
            case(
                name, "step 7", ("malformed", 7), token(raw(CLAIMS).replace(str(EXP).encode(), text.encode()))
            )
            for name, text in written.items()
        ),
        case("at exp", "step 7; RFC 7519 4.1.4", ("expired", 7), token(), now=EXP),
        case("issued 301 s ahead of our clock", "step 7", ("not-yet-valid", 7), token(), now=IAT - 301),
        case("another hash declared", "step 8", (mismatch, 8), token(), declared_hashes=[OTHER_DIGEST]),
        case("shortened hash declared", "step 8", (mismatch, 8), token(), declared_hashes=[DIGEST[:39]]),
        case("other bytes received", "step 9", (mismatch, 9), token(), received_text="other bytes"),
        case(
            "other bytes, hash declared",
            "step 9",
            (mismatch, 9),
            token(),
            received_text="",
            declared_hashes=[DIGEST],
        ),
        case("result match", "step 10", unaccepted, with_claims(res="match")),
        case(
            "no accepted list",
            "step 10",
            unaccepted,
            token(),
            accepted_lists=["https://relay.example/lists/2"],
        ),
        case("retracted", "step 11", ("revoked", 11), token(), status="revoked"),
        case("status could not be had", "step 11", ("key-unavailable", 11), token(), status="unavailable"),
    ]
