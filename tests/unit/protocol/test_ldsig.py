from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.protocol.keys import load_key
from relay.protocol.ldsig import LdSignature, Reading, ld_signature, moment, options_json, verify_ld
from relay.protocol.unproven import Failure
from tests.unit.domain.test_strictjson import VALUES
from tests.unit.protocol.signed import key, pem

ACTOR = "https://a.example/alice"
SIGNATURE = {
    "type": "RsaSignature2017",
    "creator": f"{ACTOR}#main-key",
    "created": "2026-11-21T22:06:56Z",
    "signatureValue": "AAAA",
}


def seen(**changes: Any) -> LdSignature | Failure:
    return ld_signature({"signature": {**SIGNATURE, **changes}}, ACTOR, 0.0)


def test_a_signature() -> None:
    found = LdSignature(f"{ACTOR}#main-key", None, b"\0\0\0")
    assert seen() == found
    assert seen(id="https://a.example/1", nonce="x", domain="y", signatureValue="AA\nAA") == found
    assert seen(expires="1970-01-01T00:00:01+00:00") == LdSignature(f"{ACTOR}#main-key", 1.0, b"\0\0\0")


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "RsaSignature2018"},
        {"type": ["RsaSignature2017"]},
        {"creator": None},
        {"creator": "acct:alice@a.example"},
        {"creator": {"id": ACTOR}},
        {"created": 1},
        {"expires": "soon"},
        {"nonce": "x" * 3000},
        {"signatureValue": None},
        {"signatureValue": "A" * 3000},
        {"other": "x"},
        {"@context": "https://w3id.org/identity/v2"},
        {"@context": ["https://w3id.org/identity/v1"]},
    ],
)
def test_signatures_that_are_none(changes: dict[str, Any]) -> None:
    assert seen(**changes) is Failure.BAD_SIGNATURE


def test_the_context_of_the_options_may_be_written_down() -> None:
    """Fedify does."""
    assert seen(**{"@context": "https://w3id.org/identity/v1"}) == seen()


def test_no_signature() -> None:
    assert ld_signature({}, ACTOR, 0.0) is Failure.UNSIGNED
    assert ld_signature({"signature": "x"}, ACTOR, 0.0) is Failure.UNSIGNED
    assert b"creator" not in options_json({"signature": "x"})


def test_row_29_expires_and_origin() -> None:
    assert seen(expires="1970-01-01T00:00:00Z") is Failure.EXPIRED
    assert seen(creator="https://a.example:8443/alice") is Failure.CREATOR_ORIGIN
    assert seen(creator="http://a.example/alice") is Failure.CREATOR_ORIGIN


@given(VALUES)
def test_total(value: Any) -> None:
    assert isinstance(ld_signature({"signature": value}, ACTOR, 0.0), LdSignature | Failure)
    assert isinstance(
        ld_signature({"signature": {**SIGNATURE, "expires": value}}, ACTOR, 0.0), LdSignature | Failure
    )


@given(st.text() | st.text("0123456789-:TZ+.", max_size=30))
def test_moments_are_total(text: str) -> None:
    assert isinstance(moment(text), float | None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T01:00:00.5+01:00", 0.5),
        ("1970-01-01T00:00:01", None),
        ("1970-01-01", None),
        ("0001-01-01T00:00:00+14:00", None),
        (1, None),
    ],
)
def test_moments(text: Any, seconds: float | None) -> None:
    assert moment(text) == seconds


def test_keys() -> None:
    assert load_key(pem()) is not None
    for text in ("", "x" * 5000, pem(key(1024)), pem().replace("A", "B", 3)):
        assert load_key(text) is None
        assert not verify_ld(LdSignature(ACTOR, None, b"x"), Reading("a", "b", True, b"{}"), text)
