"""Several processes on one PostgreSQL: one answers, others work, and the part of one that is killed is taken over."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import aiohttp
import pytest

from relay.cli.serving import listening
from tests import databases
from tests.chaos.world import CONFIG, Server, create, follow, free_port, holders, relay_process, worker

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
@pytest.mark.timeout(240)
@databases.NEEDED
async def test_whatever_was_answered_202_arrives_though_one_of_the_workers_is_killed(
    postgres: databases.Server, tmp_path: Path
) -> None:
    port, acknowledged = free_port(), []
    relay, config = f"http://127.0.0.1:{port}", tmp_path / "config.yaml"
    address = postgres.database("processes")
    place = f'data: data, database: "{address}"'
    config.write_text(CONFIG.format(port=port, admin=free_port()).replace("data: data", place))
    origin, subscribers = Server(0), [Server(number) for number in range(1, 7)]

    async def post(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            note = origin.url(f"/notes/{len(acknowledged)}")
            assert await origin.post(session, relay, "alice", create(note)) == 202
            acknowledged.append(note)

    async def all_arrived() -> None:
        async with asyncio.timeout(90):
            for one in subscribers:
                async with one.changed:
                    await one.changed.wait_for(one.has(acknowledged))

    async with AsyncExitStack() as stack:
        for one in (origin, *subscribers):
            one.port = await stack.enter_async_context(listening(one.app(), "127.0.0.1", 0))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        await stack.enter_async_context(relay_process(config, port, "--role", "web"))
        first = await stack.enter_async_context(worker(config))
        await holders(address, 1)
        second = await stack.enter_async_context(worker(config))
        both = await holders(address, 2)
        await follow(session, relay, origin, *subscribers)
        await post(1.0)
        await all_arrived()
        first.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        await post(1.0)
        assert await holders(address, 1) < both
        await all_arrived()
        assert second.returncode is None
    for subscriber in subscribers:
        times: dict[str, list[float]] = {}
        for at, note in subscriber.arrived:
            times.setdefault(note, []).append(at)
        for arrivals in times.values():
            assert len(arrivals) <= 2
            if len(arrivals) == 2:
                assert killed_at - 2.5 < arrivals[0] < killed_at < arrivals[1], "repeated without need"
    assert len(acknowledged) > 4
