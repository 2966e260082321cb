"""FEP-521a Multikeys: what is a key, whose it is, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from mediaattest import base58, encode_multikey
from relay.domain.actor import ActorKey
from relay.protocol.actors import KeyFailure, KeyFound, NeedsOwner, key_in, key_of_owner
from relay.protocol.httpsig import is_usable_key
from relay.protocol.keys import pem_of_multikey
from tests.unit.captured import ACTORS
from tests.unit.protocol.messages import edwards, message, valid
from tests.unit.protocol.signed import NOW, key, pem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

ACTOR = "https://a.example/users/alice"
KEY_ID = f"{ACTOR}#ed25519-key"
LATER, EARLIER = "2030-01-01T00:00:00Z", "2020-01-01T00:00:00.5+02:00"


def edwards_text() -> str:
    return encode_multikey(edwards().public_key().public_bytes_raw())


def rsa_text(private: rsa.RSAPrivateKey) -> str:
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return "z" + base58.encode(b"\x85\x24" + der)


def entry(**changes: Any) -> dict[str, Any]:
    found = {
        "id": KEY_ID,
        "type": "Multikey",
        "controller": ACTOR,
        "publicKeyMultibase": edwards_text(),
    } | changes
    return {name: value for name, value in found.items() if value is not None}


def actor(*entries: Any) -> dict[str, Any]:
    return {"id": ACTOR, "type": "Person", "inbox": f"{ACTOR}/inbox", "assertionMethod": list(entries)}


def found(document: object, key_id: str = KEY_ID) -> object:
    return key_in(document, key_id, now=NOW)


def test_a_key_of_its_actor() -> None:
    known = found(actor("https://a.example/keys/1", entry(id=f"{ACTOR}#other"), entry()))
    assert isinstance(known, KeyFound)
    assert known.key == ActorKey(KEY_ID, ACTOR, pem(edwards()))
    assert edwards_text().startswith("z6Mk")
    assert valid(message(private=edwards()), known.key.pem)
    alone = found(actor() | {"assertionMethod": entry()})
    assert isinstance(alone, KeyFound)


def test_an_rsa_key_of_its_actor() -> None:
    assert rsa_text(key()).startswith("z4MX")
    known = found(actor(entry(publicKeyMultibase=rsa_text(key()))))
    assert isinstance(known, KeyFound)
    assert known.key.pem == pem()
    assert valid(message(), known.key.pem)


@pytest.mark.parametrize(
    "changes",
    [
        {"controller": "https://a.example/users/bob"},
        {"controller": None},
        {"controller": {"id": ACTOR}},
        {"type": None},
        {"type": "JsonWebKey"},
        {"id": f"{ACTOR}#other"},
        {"publicKeyMultibase": None},
        {"publicKeyMultibase": 7},
        {"publicKeyMultibase": "z6Mk"},
        {"publicKeyPem": "x", "publicKeyMultibase": None},
    ],
)
def test_what_is_no_key_of_the_actor(changes: dict[str, Any]) -> None:
    assert found(actor(entry(**changes))) is KeyFailure.NOT_LISTED


@pytest.mark.parametrize("name", ["expires", "revoked"])
@pytest.mark.parametrize(
    "time",
    [EARLIER, "2026-11-21T22:06:56Z", "soon", "2030-02-30T00:00:00Z", "0000-01-01T00:00:00Z", 7, [LATER]],
)
def test_keys_that_ended(name: str, time: Any) -> None:
    assert found(actor(entry(**{name: time}))) is KeyFailure.NOT_LISTED


@pytest.mark.parametrize("name", ["expires", "revoked"])
def test_keys_that_will_end(name: str) -> None:
    assert isinstance(found(actor(entry(**{name: LATER}))), KeyFound)


def test_row_16_a_multikey_that_its_controller_does_not_list() -> None:
    key_id = "https://a.example/keys/1"
    document = entry(id=key_id)
    assert found(document, key_id) == NeedsOwner(ACTOR)
    assert key_of_owner(actor(entry()), key_id, ACTOR, now=NOW) is KeyFailure.NOT_LISTED
    assert key_of_owner(actor(entry(id=key_id)), KEY_ID, ACTOR, now=NOW) is KeyFailure.NOT_LISTED
    known = key_of_owner(actor(entry(id=key_id)), key_id, ACTOR, now=NOW)
    assert isinstance(known, KeyFound)
    elsewhere = "https://e.example/keys/1"
    assert found(entry(id=elsewhere), elsewhere) is KeyFailure.OTHER_ORIGIN
    assert found(actor(entry(id=elsewhere)), elsewhere) is KeyFailure.OTHER_ORIGIN


def test_a_stub_of_the_owner_with_its_multikey() -> None:
    key_id = "https://a.example/keys/1"
    stub = {"id": ACTOR, "type": "Person", "assertionMethod": [entry(id=key_id)]}
    assert found(stub, key_id) == NeedsOwner(ACTOR)


def test_the_keys_of_a_recorded_actor() -> None:
    """Hollo (Fedify) lists its RSA key twice, as PEM and as Multikey, and an Ed25519 key."""
    document = ACTORS["fed.test_alice"]
    methods = {one["id"]: one["publicKeyMultibase"] for one in document["assertionMethod"]}
    assert pem_of_multikey(methods[f"{document['id']}#main-key"]) == document["publicKey"]["publicKeyPem"]
    known = found(document, f"{document['id']}#key-2")
    assert isinstance(known, KeyFound)
    assert is_usable_key(known.key.pem)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "z",
        "f00",
        "z0",
        "z" + "1" * 2000,
        "z" + base58.encode(b"\xed\x01" + bytes(31)),
        "z" + base58.encode(b"\xec\x01" + bytes(32)),
        "z" + base58.encode(b"\x85\x24" + b"junk"),
    ],
)
def test_what_is_no_multikey(text: str) -> None:
    assert pem_of_multikey(text) is None


def test_rsa_multikeys_of_other_sizes() -> None:
    assert pem_of_multikey(rsa_text(key(1024))) is None


@given(st.text() | st.binary(max_size=80).map(lambda raw: "z" + base58.encode(b"\x85\x24" + raw)))
def test_total(text: str) -> None:
    assert pem_of_multikey(text) is None or text.startswith("z")
