"""ActivityRelay 0.3.5 as a subscriber of ours and as a relay beside us: real processes, TLS, two dialects."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from shutil import copytree
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio

from tests.interop.processes import KEPT, LOCAL, behind_tls, listens, our_relay, process, run, until
from tests.interop.site import Site, site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relay.adapters.system import SystemClock
    from relay.ports import Clock

OURS, THEIRS = "https://relay.test", "https://peer.test"
PROGRAM = KEPT / "python/bin/activityrelay"
PORT = 8100
QUIET = 3.0
"""Seconds without a further delivery after which nothing circulates."""
CONFIG = f"""\
listen: {LOCAL}
port: {PORT}
domain: peer.test
workers: 1
database_type: sqlite
cache_type: database
sqlite_path: relay.sqlite3
"""

pytestmark = pytest.mark.timeout(120)


@dataclass
class Peer:
    """ActivityRelay in a folder."""

    folder: Path

    async def command(self, *words: str, typed: bytes = b"") -> None:
        """Run a command of its own."""
        command = [PROGRAM, "-c", self.folder / "relay.yaml", *words]
        await run(self.folder / "commands.log", *command, typed=typed)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder with database and key: the key has 4096 bits and takes it seconds to make."""
    folder = tmp_path_factory.mktemp("activityrelay") / "theirs"
    folder.mkdir()
    (folder / "relay.yaml").write_text(CONFIG)
    await Peer(folder).command("setup", "--skip-questions", typed=b"n\n")  # do not run it at once
    return folder


@asynccontextmanager
async def activityrelay(folder: Path, clock: Clock) -> AsyncIterator[Peer]:
    """ActivityRelay at https://peer.test."""
    command = [PROGRAM, "-c", folder / "relay.yaml", "run"]
    log = folder / "activityrelay.log"
    async with process(log, command, {"LOG_LEVEL": "verbose"}), behind_tls("peer.test", PORT):
        await listens(clock, PORT)
        yield Peer(folder)


@dataclass
class World:
    """Our relay, the other one, and three servers: `origin` posts, `one` is with us, `two` with the other."""

    clock: Clock
    peer: Peer
    origin: Site
    one: Site
    two: Site

    async def subscribed(self) -> None:
        """Let every server subscribe where it belongs: the origin to both."""
        for server, relay in (
            (self.origin, OURS),
            (self.origin, THEIRS),
            (self.one, OURS),
            (self.two, THEIRS),
        ):
            await server.follow(relay)
            done = partial(_accepted, server, relay)
            await until(self.clock, done, f"{relay} accepts {server.name}")

    async def quiet(self) -> None:
        """Return when nothing has arrived anywhere for a while."""
        last, since = -1, self.clock.monotonic()
        deadline = since + 30
        while self.clock.monotonic() - since < QUIET:
            count = sum(len(one.arrived) for one in (self.origin, self.one, self.two))
            if count != last:
                last, since = count, self.clock.monotonic()
            assert self.clock.monotonic() < deadline, "deliveries go on and on"
            await self.clock.sleep(0.2)


def _accepted(server: Site, relay: str) -> bool:
    return any(one["actor"] == f"{relay}/actor" for one in server.answers("Accept"))


@pytest.fixture
async def world(tmp_path: Path, prepared: Path, clock: SystemClock) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        sites = [
            await stack.enter_async_context(site(name, session, clock))
            for name in ("origin.test", "one.test", "two.test")
        ]
        await stack.enter_async_context(our_relay(tmp_path / "ours", clock))
        copytree(prepared, tmp_path / "theirs")
        peer = await stack.enter_async_context(activityrelay(tmp_path / "theirs", clock))
        yield World(clock, peer, *sites)


async def test_it_subscribes_to_us_and_passes_on_what_we_relay(world: World) -> None:
    await world.subscribed()
    await world.peer.command("inbox", "follow", f"{OURS}/actor")
    await world.quiet()

    note = world.origin.note("a post that only we were told of")
    assert await world.origin.publish(OURS, note) == 202
    await until(world.clock, lambda: bool(world.two.announced(note["id"])), "the post is at its subscriber")
    await world.quiet()
    assert world.one.announced(note["id"]) == [f"{OURS}/actor"]
    assert world.two.announced(note["id"]) == [f"{THEIRS}/actor"]


async def test_what_it_announces_reaches_our_subscribers(world: World) -> None:
    await world.subscribed()
    await world.peer.command("inbox", "follow", f"{OURS}/actor")
    await world.quiet()

    note = world.origin.note("a post that only they were told of")
    assert await world.origin.publish(THEIRS, note) == 202
    await until(world.clock, lambda: bool(world.one.announced(note["id"])), "the post is at our subscriber")
    await world.quiet()
    assert world.one.announced(note["id"]) == [f"{OURS}/actor"]
    assert world.two.announced(note["id"]) == [f"{THEIRS}/actor"]


async def test_a_post_that_enters_at_both_arrives_once_and_does_not_circulate(world: World) -> None:
    await world.subscribed()
    await world.peer.command("inbox", "follow", f"{OURS}/actor")
    await world.quiet()

    notes = [world.origin.note(f"post {number}") for number in range(5)]
    for note in notes:
        assert await world.origin.publish(OURS, note) == 202
        assert await world.origin.publish(THEIRS, note) == 202
    for note in notes:
        for server in (world.one, world.two):
            arrived = partial(server.announced, note["id"])
            await until(world.clock, lambda arrived=arrived: bool(arrived()), f"{note['id']} is there")
    await world.quiet()
    for note in notes:
        assert world.one.announced(note["id"]) == [f"{OURS}/actor"]
        assert world.two.announced(note["id"]) == [f"{THEIRS}/actor"]
        assert world.origin.announced(note["id"]) == []
    assert (world.one.refused, world.two.refused, world.origin.refused) == (0, 0, 0)


async def test_it_leaves(world: World) -> None:
    await world.subscribed()
    await world.peer.command("inbox", "follow", f"{OURS}/actor")
    await world.quiet()
    await world.peer.command("inbox", "unfollow", f"{OURS}/actor")
    await world.quiet()

    note = world.origin.note("a post after it left")
    assert await world.origin.publish(OURS, note) == 202
    await until(world.clock, lambda: bool(world.one.announced(note["id"])), "the post is at our subscriber")
    await world.quiet()
    assert world.two.announced(note["id"]) == []
