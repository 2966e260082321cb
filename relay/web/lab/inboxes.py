"""`/lab/inbox`: temporary actors. One address is the actor's id, its inbox, and the page that shows what came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from relay.domain.errors import NotFound
from relay.protocol import documents
from relay.protocol.lab import temporary
from relay.protocol.lab.arrivals import arrivals, run_of
from relay.protocol.lab.rendering import MEDIA_TYPES, render
from relay.services.lab.inboxes import LARGEST, MOST_DELIVERIES
from relay.web.asking import client, wants_html
from relay.web.federation import read_body, signed_request
from relay.web.frame import html
from relay.web.lab import showing
from relay.web.lab.requests import form, page

if TYPE_CHECKING:
    from relay.domain.lab.inbox import TemporaryInbox
    from relay.domain.lab.model import Run
    from relay.protocol.lab.arrivals import Arrival
    from relay.services.identity import Identity
    from relay.services.lab.inboxes import TemporaryInboxes
    from relay.services.lab.reports import Reports

REFRESH: Final = 5
"""Seconds between two looks of a page that refreshes itself."""
_PRIVATE: Final = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
_SCHEMES: Final = {"draft-cavage": "draft-cavage-12", "rfc9421": "RFC 9421", None: None}
_SUFFIXES: Final = {suffix[1:]: (name, kind) for name, (kind, suffix) in MEDIA_TYPES.items()}


@dataclass(frozen=True, slots=True)
class InboxPages:
    """The addresses of temporary inboxes."""

    inboxes: TemporaryInboxes
    reports: Reports
    identity: Identity

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [
            web.get("/lab/inbox", self.offer),
            web.post("/lab/inbox", self.create),
            web.get("/lab/inbox/{token}", self.show),
            web.post("/lab/inbox/{token}", self.receive),
            web.get("/lab/inbox/{token}/{name:outbox|followers|following}", self.collection),
            web.get("/lab/inbox/{token}/deliveries/{number}", self.raw),
            web.get("/lab/inbox/{token}/report.{suffix}", self.report),
            web.post("/lab/inbox/{token}/keep", self.keep),
            web.post("/lab/inbox/{token}/delete", self.delete),
        ]

    async def offer(self, _request: web.Request) -> web.Response:
        """Say what a temporary inbox is, with the button that makes one."""
        hours = self.inboxes.rules.inbox_life / 3600
        values = self._values(offered=self.inboxes.offered, hours=f"{hours:g}", most=MOST_DELIVERIES)
        return html("lab/inboxes.html", values, form=True)

    @page
    async def create(self, request: web.Request) -> web.Response:
        """Make one and lead to it."""
        await form(request, {})
        inbox = await self.inboxes.create(client(request))
        raise web.HTTPSeeOther(f"{temporary.PATH}/{inbox.token}")

    @page
    async def show(self, request: web.Request) -> web.Response:
        """Serve the page to people and the actor to software."""
        token = request.match_info["token"]
        if not wants_html(request):
            body = await self.inboxes.document(token)
            headers = {"Vary": "Accept", "Cache-Control": "max-age=60"}
            return web.Response(body=body, content_type=documents.CONTENT_TYPE, headers=headers)
        inbox = await self.inboxes.get(token)
        found = arrivals(await self.inboxes.deliveries(token))
        address = f"{temporary.PATH}/{token}"
        values = self._values(
            inbox=inbox,
            address=address,
            id=temporary.inbox_id(token, url=self.identity.url),
            handle=temporary.handle(token, url=self.identity.url),
            arrivals=[_shown(one) for one in reversed(found)],
            most=MOST_DELIVERIES,
            formats=showing.formats(f"{address}/report"),
            keeps=self.reports.offered,
            refresh=REFRESH if "live" in request.query else None,
        )
        response = html("lab/inbox.html", values, form=True)
        response.headers.update(_PRIVATE | {"Vary": "Accept"})
        return response

    async def receive(self, request: web.Request) -> web.Response:
        """Take a delivery: 202 as soon as it is written down; whoever sent it is looked at afterwards."""
        body = await read_body(request, LARGEST)
        await self.inboxes.receive(request.match_info["token"], signed_request(request, body))
        return web.Response(status=202)

    async def collection(self, request: web.Request) -> web.Response:
        """Serve a collection without members: the actor names it."""
        await self.inboxes.get(request.match_info["token"])
        document = documents.collection(id=f"{self.identity.url}{request.path}", total=0)
        return web.Response(body=documents.dump(document), content_type=documents.CONTENT_TYPE)

    @page
    async def raw(self, request: web.Request) -> web.Response:
        """Serve the bytes of a delivery, to be saved and never to be shown."""
        token, number = request.match_info["token"], request.match_info["number"]
        await self.inboxes.get(token)
        found = arrivals(await self.inboxes.deliveries(token))
        one = next((one for one in found if str(one.number) == number), None)
        if one is None:
            raise NotFound("There is no such delivery.")
        headers = _PRIVATE | {
            "Content-Disposition": f'attachment; filename="delivery-{one.number}.json"',
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(body=one.delivery.body, content_type="application/octet-stream", headers=headers)

    @page
    async def report(self, request: web.Request) -> web.Response:
        """Serve what came as a report, in any format."""
        name, kind = _SUFFIXES.get(request.match_info["suffix"], (None, ""))
        if name is None:
            raise NotFound("Reports end in " + ", ".join(f".{suffix}" for suffix in _SUFFIXES) + ".")
        text = render(await self._run(request.match_info["token"]), name)
        return web.Response(text=text, content_type=kind, headers=_PRIVATE)

    @page
    async def keep(self, request: web.Request) -> web.Response:
        """Keep the report beyond the life of the inbox, and lead to it."""
        await form(request, {})
        kept = await self.reports.add_own(
            await self._run(request.match_info["token"]), client=client(request)
        )
        raise web.HTTPSeeOther(f"/lab/report/{kept.token}")

    @page
    async def delete(self, request: web.Request) -> web.Response:
        """Delete an inbox with all that came."""
        await form(request, {})
        await self.inboxes.remove(request.match_info["token"])
        return html("lab/deleted.html", self._values(), form=True)

    async def _run(self, token: str) -> Run:
        inbox: TemporaryInbox = await self.inboxes.get(token)
        found = arrivals(await self.inboxes.deliveries(token))
        return run_of(
            found,
            f"deliveries to {temporary.handle(inbox.token, url=self.identity.url)}",
            tester=f"Assay {self.identity.version} at {self.identity.url}/lab",
            since=inbox.created_at,
        )

    def _values(self, **more: Any) -> dict[str, Any]:
        return {"me": self.identity, "here": "inbox", **more}


def _shown(one: Arrival) -> dict[str, Any]:
    """Show a delivery."""
    delivery, seen = one.delivery, one.delivery.seen
    examination = one.examination
    return {
        "number": one.number,
        "at": delivery.at,
        "kind": one.kind,
        "id": one.text("id"),
        "actor": one.text("actor"),
        "object": one.text("object"),
        "fault": one.fault,
        "looked": seen is not None,
        "scheme": _SCHEMES[seen.scheme] if seen else None,
        "verified": seen is not None and seen.code == "verified",
        "code": seen.code if seen else None,
        "sentence": seen.sentence if seen else None,
        "key_id": seen.key_id if seen else None,
        "signer": seen.actor if seen else None,
        "covered": seen.covered if seen else (),
        "answer": seen.answer if seen else None,
        "carriage": one.carriage,
        "found": [showing.attestation(each) for each in examination.examined] if examination else [],
        "media": len(examination.media) if examination else 0,
        "headers": delivery.headers,
        "target": delivery.target,
        "size": len(delivery.body),
        "body": delivery.body.decode("utf-8", "backslashreplace"),
    }
