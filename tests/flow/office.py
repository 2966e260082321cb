"""Somebody at the admin pages: a browser without scripts, signed in by a link like anybody."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp

from relay.cli.serving import admin_app, listening
from relay.services.admins import Admins
from relay.web.office.door import SIGN_IN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from relay.wiring import Relay

Fields = list[tuple[str, str]]


class _Forms(HTMLParser):
    """Collects forms: what a browser sends of each before somebody changes it, without its buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, Fields]] = []
        self._select: str | None = None
        self._chosen: str | None = None
        self._area: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((found["action"], []))
        elif tag == "input":
            ticked = found.get("type") not in {"checkbox", "radio"} or "checked" in found
            if ticked:
                self.forms[-1][1].append((found["name"], found.get("value", "on")))
        elif tag == "select":
            self._select, self._chosen = found["name"], None
        elif tag == "option" and (self._chosen is None or "selected" in found):
            self._chosen = found.get("value", "")
        elif tag == "textarea":
            self._area, self._text = found["name"], ""

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select is not None:
            self.forms[-1][1].append((self._select, self._chosen or ""))
            self._select = None
        elif tag == "textarea" and self._area is not None:
            self.forms[-1][1].append((self._area, self._text.removeprefix("\n")))
            self._area = None


class Page:
    """A page as it came, and where it was at last."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str], path: str) -> None:
        self.status, self.text, self.headers, self.path = status, text, headers, path

    def forms(self, action: str) -> list[Fields]:
        """Every form that is sent to an address."""
        reader = _Forms()
        reader.feed(self.text)
        return [fields for where, fields in reader.forms if where == action]


class Admin:
    """One browser at the admin side."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self.session, self.host = session, f"localhost:{port}"
        self.cookies: dict[str, str] = {}
        self.set_cookie = ""

    async def get(self, path: str, **headers: str) -> Page:
        """Open a page."""
        return await self._ask("GET", path, headers)

    async def post(self, path: str, fields: Fields | Mapping[str, str], **headers: str) -> Page:
        """Send a form, and follow where it leads."""
        pairs = list(fields.items()) if not isinstance(fields, list) else fields
        headers = {"Origin": f"http://{self.host}", **headers}
        page = await self._ask("POST", path, headers, data=BytesIO(urlencode(pairs).encode()))
        if page.status == 303:
            page = await self.get(page.headers["Location"])
        return page

    async def submit(self, page: Page, action: str, *, number: int = 0, **changed: str) -> Page:
        """Fill in a form of a page and send it: `changed` are other values of fields, or pressed buttons."""
        fields = [(name, value) for name, value in page.forms(action)[number] if name not in changed]
        return await self.post(action, [*fields, *changed.items()])

    async def sign_in(self, relay: Relay) -> Page:
        """Sign in by a new link."""
        secret = await Admins(relay.office.store, relay.office.clock).link(made_by="test")
        page = await self.get(f"{SIGN_IN}?link={secret}")
        assert page.status == 200, page.text
        return await self.submit(page, SIGN_IN)

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], **more: Any) -> Page:
        sent = {"Host": self.host, **headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if more:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        url = path.partition("#")[0]
        async with self.session.request(method, url, headers=sent, allow_redirects=False, **more) as answer:
            for line in answer.headers.getall("Set-Cookie", ()):
                pair, _, self.set_cookie = line.partition("; ")
                name, _, value = pair.partition("=")
                self.cookies[name] = value.strip('"')
            return Page(answer.status, await answer.text(), dict(answer.headers), path)


@asynccontextmanager
async def visiting(relay: Relay) -> AsyncIterator[Admin]:
    """Open a browser at the admin side of a relay, which takes changes of its configuration meanwhile."""
    async with (
        listening(admin_app(relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=aiohttp.DummyCookieJar()) as session,
        asyncio.TaskGroup() as tasks,
    ):
        working = tasks.create_task(relay.live.run())
        yield Admin(session, port)
        working.cancel()
