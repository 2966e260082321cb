"""ActivityRelay 0.3.5 as a subscriber of ours and as a relay beside us: real processes, TLS, two dialects."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from tests.fakes import private_pem
from tests.interop.processes import KEPT, LOCAL, OurRelay, behind_tls, listens, our_relay, process, run, until
from tests.interop.site import Site, site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relay.adapters.system import SystemClock
    from relay.ports import Clock

OURS, THEIRS = "https://relay.test", "https://peer.test"
PROGRAM = KEPT / "python/bin/activityrelay"
PORT = 8100
QUIET = 2.0
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

    async def command(self, *words: str, log: str = "commands.log") -> None:
        """Run a command of its own."""
        await run(self.folder / log, PROGRAM, "-c", self.folder / "relay.yaml", *words)

    def subscribers(self) -> set[str]:
        """The servers to which it delivers."""
        address = f"file:{self.folder / 'relay.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as database:
            return {str(row[0]) for row in database.execute("SELECT domain FROM inboxes WHERE accepted")}


@asynccontextmanager
async def activityrelay(folder: Path, clock: Clock) -> AsyncIterator[Peer]:
    """ActivityRelay at https://peer.test, with a key as large as the one that it makes in half a minute."""
    folder.mkdir()  # noqa: ASYNC240 - a test may wait for it
    (folder / "relay.yaml").write_text(CONFIG)
    key = private_pem(large_key()).decode()
    await Peer(folder).command("config", "set", "--", "private-key", key, log="setup.txt")  # repeats the key
    command = [PROGRAM, "-c", folder / "relay.yaml", "run"]
    log = folder / "activityrelay.log"
    async with process(log, command, {"LOG_LEVEL": "verbose"}), behind_tls("peer.test", PORT):
        await listens(clock, PORT)
        yield Peer(folder)


@cache
def large_key() -> RSAPrivateKey:
    """One for all tests."""
    return generate_private_key(public_exponent=65537, key_size=4096)


@dataclass
class World:
    """Our relay, the other one, and three servers: `origin` posts, `one` is with us, `two` with the other."""

    clock: Clock
    relay: OurRelay
    peer: Peer
    origin: Site
    one: Site
    two: Site

    async def subscribed(self) -> None:
        """Let every server subscribe where it belongs: the origin to both."""
        async with asyncio.TaskGroup() as all_of_them:
            all_of_them.create_task(self._subscribe(self.origin, OURS))
            all_of_them.create_task(self._subscribe(self.origin, THEIRS))
            all_of_them.create_task(self._subscribe(self.one, OURS))
            all_of_them.create_task(self._subscribe(self.two, THEIRS))

    async def _subscribe(self, server: Site, relay: str) -> None:
        await server.follow(relay)
        done = partial(_accepted, server, relay)
        await until(self.clock, done, f"{relay} accepts {server.name}")

    async def publish(self, note: dict[str, Any], *, to: str, arrives: Site) -> None:
        """Let the origin send a post to a relay, wait until it has arrived somewhere, and until all is quiet."""
        assert await self.origin.publish(to, note) == 202
        there = partial(arrives.announced, note["id"])
        await until(self.clock, lambda: bool(there()), f"{note['content']} is on {arrives.name}")
        await self.quiet()

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
async def world(tmp_path: Path, clock: SystemClock) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        sites = [
            await stack.enter_async_context(site(name, session, clock))
            for name in ("origin.test", "one.test", "two.test")
        ]
        relay = await stack.enter_async_context(our_relay(tmp_path / "ours", clock))
        peer = await stack.enter_async_context(activityrelay(tmp_path / "theirs", clock))
        yield World(clock, relay, peer, *sites)


async def follows_us(world: World) -> None:
    """Let ActivityRelay subscribe to our relay."""
    await world.peer.command("inbox", "follow", f"{OURS}/actor")
    await world.relay.until(
        world.clock,
        ("subscribers", "list", "--state", "accepted"),
        lambda found: "peer.test" in {one["server"] for one in found["subscribers"]},
    )


async def is_followed_by_us(world: World) -> None:
    """Let our relay subscribe to ActivityRelay."""
    await world.relay.asks("follow", f"{THEIRS}/actor")
    await world.relay.until(
        world.clock, ("follow",), lambda found: [one["state"] for one in found["following"]] == ["accepted"]
    )


async def test_it_subscribes_to_us_and_leaves_again(world: World) -> None:
    await world.subscribed()
    await follows_us(world)
    await world.quiet()

    note = world.origin.note("a post that only we were told of")
    await world.publish(note, to=OURS, arrives=world.two)
    assert world.one.announced(note["id"]) == [f"{OURS}/actor"]
    assert world.two.announced(note["id"]) == [f"{THEIRS}/actor"]

    await world.peer.command("inbox", "unfollow", f"{OURS}/actor")
    await world.relay.until(
        world.clock, ("subscribers", "list"), lambda found: len(found["subscribers"]) == 2
    )
    note = world.origin.note("a post after it left")
    await world.publish(note, to=OURS, arrives=world.one)
    assert world.two.announced(note["id"]) == []


async def test_we_subscribe_to_it_and_leave_again(world: World) -> None:
    await world.subscribed()
    await is_followed_by_us(world)
    await world.quiet()

    note = world.origin.note("a post that only they were told of")
    await world.publish(note, to=THEIRS, arrives=world.one)
    assert world.one.announced(note["id"]) == [f"{OURS}/actor"]
    assert world.two.announced(note["id"]) == [f"{THEIRS}/actor"]
    assert world.origin.announced(note["id"]) == []

    await world.relay.asks("unfollow", "peer.test")
    await until(world.clock, lambda: "relay.test" not in world.peer.subscribers(), "it has forgotten us")
    note = world.origin.note("a post after we left")
    await world.publish(note, to=THEIRS, arrives=world.two)
    assert world.one.announced(note["id"]) == []


async def test_a_post_that_enters_at_both_arrives_once_and_nothing_circulates(world: World) -> None:
    await world.subscribed()
    await follows_us(world)
    await is_followed_by_us(world)
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
