"""Status lists: written, read, and refused."""

from __future__ import annotations

import json
import zlib
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from mediaattest import Status, StatusList, StatusReference, Verdict, read_status_list, write_status_list
from mediaattest.jws import encode_part
from mediaattest.status_list import MAX_BYTES, MAX_TOKEN
from tests.unit.mediaattest.samples import ACTOR, ISSUER, KEY, KID, NOW, PRIVATE_KEY, attest, check

URI = "https://relay.example/status-lists/1"
USUAL: dict[str, Any] = {
    "private_key": PRIVATE_KEY,
    "kid": KID,
    "issuer": ISSUER,
    "uri": URI,
    "size": 1024,
    "revoked": [0, 9, 1023],
    "now": NOW,
    "lifetime": 86400,
    "ttl": 3600,
}
EXAMPLE = {"bits": 1, "lst": "eNrbuRgAAhcBXQ"}
"""The list of 16 statuses that the draft shows (4.2): the bytes b9 and a3."""


def written(**changed: Any) -> str:
    return write_status_list(**(USUAL | changed))


def read(token: str, **changed: Any) -> StatusList | None:
    usual: dict[str, Any] = {"uri": URI, "issuer": ISSUER, "actor": ACTOR, "now": NOW}
    return read_status_list(token, **(usual | changed))


def forged(claims: dict[str, Any] | None = None, header: dict[str, Any] | None = None) -> str:
    """A token signed with the sample key, whatever it says; None leaves a member out."""
    made: dict[str, Any] = {"sub": URI, "iat": NOW, "exp": NOW + 9, "ttl": 3, "status_list": EXAMPLE}
    named = {"alg": "EdDSA", "kid": KID, "typ": "statuslist+jwt"}
    bodies = [named | (header or {}), made | (claims or {})]
    parts = [{name: value for name, value in body.items() if value is not None} for body in bodies]
    text = ".".join(encode_part(json.dumps(part).encode()) for part in parts)
    return f"{text}.{encode_part(PRIVATE_KEY.sign(text.encode()))}"


@given(st.sets(st.integers(0, 1023), max_size=40))
def test_what_is_written_is_read(revoked: set[int]) -> None:
    found = read(written(revoked=revoked))
    assert found is not None
    marked = {index for index in range(1024) if found.status(index, now=NOW) is Status.REVOKED}
    assert marked == revoked
    assert (found.ttl, found.expires_at, found.issued_at) == (3600, NOW + 86400, NOW)


def test_another_library_reads_ours() -> None:
    claims = jwt.decode(
        written(),
        PRIVATE_KEY.public_key(),
        algorithms=["EdDSA"],
        options={"verify_exp": False, "verify_iat": False},
    )
    statuses = zlib.decompress(jwt.utils.base64url_decode(claims["status_list"]["lst"]))
    assert (statuses[0], statuses[1], statuses[-1], len(statuses)) == (1, 2, 0x80, 128)
    assert jwt.get_unverified_header(written())["typ"] == "statuslist+jwt"


