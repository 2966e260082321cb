"""What is about the same object arrives in order, also when one of them has to be tried again."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from tests.flow.test_shares import HOUR, names, publish, subscribers

if TYPE_CHECKING:
    from tests.fakes import FakeServer
    from tests.flow.conftest import World, Worlds


async def straggling(world: World) -> FakeServer:
    """A subscriber that refused a post for now, took another since, and has an edit of the post before it."""
    [server] = await subscribers(world, 1)
    server.refuses = {'"https://o.test/create"': 500}
    await publish(world, "create", about="post")
    await publish(world, "other")
    for _ in range(4):
        await world.relay.fanout.run_once()
        world.clock.forward(60)
    await publish(world, "update", about="post")
    await world.relay.fanout.run_once()
    assert names(server) == ["other"]
    return server


async def test_an_edit_waits_for_its_post_though_the_relay_is_restarted(worlds: Worlds) -> None:
    async with AsyncExitStack() as first:
        server = await straggling(await worlds.open(stack=first))
    world = await worlds.open()
    await world.relay.fanout.run_once()
    assert names(server) == ["other"], "the edit must not come before the post"
    server.refuses = {}
    worlds.clock.forward(7 * HOUR)
    await world.relay.fanout.run_once()
    assert names(server) == ["other", "create", "update"]


async def test_what_follows_a_post_that_was_withdrawn_is_not_held_back(world: World) -> None:
    server = await straggling(world)
    async with world.relay.office.store.transaction() as tx:
        await tx.activities.withdraw("https://o.test/post", world.clock.now())
    server.refuses = {}
    await publish(world, "delete", about="post")
    world.clock.forward(7 * HOUR)
    await world.relay.fanout.run_once()
    assert names(server) == ["other", "delete"]
