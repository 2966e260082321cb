"""What is about the same object arrives in order, also when one of them has to be tried again."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from relay.adapters.system import SystemClock
from tests.contract.test_sharing import until
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


async def test_a_later_edit_does_not_pass_an_earlier_one_while_the_log_is_read(world: World) -> None:
    """The post lands while every feeder reads the later edit; the earlier one was not free when they passed it."""
    servers, fanout, store = await subscribers(world, 3), world.relay.fanout, world.relay.office.store
    for server in servers:
        server.hang = asyncio.Event()
    read = asyncio.Event()

    async def hold() -> None:
        """Let the fan-out see that there is more, and not what."""
        while not read.is_set():
            async with store.reading():
                if fanout._log.head == 3:
                    await read.wait()

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(fanout.run())
        await publish(world, "create", about="post")
        await until(lambda: fanout.sizes()["in_flight"] == 3)
        size = fanout.sizes()["log_window_bytes"]
        await publish(world, "first edit", about="post")
        await until(lambda: fanout.sizes()["log_window_bytes"] > size)
        tasks.create_task(hold())
        await publish(world, "second edit", about="post")
        await until(lambda: fanout._log.head == 3)
        await SystemClock().sleep(0.6)  # every feeder looks four times a second, and waits
        for server in servers:
            assert server.hang is not None
            server.hang.set()
        await until(lambda: fanout.sizes()["in_flight"] == 0)
        read.set()
        await until(lambda: all(len(server.inbox) == 3 for server in servers))
        running.cancel()
    assert [names(server) for server in servers] == [["create", "first edit", "second edit"]] * 3
