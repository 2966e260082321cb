"""Somebody with a browser without scripts: forms as the page has them, the cookie as it was set, nothing else."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import aiohttp

from relay.cli.serving import listening, public_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.wiring import Relay

ORIGIN = "https://relay.test"


class _Forms(HTMLParser):
    """Collects forms with the values that a browser would send."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.forms.append((found["action"] or "", {}))
        elif tag == "input" and found.get("type") != "checkbox":
            self.forms[-1][1][found["name"] or ""] = found.get("value") or ""
        elif tag == "select":
            self._select = found["name"]
        elif tag == "option" and self._select and "selected" in found:
            self.forms[-1][1][self._select] = found["value"] or ""


@dataclass
class Page:
    """A page as it came."""

    status: int
    text: str
    headers: dict[str, str]

    def form(self, action: str, number: int = 0) -> dict[str, str]:
        """The fields of a form by its address."""
        reader = _Forms()
        reader.feed(self.text)
        return [fields for where, fields in reader.forms if where == action][number]


@dataclass
class Browser:
    """One browser."""

    session: aiohttp.ClientSession
    cookies: dict[str, str] = field(default_factory=dict)
    attributes: str = ""

    async def get(self, path: str) -> Page:
        """Open a page."""
        return await self._ask("GET", path)

    async def post(self, path: str, fields: dict[str, str] | bytes, **headers: str) -> Page:
        """Send a form and follow where it leads."""
        page = await self._ask("POST", path, data=fields, headers={"Origin": ORIGIN, **headers})
        for _ in range(3):
            if page.status != 303:
                break
            page = await self.get(page.headers["Location"])
        return page

    async def _ask(self, method: str, path: str, **more: Any) -> Page:
        headers = {"Host": "relay.test", **more.pop("headers", {})}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with self.session.request(
            method, path, headers=headers, allow_redirects=False, **more
        ) as answer:
            for line in answer.headers.getall("Set-Cookie", ()):
                pair, _, self.attributes = line.partition("; ")
                name, _, value = pair.partition("=")
                self.cookies[name] = value.strip('"')
            return Page(answer.status, await answer.text(), dict(answer.headers))


@asynccontextmanager
async def browsing(relay: Relay) -> AsyncIterator[Browser]:
    """Open a browser at the public side of a relay."""
    async with (
        listening(public_app(relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        yield Browser(session)
