"""Signing in by a link, signing out, and the list of who is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from relay.domain.errors import Refused
from relay.web.office.door import SIGN_IN
from relay.web.office.forms import read_form

if TYPE_CHECKING:
    from relay.services.admins import Admins
    from relay.web.office.door import Door, Visit


@dataclass(frozen=True, slots=True)
class SignInPages:
    """The pages of sessions."""

    door: Door
    admins: Admins

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [
            web.get(SIGN_IN, self.door.open_page(self.ask)),
            web.post(SIGN_IN, self.door.open_page(self.sign_in)),
            web.get("/sessions", self.door.page(self.sessions)),
            web.post("/sessions/end", self.door.page(self.end)),
        ]

    async def ask(self, request: web.Request) -> web.Response:
        """Show the button that uses the link up: programs that look at links press none."""
        secret = request.query.get("link", "")
        if not await self.admins.waits(secret):
            raise Refused("This link was used before, or is older than 15 minutes.", code="bad-link")
        return self.door.render(None, "sign-in", once=secret)

    async def sign_in(self, request: web.Request) -> web.Response:
        """Use the link up, and let the browser hold the secret of its session."""
        form = await read_form(request)
        agent = request.headers.get("User-Agent", "")
        secret = await self.admins.open(form.get("link"), agent=agent)
        answer = self.door.moved("/")
        self.door.keep(answer, secret)
        return answer

    async def sessions(self, visit: Visit) -> web.Response:
        """List who is signed in under this account."""
        found = await self.admins.sessions(visit.who)
        done = {"ended": "That session is ended."}.get(visit.request.query.get("done", ""), "")
        return self.door.render(visit, "sessions", sessions=found, done=done)

    async def end(self, visit: Visit) -> web.Response:
        """End a session; one's own is signing out."""
        number = visit.form.number("number")
        await self.admins.end(visit.who, number)
        if number != visit.session.id:
            return self.door.moved("/sessions?done=ended")
        answer = self.door.render(None, "signed-out")
        self.door.keep(answer, "")
        return answer
