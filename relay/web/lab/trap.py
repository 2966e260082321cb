"""An address that nobody should come to: what redirects of the lab lead to, on plain http and on this machine."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web


@dataclass(slots=True)
class TrapPages:
    """Serves one picture at every path, and counts who asks for it."""

    picture: bytes
    asked: int = 0

    def app(self) -> web.Application:
        """Make the application."""
        app = web.Application()
        app.add_routes([web.get("/{path:.*}", self.any)])
        return app

    async def any(self, _request: web.Request) -> web.Response:
        """Give the picture away."""
        self.asked += 1
        return web.Response(body=self.picture, content_type="image/jpeg")
