"""The page for people: what this relay is, by which rules it works, and how to join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from relay.domain.waves.telling import written
from relay.web.frame import html, static

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.services.figures import Figures
    from relay.services.identity import Identity
    from relay.services.waves import Waves


@dataclass(frozen=True, slots=True)
class ListLine:
    """A hash list as the public sees it: why it is used and whose law it follows, nothing of what is in it."""

    name: str
    purpose: str
    country: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What the page says about how the relay works. `lab`, `policy`, `submit`: whether there are pages of them."""

    subscriptions: str
    mode: str
    lists: Sequence[ListLine]
    trusted: Sequence[str]
    contact: str
    retention: str
    lab: bool
    policy: bool
    submit: bool = False


class Pages:
    """Serves the page, robots.txt and security.txt. `rules` gives those that hold now."""

    def __init__(
        self, identity: Identity, rules: Callable[[], Rules], figures: Figures, waves: Waves
    ) -> None:
        self._identity, self._rules, self._figures, self._waves = identity, rules, figures, waves

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [
            web.get("/", self.home),
            static("style.css"),
            static("icon.svg"),
            web.get("/robots.txt", self.robots),
            web.get("/.well-known/security.txt", self.security),
        ]

    async def home(self, _request: web.Request) -> web.Response:
        """Serve the page."""
        figures = await self._figures.public(days=30)
        until = await self._waves.media_held_until()
        held = None if until is None else written(until)
        about = {"me": self._identity, "rules": self._rules(), "figures": figures, "media_held": held}
        return html("home.html", about)

    async def robots(self, _request: web.Request) -> web.Response:
        """Keep crawlers to the page for people."""
        lab = (
            "Allow: /lab$\nAllow: /lab/clauses\nAllow: /lab/explain\nAllow: /lab/cases\n"
            if self._rules().lab
            else ""
        )
        policy = "Allow: /policy\n" if self._rules().policy else ""
        submit = "Allow: /submit$\n" if self._rules().submit else ""
        return web.Response(text=f"User-agent: *\nAllow: /$\n{policy}{submit}{lab}Disallow: /\n")

    async def security(self, _request: web.Request) -> web.Response:
        """Say where to report vulnerabilities (RFC 9116)."""
        contact = self._rules().contact
        if not contact:
            raise web.HTTPNotFound
        if "@" in contact and ":" not in contact:
            contact = f"mailto:{contact}"
        year = self._figures.year() + 1
        text = f"Contact: {contact}\nExpires: {year}-12-31T00:00:00Z\nPreferred-Languages: en\n"
        return web.Response(text=text)
