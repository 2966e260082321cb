"""Those who ask the relay why, over its real HTTP server."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp

from relay.cli.serving import listening, public_app
from tests.fakes import sign_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from tests.fakes import FakeActor
    from tests.flow.conftest import World

PATH = "/why"


@dataclass(frozen=True)
class Told:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def text(self) -> str:
        return " ".join(self.body.decode().split())

    def shape(self, *own: str) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        """Everything but the time, and what is the asker's own."""
        body = self.body
        for text in own:
            body = body.replace(text.encode(), b"OWN")
        kept = tuple(
            (name, value) for name, value in self.headers.items() if name not in {"Date", "Content-Length"}
        )
        return self.status, kept, body


@dataclass
class Asker:
    """Somebody with a connection to the relay."""

    world: World
    session: aiohttp.ClientSession

    async def ask(self, url: str, *, by: FakeActor | None = None, **headers: str) -> Told:
        """Ask about a post, signed by an actor or by nobody."""
        target = f"{PATH}?url={quote(url, safe='')}"
        if by is not None:
            address, now = f"https://relay.test{target}", self.world.clock.now()
            request = sign_request(by.key, by.key_id, address, b"", now, method="GET")
            headers = dict(request.headers) | headers
        return await self.get(target, **headers)

    async def get(self, path: str, **headers: str) -> Told:
        """Ask for an address as it is written."""
        from yarl import URL

        url = URL(str(self.session._base_url).rstrip("/") + path, encoded=True)
        async with self.session.get(url, headers={"host": "relay.test", **headers}) as answer:
            return Told(answer.status, dict(answer.headers), await answer.read())


@asynccontextmanager
async def asking(world: World) -> AsyncIterator[Asker]:
    """Connect to the public side of a relay."""
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        yield Asker(world, session)
