"""Hostile inputs through the whole relay, by their rows: what the core refuses is refused where it matters, too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from relay.domain.errors import Malformed, Refused, RemoteError, Unauthorized
from tests.fakes import pem_of, sign_request
from tests.flow.conftest import INBOX, follow

if TYPE_CHECKING:
    from tests.fakes import FakeServer
    from tests.flow.conftest import World


def served_as(server: FakeServer, kind: str) -> None:
    """Let the server answer for its actor with another media type."""
    server.serve("/actor", server.actor().document(), kind)


@pytest.mark.parametrize("kind", ["text/html", "image/png", "application/json", ""])
async def test_row_1_an_actor_of_another_media_type_signs_nothing(world: World, kind: str) -> None:
    server = world.server("m.test")
    served_as(server, kind)
    with pytest.raises(Unauthorized) as error:
        await world.post(server.actor(), follow(server))
    assert error.value.code == "no-key"


async def test_row_2_an_actor_in_json_ld_without_the_profile_signs_nothing(world: World) -> None:
    server = world.server("m.test")
    served_as(server, "application/ld+json")
    with pytest.raises(Unauthorized):
        await world.post(server.actor(), follow(server))
    other = world.server("n.test")
    served_as(other, 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"')
    assert (await world.post(other.actor(), follow(other))).code == "follow-accepted"


async def test_row_3_a_document_of_another_origin_is_not_believed(world: World) -> None:
    server, victim = world.server("m.test"), world.server("v.test")
    server.serve("/actor", victim.actor().document())
    with pytest.raises(RemoteError) as error:
        await world.relay.fetcher.document(server.url("/actor"))
    assert (error.value.code, error.value.temporary) == ("wrong-id", False)
    # Nor when the victim's own address leads to somebody who serves it.
    victim.redirects["/users/alice"] = server.serve("/copy", victim.actor("/users/alice").document())
    with pytest.raises(RemoteError) as error:
        await world.relay.fetcher.actor(victim.url("/users/alice"))
    assert error.value.code == "wrong-id"


async def test_row_4_another_path_is_fetched_once_more_and_no_further(world: World) -> None:
    server = world.server("m.test")
    note = server.note()
    server.serve("/copy", note)
    assert (await world.relay.fetcher.document(server.url("/copy")))["id"] == note["id"]
    assert world.fediverse.fetched == [server.url("/copy"), note["id"]]
    for here, there in (("/a", "/b"), ("/b", "/c")):
        server.serve(here, {"id": server.url(there), "type": "Note"})
    world.fediverse.fetched.clear()
    with pytest.raises(RemoteError) as error:
        await world.relay.fetcher.document(server.url("/a"))
    assert (error.value.code, len(world.fediverse.fetched)) == ("wrong-id", 2)


async def test_row_17_a_key_under_another_address_is_neither_believed_nor_kept(world: World) -> None:
    server = world.server("m.test")
    actor, wrong = server.actor(), server.url("/keys/other")
    document = {"id": wrong, "owner": actor.id, "publicKeyPem": pem_of(actor.key), "type": "Key"}
    server.serve("/keys/other", {**document, "id": actor.key_id})
    body = json.dumps(follow(server)).encode()
    with pytest.raises(Unauthorized):
        await world.send(sign_request(actor.key, wrong, INBOX, body, world.clock.now()))
    async with world.relay.office.store.reading() as tx:
        assert await tx.subscribers.key(wrong) is None


async def test_row_22_a_replay_is_accepted_and_not_passed_on_again(world: World) -> None:
    origin, reader = await world.subscribe("a.test"), await world.subscribe("b.test")
    alice = origin.actor("/users/alice", "Person")
    request = alice.sign(INBOX, origin.create(origin.note()), world.clock.now())
    assert [(await world.send(request)).code for _ in range(3)] == ["published", *["ignored-replay"] * 2]
    world.clock.forward(60)
    again = alice.sign(INBOX, json.loads(request.body), world.clock.now())
    assert (await world.send(again)).code == "ignored-repeat"  # signed anew, and still the same activity
    await world.settle()
    assert len(reader.arrivals()) == 1


async def test_row_35_an_account_deleted_and_a_follow_undone_by_somebody_else(world: World) -> None:
    server, other = await world.subscribe("m.test"), world.server("o.test")
    mallory, neighbour = other.actor("/users/mallory", "Person"), server.actor("/users/eve", "Person")
    target = server.actor().id
    for number, who in enumerate((mallory, neighbour)):
        delete = {"id": f"{who.id}/d{number}", "type": "Delete", "actor": who.id}
        delete |= {"object": {"id": target, "type": "Application"}}
        undo = {"id": f"{who.id}/u{number}", "type": "Undo", "actor": who.id, "object": follow(server)}
        codes = [(await world.post(who, activity)).code for activity in (delete, undo)]
        assert codes[0] in {"ignored-object", "ignored-account"}
        assert codes[1] == "ignored-activity"
    [subscription] = await world.relay.office.subscribers.all()
    assert (subscription.actor, subscription.state.value) == (target, "accepted")


@pytest.mark.parametrize("kind", ["Accept", "Reject"])
async def test_row_35_an_answer_to_a_follow_never_sent_is_ignored(world: World, kind: str) -> None:
    server = await world.subscribe("m.test")
    mine = {"id": "https://relay.test/follows/1", "type": "Follow", "actor": "https://relay.test/actor"}
    answer: dict[str, Any] = {"id": server.url("/x"), "type": kind, "actor": server.actor().id}
    for number, asked in enumerate((mine | {"object": server.actor().id}, mine["id"], follow(server))):
        found = await world.post(server.actor(), answer | {"id": server.url(f"/{number}"), "object": asked})
        assert found.code == "ignored-answer"
    assert [one.state.value for one in await world.relay.office.subscribers.all()] == ["accepted"]
    assert await world.relay.office.upstreams.all() == []


@pytest.mark.parametrize(
    "inbox",
    [
        "https://relay.test/inbox",
        "https://RELAY.test:443/x",
        "https://m.test:6379/inbox",
        "https://127.0.0.1/inbox",
        "https://[::1]/inbox",
        "https://metadata.test/inbox",
        "http://m.test/inbox",
        "redis://m.test/inbox",
        "https://m.test@10.0.0.1/inbox",
    ],
)
async def test_row_37_an_inbox_elsewhere_is_no_subscription(world: World, inbox: str) -> None:
    server = world.server("m.test")
    server.serve("/actor", {**server.actor().document(), "inbox": inbox})
    with pytest.raises((Refused, Malformed, Unauthorized)):
        await world.post(server.actor(), follow(server))
    assert await world.relay.office.subscribers.all() == []
    await world.settle()
    assert server.inbox == []


@pytest.mark.parametrize(
    "value", [", ".join(['"a.b.c"'] * 200), '"' + "x" * 9000 + '"', "?!;,=", '"a.b.c', "\x7f"]
)
async def test_row_43_a_bad_header_is_ignored_and_the_activity_is_not(world: World, value: str) -> None:
    origin, reader = await world.subscribe("a.test"), await world.subscribe("b.test")
    alice, create = origin.actor("/users/alice", "Person"), origin.create(origin.note())
    receipt = await world.post(alice, create, extra={"media-attestation": value})
    assert receipt.code == "published"
    await world.settle()
    [received] = reader.inbox
    assert "media-attestation" not in received.headers


async def test_rows_32_33_what_is_no_activity_leaves_nothing(world: World) -> None:
    server = await world.subscribe("m.test")
    actor = server.actor()
    good = {"id": server.url("/1"), "type": "Create", "actor": actor.id, "object": server.url("/o")}
    for name in ("id", "type", "actor", "object"):
        for value in (7, [], {}, None, [None], [[]], True):
            with_it = json.dumps(good | {name: value}).encode()
            request = sign_request(actor.key, actor.key_id, INBOX, with_it, world.clock.now())
            try:
                assert (await world.send(request)).code.startswith("ignored")
            except (Malformed, Unauthorized):
                continue
    doubled = json.dumps(good).encode()[:-1] + b',"actor":"https://v.test/actor"}'
    for body in (doubled, "{}".encode("utf-16"), b"\xef\xbb\xbf" + json.dumps(good).encode(), b"[NaN]"):
        with pytest.raises(Malformed):
            await world.send(sign_request(actor.key, actor.key_id, INBOX, body, world.clock.now()))
