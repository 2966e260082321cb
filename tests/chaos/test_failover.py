"""The database restarts and ends connections under a relay that goes on: whatever was answered 202 arrives."""

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
from tests.chaos.world import CONFIG, Server, create, follow, free_port, relay_process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server() -> Iterator[databases.Server]:
    """A server that this test may stop."""
    yield from databases.serving()


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.skipif(databases.programs() is None, reason=databases.ABSENT)
async def test_whatever_was_answered_202_arrives_though_the_database_goes_away(
    server: databases.Server, tmp_path: Path
) -> None:
    port, acknowledged, refused = free_port(), [], 0
    relay, config = f"http://127.0.0.1:{port}", tmp_path / "config.yaml"
    place = f'data: data, database: "{server.database("relay")}"'
    config.write_text(CONFIG.format(port=port, admin=free_port()).replace("data: data", place))
    origin, subscriber = Server(0), Server(1)

    async def post(seconds: float) -> int:
        refusals, end = 0, time.monotonic() + seconds  # noqa: TID251
        while time.monotonic() < end:  # noqa: TID251
            note = origin.url(f"/notes/{len(acknowledged)}-{time.monotonic()}")  # noqa: TID251
            status = await origin.post(session, relay, "alice", create(note))
            assert status in {202, 503}, status
            if status == 202:
                acknowledged.append(note)
            else:
                refusals += 1
        return refusals

    async with AsyncExitStack() as stack:
        for one in (origin, subscriber):
            one.port = await stack.enter_async_context(listening(one.app(), "127.0.0.1", 0))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        process = await stack.enter_async_context(relay_process(config, port))
        await follow(session, relay, origin, subscriber)
        for _ in range(5):
            await post(0.3)
            server.cut()
        for how in (signal.SIGINT, signal.SIGQUIT):
            await post(0.3)
            server.stop(how)
            refused += await post(0.3)
            server.start()
            async with asyncio.timeout(30):
                while await post(0.1):  # until it is back
                    pass
        async with asyncio.timeout(60), subscriber.changed:
            await subscriber.changed.wait_for(
                lambda: {one for _, one in subscriber.arrived} >= set(acknowledged)
            )
        assert process.returncode is None, "it went on all the time"
    assert len(acknowledged) > 9
    assert refused > 0
