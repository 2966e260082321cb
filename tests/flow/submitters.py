"""Servers that submit media to be attested, over the relay's real HTTP server."""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from relay.cli.serving import listening, public_app
from tests.fakes import sign_request
from tests.flow.conftest import BASE
from tests.flow.test_screen import LOCAL, screened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.flow.conftest import World, Worlds

PATH = "/media-attestations"
VARYING = frozenset({"Date", "Location"})
"""Headers of an answer that are its own: the time, and the unguessable id."""


@dataclass(frozen=True)
class Answer:
    """An answer as it came: status, headers, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def shape(self) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        """Everything but the id and the time."""
        kept = tuple((name, value) for name, value in self.headers.items() if name not in VARYING)
        return self.status, kept, self.body


@dataclass
class Submitter:
    """A server with one of its actors, and a connection to the relay."""

    world: World
    session: aiohttp.ClientSession
    name: str

    async def send(self, content: bytes, kind: str = "image/png", **options: Any) -> Answer:
        """Submit bytes. `instead`: send other bytes than those signed; `chunked`: do not say how many."""
        actor = self.world.server(self.name).actor(options.pop("actor", "/users/alice"), "Person")
        url, now = f"https://relay.test{PATH}", self.world.clock.now()
        request = sign_request(
            actor.key,
            actor.key_id,
            url,
            content,
            now,
            extra={"content-type": kind},
            **options.pop("sign", {}),
        )
        headers = dict(request.headers) | options.pop("headers", {})
        body = options.pop("instead", content)
        data = chunks(body) if options.pop("chunked", False) else body
        async with self.session.post(PATH, data=data, headers=headers) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.read())

    async def send_url(self, url: object) -> Answer:
        return await self.send(json.dumps({"url": url}).encode(), "application/json")

    async def ask(self, path: str) -> Answer:
        """Ask for an answer that was to come later."""
        actor = self.world.server(self.name).actor()
        url, now = f"https://relay.test{path}", self.world.clock.now()
        request = sign_request(actor.key, actor.key_id, url, b"", now, method="GET")
        async with self.session.get(path, headers=dict(request.headers)) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.read())

    async def final(self, first: Answer) -> Answer:
        """Let the relay work and time pass until there is an answer."""
        assert first.status == 202, first
        for _ in range(12):
            await self.world.relay.service.attesting.run_once()
            answer = await self.ask(first.location)
            if answer.status != 202:
                return answer
            self.world.clock.forward(10)
        raise AssertionError("no answer came")


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), 16 * 1024):
        yield body[at : at + 16 * 1024]


@asynccontextmanager
async def submitters(world: World, *names: str, patience: float = 0.05) -> AsyncIterator[list[Submitter]]:
    """Servers with connections to the relay. Nothing works on submissions unless the test lets it."""
    world.relay.service.submissions.patience = patience
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        yield [Submitter(world, session, name) for name in names]


@asynccontextmanager
async def at_work(world: World) -> AsyncIterator[None]:
    """Let the relay work on submissions meanwhile."""
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(world.relay.service.attesting.run())
        yield
        working.cancel()


async def serving(worlds: Worlds, extra: str = "", media: str = "") -> World:
    """A relay with a list of its own that attests, and two subscribers."""
    config = BASE.replace("withhold: 0%", f"withhold: 0%{extra}") + LOCAL + media
    return await screened(worlds, config)


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
