"""`/policy` and `/policy/history`: by which rules the relay works, since when, and what changed; signed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from relay.domain.errors import NotFound
from relay.protocol.documents import dump
from relay.web.frame import html, static

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.services.identity import Identity
    from relay.services.policy_publication import PolicyPublication, PublicVersion
    from relay.web.pages import ListLine

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")
_FORMATS: Final = {
    "application/json": "json",
    "text/yaml": "yaml",
    "application/yaml": "yaml",
    "text/html": "html",
}
_HEADERS: Final = {
    "Cache-Control": "public, max-age=60",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",  # whoever verifies may be in a browser
}


@dataclass(frozen=True, slots=True)
class PolicyPages:
    """Serves the pages, as HTML, as JSON with signatures, and the policy as YAML where all is told.

    `lists` gives the hash lists in use, with their purposes.
    """

    identity: Identity
    publication: PolicyPublication
    lists: Callable[[], Sequence[ListLine]]

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [
            web.get("/policy", self.policy),
            web.get("/policy/history", self.history),
            web.get("/policy/history/{number}", self.version),
            static("policy.css"),
        ]

    async def policy(self, request: web.Request) -> web.Response:
        """Serve the policy in force."""
        current = await self.publication.current()
        asked = _asked(request)
        if asked == "html":
            return self._html("policy.html", {"it": current, "lists": self.lists(), "current": True})
        if asked == "yaml":
            return _yaml(current)
        lists = [{"name": one.name, "purpose": one.purpose, "country": one.country} for one in self.lists()]
        return _json(current.as_json() | {"lists": lists, "head": await self.publication.head()})

    async def history(self, request: web.Request) -> web.Response:
        """Serve the changes, newest first."""
        before = request.query.get("before")
        if before is not None and not _NUMBER.fullmatch(before):
            raise NotFound("There is no such version of the policy.")
        versions = await self.publication.page(None if before is None else int(before))
        if _asked(request) == "html":
            older = versions[-1].number if versions[-1].number > 1 else None
            return self._html("policy_history.html", {"versions": versions, "older": older})
        told: dict[str, Any] = {"versions": [one.as_json() for one in versions]}
        return _json(told | {"head": await self.publication.head()})

    async def version(self, request: web.Request) -> web.Response:
        """Serve one version."""
        number = request.match_info["number"]
        if not _NUMBER.fullmatch(number):
            raise NotFound("There is no such version of the policy.")
        found = await self.publication.version(int(number))
        asked = _asked(request)
        if asked == "yaml":
            return _yaml(found)
        if asked == "json":
            return _json(found.as_json())
        return self._html("policy.html", {"it": found, "lists": (), "current": False})

    def _html(self, template: str, values: dict[str, Any]) -> web.Response:
        response = html(template, {"me": self.identity, **values})
        response.headers.update(_HEADERS)
        return response


def _asked(request: web.Request) -> str:
    """The form that is asked for: by `?format=`, else the first of `Accept` that is known, else HTML."""
    named = request.query.get("format")
    if named is not None and named in _FORMATS.values():
        return named
    wanted = (part.partition(";")[0].strip().lower() for part in request.headers.get("Accept", "").split(","))
    return next((_FORMATS[one] for one in wanted if one in _FORMATS), "html")


def _json(document: dict[str, Any]) -> web.Response:
    return web.Response(body=dump(document), content_type="application/json", headers=_HEADERS)


def _yaml(version: PublicVersion) -> web.Response:
    if version.text is None:
        raise NotFound("The policy is published in sentences only.")
    return web.Response(text=version.text, content_type="text/yaml", headers=_HEADERS)
