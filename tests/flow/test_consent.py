"""Accounts that do not want to be passed on: by their profile, by a Block, and what of theirs still has to travel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from relay.domain.errors import RemoteError
from tests.fakes import PUBLIC
from tests.flow.conftest import BASE
from tests.flow.test_forward import change, signed

if TYPE_CHECKING:
    from tests.fakes import FakeActor, FakeServer
    from tests.flow.conftest import World, Worlds

NOBOT = {"summary": '<p>no <a href="/tags/nobot">#<span>nobot</span></a></p>'}


def profile(actor: FakeActor, **more: Any) -> None:
    """Let an actor say more in its profile."""
    actor.server.serve(actor.path, {**actor.document(), **more})


def every_sign(signs: str) -> str:
    return BASE.replace("subscriptions: open", f"subscriptions: open, opt_outs: [{signs}]")


async def create(world: World, server: FakeServer, **more: Any) -> str:
    note = server.note(**more)
    return (await world.post(server.actor("/users/alice", "Person"), server.create(note))).code


@pytest.mark.parametrize(
    ("signs", "says", "code"),
    [
        ("nobot", NOBOT, "ignored-opt-out"),
        ("nobot", {"indexable": False, "discoverable": False}, "published"),
        ("not-indexable", {"indexable": False}, "ignored-opt-out"),
        (
            "not-indexable",
            {},
            "published",
        ),  # FEP-5feb would take silence for a no; most software does not know it
        ("not-discoverable", {"discoverable": False}, "ignored-opt-out"),
        ("", {**NOBOT, "indexable": False, "discoverable": False}, "published"),
    ],
)
async def test_profiles_that_say_no(worlds: Worlds, signs: str, says: dict[str, Any], code: str) -> None:
    world = await worlds.open(every_sign(signs))
    server, other = await world.subscribe("m.test"), await world.subscribe("o.test")
    profile(server.actor("/users/alice", "Person"), **says)
    assert await create(world, server) == code
    await world.settle()
    assert len(other.arrivals("Announce")) == (code == "published")


async def test_an_announced_post_of_somebody_who_says_no_is_dropped(world: World) -> None:
    peer, other = await world.subscribe("p.test", dialect="litepub"), await world.subscribe("o.test")
    profile(peer.actor("/users/alice", "Person"), **NOBOT)
    note = peer.note()
    announce = {"id": peer.url("/a/1"), "type": "Announce", "actor": peer.actor().id, "object": note["id"]}
    assert (await world.post(peer.actor(), {**announce, "to": [PUBLIC]})).code == "screening"
    await world.settle()
    assert (await world.why(note["id"]))["decisions"][0]["reason"] == "opted-out"
    assert other.arrivals() == []


async def test_a_profile_that_changes_counts_with_the_next_post(world: World) -> None:
    server = await world.subscribe("m.test")
    other = await world.subscribe("o.test")
    alice = server.actor("/users/alice", "Person")
    assert await create(world, server) == "published"
    update = {"id": f"{alice.id}#u", "type": "Update", "actor": alice.id, "to": [PUBLIC]}
    new = {**update, "object": {**alice.document(), **NOBOT}}
    assert (await world.post(alice, new)).code == "ignored-update"
    assert await create(world, server) == "ignored-opt-out"
    back = {
        **update,
        "id": f"{alice.id}#b",
        "object": {**alice.document(), "updated": "2026-11-22T00:00:00Z"},
    }
    await world.post(alice, back)
    world.fediverse.fetched.clear()
    assert (
        await create(world, server) == "screening"
    )  # the whole profile is asked for, and not before the answer
    assert world.fediverse.fetched == []
    await world.settle()
    assert alice.id in world.fediverse.fetched
    assert await create(world, server) == "published"
    await world.settle()
    assert len(other.arrivals("Announce")) == 3


async def test_without_an_update_a_profile_is_looked_at_after_a_day(world: World) -> None:
    server = await world.subscribe("m.test")
    assert await create(world, server) == "published"
    profile(server.actor("/users/alice", "Person"), **NOBOT)
    assert await create(world, server) == "published"
    world.clock.forward(25 * 3600)
    assert await create(world, server) == "ignored-opt-out"  # it came with the key, which is fetched each day


@pytest.mark.parametrize(("status", "attempts"), [(503, 6), (404, 1)])
async def test_who_cannot_be_asked_is_asked_again_and_then_counts_as_silent(
    world: World, status: int, attempts: int
) -> None:
    peer, other = await world.subscribe("p.test", dialect="litepub"), await world.subscribe("o.test")
    alice = peer.actor("/users/alice", "Person")
    note = peer.note()
    peer.serve(alice.path, b"", status=status)
    announce = {"id": peer.url("/a/1"), "type": "Announce", "actor": peer.actor().id, "object": note["id"]}
    await world.post(peer.actor(), {**announce, "to": [PUBLIC]})
    for _ in range(attempts - 1):
        await world.settle()
        assert other.arrivals() == []
        world.clock.forward(1000)
    await world.settle()
    assert len(other.arrivals("Announce")) == 1


async def test_who_blocks_the_relay_takes_back_what_was_not_delivered(world: World) -> None:
    server, other = await world.subscribe("m.test"), await world.subscribe("o.test")
    alice = server.actor("/users/alice", "Person")
    other.fault = RemoteError("down")
    assert await create(world, server) == "published"
    await world.settle()
    block = {"id": f"{alice.id}#b", "type": "Block", "actor": alice.id, "object": "https://relay.test/actor"}
    assert (await world.post(alice, block)).code == "opted-out"
    other.fault = None
    world.clock.forward(24 * 3600)
    await world.settle()
    assert other.arrivals() == []


@pytest.mark.parametrize("how", ["block", "profile"])
async def test_deletions_of_who_opted_out_still_travel_and_edits_do_not(world: World, how: str) -> None:
    server, other = await world.subscribe("m.test"), await world.subscribe("o.test")
    alice = server.actor("/users/alice", "Person")
    note = server.note()
    await world.post(alice, signed(server, server.create(note)))
    await world.settle()
    if how == "block":
        block = {
            "id": f"{alice.id}#b",
            "type": "Block",
            "actor": alice.id,
            "object": "https://relay.test/actor",
        }
        await world.post(alice, block)
    else:
        profile(alice, **NOBOT)
        world.clock.forward(25 * 3600)
        await create(world, server)
        await world.settle()
    edit = {**change(server, note, "Update"), "cc": []}
    assert (await world.post(alice, signed(server, edit))).code == "ignored-update"
    await world.post(alice, signed(server, change(server, note, "Delete")))
    await world.settle()
    assert [a["type"] for a in other.arrivals()] == ["Create", "Delete"]
