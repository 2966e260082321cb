"""What activities prove by themselves, with keys that are fetched from a fake fediverse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relay.adapters.canonical.pool import CanonicalProcesses
from relay.domain.activity import parse_activity
from relay.domain.errors import KeyUnavailable, RemoteError
from relay.protocol.proof import MAX_AHEAD
from relay.services.provenance import READ_ON_THE_LOOP, Proven, Provenance, Unproven
from tests.fakes import ACTIVITY, pem_of, rsa_key
from tests.flow.conftest import BASE, World, Worlds
from tests.unit.protocol.signed_ld import AS2, DATA_INTEGRITY, MASTODON, SECURITY, add_proof, sign_ld

if TYPE_CHECKING:
    from tests.fakes import FakeActor

CREATED = "2026-11-21T12:00:00Z"
EDWARDS = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)


def alice(world: World) -> FakeActor:
    return world.server("a.example").actor("/users/alice", "Person")


def create(world: World, **more: Any) -> dict[str, Any]:
    """A Create by alice that is ready to be signed."""
    server = world.server("a.example")
    note = server.note(content="<p>hello</p>")
    del note["@context"], note["attachment"]
    return {**server.create(note), "@context": [AS2, MASTODON, SECURITY], **more}


def by_alice(world: World, document: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    actor = alice(world)
    return sign_ld(document or create(world), actor.key, actor.key_id, CREATED, **options)


def proven_by_alice(world: World, document: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """A Create with a proof, by a key that alice's actor lists."""
    actor = alice(world)
    method = f"{actor.id}#ed25519-key"
    listed = [{"id": actor.key_id, "owner": actor.id, "publicKeyPem": pem_of(actor.key)}]
    listed.append({"id": method, "owner": actor.id, "publicKeyPem": pem_of(EDWARDS)})
    actor.server.serve(actor.path, {**actor.document(), "publicKey": listed}, ACTIVITY)
    options = {"created": CREATED, **options}
    return add_proof(document or create(world), EDWARDS, method, **options)


async def check(world: World, document: dict[str, Any]) -> Proven | Unproven:
    return await world.relay.provenance.check(parse_activity(json.dumps(document).encode()))


async def code(world: World, document: dict[str, Any]) -> str:
    found = await check(world, document)
    assert isinstance(found, Unproven), found
    return found.code


async def proven(world: World, document: dict[str, Any]) -> Proven:
    found = await check(world, document)
    assert isinstance(found, Proven), found
    return found


async def test_a_linked_data_signature(world: World) -> None:
    document = by_alice(world, expires="2999-01-01T00:00:00Z")
    found = await proven(world, document)
    assert (found.actor, found.by, found.key_id) == (alice(world).id, "ld", alice(world).key_id)
    assert found.expires == 32472144000.0
    assert found.same
    assert found.activity.object_id == document["object"]["id"]
    assert (await proven(world, by_alice(world))).expires is None


async def test_an_integrity_proof(world: World) -> None:
    document = proven_by_alice(world, expires="2999-01-01T00:00:00Z")
    found = await proven(world, document)
    assert (found.actor, found.by) == (alice(world).id, "proof")
    assert found.expires == 32472144000.0
    assert found.same
    assert not found.activity.has_proof
    assert found.activity.object_id == document["object"]["id"]


async def test_a_long_document_with_a_proof(world: World) -> None:
    long = create(world, summary="x" * READ_ON_THE_LOOP)
    assert (await proven(world, proven_by_alice(world, long))).by == "proof"


async def test_nothing_is_proven_by_nothing(world: World) -> None:
    assert await code(world, create(world)) == "unsigned"
    assert await code(world, by_alice(world, create(world, summary="x" * 131_072))) == "ld-too-large"


async def test_both_the_proof_comes_first(world: World) -> None:
    declared = {**create(world), "@context": [AS2, SECURITY, DATA_INTEGRITY, MASTODON]}
    for document, otherwise in ((create(world), None), (declared, "ld-mismatch")):
        both = by_alice(world, proven_by_alice(world, document))
        assert (await proven(world, both)).by == "proof"
        both["proof"]["proofValue"] = both["proof"]["proofValue"][:-1] + "1"
        if otherwise is None:
            assert (await proven(world, both)).by == "ld"  # no context declares `proof`
        else:
            assert await code(world, both) == otherwise


async def test_a_proof_of_another_kind_leaves_it_to_the_signature(world: World) -> None:
    proof = {"type": "DataIntegrityProof", "cryptosuite": "mldsa44-jcs-2024"}
    declared = {**create(world), "@context": [AS2, SECURITY, DATA_INTEGRITY, MASTODON], "proof": proof}
    document = by_alice(world, declared)
    assert (await proven(world, document)).by == "ld"
    del document["signature"]
    assert await code(world, document) == "proof-suite"


