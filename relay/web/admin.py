"""What the operator's machines ask for, on a listener of its own: health and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from relay.web.problems import errors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable


@dataclass(frozen=True, slots=True)
class Operations:
    """`ready` raises when the relay cannot work; `metrics` returns the Prometheus text and its content type."""

    ready: Callable[[], Awaitable[None]]
    metrics: Callable[[], Awaitable[tuple[bytes, str]]]

    def app(self, pages: Iterable[web.RouteDef] = ()) -> web.Application:
        """Make the application of the admin listener, `pages` being those for the operator."""
        app = web.Application(middlewares=[errors])
        app.add_routes(
            [
                web.get("/healthz", self.healthz),
                web.get("/readyz", self.readyz),
                web.get("/metrics", self.metrics_page),
                *pages,
            ]
        )
        return app

    async def healthz(self, _request: web.Request) -> web.Response:
        """Say that the process answers."""
        return web.Response(text="ok\n")

    async def readyz(self, _request: web.Request) -> web.Response:
        """Say that the store answers, too."""
        await self.ready()
        return web.Response(text="ready\n")

    async def metrics_page(self, _request: web.Request) -> web.Response:
        """Serve the counters for Prometheus."""
        body, content_type = await self.metrics()
        return web.Response(body=body, headers={"Content-Type": content_type})
