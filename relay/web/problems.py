"""Errors to answers, once: RFC 9457 problem documents with a stable `code`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from aiohttp import web

from relay.domain.errors import (
    Busy,
    Conflict,
    KeyUnavailable,
    Malformed,
    NotFound,
    Refused,
    RelayError,
    RemoteError,
    TooLarge,
    TooMany,
    Unauthorized,
    Unavailable,
)
from relay.protocol.documents import dump

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

_STATUS: Final[dict[type[RelayError], int]] = {
    Malformed: 400,
    Unauthorized: 401,
    Refused: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    TooMany: 429,
    RemoteError: 502,
    KeyUnavailable: 503,
    Busy: 503,
    Unavailable: 503,
}
_RETRY_AFTER: Final = 60
_log: Final = logging.getLogger(__name__)


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    """Make an RFC 9457 problem document."""
    body = {"type": "about:blank", "status": status, "code": code, "detail": detail}
    return web.Response(
        status=status, body=dump(body), content_type="application/problem+json", headers=headers
    )


def status_of(error: RelayError) -> int:
    """Return the HTTP status that an error is answered with."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


def problem_of(error: RelayError) -> web.Response:
    """Answer an error with a problem document."""
    status, headers = status_of(error), None
    if status in {429, 503}:
        headers = {"Retry-After": str(getattr(error, "retry_after", _RETRY_AFTER))}
    return problem(status, error.code, str(error), headers)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error; what nobody expected is logged and answered 500 without details."""
    try:
        return await handler(request)
    except RelayError as error:
        return problem_of(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return problem(error.status, error.reason.lower().replace(" ", "-"), error.reason)
    except Exception:  # noqa: BLE001 - the last line of defence
        _log.exception("%s %s failed", request.method, _place(request))
        return problem(500, "internal", "The relay made a mistake; it is in its log.")


def _place(request: web.Request) -> str:
    """Where the request went, without what it put into the address: some of that is secret."""
    resource = request.match_info.route.resource
    return request.path if resource is None else resource.canonical
