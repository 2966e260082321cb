"""Who subscribes, and the posts of the last day: what stands behind the numbers of the overview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from relay.domain.errors import Malformed
from relay.domain.subscription import Command

if TYPE_CHECKING:
    from relay.services.overview import Overviews
    from relay.services.subscribers import Subscribers
    from relay.web.office.door import Door, Visit

_COMMANDS: Final = {"approve": Command.APPROVE, "reject": Command.REJECT}
_DONE: Final = {
    "approve": "{} may subscribe, and is told so.",
    "reject": "{} may not subscribe, and is told so.",
}
_STATES: Final = ("pending", "unreachable", "suspended", "accepted", "rejected")


@dataclass(frozen=True, slots=True)
class SubscriberList:
    """The pages."""

    door: Door
    subscribers: Subscribers
    overviews: Overviews

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        page = self.door.page
        return [
            web.get("/subscribers", page(self.list_)),
            web.post("/subscribers", page(self.decide)),
            web.get("/posts", page(self.posts)),
        ]

    async def list_(self, visit: Visit) -> web.Response:
        """List subscribers, those that wait first."""
        found = await self.subscribers.all()
        ordered = sorted(found, key=lambda one: (_STATES.index(one.state.value), one.server))
        query = visit.request.query
        done = _DONE.get(query.get("done", ""), "").format(query.get("server", "")[:300])
        return self.door.render(visit, "subscribers", subscribers=ordered, done=done)

    async def decide(self, visit: Visit) -> web.Response:
        """Let a server subscribe, or not."""
        form = visit.form
        command = _COMMANDS.get(form.get("do"))
        if command is None:
            raise Malformed("Approve it or reject it.", code="bad-form")
        found = await self.subscribers.command(form.get("actor"), command, who=visit.who, reason=None)
        return self.door.moved(f"/subscribers?done={form.get('do')}&server={found.server}")

    async def posts(self, visit: Visit) -> web.Response:
        """List what was decided in the last day, by what was done."""
        query = visit.request.query
        done, before = query.get("done", "relayed"), query.get("before", "")
        number = int(before) if before.isascii() and before.isdigit() and len(before) < 13 else None
        rows, more = await self.overviews.decided(done, before=number)
        return self.door.render(visit, "posts", rows=rows, kind=done, more=more)