def test_the_example_of_the_draft() -> None:
    found = read(forged())
    assert found is not None
    bits = [int(found.status(index, now=NOW) is Status.REVOKED) for index in range(16)]
    assert bits == [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
    assert found.status(16, now=NOW) is Status.UNAVAILABLE
    assert found.status(0, now=NOW + 9) is Status.UNAVAILABLE


@pytest.mark.parametrize(("bits", "expected"), [(2, [1, 1, 0, 1]), (4, [1, 1, 0, 0]), (8, [1, 0, 1])])
def test_wider_statuses_count_when_they_are_not_zero(bits: int, expected: list[int]) -> None:
    packed = {2: b"\xc9", 4: b"\xc9\x00", 8: b"\xc9\x00\x02"}[bits]  # 2 bits: 1 2 0 3
    found = read(forged({"status_list": {"bits": bits, "lst": encode_part(zlib.compress(packed))}}))
    assert found is not None
    said = [int(found.status(index, now=NOW) is Status.REVOKED) for index in range(len(expected))]
    assert said == expected


def test_a_list_without_an_end_serves_for_ever() -> None:
    found = read(forged({"exp": None, "ttl": None}))
    assert found is not None
    assert (found.expires_at, found.ttl, found.status(1, now=NOW * 2)) == (None, None, Status.STANDING)


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "of another address": {"sub": f"{URI}0"},
    "of another issuer": {"iss": "https://relay.example/other"},
    "expired": {"exp": NOW},
    "fractional exp": {"exp": NOW + 9.5},
    "without iat": {"iat": None},
    "future iat": {"iat": NOW + 301},
    "ttl of zero": {"ttl": 0},
    "ttl as text": {"ttl": "60"},
    "no list": {"status_list": None},
    "list as text": {"status_list": "x"},
    "three bits": {"status_list": EXAMPLE | {"bits": 3}},
    "bits as truth": {"status_list": EXAMPLE | {"bits": True}},
    "lst as number": {"status_list": {"bits": 1, "lst": 5}},
    "lst padded": {"status_list": {"bits": 1, "lst": "eNrbuRgAAhcBXQ=="}},
    "lst not zlib": {"status_list": {"bits": 1, "lst": encode_part(b"no zlib here")}},
    "lst cut": {"status_list": {"bits": 1, "lst": encode_part(zlib.compress(bytes(99))[:-1])}},
    "lst with more behind": {"status_list": {"bits": 1, "lst": encode_part(zlib.compress(b"x") + b"y")}},
    "bomb": {"status_list": {"bits": 1, "lst": encode_part(zlib.compress(bytes(MAX_BYTES + 1), 9))}},
}


@pytest.mark.parametrize("claims", BAD_CLAIMS.values(), ids=list(BAD_CLAIMS))
def test_row_41_lists_that_are_not_in_order(claims: dict[str, Any]) -> None:
    assert read(forged(claims)) is None


BAD_HEADERS: dict[str, dict[str, Any]] = {
    "alg none": {"alg": "none"},
    "an attestation": {"typ": "media-attestation+jwt"},
    "no kid": {"kid": None},
    "unknown kid": {"kid": f"{KID}-2"},
    "crit": {"crit": ["b64"]},
    "jwk": {"jwk": {}},
}


@pytest.mark.parametrize("header", BAD_HEADERS.values(), ids=list(BAD_HEADERS))
def test_row_41_headers_that_are_not_in_order(header: dict[str, Any]) -> None:
    assert read(forged(header=header)) is None


def test_row_41_tokens_that_are_none() -> None:
    good = forged()
    claims = good.split(".")[1]
    for token in ("", "a.b", f"{good}.x", f"{good}=", good.replace(claims, encode_part(b"[]")), "a.b.c"):
        assert read(token) is None
    assert read(good + "A" * MAX_TOKEN) is None
    assert read(good[:-4] + "AAAA") is None


def test_lists_are_of_the_origin_of_their_issuer() -> None:
    elsewhere = "https://elsewhere.example/status-lists/1"
    assert read(forged({"sub": elsewhere}), uri=elsewhere) is None
    assert read(forged({"sub": "x"}), uri="x") is None
    assert read(written(private_key=Ed25519PrivateKey.generate())) is None
    revoked = {
        **ACTOR,
        "assertionMethod": [{**ACTOR["assertionMethod"][0], "revoked": "2020-01-01T00:00:00Z"}],
    }
    assert read(written(), actor=revoked) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"size": 7},
        {"size": 0},
        {"size": MAX_BYTES * 8 + 8},
        {"revoked": [1024]},
        {"revoked": [-1]},
        {"uri": "https://elsewhere.example/1"},
        {"uri": "nonsense"},
        {"issuer": "https://elsewhere.example/actor"},
    ],
)
def test_what_cannot_be_written(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"size|index|origin"):
        written(**changed)


def test_a_list_decides_the_last_step_of_a_verification() -> None:
    found = read(written(revoked=[5]))
    assert found is not None
    assert KEY.kid == KID
    for index, verdict in ((5, Verdict.REVOKED), (6, Verdict.VALID), (4096, Verdict.KEY_UNAVAILABLE)):
        attestation = attest(status=StatusReference(URI, index))
        seen = check(
            attestation,
            status=lambda stated: found.status(stated.status.index, now=NOW),  # type: ignore[union-attr]
        )
        assert seen.verdict is verdict
