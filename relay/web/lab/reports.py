"""`/lab/report`: reports that are kept for a while, in every format, with a badge; and two of them compared."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from relay.domain.errors import Malformed, NotFound
from relay.domain.lab.comparing import compare
from relay.domain.lab.grading import assess
from relay.protocol.documents import dump
from relay.protocol.lab.badge import badge
from relay.protocol.lab.rendering import MEDIA_TYPES, render
from relay.protocol.lab.words import OUTCOMES, case_of_code
from relay.services.lab.reports import LARGEST
from relay.web.asking import client
from relay.web.federation import read_body
from relay.web.frame import html
from relay.web.lab import showing
from relay.web.lab.requests import form, page

if TYPE_CHECKING:
    from relay.domain.lab.comparing import Difference
    from relay.services.identity import Identity
    from relay.services.lab.reports import Reports

_PRIVATE: Final = {"X-Robots-Tag": "noindex"}
_SUFFIXES: Final = {suffix[1:]: (name, kind) for name, (kind, suffix) in MEDIA_TYPES.items()}
_TOKEN: Final = re.compile(r"(?:.*/lab/report/)?([0-9a-f]{32})(?:[./].*)?")
_BADGE: Final = {
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",  # it is made to be shown elsewhere
    "Cache-Control": "max-age=3600",
}


@dataclass(frozen=True, slots=True)
class ReportPages:
    """The addresses of reports."""

    reports: Reports
    identity: Identity

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [
            web.get("/lab/report", self.offer),
            web.post("/lab/report", self.add),
            web.get("/lab/report/{token:[0-9a-f]+}", self.show),
            web.get("/lab/report/{token:[0-9a-f]+}/badge.svg", self.badge),
            web.get("/lab/report/{token:[0-9a-f]+}.{suffix}", self.rendered),
            web.get("/lab/compare", self.compare),
        ]

    async def offer(self, _request: web.Request) -> web.Response:
        """Serve the form for a report, and the list of those that everybody may see."""
        return await self._offer()

    @page
    async def add(self, request: web.Request) -> web.Response:
        """Keep a report: from the form, or as JSON, which is answered with its address."""
        if request.content_type == "application/json":
            kept = await self.reports.add(
                await read_body(request, LARGEST), client=client(request), listed=False
            )
            location = f"{self.identity.url}/lab/report/{kept.token}"
            return web.Response(
                status=201,
                body=dump({"url": location, "badge": f"{location}/badge.svg", "grade": kept.grade}),
                content_type="application/json",
                headers={"Location": location},
            )
        fields = await form(request, {"file": LARGEST, "text": LARGEST, "listed": 8})
        text = fields["file"] or fields["text"]
        try:
            kept = await self.reports.add(
                text.encode("utf-8", "surrogatepass"), client=client(request), listed=bool(fields["listed"])
            )
        except Malformed as error:
            return await self._offer(error=str(error))
        raise web.HTTPSeeOther(f"/lab/report/{kept.token}")

    @page
    async def show(self, request: web.Request) -> web.Response:
        """Show a report."""
        kept, run = await self.reports.get(request.match_info["token"])
        address = f"/lab/report/{kept.token}"
        values = self._values(
            kept=kept, run=showing.run(run), address=address, formats=showing.formats(address)
        )
        return self._private("lab/report.html", values)

    async def badge(self, request: web.Request) -> web.Response:
        """Serve the badge of a report."""
        _, run = await self.reports.get(request.match_info["token"])
        return web.Response(text=badge(assess(run)), content_type="image/svg+xml", headers=_BADGE)

    @page
    async def rendered(self, request: web.Request) -> web.Response:
        """Serve a report in another format."""
        name, kind = _SUFFIXES.get(request.match_info["suffix"], (None, ""))
        if name is None:
            raise NotFound("Reports end in " + ", ".join(f".{suffix}" for suffix in _SUFFIXES) + ".")
        _, run = await self.reports.get(request.match_info["token"])
        return web.Response(text=render(run, name), content_type=kind, headers=_PRIVATE)

    @page
    async def compare(self, request: web.Request) -> web.Response:
        """Show what changed from one report to another; without two of them, the form that asks for them."""
        given = {name: request.query.get(name, "").strip() for name in ("a", "b")}
        values = self._values(given=given, sides=None, differences=[])
        if all(given.values()):
            before, after = [await self.reports.get(_token(text)) for text in given.values()]
            values["sides"] = [
                {"name": name, "kept": kept, "run": showing.run(run)}
                for name, (kept, run) in (("Before", before), ("After", after))
            ]
            values["differences"] = [_difference(one) for one in compare(before[1], after[1])]
        return self._private("lab/compare.html", values)

    async def _offer(self, error: str | None = None) -> web.Response:
        rules = self.reports.rules
        values = self._values(
            offered=self.reports.offered,
            listed=await self.reports.listed(),
            days=f"{rules.report_life / 86400:g}",
            error=error,
        )
        return html("lab/reports.html", values, status=400 if error else 200, form=True)

    def _private(self, template: str, values: dict[str, Any]) -> web.Response:
        response = html(template, values, form=True)
        response.headers.update(_PRIVATE)
        return response

    def _values(self, **more: Any) -> dict[str, Any]:
        return {"me": self.identity, "here": "report", **more}


def _token(text: str) -> str:
    """The token in an address of a report, or the token itself."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        raise NotFound("That is not the address of a report of this lab.")
    return found[1]


def _difference(one: Difference) -> dict[str, Any]:
    case = case_of_code(one.code)
    return {
        "code": one.code,
        "title": case.title if case else "",
        "subject": one.subject,
        "before": OUTCOMES[one.before] if one.before else "not there",
        "after": OUTCOMES[one.after] if one.after else "not there",
        "change": one.change.value,
    }
