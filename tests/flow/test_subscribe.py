"""Servers follow the relay, in both dialects, and leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from relay.domain.errors import Conflict, Refused, RemoteError, Unauthorized
from relay.domain.subscription import Command, State
from tests.fakes import PUBLIC
from tests.flow.conftest import BASE, follow

if TYPE_CHECKING:
    from tests.flow.conftest import World, Worlds

pytestmark = pytest.mark.databases

APPROVE = BASE.replace("open", "approve")


@pytest.mark.parametrize("spelling", [PUBLIC, "as:Public", "Public"])
async def test_a_mastodon_server_is_accepted_with_its_follow_embedded(world: World, spelling: str) -> None:
    server = world.server("m.test")
    asked = {**follow(server), "object": spelling}
    assert (await world.post(server.actor(), asked)).code == "follow-accepted"
    await world.settle()
    [accept] = server.arrivals()
    assert accept["type"] == "Accept"
    assert accept["actor"] == "https://relay.test/actor"
    assert accept["object"] == {k: v for k, v in asked.items() if k != "@context"}
    assert server.inbox[0].url == server.actor().inbox  # never the shared inbox (real-servers.md 6)


async def test_a_litepub_server_is_accepted_and_followed_back(world: World) -> None:
    server = world.server("p.test")
    await world.post(
        server.actor("/relay"), {**follow(server, "litepub"), "actor": server.actor("/relay").id}
    )
    await world.settle()
    accept, back = server.arrivals()
    assert (accept["type"], back["type"]) == ("Accept", "Follow")
    assert back["object"] == server.actor("/relay").id
    receipt = await world.post(
        server.actor("/relay"),
        {"id": server.url("/a/1"), "type": "Accept", "actor": server.actor("/relay").id, "object": back},
    )
    assert receipt.code == "follow-back-accepted"


async def test_a_repeated_follow_is_accepted_again_and_not_followed_back_twice(world: World) -> None:
    server = await world.subscribe("p.test", dialect="litepub")
    assert (await world.post(server.actor(), follow(server, "litepub", 2))).code == "follow-accepted"
    await world.settle()
    [accept] = server.arrivals()
    assert accept["type"] == "Accept"
    assert accept["object"]["id"] == server.url("/follows/2")


async def test_a_person_cannot_subscribe_to_the_relay_actor(world: World) -> None:
    server = world.server("g.test")
    alice = server.actor("/users/alice", "Person")
    receipt = await world.post(alice, {**follow(server, "litepub"), "actor": alice.id})
    assert receipt.code == "follow-rejected"
    await world.settle()
    assert [a["type"] for a in server.arrivals()] == ["Reject"]


async def test_a_pending_subscriber_waits_and_cannot_publish(worlds: Worlds) -> None:
    world = await worlds.open(APPROVE)
    server = world.server("m.test")
    assert (await world.post(server.actor(), follow(server))).code == "follow-pending"
    await world.settle()
    assert server.arrivals() == []
    note = server.note()
    receipt = await world.post(server.actor("/users/alice", "Person"), server.create(note))
    assert receipt.code == "ignored-stranger"

    await world.relay.office.subscribers.command("m.test", Command.APPROVE, who="test", reason=None)
    await world.settle()
    assert [a["type"] for a in server.arrivals()] == ["Accept"]
    receipt = await world.post(server.actor("/users/alice", "Person"), server.create(note), extra={"x": "1"})
    assert receipt.code == "published"


async def test_the_operator_rejects_suspends_resumes_and_removes(worlds: Worlds) -> None:
    world = await worlds.open(APPROVE)
    server, subscribers = world.server("m.test"), world.relay.office.subscribers
    await world.post(server.actor(), follow(server))
    await subscribers.command("m.test", Command.REJECT, who="test", reason="no")
    await world.settle()
    assert [a["type"] for a in server.arrivals()] == ["Reject"]
    with pytest.raises(Conflict):
        await subscribers.command("m.test", Command.SUSPEND, who="test", reason=None)
    for command, state in (
        (Command.APPROVE, State.ACCEPTED),
        (Command.SUSPEND, State.SUSPENDED),
        (Command.RESUME, State.ACCEPTED),
    ):
        changed = await subscribers.command("m.test", command, who="test", reason=None)
        assert changed.state is state
    await subscribers.remove("m.test", who="test")
    assert await subscribers.all() == []


async def test_who_did_what_is_on_record(worlds: Worlds) -> None:
    world = await worlds.open(APPROVE)
    server, subscribers = world.server("m.test"), world.relay.office.subscribers
    actor = server.actor().id
    await world.post(server.actor(), follow(server))
    await subscribers.command("m.test", Command.APPROVE, who="ann", reason="they asked nicely")
    blocked = {"id": f"{actor}#block", "type": "Block", "actor": actor, "object": "https://relay.test/actor"}
    await world.post(server.actor(), blocked)
    assert worlds.database is not None
    rows = worlds.database.rows("SELECT at, who, action, subject, detail FROM audit WHERE who <> 'relay'")
    now = world.clock.now()
    assert rows == [
        (now, actor, "follow", actor, "pending"),
        (now, "ann", "approve", actor, "they asked nicely"),
        (now, actor, "opt-out", actor, "the relay was blocked: subscription ended"),
    ]


@pytest.mark.parametrize(
    ("mode", "allow", "code"),
    [
        ("closed", "[m.test]", "follow-rejected"),
        ("allow-list", "[]", "follow-rejected"),
        ("allow-list", "[m.test]", "follow-accepted"),
        ("approve", "[m.test]", "follow-accepted"),
    ],
)
async def test_modes(worlds: Worlds, mode: str, allow: str, code: str) -> None:
    federation = f"federation: {{subscriptions: {mode}, allow: {allow}}}"
    world = await worlds.open(BASE.replace("federation: {subscriptions: open}", federation))
    server = world.server("m.test")
    assert (await world.post(server.actor(), follow(server))).code == code


async def test_only_the_owner_can_undo(world: World) -> None:
    """protocol.md 5.3 row 35."""
    server, other = await world.subscribe("m.test"), await world.subscribe("o.test")
    undo = {
        "id": other.url("/u/1"),
        "type": "Undo",
        "actor": other.actor("/evil").id,
        "object": {k: v for k, v in follow(server).items() if k != "@context"},
    }
    assert (await world.post(other.actor("/evil"), undo)).code == "ignored-activity"
    assert len(await world.relay.office.subscribers.all()) == 2
    undo |= {"actor": server.actor().id, "id": server.url("/u/1")}
    assert (await world.post(server.actor(), undo)).code == "unfollowed"
    [left] = await world.relay.office.subscribers.all()
    assert left.server == "o.test"


async def test_undo_by_id_of_the_follow_alone(world: World) -> None:
    server = await world.subscribe("m.test")
    undo = {"id": server.url("/u/1"), "type": "Undo", "actor": server.actor().id}
    ignored = await world.post(server.actor(), {**undo, "object": server.url("/follows/other")})
    assert ignored.code == "ignored-undo"
    done = await world.post(
        server.actor(), {**undo, "id": server.url("/u/2"), "object": follow(server)["id"]}
    )
    assert done.code == "unfollowed"


async def test_undo_that_names_our_own_follow_of_it(world: World) -> None:
    """ActivityRelay 0.3.5 leaves like this; nobody can be put out like this but whom we follow."""
    server, other = world.server("p.test"), await world.subscribe("o.test")
    await world.post(server.actor(), follow(server, "litepub"))
    await world.settle()
    [back] = server.arrivals("Follow")
    undo = {"type": "Undo", "object": back["id"]}
    for number, sender in enumerate((other, server)):
        activity = {**undo, "id": sender.url(f"/u/{number}"), "actor": sender.actor().id}
        code = "unfollowed" if sender is server else "ignored-activity"
        assert (await world.post(sender.actor(), activity)).code == code
    assert [one.server for one in await world.relay.office.subscribers.all()] == ["o.test"]


async def test_undo_of_nothing(world: World) -> None:
    server = await world.subscribe("m.test")
    undo = {"id": server.url("/u/1"), "type": "Undo", "actor": server.actor().id}
    assert (await world.post(server.actor(), undo)).code == "ignored-undo"
    assert len(await world.relay.office.subscribers.all()) == 1


async def test_accept_of_a_follow_never_sent_is_ignored(world: World) -> None:
    """protocol.md 5.3 row 35."""
    server = await world.subscribe("m.test")
    accept = {
        "id": server.url("/a/1"),
        "type": "Accept",
        "actor": server.actor().id,
        "object": "https://x.test/1",
    }
    assert (await world.post(server.actor(), accept)).code == "ignored-answer"


async def test_accept_is_retried_for_days(world: World) -> None:
    server = world.server("m.test")
    await world.post(server.actor(), follow(server))
    server.fault = RemoteError("down")
    for _ in range(30):
        await world.settle()
        world.clock.forward(4 * 3600)
    server.fault = None
    world.clock.forward(7 * 3600)
    await world.settle()
    assert [a["type"] for a in server.arrivals()] == ["Accept"]


async def test_a_replayed_follow_does_not_subscribe_again(world: World) -> None:
    server = world.server("m.test")
    request = server.actor().sign("https://relay.test/inbox", follow(server), world.clock.now())
    assert (await world.send(request)).code == "follow-accepted"
    undo = {"id": server.url("/u/1"), "type": "Undo", "actor": server.actor().id, "object": follow(server)}
    await world.post(server.actor(), undo)
    assert (await world.send(request)).code == "ignored-replay"
    assert await world.relay.office.subscribers.all() == []


async def test_row_37_an_inbox_on_the_relay_itself_is_refused(world: World) -> None:
    server = world.server("m.test")
    document = {**server.actor().document(), "inbox": "https://relay.test/inbox"}
    server.serve("/actor", document)
    with pytest.raises(Refused):
        await world.post(server.actor(), follow(server))


async def test_an_inbox_of_another_origin_is_refused(world: World) -> None:
    server, victim = world.server("m.test"), world.server("victim.test")
    server.serve("/actor", {**server.actor().document(), "inbox": victim.actor().inbox})
    with pytest.raises(Refused) as error:
        await world.post(server.actor(), follow(server))
    assert error.value.code == "bad-inbox"
    await world.settle()
    assert victim.inbox == []


async def test_a_blocked_server_is_refused_with_its_subdomains(worlds: Worlds) -> None:
    blocking = "federation: {subscriptions: open, block: [bad.test]}"
    world = await worlds.open(BASE.replace("federation: {subscriptions: open}", blocking))
    for name in ("bad.test", "www.bad.test"):
        server = world.server(name)
        with pytest.raises(Refused):
            await world.post(server.actor(), follow(server))
    assert world.fediverse.fetched == []  # not even the key is fetched


async def test_a_follow_of_somebody_else_is_malformed(world: World) -> None:
    server = world.server("m.test")
    from relay.domain.errors import Malformed

    with pytest.raises(Malformed):
        await world.post(server.actor(), {**follow(server), "object": "https://m.test/users/alice"})


async def test_row_15_a_valid_signature_by_somebody_else_is_refused(world: World) -> None:
    server, other = world.server("m.test"), world.server("o.test")
    request = other.actor().sign("https://relay.test/inbox", follow(server), world.clock.now())
    with pytest.raises(Unauthorized) as error:
        await world.send(request)
    assert error.value.code == "wrong-actor"
    mallory = server.actor("/users/mallory", "Person")
    with pytest.raises(Unauthorized):
        await world.send(mallory.sign("https://relay.test/inbox", follow(server), world.clock.now()))
