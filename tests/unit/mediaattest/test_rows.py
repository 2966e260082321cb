"""Bad inputs, by their row in the table of hostile inputs (protocol notes, 5.3): all are *unattested*."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mediaattest import format_header, from_data_url, parse_header

from .samples import IAT, KID, MEDIA, NOW, attest, check, claims, forge, header

GOOD = attest()
MONTH = 30 * 86400

ROW_41: dict[str, tuple[str, dict[str, Any], str]] = {
    "wrong sub": (forge(header(), claims(sub="sha256:" + "0" * 64)), {}, "hash-mismatch"),
    "expired": (GOOD, {"now": NOW + MONTH}, "expired"),
    "future iat": (GOOD, {"now": IAT - 301}, "not-yet-valid"),
    "exp - iat > 30 d": (forge(header(), claims(exp=IAT + MONTH + 1)), {}, "malformed"),
    "kid of another origin": (forge(header(kid="https://evil.example/a#b"), claims()), {}, "malformed"),
    "unknown iss": (GOOD, {"trusted_issuers": {"https://other.example/actor"}}, "untrusted-issuer"),
    "alg none": (forge(header(alg="none"), claims()), {}, "malformed"),
    "alg none without a signature": (
        forge(header(alg="none"), claims()).rpartition(".")[0] + ".",
        {},
        "malformed",
    ),
    "crit": (forge(header(crit=["exp"]), claims()), {}, "malformed"),
    "jwk": (forge(header(jwk={"kty": "OKP"}), claims()), {}, "malformed"),
    "duplicate claims": (forge(header(), claims()[:-1] + b',"res":"no-match"}'), {}, "malformed"),
    "trailing =": (GOOD + "=", {}, "malformed"),
    "3 KB": (forge(header(), claims(note="x" * 1900)), {}, "malformed"),
    "white space": (GOOD + " ", {}, "malformed"),
    "white space inside": (GOOD.replace(".", ". ", 1), {}, "malformed"),
}


@pytest.mark.parametrize(("token", "changed", "verdict"), ROW_41.values(), ids=ROW_41)
def test_row_41_a_bad_attestation_leaves_the_medium_unattested(
    token: str, changed: dict[str, Any], verdict: str
) -> None:
    result = check(token, **changed)
    assert (result.valid, result.verdict, result.temporary) == (False, verdict, False)


def test_row_42_a_valid_attestation_about_other_bytes_is_worth_nothing() -> None:
    assert check(GOOD).valid
    cloaked = check(GOOD, received=MEDIA + b"\0", declared_hashes=())
    assert (cloaked.verdict, cloaked.step) == ("hash-mismatch", 9)


def test_row_42_nor_when_the_object_declares_the_attested_hash() -> None:
    sub = json.loads(claims())["sub"]
    cloaked = check(GOOD, received=MEDIA + b"\0", declared_hashes=(sub,))
    assert (cloaked.verdict, cloaked.step) == ("hash-mismatch", 9)


JWS = from_data_url(GOOD) or ""


@pytest.mark.parametrize(
    "value",
    [
        ", ".join(['"a.b.c"'] * 200),
        ", ".join([f'"{JWS}"'] * 16),
        f'"{JWS}"' + " " * 9000,
        JWS,
        f'"{JWS}',
        f'"{JWS}",',
        f'"{JWS}" "{JWS}"',
        f'"{JWS}";a',
        f"{{{JWS}}}",
        "\0",
        KID,
    ],
    ids=[
        "200 tokens",
        "9 KB",
        "9 KB of spaces",
        "no quotes",
        "open",
        "comma",
        "none",
        "parameter",
        "{}",
        "NUL",
        "id",
    ],
)
def test_row_43_a_bad_header_is_ignored_as_a_whole(value: str) -> None:
    assert parse_header(value) == ()


def test_row_43_what_we_send_is_never_over_the_cap() -> None:
    assert parse_header(format_header([JWS] * 200)) == (JWS,) * 7
    long = JWS + "A" * 40
    assert parse_header(format_header([long] * 200)) == (long,) * 6  # seven would be over 4096 bytes
