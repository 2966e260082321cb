"""A worker that leads is cut off from the database without a word: another takes over, and nothing arrives twice."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import pytest

from relay.cli.serving import listening
from tests import databases
from tests.chaos.links import HERE, link
from tests.chaos.world import CONFIG, Server, create, follow, free_port, relay_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path


@dataclass
class Talk:
    """Somebody who posts, a relay that takes it in, and a subscriber."""

    relay: str
    origin: Server
    subscriber: Server
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
        async with asyncio.timeout(120), self.subscriber.changed:
            await self.subscriber.changed.wait_for(
                lambda: {one for _, one in self.subscriber.arrived} >= set(self.acknowledged)
            )


def configured(folder: Path, name: str, port: int, database: str) -> Path:
    """Write the configuration of a process; all have the same data."""
    config = folder / f"{name}.yaml"
    place = f'data: {folder / "data"}, database: "{database}"'
    text = CONFIG.format(port=port, admin=free_port()).replace("data: data", place)
    config.write_text(text.replace("[127.0.0.0/8]", f"[127.0.0.0/8, {HERE}/32]"))
    return config


@asynccontextmanager
async def worker(config: Path, inside: Sequence[str] = ()) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that only works, behind a link or not."""
    process = await asyncio.create_subprocess_exec(
        *inside, sys.executable, "-m", "relay", "--config", str(config), "serve", "--role", "worker",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, cwd=config.parent,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


@pytest.mark.slow
@pytest.mark.timeout(360)
@pytest.mark.skipif(databases.programs() is None, reason=databases.ABSENT)
@pytest.mark.parametrize("kind", ["hangs", "is unplugged"])
async def test_a_worker_that_is_cut_off_stops_and_another_goes_on_without_repeating(
    postgres: databases.Server, tmp_path: Path, kind: str
) -> None:
    port, name = free_port(), f"cut_off_{kind[:2]}".strip()
    address = postgres.database(name)
    async with AsyncExitStack() as stack:
        way = await stack.enter_async_context(link(kind, postgres.folder / ".s.PGSQL.5432"))
        servers = [Server(0, host=way.host), Server(1, host=way.host)]
        for one in servers:
            one.port = await stack.enter_async_context(listening(one.app(), way.host, 0))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        talk = Talk(f"http://127.0.0.1:{port}", *servers, session)
        direct = configured(tmp_path, "direct", port, address)
        behind = configured(
            tmp_path, "behind", port, f"postgresql://assay@{way.host}:{way.port}/{name}?sslmode=disable"
        )
        await stack.enter_async_context(relay_process(direct, port, "--role", "web"))
        first = await stack.enter_async_context(worker(behind, way.inside))
        leads = await leader(address)
        second = await stack.enter_async_context(worker(direct))
        await follow(session, talk.relay, *servers)
        await talk.offer(30)
        await talk.all_arrived()
        await talk.offer(5)
        way.hang()
        cut_at = time.monotonic()
        await talk.offer(30)
        async with asyncio.timeout(90):
            assert await leader(address, other_than=leads) != leads
        await talk.all_arrived()
        way.heal()
        await talk.offer(30)
        await talk.all_arrived()
        second.send_signal(signal.SIGTERM)
        assert await second.wait() == 0
        await talk.offer(30)  # the one that was cut off is at work again
        await talk.all_arrived()
        assert first.returncode is None
    check(servers[1].arrived, cut_at)
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
