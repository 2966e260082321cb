"""Recalls: what came onto a list after it was relayed, who was told; telling and dismissing. No picture anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from relay.domain.errors import Malformed
from relay.domain.recallwords import KINDS, NOTICES, SENDING, stage

if TYPE_CHECKING:
    from relay.services.recalls import Recalls
    from relay.web.office.door import Door, Visit

PATH: Final = "/recalls"
SHOWN: Final = 200
_DONE: Final = {
    "sent": "The messages are on their way.",
    "dismissed": "It is dismissed. The files may go out again.",
}


@dataclass(frozen=True, slots=True)
class RecallPages:
    """The pages. `notify`: servers are told, not only our Announces undone."""

    door: Door
    recalls: Recalls
    notify: bool

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        page = self.door.page
        one = PATH + r"/{number:\d{1,12}}"
        return [
            web.get(PATH, page(self.list_)),
            web.get(one, page(self.show)),
            web.post(f"{one}/send", page(self.send)),
            web.post(f"{one}/dismiss", page(self.dismiss)),
        ]

    async def list_(self, visit: Visit) -> web.Response:
        """List recalls, newest first."""
        return self.door.render(visit, "recalls", found=await self.recalls.all(SHOWN), stage=stage)

    async def show(self, visit: Visit) -> web.Response:
        """Show one: posts, servers, and what became of each message."""
        found = await self.recalls.show(visit.number)
        done = _DONE.get(visit.request.query.get("done", ""), "")
        return self.door.render(
            visit,
            "recall",
            it=found.recall,
            one=found,
            stage=stage,
            kinds=KINDS,
            notices=NOTICES,
            sending=SENDING,
            notify=self.notify,
            done=done,
        )

    async def send(self, visit: Visit) -> web.Response:
        """Tell servers now."""
        number = visit.number
        await self.recalls.send(number, who=visit.who, note=visit.form.note(), notify=self.notify)
        return self.door.moved(f"{PATH}/{number}?done=sent")

    async def dismiss(self, visit: Visit) -> web.Response:
        """Say that it is wrong; the reason is kept."""
        number, note = visit.number, visit.form.note()
        if not note:
            raise Malformed("Say why: it is kept on record.", code="no-reason")
        await self.recalls.dismiss(number, who=visit.who, note=note)
        return self.door.moved(f"{PATH}/{number}?done=dismissed")
