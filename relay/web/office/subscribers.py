"""Who subscribes, and the posts of the last day: what stands behind the numbers of the overview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from relay.domain import healthwords
from relay.domain.condition import Condition
from relay.domain.errors import Malformed
from relay.domain.healthwords import Times
from relay.domain.subscription import Command
from relay.web.frame import moment

if TYPE_CHECKING:
    from relay.services.health import SubscriberHealth
    from relay.services.overview import Overviews
    from relay.services.subscribers import Subscribers
    from relay.web.office.door import Door, Visit

_COMMANDS: Final = {"approve": Command.APPROVE, "reject": Command.REJECT}
_DONE: Final = {
    "approve": "{} may subscribe, and is told so.",
    "reject": "{} may not subscribe, and is told so.",
}
_AILING: Final = frozenset({Condition.RESTING, Condition.CATCHING_UP})
_TIMES: Final = Times(
    moment, lambda seconds: f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:,.0f} minutes"
)
_STATES: Final = ("pending", "unreachable", "suspended", "accepted", "rejected")


@dataclass(frozen=True, slots=True)
class SubscriberList:
    """The pages."""

    door: Door
    subscribers: Subscribers
    overviews: Overviews
    health: SubscriberHealth

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        page = self.door.page
        return [
            web.get("/subscribers", page(self.list_)),
            web.post("/subscribers", page(self.decide)),
            web.get(r"/subscribers/{number:\d{1,12}}", page(self.show)),
            web.get("/posts", page(self.posts)),
        ]

    async def list_(self, visit: Visit) -> web.Response:
        """List subscribers, those that wait first."""
        found = await self.subscribers.all()
        ordered = sorted(found, key=lambda one: (_STATES.index(one.state.value), one.server))
        query = visit.request.query
        done = _DONE.get(query.get("done", ""), "").format(query.get("server", "")[:300])
        conditions = await self.health.all()
        ailing = {one: how.value.replace("-", " ") for one, how in conditions.items() if how in _AILING}
        return self.door.render(visit, "subscribers", subscribers=ordered, ailing=ailing, done=done)

    async def show(self, visit: Visit) -> web.Response:
        """Show how one subscriber is doing."""
        found = await self.subscribers.find(str(visit.number))
        health = await self.health.of(found)
        return self.door.render(
            visit,
            "subscriber",
            one=found,
            details=await self.subscribers.details(found),
            lines=list(healthwords.lines(health, _TIMES)),
            notes=list(healthwords.notes(health, _TIMES)),
        )

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
