from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaattest import (
    Attestation,
    Check,
    IssuerClass,
    Medium,
    Status,
    StatusReference,
    Step,
    Unverified,
    Verdict,
    digest_of,
    to_multibase,
    unverified,
)

from .samples import ACTOR, IAT, ISSUER, JTI, KID, LIST, MEDIA, NOW, attest, check, claims, forge, header


def test_the_statement_comes_back_as_it_was_issued() -> None:
    medium = Medium("image/png", 24)
    status = StatusReference("https://relay.example/status-lists/1", 7)
    checks = (Check("pdq", LIST, IAT), Check("md5", "https://relay.example/lists/2"))
    result = check(attest(checks=checks, alternatives={"sha512": "ab" * 64}, medium=medium, status=status))
    assert result.valid
    assert (result.step, result.issuer_class, result.temporary) == (11, IssuerClass.TRUSTED, False)
    assert result.attestation == Attestation(
        issuer=ISSUER,
        digest=digest_of(MEDIA),
        issued_at=IAT,
        expires_at=IAT + 14 * 86400,
        jti=JTI,
        checks=checks,
        alternatives=(("sha512", "ab" * 64),),
        medium=medium,
        status=status,
    )


def test_the_digest_will_do_in_place_of_the_bytes() -> None:
    assert check(attest(), received=digest_of(MEDIA)).valid
    assert check(attest(), received=digest_of(b"other")).verdict is Verdict.HASH_MISMATCH


def test_a_string_that_is_no_hash_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="received"):
        check(attest(), received="sha256:2f2d")


def test_a_trusted_issuer_is_not_of_the_weaker_class() -> None:
    assert check(attest(), object_origin=ISSUER).issuer_class is IssuerClass.TRUSTED
    weak = check(attest(), object_origin=ISSUER, trusted_issuers=set())
    assert (weak.verdict, weak.issuer_class) == ("valid", "self")


@pytest.mark.parametrize(
    "origin", [None, "", "https://", "http://relay.example", "https://relay.example.evil"]
)
def test_another_origin_does_not_speak_for_itself(origin: str | None) -> None:
    result = check(attest(), object_origin=origin, trusted_issuers=set())
    assert (result.verdict, result.step) == (Verdict.UNTRUSTED_ISSUER, Step.ISSUER)


@pytest.mark.parametrize("declared", [digest_of(MEDIA), to_multibase(digest_of(MEDIA))])
def test_hash_and_digest_multibase_are_equivalent_claims(declared: str) -> None:
    assert check(attest(), declared_hashes=(declared,)).valid
    other = check(attest(b"other"), received=b"other", declared_hashes=(declared,))
    assert (other.verdict, other.step) == (Verdict.HASH_MISMATCH, Step.DECLARED_HASH)


def test_statements_are_shown_only_after_a_good_signature() -> None:
    assert check(attest(), trusted_issuers=set()).attestation is None
    assert check(attest(), actors={}).attestation is None
    assert check(forge(header(), claims(iat=None))).attestation is None
    expired = check(attest(), now=NOW + 30 * 86400)
    assert expired.attestation is not None


def test_a_result_other_than_no_match_is_never_shown() -> None:
    token = forge(header(), claims(res="match"))
    result = check(token)
    assert (result.verdict, result.attestation) == (Verdict.NO_ACCEPTED_CHECK, None)
    assert check(token, received=b"other").attestation is None


def test_the_status_is_asked_last_and_only_for_what_stands_otherwise() -> None:
    asked: list[Attestation] = []

    def status(attestation: Attestation) -> Status:
        asked.append(attestation)
        return Status.UNAVAILABLE

    assert check(attest(), accepted_lists=set(), status=status).step == 10
    assert not asked
    result = check(attest(), status=status)
    assert (result.verdict, result.step, result.temporary) == ("key-unavailable", 11, True)
    assert [attestation.jti for attestation in asked] == [JTI]


def test_only_key_unavailable_is_temporary() -> None:
    assert [verdict for verdict in Verdict if verdict.temporary] == [Verdict.KEY_UNAVAILABLE]


def test_every_step_has_a_title() -> None:
    assert [int(step) for step in Step] == list(range(1, 12))
    assert len({step.title for step in Step}) == 11


def test_unverified_says_which_actor_to_fetch() -> None:
    assert unverified(attest()) == Unverified(ISSUER, KID, digest_of(MEDIA))


@pytest.mark.parametrize(
    "changed",
    [{"iss": 1}, {"iss": "acct:a@b"}, {"iss": "https://a.example"}, {"sub": None}, {"sub": "md5:00"}],
)
def test_unverified_names_no_actor_that_cannot_come_to_anything(changed: dict[str, Any]) -> None:
    assert unverified(forge(header(), claims(**changed))) is None
    assert unverified("1234567890") is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.text() | st.text().map(lambda text: "data:application/jwt," + text))
def test_no_text_raises(text: str) -> None:
    assert check(text).step <= Step.HEADER
    assert unverified(text) is None


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_no_bytes_in_a_token_raise(first: bytes, second: bytes) -> None:
    assert check(forge(first or b"{}", second or b"{}")).step <= Step.HEADER
    assert check(forge(header(), second or b"{}")).verdict is Verdict.MALFORMED


@given(st.sampled_from(["alg", "typ", "kid", "crit", "note"]), json_values)
def test_no_header_parameter_raises(name: str, value: object) -> None:
    result = check(forge(header(**{name: value}), claims()))
    assert result.step <= Step.HEADER or result.valid or result.verdict is Verdict.UNKNOWN_KEY


@given(
    st.sampled_from(["iss", "sub", "iat", "exp", "jti", "res", "chk", "alt", "med", "status", "aud", "nbf"]),
    json_values
    | st.lists(json_values, max_size=2)
    | st.builds(lambda value: {"status_list": value}, json_values),
)
def test_no_claim_raises(name: str, value: object) -> None:
    result = check(forge(header(), claims(**{name: value})))
    assert not result.valid or name in {"iat", "exp", "alt"}


@given(json_values, json_values)
def test_no_actor_document_raises(methods: object, value: object) -> None:
    entry = {"id": KID, "type": "Multikey", "controller": ISSUER}
    for document in ({"id": ISSUER, "assertionMethod": methods}, {"id": value}, {}):
        assert check(attest(), actors={ISSUER: document}).verdict is Verdict.UNKNOWN_KEY
    for name in ("publicKeyMultibase", "type", "controller"):
        broken = ACTOR | {"assertionMethod": entry | {name: value}}
        assert check(attest(), actors={ISSUER: broken}).verdict is Verdict.UNKNOWN_KEY
