"""However many posts bring a picture at the same moment, wherever it lies: it is scanned once."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from relay.adapters.media.canary import clean_picture
from relay.cli.serving import listening, public_app
from tests.flow.conftest import BASE, INBOX
from tests.services import FakeArachnid, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.protocol.httpsig import SignedRequest
    from tests.fakes import FakeServer
    from tests.flow.conftest import World, Worlds

POSTS = 200
PICTURE = clean_picture("everybody posts this one")


@dataclass
class SlowArachnid(FakeArachnid):
    """Answers no question before it is let go."""

    asking: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def _pdq(self, request: web.Request) -> web.Response:
        self.asking.set()
        await self.go.wait()
        return await super()._pdq(request)


def questions(fake: FakeArachnid) -> int:
    return fake.paths.count("/v1/pdq/")


async def opened(worlds: Worlds, shield: str) -> World:
    config = BASE.replace("subscriptions: open", "subscriptions: open, publish_from: anyone")
    scanner = f"{{name: shield, kind: arachnid, url: '{shield}', user: me, password: secret}}"
    # One picture from many servers looks like a wave; what holds waves up is tried elsewhere.
    return await worlds.open(f"{config}scanners: [{scanner}]\nbrake: {{mode: off}}\n")


def posts(world: World, content: bytes, count: int, first: int = 0) -> list[SignedRequest]:
    """As many posts of as many servers, each with the picture at an address of its own."""
    found = []
    for number in range(first, first + count):
        server = world.server(f"s{number}.test")
        create = server.create(server.note(server.picture(content, f"/files/{number}.png")))
        found.append(server.actor("/users/alice", "Person").sign(INBOX, create, world.clock.now()))
    return found


@asynccontextmanager
async def connected(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    """A connection to the relay for each post."""
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", connector=aiohttp.TCPConnector(limit=POSTS)
        ) as session,
    ):
        yield session


async def screen(world: World, count: int) -> None:
    """Screen so many posts, while they come."""
    while count > 0:
        count -= await world.relay.screening.run_once()


async def send(session: aiohttp.ClientSession, requests: list[SignedRequest]) -> None:
    """Post all at once; each has to be taken."""

    async def one(request: SignedRequest) -> int:
        async with session.post("/inbox", data=request.body, headers=dict(request.headers)) as answer:
            return answer.status

    statuses = await asyncio.gather(*map(one, requests))
    assert set(statuses) == {202}


async def test_two_hundred_posts_at_once_are_one_question_to_the_service(worlds: Worlds) -> None:
    fake = FakeArachnid()
    async with running(fake) as shield:
        world = await opened(worlds, shield)
        reader: FakeServer = await world.subscribe("reader.test")
        before = world.relay.decoder.stats.decoded
        async with connected(world) as session, asyncio.TaskGroup() as tasks:
            tasks.create_task(send(session, posts(world, PICTURE, POSTS)))
            tasks.create_task(screen(world, POSTS))
        await world.settle()
    assert questions(fake) == 1
    assert world.relay.decoder.stats.decoded - before == 1
    media = [url for url in world.fediverse.fetched if "/files/" in url]
    assert len(set(media)) == len(media) == POSTS  # each was looked at: the bytes decide, not the address
    assert len({one["object"] for one in reader.arrivals("Announce")}) == POSTS


async def test_a_slow_service_is_asked_once_however_many_wait_for_it(worlds: Worlds) -> None:
    fake = SlowArachnid()
    async with running(fake) as shield:
        world = await opened(worlds, shield)
        reader = await world.subscribe("reader.test")
        async with connected(world) as session, asyncio.TaskGroup() as tasks:
            screening = tasks.create_task(screen(world, POSTS))
            await send(session, posts(world, PICTURE, POSTS))  # nobody waits for the service to have the 202
            await fake.asking.wait()
            assert not screening.done()
            fake.go.set()
        await world.settle()
        assert len(reader.arrivals("Announce")) == POSTS
    assert questions(fake) == 1


async def test_each_of_several_pictures_is_one_question(worlds: Worlds) -> None:
    fake = FakeArachnid()
    async with running(fake) as shield:
        world = await opened(worlds, shield)
        sent = [posts(world, clean_picture(f"one of four: {number}"), 25, 25 * number) for number in range(4)]
        async with connected(world) as session, asyncio.TaskGroup() as tasks:
            tasks.create_task(send(session, [request for some in sent for request in some]))
            tasks.create_task(screen(world, 100))
    assert questions(fake) == 4
