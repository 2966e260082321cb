"""What the lab's pages read of a request: bounded forms. And how they answer what is wrong."""

from __future__ import annotations

import asyncio
from functools import wraps
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web

from relay.domain.errors import Malformed, Refused, RelayError, TooLarge
from relay.web.asking import wants_html
from relay.web.federation import read_body
from relay.web.frame import html
from relay.web.problems import status_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    Handler = Callable[..., Awaitable[web.StreamResponse]]

_PATIENCE: Final = 30.0
"""Seconds that a form may take to arrive."""
_ROOM: Final = 64 * 1024
"""Bytes of a form besides its fields: boundaries and headers of parts, percent signs of a short field."""
_FIELDS: Final = 32
"""Fields of a form, those that nobody reads included."""
_TITLES: Final = {
    403: "This is not allowed",
    404: "There is nothing here",
    413: "That is too large",
    429: "Too many requests",
    503: "No room at the moment",
}


async def form(request: web.Request, limits: Mapping[str, int]) -> dict[str, str]:
    """Read a form with these fields, of so many bytes each; a field that is not there is empty.

    Raises `Malformed`, `TooLarge`, and `Refused` for a form that another site sent.
    """
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise Refused("This form has to be sent from its own page.", code="cross-site")
    most = 3 * sum(limits.values()) + _ROOM  # a byte may stand as three
    if request.content_type.startswith("multipart/"):
        fields = await _parts(request, most)
    else:
        body = await read_body(request, most, within=_PATIENCE)
        fields = dict(_pairs(body))
    return {name: _text(fields.get(name, b""), name, size) for name, size in limits.items()}


def _pairs(body: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError as error:
        raise Malformed("The form cannot be read.", code="bad-form") from error
    for name, value in pairs:
        yield name.decode("utf-8", "replace"), value


async def _parts(request: web.Request, most: int) -> dict[str, bytes]:
    """Read a form with files, in memory: aiohttp's own reader writes them to the disk."""
    fields: dict[str, bytes] = {}
    taken = 0
    try:
        async with asyncio.timeout(_PATIENCE):
            reader = await request.multipart()
            while (part := await reader.next()) is not None and len(fields) < _FIELDS:
                content = bytearray()
                while isinstance(part, BodyPartReader) and (chunk := await part.read_chunk()):
                    content += chunk
                    taken += len(chunk)
                    if taken > most:
                        raise TooLarge("The form is larger than the lab takes.")
                if isinstance(part, BodyPartReader):
                    fields[part.name or ""] = bytes(content)
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (ValueError, AssertionError) as error:
        raise Malformed("The form cannot be read.", code="bad-form") from error
    return fields


def _text(value: bytes, name: str, most: int) -> str:
    if len(value) > most:
        raise TooLarge(f"“{name}” has more than {most // 1024} KiB.")
    try:
        return value.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"“{name}” is not text in UTF-8.", code="bad-form") from error


def page(handler: Handler) -> Handler:
    """Answer people with a page where something is wrong, and programs as everywhere else."""

    @wraps(handler)
    async def answer(self: Any, request: web.Request) -> web.StreamResponse:
        try:
            return await handler(self, request)
        except RelayError as error:
            if not wants_html(request):
                raise
            status = status_of(error)
            values = {
                "title": _TITLES.get(status, "That did not work"),
                "sentence": str(error),
                "code": error.code,
            }
            response = html("lab/problem.html", values, status=status)
            if status in {429, 503}:
                response.headers["Retry-After"] = str(getattr(error, "retry_after", 60))
            return response

    return answer
