"""What fake hash services share: they take requests, remember them, and can be told to fail as real services do.

Each is an aiohttp application with a set of hashes or files that it knows, run on loopback by `running`. `fault` makes
it answer as a broken service does: it takes the request and returns a response, or None to answer as usual.
"""

from __future__ import annotations

import asyncio
import hmac
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from aiohttp import web

from relay.cli.demo.loopback import ADDRESS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Fault: TypeAlias = Callable[[web.Request], web.StreamResponse | None]

HTML: Final = "<!doctype html><title>502 Bad Gateway</title>"
_LARGEST: Final = 16 << 20
_SHUTDOWN: Final = 1.0


@dataclass
class FakeService(ABC):
    """A fake. `asked` are the requests so far, `sent` their bodies.

    `questions` are the paths that are about a file; the others are about the service. While it `hangs` no question is
    answered.
    """

    questions: ClassVar[frozenset[str]] = frozenset()

    fault: Fault | None = None
    hangs: bool = False
    asked: list[web.Request] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    @abstractmethod
    def app(self) -> web.Application:
        """Return what serves it."""

    @abstractmethod
    def allowed(self, request: web.Request) -> bool:
        """Whether the credentials are right."""

    def told(self, request: web.Request, body: bytes) -> str:
        """Say what of a file a question tells: what left the asker's machine."""
        return f"the file: {request.content_type}, {len(body):,} bytes"

    @property
    def paths(self) -> list[str]:
        """The paths of the requests so far."""
        return [request.path for request in self.asked]

    def questions_since(self, start: int) -> list[tuple[web.Request, bytes]]:
        """Return the questions about files behind the first `start` requests, with what was sent."""
        both = zip(self.asked[start:], self.sent[start:], strict=True)
        return [(request, body) for request, body in both if request.path in self.questions]

    def application(self, *routes: web.RouteDef) -> web.Application:
        """Return an application of these routes that remembers, checks credentials, and fails when it is to."""

        @web.middleware
        async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
            content = await _content(request)
            self.asked.append(request)
            self.sent.append(content)
            if not self.allowed(request):
                return web.json_response({"detail": "Invalid credentials"}, status=401)
            if self.hangs and request.path in self.questions:
                await asyncio.Event().wait()  # until whoever asks has had enough
            broken = self.fault(request) if self.fault else None
            return broken or await handler(request)

        app = web.Application(middlewares=[watched], client_max_size=_LARGEST)
        app.add_routes(routes)
        return app


def knows_password(request: web.Request, user: str, password: str) -> bool:
    """Whether a request has this user and password (RFC 7617 2)."""
    expected = "Basic " + b64encode(f"{user}:{password}".encode()).decode()
    return hmac.compare_digest(request.headers.get("Authorization", ""), expected)


async def _content(request: web.Request) -> bytes:
    """Return the body, or the file in a form."""
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    files = [field for field in (await request.post()).values() if isinstance(field, web.FileField)]
    return files[0].file.read() if files else b""


@asynccontextmanager
async def running(service: FakeService, port: int = 0) -> AsyncIterator[str]:
    """Run a fake on loopback, on a free port unless one is named; yield its address."""
    runner = web.AppRunner(service.app(), handler_cancellation=True, shutdown_timeout=_SHUTDOWN)
    await runner.setup()
    try:
        await web.TCPSite(runner, ADDRESS, port).start()
        yield f"http://{ADDRESS}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def always(status: int = 200, text: str = "", **headers: str) -> Fault:
    """A fault: every answer is this one. Headers are named with _ in place of -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request: web.Response(status=status, text=text, headers=named, content_type="text/html")


def reply(value: Any) -> Fault:
    """A fault: HTTP 200 with this JSON."""
    return lambda _request: web.json_response(value)


def only(path: str, fault: Fault) -> Fault:
    """A fault of one path; the others answer as usual."""
    return lambda request: fault(request) if request.path == path else None


def first(count: int, fault: Fault) -> Fault:
    """A fault of the first answers; then all is well."""
    left = iter(range(count))
    return lambda request: None if next(left, None) is None else fault(request)