async def test_what_was_changed_is_not_proven(world: World) -> None:
    for document, expected in ((by_alice(world), "ld-mismatch"), (proven_by_alice(world), "proof-mismatch")):
        document["object"]["content"] = "<p>changed</p>"
        assert await code(world, document) == expected


async def test_a_key_of_somebody_else_proves_nothing(world: World) -> None:
    mallory = world.server("a.example").actor("/users/mallory", "Person")
    by_mallory = sign_ld(create(world), mallory.key, mallory.key_id, CREATED)
    assert await code(world, by_mallory) == "not-owner"
    document = proven_by_alice(world, {**create(world), "actor": mallory.id})
    assert await code(world, document) == "not-owner"


async def test_a_new_key_is_fetched_once(world: World) -> None:
    assert (await proven(world, by_alice(world))).by == "ld"
    actor = alice(world)
    actor.key = rsa_key(5)
    world.clock.time += 3600
    assert (await proven(world, by_alice(world))).by == "ld"
    actor.key = rsa_key(6)
    fetched = len(world.fediverse.fetched)
    assert await code(world, by_alice(world)) == "ld-mismatch"  # not again within five minutes
    assert len(world.fediverse.fetched) == fetched


async def test_a_new_key_for_a_proof(world: World) -> None:
    document = proven_by_alice(world)
    assert (await proven(world, document)).by == "proof"
    actor = alice(world)
    method = document["proof"]["verificationMethod"]
    other = Ed25519PrivateKey.from_private_bytes(b"\2" * 32)
    entry = {"id": method, "owner": actor.id, "publicKeyPem": pem_of(other)}
    actor.server.serve(actor.path, {**actor.document(), "publicKey": entry}, ACTIVITY)
    world.clock.time += 3600
    assert (await proven(world, add_proof(create(world), other, method, CREATED))).by == "proof"
    assert await code(world, document) == "proof-mismatch"


async def test_row_14_a_key_that_cannot_be_had(world: World) -> None:
    world.server("a.example").fault = RemoteError("down", code="unreachable")
    for document in (by_alice(world), proven_by_alice(world)):
        with pytest.raises(KeyUnavailable):
            await check(world, document)
    world.server("a.example").fault = RemoteError("gone", code="status", status=410, temporary=False)
    world.clock.time += 3600
    assert await code(world, by_alice(world)) == "key-gone"


async def test_a_blocked_server_proves_nothing(worlds: Worlds) -> None:
    world = await worlds.open(BASE.replace("open}", "open, block: [a.example]}"))
    assert await code(world, by_alice(world)) == "blocked"


async def test_row_29_expired_signatures_and_proofs(world: World) -> None:
    past = "2020-01-01T00:00:00Z"
    assert await code(world, by_alice(world, expires=past)) == "ld-expired"
    assert await code(world, proven_by_alice(world, expires=past)) == "proof-expired"
    world.clock.time -= 365 * 24 * 3600 + MAX_AHEAD
    assert await code(world, proven_by_alice(world)) == "proof-expired"


async def test_row_30_an_unknown_context_is_not_fetched(world: World) -> None:
    document = by_alice(world)
    document["@context"] = [*document["@context"], "https://evil.example/context"]
    assert await code(world, document) == "ld-unknown-context"
    assert world.fediverse.fetched == []


async def test_the_second_engine_is_asked_when_the_first_disagrees(world: World) -> None:
    """Children of a property that no context declares count for PyLD and Mastodon, not for Oxigraph."""
    document = create(world, undeclared={"id": "https://a.example/2", "name": "a child"})
    found = await proven(world, by_alice(world, document))
    assert found.by == "ld"
    assert not found.same


async def test_what_was_signed_has_to_be_an_activity_of_the_signer(world: World) -> None:
    document = by_alice(world, {**create(world), "@context": [AS2, SECURITY], "actor": "x", "type": "Other"})
    document["actor"] = alice(world).id
    assert await code(world, document) == "ld-mismatch"
    without = {**create(world), "type": "Undeclared"}
    assert await code(world, by_alice(world, without)) == "not-an-activity"


async def test_a_process_that_dies_proves_nothing(world: World) -> None:
    broken = CanonicalProcesses(program=("-c", "pass"))
    keys = world.relay.provenance._keys
    async with broken:
        provenance = Provenance(keys=keys, canonicalizer=broken, clock=world.clock)
        found = await provenance.check(parse_activity(json.dumps(by_alice(world)).encode()))
    assert found == Unproven("ld-crashed")
