"""Blocked servers in every place and spelling, and people and servers that block the relay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.media.canary import canary_pictures, clean_picture
from relay.domain.errors import Conflict, Refused
from relay.domain.subscription import State
from tests.fakes import PUBLIC
from tests.flow.conftest import BASE, follow

if TYPE_CHECKING:
    from tests.fakes import FakeActor, FakeServer
    from tests.flow.conftest import World, Worlds

SPELLINGS = ["bad.test", "sub.bad.test", "bad.test:8443", "BAD.test", "bad.test.", "a.b.bad.test."]


# -------------------------------------------------------------------- where a blocked server may be named


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    "place", ["announced", "announced-activity-actor", "announced-activity-object", "attributed", "several"]
)
async def test_a_blocked_server_is_refused_wherever_it_is_named(
    world: World, place: str, spelling: str
) -> None:
    world.relay.blocks.patterns = ("bad.test",)
    peer = await world.subscribe("p.test", dialect="litepub")
    bad, good = f"https://{spelling}/notes/1", peer.url("/notes/1")
    person = peer.actor("/users/alice", "Person")
    announce = {"id": peer.url("/a/1"), "type": "Announce", "actor": peer.actor().id}
    inner = {"id": good, "type": "Create", "actor": person.id, "object": good}
    note = peer.note()
    activities: dict[str, dict[str, Any]] = {
        "announced": announce | {"object": bad},
        "announced-activity-actor": announce | {"object": inner | {"actor": bad}},
        "announced-activity-object": announce | {"object": inner | {"object": bad}},
        "attributed": peer.create(note | {"attributedTo": [person.id, {"type": "Person", "id": bad}]})
        | {"actor": person.id},
        "several": announce | {"object": [good, bad]},
    }
    activity = activities[place]
    actor = person if activity["actor"] == person.id else peer.actor()
    with pytest.raises(Refused) as error:
        await world.post(actor, activity)
    assert error.value.code == "blocked"
    assert world.relay.tally.counts["inbox", "blocked"] == 1


async def test_an_international_name_is_blocked_in_both_spellings(worlds: Worlds) -> None:
    world = await worlds.open(
        BASE.replace("subscriptions: open", "subscriptions: open, block: [bücher.test]")
    )
    for name in ("bücher.test", "xn--bcher-kva.test", "BÜCHER.test", "sub.xn--bcher-kva.test"):
        peer = world.server("p.test")
        announce = {"id": peer.url("/a/1"), "type": "Announce", "actor": peer.actor().id}
        with pytest.raises(Refused):
            await world.post(peer.actor(), announce | {"object": f"https://{name}/1"})


async def test_names_that_only_look_alike_are_not_blocked(world: World) -> None:
    world.relay.blocks.patterns = ("bad.test", "*.worse.test", "port.test:8443", "[::1]")
    blocked = world.relay.blocks.blocked
    assert not any(map(blocked, ["notbad.test", "bad.test.example", "test", "port.test", "x.port.test:443"]))
    assert all(map(blocked, ["worse.test", "x.worse.test", "x.port.test:8443", "[::1]", "[::1]:9001"]))


async def test_media_and_replies_to_a_blocked_server_do_not_block(world: World) -> None:
    server = await world.subscribe("m.test")
    bad = world.server("bad.test")
    picture = bad.picture(clean_picture(5))
    world.relay.blocks.patterns = ("bad.test",)
    note = server.note(picture, inReplyTo="https://bad.test/notes/9")
    await world.post(server.actor("/users/alice", "Person"), server.create(note))
    await world.settle()
    assert (await world.why(note["id"]))["state"] == "published"


async def announced(world: World, url: str) -> str:
    """Let a peer announce an object; return what came of it."""
    peer = await world.subscribe("p.test", dialect="litepub")
    announce = {"id": peer.url("/a/1"), "type": "Announce", "actor": peer.actor().id, "object": url}
    assert (await world.post(peer.actor(), announce)).code == "screening"
    await world.settle()
    told = await world.why(url)
    assert told["state"] == "dropped"
    return str(told["decisions"][0]["reason"])


async def test_an_object_by_an_author_on_a_blocked_server_is_dropped(world: World) -> None:
    good = world.server("good.test")
    note = good.note(attributedTo=[{"type": "Person", "id": "https://bad.test/users/bob"}])
    world.relay.blocks.patterns = ("bad.test",)
    assert await announced(world, note["id"]) == "object-blocked"


async def test_an_object_that_leads_to_a_blocked_server_is_dropped(world: World) -> None:
    good, bad = world.server("good.test"), world.server("bad.test")
    note = bad.note()
    good.redirects["/notes/1"] = note["id"]
    world.relay.blocks.patterns = ("bad.test",)
    assert await announced(world, good.url("/notes/1")) == "object-blocked"


# -------------------------------------------------------------------- blocked in between


async def test_what_waits_of_a_server_that_becomes_blocked_is_not_published(world: World) -> None:
    server, other = await world.subscribe("m.test"), await world.subscribe("o.test")
    note = server.note(server.picture(clean_picture(6)))
    assert (await world.post(server.actor("/users/alice", "Person"), server.create(note))).code == "screening"
    world.relay.blocks.patterns = ("m.test",)
    await world.settle()
    assert (await world.why(note["id"]))["decisions"][0]["reason"] == "blocked"
    assert other.inbox == []


async def test_a_block_that_comes_while_media_are_looked_at_counts(world: World) -> None:
    server, other = await world.subscribe("m.test"), await world.subscribe("o.test")
    note = server.note(server.picture(clean_picture(7)))
    await world.post(server.actor("/users/alice", "Person"), server.create(note))
    get = world.fediverse.get

    async def blocking(url: str, **options: Any) -> Any:
        world.relay.blocks.patterns = ("m.test",)
        return await get(url, **options)

    world.fediverse.get = blocking  # type: ignore[method-assign]
    await world.settle()
    told = await world.why(note["id"])
    assert (told["state"], told["decisions"][0]["reason"]) == ("dropped", "blocked")
    assert other.inbox == []


async def held(world: World) -> tuple[FakeServer, int]:
    """A server with a post that is held."""
    server = await world.subscribe("m.test")
    await world.publish(server, server.picture(next(iter(canary_pictures().values()))))
    [hold] = await world.relay.office.holds.all()
    return server, hold.id


async def test_a_hold_of_a_blocked_server_is_not_released(world: World) -> None:
    _, number = await held(world)
    world.relay.blocks.patterns = ("m.test",)
    with pytest.raises(Conflict) as error:
        await world.relay.office.holds.release(number, who="test", note=None)
    assert error.value.code == "blocked"


# -------------------------------------------------------------------- Block of the relay


def block(actor: FakeActor, target: str = "https://relay.test/actor", number: int = 1) -> dict[str, Any]:
    return {"id": actor.server.url(f"/b/{number}"), "type": "Block", "actor": actor.id, "object": target}


def undo(activity: dict[str, Any], number: int = 1, *, bare: bool = False) -> dict[str, Any]:
    host = activity["id"].rpartition("/b/")[0]
    inner = activity["id"] if bare else activity
    return {"id": f"{host}/u/{number}", "type": "Undo", "actor": activity["actor"], "object": inner}


@pytest.mark.parametrize(
    "target", ["https://relay.test/actor", "https://relay.test/", "https://relay.test/x"]
)
@pytest.mark.parametrize("bare", [True, False])
async def test_an_author_that_blocks_the_relay_is_not_relayed_until_the_block_is_undone(
    world: World, target: str, *, bare: bool
) -> None:
    server, other = await world.subscribe("m.test"), await world.subscribe("o.test")
    alice, bob = server.actor("/users/alice", "Person"), server.actor("/users/bob", "Person")
    assert (await world.post(alice, block(alice, target))).code == "opted-out"
    refused = await world.post(alice, server.create(server.note()))
    assert refused.code == "ignored-opt-out"
    theirs = server.note(attributedTo=bob.id)
    assert (await world.post(bob, server.create(theirs))).code == "published"

    assert (await world.post(bob, undo(block(alice, target)) | {"actor": bob.id})).code == "ignored-activity"
    elsewhere = undo(block(alice, "https://x.test/actor"), 2)
    assert (await world.post(alice, elsewhere)).code == "ignored-undo"
    assert (await world.post(alice, undo(block(alice, target), 3, bare=bare))).code == "opt-out-ended"
    assert (await world.post(alice, server.create(server.note()))).code == "published"
    await world.settle()
    assert len(other.arrivals("Announce")) == 2
    assert other.arrivals("Block") == []


async def test_an_opt_out_survives_a_restart_and_is_on_record(worlds: Worlds) -> None:
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:
        world = await worlds.open(stack=stack)
        server = await world.subscribe("m.test")
        alice = server.actor("/users/alice", "Person")
        await world.post(alice, block(alice))
    world = await worlds.open()
    assert (await world.post(alice, server.create(server.note()))).code == "ignored-opt-out"
    async with world.relay.office.store.reading() as tx:
        [kept] = await tx.blocking.opt_outs()
    assert (kept.actor, kept.whole_server) == (alice.id, False)


async def test_a_block_of_somebody_else_is_ignored(world: World) -> None:
    server = await world.subscribe("m.test")
    alice = server.actor("/users/alice", "Person")
    assert (await world.post(alice, block(alice, "https://x.test/users/bob"))).code == "ignored-block"
    assert (await world.post(alice, server.create(server.note()))).code == "published"


async def test_announces_of_an_author_that_opted_out_are_dropped(world: World) -> None:
    good = world.server("good.test")
    alice = good.actor("/users/alice", "Person")
    note = good.note()
    await world.post(alice, block(alice))
    assert await announced(world, note["id"]) == "opted-out"


async def test_what_waits_and_what_is_held_of_an_author_that_opts_out_is_not_published(world: World) -> None:
    server, number = await held(world)
    alice = server.actor("/users/alice", "Person")
    note = server.note(server.picture(clean_picture(8)))
    await world.post(alice, server.create(note))
    await world.post(alice, block(alice))
    await world.settle()
    assert (await world.why(note["id"]))["decisions"][0]["reason"] == "opted-out"
    with pytest.raises(Conflict) as error:
        await world.relay.office.holds.release(number, who="test", note=None)
    assert error.value.code == "opted-out"


@pytest.mark.parametrize("dialect", ["mastodon", "litepub"])
async def test_a_subscriber_that_blocks_the_relay_is_gone_without_a_word(
    worlds: Worlds, dialect: str
) -> None:
    federation = "subscriptions: open, publish_from: anyone"
    world = await worlds.open(BASE.replace("subscriptions: open", federation))
    server, other = await world.subscribe("m.test", dialect=dialect), await world.subscribe("o.test")
    assert (await world.post(server.actor(), block(server.actor()))).code == "opted-out"
    await world.publish(other)
    assert server.inbox == []
    assert [one.server for one in await world.relay.office.subscribers.all()] == ["o.test"]
    alice = server.actor("/users/alice", "Person")
    assert (await world.post(alice, server.create(server.note()))).code == "ignored-opt-out"

    assert (await world.post(server.actor(), follow(server, dialect, 2))).code == "follow-accepted"
    await world.relay.enforcement.run_once()
    assert (await world.post(alice, server.create(server.note(to=[PUBLIC])))).code == "published"
    [found, _] = sorted(await world.relay.office.subscribers.all(), key=lambda one: one.server)
    assert (found.server, found.state) == ("m.test", State.ACCEPTED)
