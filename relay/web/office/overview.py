"""The first page: what goes on now, and what waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from relay.services.overview import Overviews
    from relay.web.office.door import Door, Visit


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """The page."""

    door: Door
    overviews: Overviews

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [web.get("/", self.door.page(self.show))]

    async def show(self, visit: Visit) -> web.Response:
        """Show what goes on."""
        return self.door.render(visit, "overview", now=await self.overviews.now())
