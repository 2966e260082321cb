"""People who hand in hashes of their own pictures, over the relay's real HTTP server."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp

from relay.adapters.media.pictures import Limits, hash_picture
from relay.cli.serving import listening, public_app
from relay.domain.media import Decoded
from tests.flow.conftest import BASE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.flow.conftest import World

LISTS = """
scanners:
  - {name: own-adults, kind: submitted, category: ncii, purpose: "a test", country: any}
  - {name: own-minors, kind: submitted, category: ncii-minor, purpose: "a test", country: any}
"""
PAGES = "submit: {pages: true, rate: unlimited, rate_of_all: unlimited}\n"
CONFIG = BASE + LISTS + PAGES


def hashes_of(content: bytes) -> list[dict[str, Any]]:
    """What the page sends of a picture."""
    decoded = hash_picture(content, Limits(10_000_000))
    assert isinstance(decoded, Decoded)
    frame = decoded.frames[0]
    return [
        {"algorithm": "sha256", "value": hashlib.sha256(content).hexdigest()},
        {"algorithm": "pdq", "value": frame.pdq.hex(), "quality": frame.quality},
    ]


@dataclass
class Person:
    """Somebody with a browser."""

    session: aiohttp.ClientSession
    base: str

    async def post(self, path: str, document: object, **options: Any) -> tuple[int, Any]:
        """Send a document as the page does; return status and answer."""
        async with self.session.post(self.base + path, json=document, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def hand_in(self, *hashes: dict[str, Any], about: str = "adult") -> str:
        """Hand hashes in; return the path of the link."""
        status, answer = await self.post("/submit", {"about": about, "hashes": list(hashes)})
        assert status == 201, answer
        path: str = urlsplit(answer["link"]).path
        return path

    async def withdraw(self, link: str, **headers: str) -> tuple[int, str]:
        """Take everything back, with the button."""
        sent = {"Accept": "text/html", **headers}
        async with self.session.post(f"{self.base}{link}/withdraw", headers=sent) as answer:
            return answer.status, await answer.text()

    async def page(self, path: str) -> tuple[int, str]:
        """Open a page."""
        async with self.session.get(self.base + path, headers={"Accept": "text/html"}) as answer:
            return answer.status, await answer.text()


@asynccontextmanager
async def person(world: World) -> AsyncIterator[Person]:
    """Serve the public side and open it."""
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession() as session,
    ):
        yield Person(session, f"http://127.0.0.1:{port}")
