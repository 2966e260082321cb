"""A worker is cut off from the database without a word: another takes over, and nothing arrives twice."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import pytest

from relay.cli.serving import listening
from tests import databases
from tests.chaos.links import HERE, link
from tests.chaos.world import CONFIG, Server, create, follow, free_port, holders, relay_process, worker

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Talk:
    """Somebody who posts, a relay that takes it in, and subscribers in shares of both workers."""

    relay: str
    origin: Server
    subscribers: list[Server]
    session: aiohttp.ClientSession
    acknowledged: list[str] = field(default_factory=list)

    async def offer(self, count: int) -> None:
        """Post until so many more were taken."""
        wanted, tries = len(self.acknowledged) + count, 0
        while len(self.acknowledged) < wanted:
            note = self.origin.url(f"/notes/{len(self.acknowledged)}-{tries}")
            status = await self.origin.post(self.session, self.relay, "alice", create(note))
            assert status in {202, 503}, status
            if status == 202:
                self.acknowledged.append(note)
            tries += 1

    async def all_arrived(self) -> None:
        async with asyncio.timeout(120):
            for one in self.subscribers:
                async with one.changed:
                    await one.changed.wait_for(one.has(self.acknowledged))


def configured(folder: Path, name: str, port: int, database: str) -> Path:
    """Write the configuration of a process; all have the same data."""
    config = folder / f"{name}.yaml"
    place = f'data: {folder / "data"}, database: "{database}"'
    text = CONFIG.format(port=port, admin=free_port()).replace("data: data", place)
    config.write_text(text.replace("[127.0.0.0/8]", f"[127.0.0.0/8, {HERE}/32]"))
    return config


@pytest.mark.slow
@pytest.mark.timeout(360)
@databases.NEEDED
@pytest.mark.parametrize("kind", ["hangs", "is unplugged"])
async def test_a_worker_that_is_cut_off_stops_and_another_goes_on_without_repeating(
    postgres: databases.Server, tmp_path: Path, kind: str
) -> None:
    port, name = free_port(), f"cut_off_{kind[:2]}".strip()
    address = postgres.database(name)
    async with AsyncExitStack() as stack:
        way = await stack.enter_async_context(link(kind, postgres.folder / ".s.PGSQL.5432"))
        origin, *subscribers = servers = [Server(number, host=way.host) for number in range(7)]
        for one in servers:
            one.port = await stack.enter_async_context(listening(one.app(), way.host, 0))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        talk = Talk(f"http://127.0.0.1:{port}", origin, subscribers, session)
        direct = configured(tmp_path, "direct", port, address)
        behind = configured(
            tmp_path, "behind", port, f"postgresql://assay@{way.host}:{way.port}/{name}?sslmode=disable"
        )
        await stack.enter_async_context(relay_process(direct, port, "--role", "web"))
        first = await stack.enter_async_context(worker(behind, *way.inside))
        await holders(address, 1)
        second = await stack.enter_async_context(worker(direct))
        both = await holders(address, 2)
        await follow(session, talk.relay, *servers)
        await talk.offer(30)
        await talk.all_arrived()
        await talk.offer(5)
        way.hang()
        cut_at = time.monotonic()
        await talk.offer(30)
        async with asyncio.timeout(90):
            assert await holders(address, 1) < both
        await talk.all_arrived()
        way.heal()
        assert await holders(address, 2)
        await talk.offer(30)
        await talk.all_arrived()
        second.send_signal(signal.SIGTERM)
        assert await second.wait() == 0
        await talk.offer(30)  # the one that was cut off is at work again
        await talk.all_arrived()
        assert first.returncode is None
    for one in subscribers:
        check(one.arrived, cut_at)
    assert len(talk.acknowledged) == 125


def check(arrived: list[tuple[float, str]], cut_at: float) -> None:
    """Nothing was repeated but what was delivered in the second before the cut, or was on its way."""
    times: dict[str, list[float]] = {}
    for at, one in arrived:
        times.setdefault(one, []).append(at)
    for arrivals in times.values():
        assert len(arrivals) <= 2
        if len(arrivals) == 2:
            assert cut_at - 2.5 < arrivals[0] < cut_at + 0.5 < arrivals[1], "repeated without need"
