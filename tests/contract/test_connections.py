"""How many connections a process takes from PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from relay.adapters.sql.postgres import PostgresStore
from tests import databases

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = databases.NEEDED


@pytest.fixture(scope="module")
def server() -> Iterator[databases.Server]:
    """A server of these tests alone: they count what is connected to it."""
    yield from databases.serving()


async def test_a_process_has_nine_connections_at_most_and_the_others_wait_their_turn(
    server: databases.Server,
) -> None:
    full, inside, done = asyncio.Event(), 0, 0

    async def read() -> None:
        nonlocal inside, done
        async with store.reading() as tx:
            inside += 1
            if inside == 8:
                full.set()
            await full.wait()
            assert await tx.fanout.head() == 0
        done += 1

    async def write() -> None:
        nonlocal done
        await full.wait()
        async with store.transaction() as tx:
            assert await tx.leases.take("x", "a", now=0.0, until=1.0)
        done += 1

    async with PostgresStore(databases.clean(server), serving=True) as store, asyncio.TaskGroup() as tasks:
        for _ in range(30):
            tasks.create_task(read())
            tasks.create_task(write())
        await full.wait()
        counted = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = 'clean' AND application_name = 'assay'"
        )
        assert server.execute(counted) == [(9,)]
    assert done == 60
