"""Statements about the policy: what is read, and what is not."""

from __future__ import annotations

import pytest

from mediaattest.jws import encode_part
from relay.protocol.policy_statement import (
    HEAD_TYPE,
    VERSION_TYPE,
    StatementKey,
    digest_of_statement,
    key_of,
    read_statement,
    seal,
    write_statement,
)
from tests.fakes import rsa_key

KEY = StatementKey("https://relay.example/actor#main-key", rsa_key(7))
CLAIMS = {"number": 1, "note": "why [not]", "outline": [{"heading": "a", "lines": ["b"]}], "previous": None}


def written(typ: str = VERSION_TYPE, key: StatementKey = KEY) -> str:
    return write_statement(CLAIMS, typ=typ, key=key)


def test_a_statement_reads_back() -> None:
    token = written()
    assert read_statement(token, typ=VERSION_TYPE, key=KEY.public) == CLAIMS
    assert key_of(token) == KEY.kid
    assert digest_of_statement(token).startswith("sha256:")


@pytest.mark.parametrize(
    "token",
    [
        written(HEAD_TYPE),
        written(key=StatementKey(KEY.kid, rsa_key(0))),
        written()[:-2] + "AA",
        written().replace(".", ".e30", 1),
        "a.b",
        "",
        "?.e30.AA",
        ".".join(("", *written().split(".")[1:])),
        ".".join((written().split(".")[0], encode_part(b"[]"), "AA")),
        ".".join((encode_part(b'{"alg":"none","typ":"policy-version+jwt"}'), "e30", "")),
        ".".join((encode_part(b'{"typ":"policy-version+jwt"}'), "e30", "AA")),
    ],
)
def test_what_is_no_statement_of_ours_is_none(token: str) -> None:
    assert read_statement(token, typ=VERSION_TYPE, key=KEY.public) is None


def test_the_key_of_nonsense_is_none() -> None:
    assert (key_of(""), key_of("e30.e30.AA"), key_of("?")) == ("", "", "")


def test_a_seal_depends_on_the_salt_and_the_content() -> None:
    assert seal(b"1" * 32, b"a") == seal(b"1" * 32, b"a")
    assert len({seal(b"1" * 32, b"a"), seal(b"2" * 32, b"a"), seal(b"1" * 32, b"b")}) == 3
