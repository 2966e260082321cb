"""What can be seen of an issuer in its actor document and its tokens."""

from __future__ import annotations

from typing import Any

import pytest

from mediaattest import Attestation, IssuerKey, describe_key
from relay.domain.lab.cases import CASES
from relay.domain.lab.model import Evidence, Outcome, Result
from relay.protocol.documents import PROFILE
from relay.protocol.lab import issuing

ID = "https://a.example/actor"
KID = f"{ID}#att-2026-11"
KEY = describe_key(IssuerKey(KID, ID, bytes(range(32))))
ACTOR: dict[str, Any] = {"id": ID, "assertionMethod": [KEY]}
RSA = {"id": f"{ID}#main-key", "type": "Multikey", "controller": ID, "publicKeyMultibase": "z4MX"}


def actor(**changed: Any) -> dict[str, Any]:
    return ACTOR | changed


@pytest.mark.parametrize(
    "document",
    [
        ACTOR,
        actor(assertionMethod=KEY),
        actor(assertionMethod=["https://a.example/key", KEY, RSA, {"id": KID}]),
    ],
)
def test_k_01_a_key_that_fits(document: dict[str, Any]) -> None:
    assert issuing.bad_keys(document, []) is None
    assert issuing.bad_keys(document, [KID]) is None


@pytest.mark.parametrize(
    "document",
    [
        {"id": ID},
        actor(assertionMethod=[KID]),
        actor(assertionMethod=RSA),
        actor(assertionMethod=dict(KEY) | {"controller": "https://b.example/"}),
        actor(assertionMethod=dict(KEY) | {"type": "JsonWebKey"}),
        actor(assertionMethod=dict(KEY) | {"publicKeyMultibase": 7}),
        actor(assertionMethod=dict(KEY) | {"id": None}),
    ],
)
def test_k_01_a_key_that_does_not_fit(document: dict[str, Any]) -> None:
    assert str(issuing.bad_keys(document, [])).startswith("There is no Ed25519 Multikey")
    assert issuing.bad_keys(ACTOR, [KID, f"{ID}#att-2026-12"]) == (
        f"{ID}#att-2026-12 signed a token and is no Multikey of the actor."
    )


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        (KID, False),
        (f"{KID}-2", False),
        (f"{KID}b", False),
        (f"{ID}#att-2026-13", True),
        (f"{ID}#key", True),
        ("https://a.example/keys/1", True),
    ],
)
def test_k_02_names_of_keys(name: str, odd: bool) -> None:  # noqa: FBT001
    document = actor(assertionMethod=[dict(KEY) | {"id": name}, RSA])
    assert (issuing.odd_names(document) is not None) is odd


@pytest.mark.parametrize(
    "changed",
    [
        {"authentication": KID},
        {"authentication": [{"id": KID}]},
        {"capabilityInvocation": {"id": "x", "publicKeyMultibase": KEY["publicKeyMultibase"]}},
        {"publicKey": [{"id": "other"}, {"id": KID}]},
    ],
)
def test_k_03_other_uses(changed: dict[str, Any]) -> None:
    assert issuing.other_uses(actor(**changed), []) is not None
    assert issuing.other_uses(actor(**changed), [KID]) is not None
    assert issuing.other_uses(actor(**changed), ["https://a.example/another"]) is None


def test_k_03_the_main_key_may_be_listed_twice() -> None:
    document = actor(
        assertionMethod=[RSA, KEY],
        publicKey={"id": RSA["id"], "publicKeyPem": ""},
        authentication=[{"id": RSA["id"], "publicKeyMultibase": None}, 7],
    )
    assert issuing.other_uses(document, []) is None


@pytest.mark.parametrize(
    ("implements", "named"),
    [
        (PROFILE, True),
        ([{"href": "x"}, {"id": PROFILE}], True),
        ({"href": PROFILE}, True),
        ([], False),
        (None, False),
    ],
)
def test_k_07_the_profile_is_named(implements: object, named: bool) -> None:  # noqa: FBT001
    document = actor(generator={"implements": implements})
    assert (issuing.unnamed_profile(document) is None) is named
    assert issuing.unnamed_profile(actor(generator="https://a.example/software")) is not None


@pytest.mark.parametrize(
    ("endpoints", "prefix"),
    [
        ({"mediaAttestation": "https://a.example/m/sha256/"}, "https://a.example/m/sha256/"),
        ({"mediaAttestation": "https://a.example/m"}, None),
        ({"mediaAttestation": 7}, None),
        ("x", None),
    ],
)
def test_k_07_the_lookup(endpoints: object, prefix: str | None) -> None:
    assert issuing.lookup_of(actor(endpoints=endpoints)) == prefix


def stated(jti: bytes) -> Attestation:
    return Attestation(ID, "sha256:", 0, 1, jti, ())


def test_i_04_ids_of_tokens() -> None:
    assert issuing.repeated_ids([stated(b"a"), stated(b"b")]) is None
    assert issuing.repeated_ids([stated(b"a"), stated(b"b"), stated(b"b")]) == "Two tokens have the id 62."


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8], "in the order"),
        ([9000, 800, 700, 600, 500, 400, 300, 2], "in the order"),
        ([1, 9, 3, 12, 5, 40, 7, 8], "within 40"),
        ([1, 90_000, 3, 12_000, 5, 40, 7, 8], None),
    ],
)
def test_s_08_places_in_a_list(places: list[int], said: str | None) -> None:
    found = issuing.places_in_order(places)
    assert found is None if said is None else said in str(found)


def result(outcome: Outcome, code: str = "ATT-034") -> Result:
    return Result(code, outcome, f"It {outcome}.", "x", "why", [Evidence("e", "t")])


def test_what_was_found_of_documents_is_gathered() -> None:
    good, bad, unclear = (result(one) for one in (Outcome.PASSED, Outcome.FAILED, Outcome.CANNOT_TELL))
    none = result(Outcome.INAPPLICABLE)
    cases = [
        ([good, none], Outcome.PASSED, "It is so in 2 of 2."),
        ([good, unclear], Outcome.CANNOT_TELL, "In 1 of 2: n1: It cantTell."),
        ([bad, unclear], Outcome.FAILED, "In 1 of 2: n0: It failed."),
        ([bad, bad], Outcome.FAILED, "In 2 of 2: n0: It failed.; n1: It failed."),
        ([none], Outcome.INAPPLICABLE, "There is nothing here that it is about."),
        (
            [result(Outcome.FAILED, "ATT-001")],
            Outcome.INAPPLICABLE,
            "There is nothing here that it is about.",
        ),
    ]
    for results, outcome, detail in cases:
        found = issuing.gathered("ATT-112", [(f"n{at}", [one]) for at, one in enumerate(results)])
        assert (found.outcome, found.detail) == (outcome, detail)
        assert bool(found.evidence) is (outcome in {Outcome.FAILED, Outcome.CANNOT_TELL})


def test_cases_are_decided_by_cases_about_the_same_statements() -> None:
    for code, parts in issuing.FROM_DOCUMENTS.items():
        assert parts <= set(CASES)
        if code != "ATT-111":  # every step
            assert set(CASES[code].clauses) <= {clause for part in parts for clause in CASES[part].clauses}
    assert set(issuing.OF_TOKENS) | set(issuing.OF_OBJECTS) == set(issuing.FROM_DOCUMENTS)
