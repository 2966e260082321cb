"""Web hooks that other servers call: `POST /webhooks/mastodon/{name}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from relay.domain.webhook import ADDRESS
from relay.protocol.mastodonhooks import HEADER
from relay.web.federation import read_body

if TYPE_CHECKING:
    from relay.services.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class WebhookPages:
    """The address. `max_body` in bytes, `body_timeout` in seconds."""

    webhooks: Webhooks
    max_body: int
    body_timeout: float

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [web.post(f"{ADDRESS}/{{name}}", self.receive)]

    async def receive(self, request: web.Request) -> web.Response:
        """Take an event: 202 once it is durable or known to be of no concern, and never a word of what came of it."""
        name = request.match_info["name"]
        self.webhooks.check(name)
        body = await read_body(request, self.max_body, within=self.body_timeout)
        await self.webhooks.receive(name, request.headers.get(HEADER), body)
        return web.Response(status=202)
