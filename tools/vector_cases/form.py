"""Steps 1 and 2: grammar and header."""

from __future__ import annotations

import json
from typing import Any

from vector_cases.tokens import (
    CLAIMS,
    HEADER,
    KID,
    OTHER_DIGEST,
    Vector,
    case,
    raw,
    token,
    with_claims,
    with_header,
)


def grammar_cases() -> list[Vector]:
    """Steps 1 and 2."""
    good = token()
    jws = good.removeprefix("data:application/jwt,")
    head = jws.rpartition(".")[0]
    malformed = ("malformed", 1)
    shapes = {
        "the draft's own example": "1234567890",
        "bare JWS": jws,
        "prefix in upper case": "DATA:application/jwt," + jws,
        "prefix with a parameter": "data:application/jwt;charset=utf-8," + jws,
        "base64 padding": good + "==",
        "percent escape": good.replace(".", "%2E"),
        "leading space": " " + good,
        "trailing newline": good + "\n",
        "two parts": "data:application/jwt," + head,
        "four parts": good + ".AAAA",
        "no signature": "data:application/jwt," + head + ".",
        "stray bits in the last character": good[:-1] + chr(ord(good[-1]) + 1),
        "signature of an impossible length": good + "A" * 3,
        "3 KB": with_claims(note="x" * 1800),
        "duplicate claim": token(raw(CLAIMS)[:-1] + b',"sub":"' + OTHER_DIGEST.encode() + b'"}'),
        "duplicate name within a check": token(
            raw(CLAIMS).replace(b'"alg":"pdq"', b'"alg":"pdq","alg":"md5"')
        ),
        "duplicate header parameter": token(header=raw(HEADER)[:-1] + b',"alg":"none"}'),
        "header is an array": token(header=b"[]"),
        "claims are a string": token(b'"x"'),
        "claims are not UTF-8": token(b'{"iss":"\xff"}'),
        "claims in UTF-16": token(json.dumps(CLAIMS).encode("utf-16")),
        "byte order mark": token(b"\xef\xbb\xbf" + raw(CLAIMS)),
        "NaN": token(raw(CLAIMS)[:-1] + b',"x":NaN}'),
        "number beyond every float": token(raw(CLAIMS)[:-1] + b',"x":1e999}'),
        "integer beyond every float": token(raw(CLAIMS)[:-1] + b',"x":' + b"9" * 400 + b"}"),
        "lone surrogate": token(raw(CLAIMS)[:-1] + b',"x":"\\ud800"}'),
        "deep nesting": token(b'{"x":' + b"[" * 600 + b"]" * 600 + b"}"),
    }
    refused = ("crit", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "b64", "zip")
    headers: dict[str, dict[str, Any]] = {
        "alg none": {"alg": "none"},
        "alg HS256": {"alg": "HS256"},
        "alg missing": {"alg": None},
        "alg an array": {"alg": ["EdDSA"]},
        "typ JWT": {"typ": "JWT"},
        "typ missing": {"typ": None},
        "kid missing": {"kid": None},
        "kid a number": {"kid": 1},
        "kid over http": {"kid": KID.replace("https", "http")},
        "kid with user information": {"kid": KID.replace("://", "://relay.example@")},
    } | {f"header parameter {name}": {name: ["exp"]} for name in refused}
    return [
        case("no attestation", "step 1", ("missing", 1), None),
        case("empty attestation", "step 1", ("missing", 1), ""),
        *(case(name, "step 1; RFC 7515 7.1", malformed, value) for name, value in shapes.items()),
        *(
            case(name, "step 2; RFC 7515 4.1, RFC 8725 3", ("malformed", 2), with_header(**changed))
            for name, changed in headers.items()
        ),
    ]
