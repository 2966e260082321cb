"""A relay that moves from a file to PostgreSQL goes on as if it had been restarted."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from relay.adapters.sql.moving import move
from tests import databases
from tests.flow.conftest import BASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.flow.conftest import World, Worlds

pytestmark = databases.NEEDED
HOLDING = """\
policy:
  rules: [{name: Look at cats, when: {hashtags: cats}, then: quarantine, reason: cats}]
  otherwise: relay
"""


@pytest.fixture
def address(postgres: databases.Server) -> Iterator[str]:
    """A database for the relay to move to."""
    yield postgres.database("moved")
    postgres.execute("DROP DATABASE moved WITH (FORCE)")


async def lived(world: World) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Let a relay have subscribers, one of them away and one that refused a post, a hold, and a history.

    The values are what is due to whom, and what is to be asked for later.
    """
    for name in ("a.test", "b.test", "away.test", "choosy.test"):
        await world.subscribe(name)
    await world.subscribe("p.test", dialect="litepub")
    a, choosy = world.server("a.test"), world.server("choosy.test")
    alice = a.actor("/users/alice", "Person")
    first = await world.publish(a)
    world.server("away.test").status = 503
    missed = a.note()
    choosy.refuses[missed["id"]] = 500
    await world.post(alice, a.create(missed))
    for _ in range(8):
        await world.settle()
        world.clock.forward(1200)
    after = await world.publish(a)
    cat = a.note() | {"tag": [{"type": "Hashtag", "name": "#cats"}]}
    assert (await world.post(alice, a.create(cat))).code == "held"
    unread = await world.post(alice, a.create(late := a.note()))
    assert unread.code == "published"  # and the relay stops before it is delivered
    due = {
        "b.test": [late["id"]],
        "p.test": [late["id"]],
        "away.test": [missed["id"], after["id"], late["id"]],
        "choosy.test": [late["id"], missed["id"]],
        "a.test": [],
    }
    return due, {"first": first["id"], "cat": cat["id"], "repeat": json.dumps(a.create(first))}


async def test_a_relay_goes_on_where_the_file_ended(worlds: Worlds, address: str) -> None:
    async with AsyncExitStack() as stack:
        world = await worlds.open(BASE + HOLDING, stack=stack)
        due, known = await lived(world)
        actor = world.relay.actor
        before = await figures(world)
        assert [one["position"] for one in before["stragglers"]] == [2]
    for server in due:
        world.server(server).inbox.clear()
    path = worlds.folder / "data" / "relay.sqlite"
    outcome = await asyncio.to_thread(
        move, path, address, worlds.clock.now, lambda _done, _total: None, lambda _done, _total: None
    )
    rows = {one.name: one.rows for one in outcome.tables}
    assert all(
        rows[name]
        for name in ("log", "history", "holds", "stragglers", "hosts", "subscriptions", "policy_versions")
    )

    worlds.database = databases.Databases("postgresql", worlds.folder, address)
    world = await worlds.open(BASE + HOLDING)
    assert world.relay.actor == actor, "the same keys"
    assert await figures(world) == before
    for server in ("away.test", "choosy.test"):
        world.server(server).status = 202
        world.server(server).refuses.clear()
    await world.settle()
    world.clock.forward(12 * 3600)
    await world.settle()
    for server, notes in due.items():
        arrived = [one["object"] for one in world.server(server).arrivals("Announce")]
        assert sorted(arrived) == sorted(notes), server
    alice = world.server("a.test").actor("/users/alice", "Person")
    assert (await world.post(alice, json.loads(known["repeat"]))).code == "ignored-repeat"
    assert (await world.why(known["first"]))["state"] == "published"
    [held] = await world.relay.office.holds.all()
    await world.relay.office.holds.release(held.id, who="test", note=None)
    new = await world.publish(world.server("a.test"))
    assert [one["object"] for one in world.server("b.test").arrivals()][-2:] == [known["cat"], new["id"]]


async def figures(world: World) -> dict[str, object]:
    """What an operator sees of the subscribers and of what waits."""
    office = world.relay.office
    details = await office.subscribers.details(await office.subscribers.find("choosy.test"))
    return {
        "stragglers": details["stragglers"],
        "subscribers": [str(one) for one in await office.subscribers.all()],
        "holds": [str(one) for one in await office.holds.all()],
        "policies": [one.number for one in await office.policy_history.all()],
    }
