"""The first page: what goes on now, and what waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from relay.web.office.waves import UNITS, active

if TYPE_CHECKING:
    from relay.services.overview import Overviews
    from relay.services.waves import Waves
    from relay.web.office.door import Door, Visit


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """The page."""

    door: Door
    overviews: Overviews
    waves: Waves

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [web.get("/", self.door.page(self.show))]

    async def show(self, visit: Visit) -> web.Response:
        """Show what goes on."""
        now, on = await self.overviews.now(), active(await self.waves.active())
        return self.door.render(visit, "overview", now=now, on=on, units=list(UNITS))
