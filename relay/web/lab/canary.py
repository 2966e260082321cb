"""`/lab/canary/`: the canary kit for people and programs. Nothing is asked of the visitor, no script runs."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from aiohttp import web

from relay.domain.errors import NotFound
from relay.protocol.documents import dump
from relay.protocol.lab.kit import GROUPS, MANIFEST, README
from relay.web.frame import html

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.domain.lab.kit import Plan
    from relay.protocol.lab.kit import Group
    from relay.services.identity import Identity
    from relay.services.lab.kit import Kit

FOLDER: Final = "/lab/canary/"
_SHARED: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_FILE: Final = {
    **_SHARED,
    "Cache-Control": "public, max-age=86400",
    "Content-Security-Policy": "default-src 'none'; sandbox",  # drawings and pages are shown and can do nothing
    "Access-Control-Allow-Origin": "*",  # testers may be in browsers
}
_WORDS: Final = {"known": "match, known", "near": "match, near"}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A table of the page. `usual` is why most of its files are what they are; the others say so themselves."""

    group: Group
    plans: list[Plan]
    usual: str

    @classmethod
    def of(cls, group: Group, every: Iterable[Plan]) -> Self:
        plans = [plan for plan in every if plan.expected.outcome is group.outcome]
        reasons = Counter(plan.expected.why for plan in plans)
        [(why, count), *_] = reasons.most_common(1)
        return cls(group, plans, why if count > 1 else "")


class CanaryPages:
    """The page, the manifest, the text and the files."""

    def __init__(self, kit: Kit, identity: Identity) -> None:
        self._kit, self._identity = kit, identity

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [
            web.get(FOLDER.rstrip("/"), self.redirect),
            web.get(FOLDER, self.page),
            web.get(f"{FOLDER}{MANIFEST}", self.manifest),
            web.get(f"{FOLDER}{README}", self.readme),
            web.get(f"{FOLDER}{{name}}", self.file),
        ]

    async def redirect(self, _request: web.Request) -> web.Response:
        """Send to the folder, so that links in the page lead on from there."""
        raise web.HTTPPermanentRedirect(FOLDER)

    async def page(self, _request: web.Request) -> web.Response:
        """Serve the page for people. No file has to be made for it."""
        plans = [*self._kit.plans.values()]
        groups = [_Shown.of(group, plans) for group in GROUPS]
        values = {
            "me": self._identity,
            "here": "canary",
            "groups": groups,
            "words": _WORDS,
            "manifest": MANIFEST,
            "readme": README,
        }
        response = html("lab/canary.html", values)
        response.headers["Cache-Control"] = "public, max-age=300"
        return response

    async def manifest(self, request: web.Request) -> web.StreamResponse:
        """Serve the document for programs."""
        return _content(request, dump(await self._kit.manifest()), "application/json")

    async def readme(self, request: web.Request) -> web.StreamResponse:
        """Serve the text for people."""
        return _content(request, self._kit.readme().encode(), "text/plain")

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Serve a file under its own media type."""
        found = await self._kit.file(request.match_info["name"])
        if found is None:
            raise NotFound("There is no such file in the canary kit.")
        return _content(request, found.content, found.plan.media_type)


def _content(request: web.Request, content: bytes, media_type: str) -> web.Response:
    """Answer with the bytes, or with 304 when the visitor has them (RFC 9110 13.1.2)."""
    tag = hashlib.sha256(content).hexdigest()
    known = request.if_none_match or ()
    if any(one.value in {tag, "*"} for one in known):
        answer = web.Response(status=304, headers=_FILE)
    else:
        charset = "utf-8" if media_type == "text/plain" else None
        answer = web.Response(body=content, content_type=media_type, charset=charset, headers=_FILE)
    answer.headers["ETag"] = f'"{tag}"'
    return answer
