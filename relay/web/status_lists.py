"""`GET /status-lists/{n}`: which of our attestations were retracted, as a whole, for everybody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from relay.domain.errors import NotFound
from relay.services.status_lists import MADE_EVERY, MEDIA_TYPE

if TYPE_CHECKING:
    from relay.services.attestations import Attestor

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
_HEADERS: Final = {
    "Cache-Control": f"public, max-age={MADE_EVERY:.0f}",
    "Access-Control-Allow-Origin": "*",  # verifiers may be in browsers
}


@dataclass(frozen=True, slots=True)
class StatusListPages:
    """The address of each list."""

    attestor: Attestor

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [web.get("/status-lists/{number}", self.status_list)]

    async def status_list(self, request: web.Request) -> web.Response:
        """Serve a list. Asks for no signature: who asks must not matter."""
        number = request.match_info["number"]
        if not _NUMBER.fullmatch(number):
            raise NotFound("There is no such status list.")
        token = await self.attestor.statuses.token(int(number), self.attestor.key)
        return web.Response(text=token, content_type=MEDIA_TYPE, headers=_HEADERS)
