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
    changes: dict[str, dict[str, dict[str, Any]]] = {
        "F-21, V-23; RFC 7519 4.1.3, 4.1.5": {
            "aud": {"aud": "https://a.example"},
            "nbf": {"nbf": IAT},
        },
        "F-01, F-12, V-23": {
            "sub of 32 digits": {"sub": "sha256:" + "2f2d" * 8},
            "sub in upper case": {"sub": "sha256:" + DIGEST[7:].upper()},
            "sub a number": {"sub": 1},
        },
        "F-16, V-23": {"res a truth value": {"res": True}},
        "F-13, V-23": {
            "iat a fraction": {"iat": IAT + 0.5},
            "iat a truth value": {"iat": True},
            "iat before 1970": {"iat": -3600},
            "exp a string": {"exp": str(EXP)},
            "exp beyond exact integers": {"exp": 2**53},
        },
        "F-14, V-23": {
            "exp not after iat": {"exp": IAT},
            "lifetime over 30 days": {"exp": IAT + 30 * DAY + 1},
        },
        "F-15, V-23": {"jti of 15 bytes": {"jti": b64u(bytes(15))}, "jti padded": {"jti": JTI + "=="}},
        "F-17, V-23": {
            "no checks": {"chk": []},
            "nine checks": {"chk": [check] * 9},
            "checks an object": {"chk": check},
            "check a string": {"chk": [LIST]},
            "check without a method": {"chk": [{"list": LIST}]},
            "method in upper case": {"chk": [check | {"alg": "PDQ"}]},
            "method of 33 characters": {"chk": [check | {"alg": "p" * 33}]},
            "list over http": {"chk": [check | {"list": "http://relay.example/lists/1"}]},
            "check time a string": {"chk": [check | {"at": "now"}]},
        },
        "F-18, V-23": {
            "alt empty": {"alt": {}},
            "alt in upper case": {"alt": {"sha512": "AB" * 64}},
            "alt of 15 bytes": {"alt": {"md5": "ab" * 15}},
            "alt of 129 bytes": {"alt": {"sha512": "ab" * 129}},
            "alt of an odd number of digits": {"alt": {"sha512": "ab" * 63 + "a"}},
            "nine alternatives": {"alt": {f"md5-{number}": "ab" * 16 for number in range(9)}},
        },
        "F-19, V-23; RFC 6838 4.2": {
            "med without a size": {"med": {"type": "image/png"}},
            "med of no type": {"med": {"type": "png", "size": 1}},
            "med with a parameter": {"med": {"type": "text/plain; charset=utf-8", "size": 1}},
        },
        "F-20, V-23": {
            "status an index only": {"status": {"status_list": {"idx": 1}}},
            "status with a negative index": {"status": {"status_list": {"uri": LIST, "idx": -1}}},
            "status a string": {"status": "ok"},
        },
    }
    spellings = {"with a fraction of zero": b"%d.0" % IAT, "with an exponent": b"%de2" % (IAT // 100)}
    needed = {"sub": "F-12", "iat": "F-13", "exp": "F-13", "jti": "F-15", "res": "F-16", "chk": "F-17"}
    mismatch, unaccepted = "hash-mismatch", ("no-accepted-check", 10)
    return [
        *(
            case(name, clause, ("malformed", 7), with_claims(**changed))
            for clause, cases in changes.items()
            for name, changed in cases.items()
        ),
        *(
            case(f"{name} missing", f"{clause}, V-23", ("malformed", 7), without_claim(name))
            for name, clause in needed.items()
        ),
        *(
            case(
                f"iat {name}",
                "F-13, V-23",
                ("malformed", 7),
                token(raw(CLAIMS).replace(str(IAT).encode(), text)),
            )
            for name, text in spellings.items()
        ),
        case("at exp", "V-24; RFC 7519 4.1.4", ("expired", 7), token(), now=EXP),
        case("issued 301 s ahead of our clock", "V-25", ("not-yet-valid", 7), token(), now=IAT - 301),
        case("another hash declared", "V-27", (mismatch, 8), token(), declared_hashes=[OTHER_DIGEST]),
        case("shortened hash declared", "F-01, V-27", (mismatch, 8), token(), declared_hashes=[DIGEST[:39]]),
        case("unreadable digestMultibase declared", "V-28", (mismatch, 8), token(), declared_hashes=["zQm"]),
        case(
            "two faults: expired, and other bytes", "V-01", ("expired", 7), token(), now=EXP, received_text=""
        ),
        case(
            "two faults: another hash declared, and other bytes",
            "V-01",
            (mismatch, 8),
            token(),
            received_text="",
            declared_hashes=[OTHER_DIGEST],
        ),
        case("other bytes received", "V-29", (mismatch, 9), token(), received_text="other bytes"),
        case(
            "other bytes, hash declared",
            "V-29",
            (mismatch, 9),
            token(),
            received_text="",
            declared_hashes=[DIGEST],
        ),
        case("result match", "F-16, V-30", unaccepted, with_claims(res="match")),
        case(
            "no accepted list",
            "V-30",
            unaccepted,
            token(),
            accepted_lists=["https://relay.example/lists/2"],
        ),
        case("retracted", "W-06", ("revoked", 11), token(), status="revoked"),
        case("status could not be had", "W-06", ("key-unavailable", 11), token(), status="unavailable"),
    ]
