"""The page for people: what this relay is, by which rules it works, and how to join."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from aiohttp import web
from jinja2 import Environment, PackageLoader, select_autoescape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Template

    from relay.services.figures import Figures
    from relay.services.identity import Identity

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
STYLE: Final = "/static/style.css"
"""The address of the style sheet."""


@dataclass(frozen=True, slots=True)
class ListLine:
    """A hash list as the public sees it: why it is used and whose law it follows, nothing of what is in it."""

    name: str
    purpose: str
    country: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What the page says about how the relay works."""

    subscriptions: str
    mode: str
    lists: Sequence[ListLine]
    trusted: Sequence[str]
    contact: str
    retention: str


def template(name: str) -> Template:
    """Return a template; what it is given is escaped."""
    loader = PackageLoader("relay.web")
    return Environment(loader=loader, autoescape=select_autoescape(), enable_async=False).get_template(name)


class Pages:
    """Serves the page, robots.txt and security.txt."""

    def __init__(self, identity: Identity, rules: Rules, figures: Figures) -> None:
        self._identity, self._rules, self._figures = identity, rules, figures
        self._home = template("home.html")
        self._css = files("relay.web").joinpath("static", "style.css").read_text(encoding="utf-8")

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [
            web.get("/", self.home),
            web.get(STYLE, self.style),
            web.get("/robots.txt", self.robots),
            web.get("/.well-known/security.txt", self.security),
        ]

    async def home(self, _request: web.Request) -> web.Response:
        """Serve the page."""
        figures = await self._figures.public(days=30)
        text = self._home.render(me=self._identity, rules=self._rules, figures=figures, style=STYLE)
        return web.Response(text=text, content_type="text/html", headers=_HEADERS)

    async def style(self, _request: web.Request) -> web.Response:
        """Serve the style sheet."""
        return web.Response(
            text=self._css, content_type="text/css", headers={"Cache-Control": "max-age=3600"}
        )

    async def robots(self, _request: web.Request) -> web.Response:
        """Keep crawlers to the page for people."""
        return web.Response(text="User-agent: *\nAllow: /$\nDisallow: /\n")

    async def security(self, _request: web.Request) -> web.Response:
        """Say where to report vulnerabilities (RFC 9116)."""
        contact = self._rules.contact
        if not contact:
            raise web.HTTPNotFound
        if "@" in contact and ":" not in contact:
            contact = f"mailto:{contact}"
        year = self._figures.year() + 1
        text = f"Contact: {contact}\nExpires: {year}-12-31T00:00:00Z\nPreferred-Languages: en\n"
        return web.Response(text=text)
