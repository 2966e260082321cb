"""Files that media servers have checked: `POST /api/v1/scan/{id}`, and `GET /api/v1/nsfw` for files at an address.

The first is what pict-rs calls as its external validation: the file as body, or as the field `file` of a form; 200
takes it, 406 does not, and no other answer is a yes. The second is what Pleroma's `NsfwApiPolicy` calls. Tokens come as
`Authorization: Bearer`, or in the address, for servers that can be given nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from aiohttp import BodyPartReader, web

from relay.domain.errors import Malformed
from relay.protocol.documents import dump
from relay.web.problems import problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.services.filechecks import FileChecks

SCAN: Final = "/api/v1/scan"
SCORE: Final = "/api/v1/nsfw"
_CHUNK: Final = 64 * 1024
_HEADERS: Final = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class ScanPages:
    """The addresses."""

    checks: FileChecks

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        scores = [f"{SCORE}{rest}" for rest in ("", "/", "/{token}", "/{token}/")]
        return [
            web.post(f"{SCAN}/{{id}}", self.scan),
            web.get(f"{SCAN}/{{id}}", self.say_how),
            *(web.get(path, self.score, allow_head=False) for path in scores),
        ]

    async def scan(self, request: web.Request) -> web.Response:
        """Answer about the file that was sent: 200 take it, 406 do not."""
        client = self._client(request, request.match_info["id"])

        async def read() -> bytes | None:
            return await _content(request, self.checks.rules.largest)

        if await self.checks.check(client, read):
            return _answer(200, {"accepted": True})
        return _answer(406, {"accepted": False, "message": "The file is not accepted."})

    async def say_how(self, request: web.Request) -> web.Response:
        """Say that files are sent here by POST, to whoever has a token."""
        self._client(request, request.match_info["id"])
        # Never 2xx: a redirect that turns a POST into a GET must not read as "take it".
        how = "The token is right. Files are sent to this address by POST."
        return problem(405, "send-a-file", how, _HEADERS | {"Allow": "POST"})

    async def score(self, request: web.Request) -> web.Response:
        """Answer about the file at an address: `{"score": 1.0}` for a match, 0.0 for none, an error when unchecked."""
        client = self._client(request, request.match_info.get("token"))
        url = _url(request)
        return _answer(200, {"score": await self.checks.score(client, url), "url": url})

    def _client(self, request: web.Request, in_path: str | None) -> str:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        in_header = token.strip() if kind.lower() == "bearer" else None
        return self.checks.client(in_header, request.query.get("token"), in_path)


def _url(request: web.Request) -> str:
    """Return what stands behind `url=` as it is: the policy does not encode it, so `&` may belong to it."""
    name, _, url = request.raw_path.partition("?")[2].partition("=")
    if name != "url" or not url:
        raise Malformed("Name the file: ?url=https://…", code="no-url")
    encoded = url[:8].lower().startswith(("http%3a", "https%3a"))
    return unquote(url) if encoded else url


async def _content(request: web.Request, limit: int) -> bytes | None:
    """Read the file; None when it is larger than `limit`. Raises `Malformed`."""
    if not request.content_type.startswith("multipart/"):
        return await _bounded(lambda: request.content.read(_CHUNK), limit)
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader) and part.name == "file":
                return await _bounded(_chunks_of(part), limit)
    except (ValueError, AssertionError) as error:
        raise Malformed("The form cannot be read.", code="bad-form") from error
    raise Malformed("The form has no field `file`.", code="no-file")


def _chunks_of(part: BodyPartReader) -> Callable[[], Awaitable[bytes | bytearray]]:
    async def chunk() -> bytes | bytearray:
        return await part.read_chunk(_CHUNK)

    return chunk


async def _bounded(chunk: Callable[[], Awaitable[bytes | bytearray]], limit: int) -> bytes | None:
    """Read to the end, also what is too much: a server that is still sending would not read the answer."""
    content, size = bytearray(), 0
    while found := await chunk():
        size += len(found)
        if size <= limit:
            content += found
        else:
            content.clear()
    return bytes(content) if size <= limit else None


def _answer(status: int, document: dict[str, object]) -> web.Response:
    return web.Response(status=status, body=dump(document), content_type="application/json", headers=_HEADERS)
