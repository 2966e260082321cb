"""The stage over HTTP: every address of every server of it, told apart by the Host header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from relay.services.lab.stage import LARGEST
from relay.web.federation import read_body, signed_request
from relay.web.problems import errors

if TYPE_CHECKING:
    from relay.services.lab.stage import Stage


class StagePages:
    """Serves a stage. There is nothing here for people: who runs the lab reads its report.

    `stage` is set when it is known: its URLs may be those of ports that are only known once they are listened at.
    """

    def __init__(self, stage: Stage | None = None) -> None:
        self.stage = stage

    def app(self) -> web.Application:
        """Make the application."""
        app = web.Application(middlewares=[errors], client_max_size=LARGEST)
        app.add_routes([web.route("*", "/{path:.*}", self.any)])
        return app

    async def any(self, request: web.Request) -> web.Response:
        """Answer a request, or close its connection where the stage is told to behave like that."""
        if request.method not in {"GET", "HEAD", "POST"}:
            raise web.HTTPMethodNotAllowed(request.method, ["GET", "HEAD", "POST"])
        if self.stage is None:
            raise web.HTTPServiceUnavailable
        body = await read_body(request, LARGEST)
        answer = await self.stage.answer(request.headers.get("Host", ""), signed_request(request, body))
        if answer.drop and request.transport is not None:
            request.transport.close()
        headers = {"Content-Type": answer.content_type} | answer.headers
        return web.Response(status=answer.status, body=answer.body, headers=headers)
