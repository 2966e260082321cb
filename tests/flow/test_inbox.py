"""Who may knock: keys, their owners, dead key hosts, and what is refused before anything is fetched."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from relay.domain.errors import KeyUnavailable, Malformed, Refused, RemoteError, Unauthorized
from relay.protocol.httpsig import SignedRequest
from tests.fakes import pem_of, rsa_key, sign_request
from tests.flow.conftest import INBOX, follow

if TYPE_CHECKING:
    from tests.fakes import FakeServer
    from tests.flow.conftest import World

pytestmark = pytest.mark.databases


async def test_row_14_a_dead_key_host_costs_one_fetch_and_not_a_thousand(world: World) -> None:
    server = world.server("dead.test")
    server.fault = RemoteError("down")
    note = server.note()
    alice = server.actor("/users/alice", "Person")
    for number in range(1000):
        with pytest.raises(KeyUnavailable):
            await world.post(alice, {**server.create(note), "id": server.url(f"/{number}")})
    assert len(world.fediverse.fetched) == 1
    world.clock.forward(61)
    with pytest.raises(KeyUnavailable):
        await world.post(alice, server.create(note))
    assert len(world.fediverse.fetched) == 2


async def test_many_requests_with_one_unknown_key_fetch_it_once(world: World) -> None:
    server = world.server("m.test")
    alice = server.actor("/users/alice", "Person")
    async with asyncio.TaskGroup() as tasks:
        for number in range(50):
            create = {**server.create(server.note()), "id": server.url(f"/{number}")}
            tasks.create_task(world.post(alice, create))
    assert world.fediverse.fetched.count(alice.id) == 1


async def test_a_new_key_is_fetched_when_the_old_one_does_not_fit_at_most_every_five_minutes(
    world: World,
) -> None:
    """real-servers.md 7: a server with a new key must not stay locked out."""
    server = await world.subscribe("m.test")
    world.clock.forward(10)
    actor = server.actor()
    actor.key = rsa_key(6)
    fetched = len(world.fediverse.fetched)
    assert (await world.post(actor, follow(server, number=2))).code == "follow-accepted"
    assert len(world.fediverse.fetched) == fetched + 1
    server.serve("/actor", {**actor.document()})
    actor.key = rsa_key(5)
    for _ in range(3):
        with pytest.raises(Unauthorized):
            await world.post(actor, follow(server, number=3))
    assert len(world.fediverse.fetched) <= fetched + 2


async def test_an_old_key_serves_while_its_server_cannot_be_asked(world: World) -> None:
    server = await world.subscribe("m.test")
    alice = server.actor("/users/alice", "Person")
    await world.post(alice, server.create(server.note()))
    world.clock.forward(25 * 3600)
    server.fault = RemoteError("down")
    assert (await world.post(alice, server.create(server.note()))).code == "published"


def separate_key(server: FakeServer, *, listed: bool, owner: str | None = None) -> str:
    """Serve a key document of its own; return its id."""
    actor = server.actor()
    key_id = server.url("/keys/1")
    key = {"id": key_id, "owner": owner or actor.id, "publicKeyPem": pem_of(actor.key)}
    server.serve("/keys/1", {**key, "type": "CryptographicKey"})
    if listed:
        server.serve("/actor", {**actor.document(), "publicKey": key})
    return key_id


async def test_a_key_with_a_document_of_its_own_counts_when_its_owner_lists_it(world: World) -> None:
    server = world.server("bot.test")
    key_id = separate_key(server, listed=True)
    body = json.dumps(follow(server)).encode()
    request = sign_request(server.actor().key, key_id, INBOX, body, world.clock.now())
    assert (await world.send(request)).code == "follow-accepted"


async def test_row_16_a_key_that_its_owner_does_not_list_is_refused(world: World) -> None:
    server = world.server("bot.test")
    key_id = separate_key(server, listed=False)
    server.actor()
    body = json.dumps(follow(server)).encode()
    request = sign_request(server.actor().key, key_id, INBOX, body, world.clock.now())
    with pytest.raises(Unauthorized) as error:
        await world.send(request)
    assert error.value.code == "no-key"


async def test_an_unsigned_request_is_refused_without_any_fetch(world: World) -> None:
    server = world.server("m.test")
    signed = server.actor().sign(INBOX, follow(server), world.clock.now())
    headers = tuple((name, value) for name, value in signed.headers if name != "signature")
    with pytest.raises(Unauthorized) as error:
        await world.send(SignedRequest("POST", "/inbox", headers, signed.body))
    assert error.value.code == "missing-signature"
    assert world.fediverse.fetched == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type":1}', b"\xff\xfe{}", b"[" * 10_000])
async def test_row_32_what_is_no_activity_is_malformed(world: World, body: bytes) -> None:
    server = world.server("m.test")
    request = sign_request(server.actor().key, server.actor().key_id, INBOX, body, world.clock.now())
    with pytest.raises(Malformed):
        await world.send(request)


async def test_a_delete_by_an_account_that_is_gone_is_accepted_and_ignored(world: World) -> None:
    server = world.server("m.test")
    alice = server.actor("/users/alice", "Person")
    server.serve("/users/alice", b"", status=410)
    delete = {"id": server.url("/d/1"), "type": "Delete", "actor": alice.id, "object": alice.id}
    assert (await world.post(alice, delete)).code == "ignored-gone"
    with pytest.raises(Unauthorized):
        await world.post(alice, {**delete, "type": "Create", "id": server.url("/d/2")})


async def test_a_blocked_server_named_anywhere_in_the_activity_is_refused(world: World) -> None:
    world.relay.blocks.patterns = ("bad.test",)
    peer = await world.subscribe("p.test", dialect="litepub")
    announce = {
        "id": peer.url("/a/1"),
        "type": "Announce",
        "actor": peer.actor().id,
        "object": "https://sub.bad.test/notes/1",
    }
    with pytest.raises(Refused):
        await world.post(peer.actor(), announce)


async def test_a_failed_request_may_be_sent_again_as_it_is(world: World) -> None:
    """A sender that got 503 repeats the very same bytes; that is no replay."""
    server = await world.subscribe("m.test")
    alice = server.actor("/users/alice", "Person")
    request = alice.sign(INBOX, server.create(server.note()), world.clock.now())
    server.fault = RemoteError("down")
    with pytest.raises(KeyUnavailable):
        await world.send(request)
    server.fault = None
    world.clock.forward(61)
    assert (await world.send(request)).code == "published"


async def test_unlisted_and_types_that_are_no_posts_are_ignored(world: World) -> None:
    server = await world.subscribe("m.test")
    alice = server.actor("/users/alice", "Person")
    like = {"id": server.url("/l/1"), "type": "Like", "actor": alice.id, "object": "https://x.test/1"}
    assert (await world.post(alice, like)).code == "ignored-type"
    note = server.note()
    unlisted = {**note, "to": [f"{alice.id}/followers"], "cc": ["as:Public"]}
    assert (await world.post(alice, server.create(unlisted))).code == "ignored-not-public"
    hidden = {**server.create(server.note(public=False)), "to": ["as:Public"]}
    assert (await world.post(alice, hidden)).code == "ignored-not-public"
