"""kill -9 at random moments: whatever was answered 202 arrives, and at most the last second arrives again."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import aiohttp
import pytest

from relay.cli.serving import listening
from tests.chaos.world import CONFIG, Server, create, follow, free_port, relay_process

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 5


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_whatever_was_answered_202_arrives_in_spite_of_kill_9(tmp_path: Path) -> None:
    chance, acknowledged = random.Random(7), []  # noqa: S311 - the same moments every time
    port = free_port()
    relay, config = f"http://127.0.0.1:{port}", tmp_path / "config.yaml"
    config.write_text(CONFIG.format(port=port, admin=free_port()))
    origin, subscriber = Server(0), Server(1)
    async with AsyncExitStack() as stack:
        for server in (origin, subscriber):
            server.port = await stack.enter_async_context(listening(server.app(), "127.0.0.1", 0))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        killed_at = []
        for life in range(KILLS):
            async with relay_process(config, port):
                if life == 0:
                    await follow(session, relay, origin, subscriber)
                end = time.monotonic() + chance.uniform(0.2, 1.6)  # noqa: TID251
                while time.monotonic() < end:  # noqa: TID251
                    note = origin.url(f"/notes/{life}-{len(acknowledged)}-{chance.random()}")
                    if await origin.post(session, relay, "alice", create(note)) == 202:
                        acknowledged.append(note)
            killed_at.append(time.monotonic())  # noqa: TID251
        async with relay_process(config, port), asyncio.timeout(60), subscriber.changed:
            await subscriber.changed.wait_for(
                lambda: {one for _, one in subscriber.arrived} >= set(acknowledged)
            )
    assert len(acknowledged) > 30
    objects = [one for _, one in subscriber.arrived]
    repeated = {one for one in objects if objects.count(one) > 1}
    for one in repeated:
        times = [at for at, found in subscriber.arrived if found == one]
        assert any(kill - 2.5 < times[0] < kill for kill in killed_at), "repeated long after it was delivered"
