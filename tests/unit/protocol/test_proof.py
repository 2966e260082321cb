"""Integrity proofs: the test vector of FEP-8b32, and what may be wrong with one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given

from mediaattest import base58
from relay.protocol.proof import MAX_AHEAD, Proof, integrity_proof, verify_proof
from relay.protocol.unproven import Failure
from tests.unit.domain.test_strictjson import VALUES
from tests.unit.protocol.signed import pem
from tests.unit.protocol.signed_ld import AS2, add_proof

ALICE = "https://server.example/users/alice"
METHOD = f"{ALICE}#ed25519-key"
PUBLIC = "6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
SECRET = "3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
"""The key pair of FEP-8b32's test vector, in base58."""
PUBLISHED = "zLaewdp4H9kqtwyrLatK4cjY5oRHwVcw4gibPSUDYDMhi4M49v8pcYk3ZB6D69dNpAPbUmY8ocuJ3m9KhKJEEg7z"
CREATED = 1677281798.0


def document(version: str = "v1") -> dict[str, Any]:
    return {
        "@context": [AS2, f"https://w3id.org/security/data-integrity/{version}"],
        "id": "https://server.example/activities/1",
        "type": "Create",
        "actor": ALICE,
        "object": {
            "id": "https://server.example/objects/1",
            "type": "Note",
            "attributedTo": ALICE,
            "content": "Hello world",
            "location": {"type": "Place", "longitude": -71.184902, "latitude": 25.273962},
        },
    }


def private() -> Ed25519PrivateKey:
    secret = base58.decode(SECRET)
    assert secret is not None
    return Ed25519PrivateKey.from_private_bytes(secret[2:])


def public_pem(public: Ed25519PublicKey | None = None) -> str:
    found = public or private().public_key()
    return found.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signed(**options: Any) -> dict[str, Any]:
    return add_proof(document(), private(), METHOD, **{"created": "2023-02-24T23:36:38Z", **options})


def seen(changed: dict[str, Any], now: float = CREATED) -> Proof | Failure:
    return integrity_proof(changed, ALICE, now)


def verified(changed: dict[str, Any]) -> bool:
    proof = seen(changed)
    assert isinstance(proof, Proof), proof
    return verify_proof(proof, public_pem())


def test_the_published_vector() -> None:
    public = base58.decode(PUBLIC)
    assert public == b"\xed\x01" + private().public_key().public_bytes_raw()
    made = signed()
    assert made["proof"]["proofValue"] == PUBLISHED
    assert verified(made)


def test_without_a_context_of_its_own() -> None:
    made = add_proof(document(), private(), METHOD, "2023-02-24T23:36:38Z")
    del made["proof"]["@context"]
    assert not verified(made)
    assert verified(signed(expires="2999-01-01T00:00:00Z"))


def test_a_context_that_was_added_behind_is_not_proven() -> None:
    made = signed()
    made["@context"] = [*made["@context"], "https://w3id.org/security/v1"]
    proof = seen(made)
    assert isinstance(proof, Proof)
    assert verify_proof(proof, public_pem())
    assert proof.document["@context"] == document()["@context"]
    made["@context"] = list(reversed(made["@context"]))
    assert seen(made) is Failure.PROOF_CONTEXT
    made["@context"] = AS2
    assert seen(made) is Failure.PROOF_CONTEXT


def test_a_signature_beside_it_does_not_matter() -> None:
    assert verified(signed() | {"signature": {"type": "RsaSignature2017"}})


@pytest.mark.parametrize("name", ["id", "type", "actor", "object", "extra"])
def test_tampering(name: str) -> None:
    made = signed()
    made[name] = "x"
    assert not verified(made)
    del made[name]
    assert verified(made) == (name == "extra")


@pytest.mark.parametrize("name", ["created", "expires", "nonce"])
def test_tampering_with_the_proof(name: str) -> None:
    made = signed()
    made["proof"][name] = "2023-02-24T23:36:39Z" if name != "expires" else "2999-01-01T00:00:00Z"
    assert not verified(made)


def test_another_key() -> None:
    proof = seen(signed())
    assert isinstance(proof, Proof)
    other = Ed25519PrivateKey.from_private_bytes(b"\1" * 32).public_key()
    for text in (public_pem(other), pem(), "", "nonsense"):
        assert not verify_proof(proof, text)


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"type": "Ed25519Signature2020"}, Failure.PROOF_SUITE),
        ({"cryptosuite": "eddsa-rdfc-2022"}, Failure.PROOF_SUITE),
        ({"cryptosuite": None}, Failure.PROOF_SUITE),
        ({"verificationMethod": None}, Failure.BAD_PROOF),
        ({"verificationMethod": "did:key:z6Mk"}, Failure.BAD_PROOF),
        ({"verificationMethod": "https://other.example/users/alice#key"}, Failure.PROOF_ORIGIN),
        ({"proofPurpose": "authentication"}, Failure.BAD_PROOF),
        ({"proofValue": None}, Failure.BAD_PROOF),
        ({"proofValue": "u" + PUBLISHED[1:]}, Failure.BAD_PROOF),
        ({"proofValue": PUBLISHED[:-9]}, Failure.BAD_PROOF),
        ({"proofValue": "z0"}, Failure.BAD_PROOF),
        ({"created": None}, Failure.BAD_PROOF),
        ({"created": "2023-02-24"}, Failure.BAD_PROOF),
        ({"expires": None}, Failure.BAD_PROOF),
        ({"expires": "2023-02-24T23:36:38Z"}, Failure.PROOF_EXPIRED),
        ({"@context": 7}, Failure.PROOF_CONTEXT),
    ],
)
def test_proofs_that_are_none(changes: dict[str, Any], failure: Failure) -> None:
    made = signed()
    made["proof"] |= changes
    assert seen(made) is failure


def test_times_and_places() -> None:
    assert seen(signed(), CREATED - MAX_AHEAD - 1) is Failure.PROOF_EXPIRED
    assert seen(document()) is Failure.UNSIGNED
    assert seen({**document(), "proof": ["x", None]}) is Failure.UNSIGNED
    made = signed()
    made["proof"] = [{"cryptosuite": "mldsa44-jcs-2024"}, made["proof"]]
    assert verified(made)


def test_what_jcs_does_not_take() -> None:
    made = copy.deepcopy(signed())
    made["object"] = {"size": 2**60}
    assert seen(made) is Failure.BAD_PROOF


@given(VALUES)
def test_total(value: Any) -> None:
    assert isinstance(seen({**document(), "proof": value}), Proof | Failure)
    for name in ("created", "expires", "proofValue", "@context"):
        made = signed()
        made["proof"][name] = value
        assert isinstance(seen(made), Proof | Failure)
