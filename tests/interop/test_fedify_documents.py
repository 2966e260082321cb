"""Signatures inside of documents (LD signatures, FEP-8b32), and our documents as Fedify reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from relay.protocol.documents import AS2, SECURITY
from tests.fakes import PUBLIC, rsa_key
from tests.interop.actors import Author, ed25519_key
from tests.unit.protocol.signed_ld import MASTODON, add_proof, sign_ld

if TYPE_CHECKING:
    from tests.interop.oracle import Oracle

ALICE = Author("https://social.test/users/alice", number=1)
MALLORY = Author("https://social.test/users/mallory", number=2)


@pytest.fixture(autouse=True)
def known(oracle: Oracle) -> None:
    oracle.knows({one.id: one.document() for one in (ALICE, MALLORY)})


def create() -> dict[str, Any]:
    note = "https://social.test/notes/1"
    return {
        "@context": [AS2, "https://w3id.org/security/v1", "https://w3id.org/security/data-integrity/v1"],
        "id": f"{note}/activity",
        "type": "Create",
        "actor": ALICE.id,
        "to": [PUBLIC],
        "object": {
            "id": note,
            "type": "Note",
            "attributedTo": ALICE.id,
            "to": [PUBLIC],
            "content": "<p>Grüße</p>",
            "published": "2026-11-22T03:00:00.123Z",
        },
    }


def mastodon_like() -> dict[str, Any]:
    """The same with the contexts of Mastodon's posts."""
    return create() | {"@context": [AS2, MASTODON, SECURITY]}


def forged(document: dict[str, Any]) -> dict[str, Any]:
    """The same with other words in the post."""
    return document | {"object": document["object"] | {"content": "<p>changed</p>"}}


def test_fedify_accepts_its_own_ld_signature_and_notices_a_change(oracle: Oracle) -> None:
    made = oracle.ask("sign_ld", document=create(), key=ALICE.rsa_pem, key_id=ALICE.key_id)
    assert made["signature"]["type"] == "RsaSignature2017"
    assert oracle.ask("verify_ld", document=made) is True
    assert oracle.ask("verify_ld", document=forged(made)) is False


def test_fedify_accepts_its_own_proof_and_notices_a_change(oracle: Oracle) -> None:
    made = oracle.ask("sign_proof", document=create(), key=ALICE.ed25519_pem, key_id=ALICE.proof_key_id)
    assert made["proof"]["cryptosuite"] == "eddsa-jcs-2022"
    assert oracle.ask("verify_proof", document=made) is True
    assert oracle.ask("verify_proof", document=forged(made)) is False


@pytest.mark.parametrize("expires", [None, "2999-01-01T00:00:00Z"])
def test_fedify_accepts_the_ld_signatures_with_which_we_test(oracle: Oracle, expires: str | None) -> None:
    made = sign_ld(mastodon_like(), rsa_key(ALICE.number), ALICE.key_id, expires=expires)
    assert oracle.ask("verify_ld", document=made) is True
    assert oracle.ask("verify_ld", document=forged(made)) is False


def test_fedify_accepts_the_proofs_with_which_we_test(oracle: Oracle) -> None:
    made = add_proof(create(), ed25519_key(ALICE.id), ALICE.proof_key_id)
    assert oracle.ask("verify_proof", document=made) is True
    assert oracle.ask("verify_proof", document=forged(made)) is False


def test_fedify_does_not_take_somebody_elses_signature_for_the_authors(oracle: Oracle) -> None:
    made = oracle.ask("sign_ld", document=create(), key=MALLORY.rsa_pem, key_id=MALLORY.key_id)
    assert oracle.ask("verify_ld", document=made) is False
