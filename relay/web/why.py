"""`/why`: why a post was relayed or not, for people and for programs; each is told what he may know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from relay.domain import fate
from relay.domain.disclosure import LATE, STATES
from relay.domain.errors import Malformed, RelayError
from relay.domain.vocabulary import BY_NAME
from relay.protocol.documents import dump
from relay.web.asking import client, wants_html
from relay.web.federation import signed_request
from relay.web.frame import html
from relay.web.problems import problem_of, status_of
from relay.web.subscriber import session_secret

if TYPE_CHECKING:
    from relay.services.explain import Asker
    from relay.services.identity import Identity
    from relay.services.inquiry import Inquiries

PATH: Final = "/why"
LONGEST: Final = 2048
"""Characters of an address that is asked about."""
_VARY: Final = {"Vary": "Accept, Cookie, Signature, Signature-Input"}
_SHARED: Final = _VARY | {"Cache-Control": "max-age=60"}
_PRIVATE: Final = _VARY | {"Cache-Control": "private, no-store"}
_ATTESTATIONS: Final = BY_NAME["attestation"].words


@dataclass(frozen=True, slots=True)
class WhyPages:
    """The page and its JSON. `contact` is the operator's, or empty."""

    identity: Identity
    inquiries: Inquiries
    contact: str

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [web.get(PATH, self.why)]

    async def why(self, request: web.Request) -> web.Response:
        """Answer a question: 200, 400 without a post's address, 404 for what nothing is known of, 401, 403, 429."""
        url, person = request.query.get("url", ""), wants_html(request)
        if person and not url:
            return self._page({"url": ""}, headers=_SHARED)
        try:
            return await self._answer(request, url, person=person)
        except RelayError as error:
            if not person:
                answer = problem_of(error)
            else:
                answer = self._page({"url": url[:LONGEST], "problem": error}, status=status_of(error))
            answer.headers.update(_PRIVATE)
            if person and answer.status in {429, 503}:
                answer.headers["Retry-After"] = str(getattr(error, "retry_after", 60))
            return answer

    async def _answer(self, request: web.Request, url: str, *, person: bool) -> web.Response:
        if not url:
            raise Malformed("Name a post: /why?url=https://…", code="no-url")
        if len(url) > LONGEST:
            raise Malformed(f"The address has more than {LONGEST} characters.", code="bad-url")
        self.inquiries.check(client(request))
        asker = await self._asker(request)
        answer = await self.inquiries.answer(url, asker)
        headers = _SHARED if asker is None else _PRIVATE
        if person:
            return self._page({"url": url, "answer": answer, "asker": asker}, headers=headers)
        more = {"remembered_hours": self.inquiries.retention / 3600, "contact": self.contact or None}
        document = answer.as_json() | more
        return web.Response(body=dump(document), content_type="application/json", headers=headers)

    async def _asker(self, request: web.Request) -> Asker | None:
        """Return who shows who he is, by a signature or by being signed in; None for anybody."""
        if {"Signature", "Signature-Input"} & request.headers.keys():
            return await self.inquiries.signed(signed_request(request, b""))
        return await self.inquiries.signed_in(session_secret(request, self.identity))

    def _page(
        self, values: dict[str, Any], *, status: int = 200, headers: dict[str, str] | None = None
    ) -> web.Response:
        shown = {
            "me": self.identity,
            "contact": self.contact,
            "hours": f"{self.inquiries.retention / 3600:g}",
            "answer": None,
            "asker": None,
            "problem": None,
            "states": STATES,
            "late": LATE,
            "attestations": _ATTESTATIONS,
            "fates": fate.SENTENCES,
            "parts": fate.PARTS,
        }
        page = html("why.html", shown | values, status=status, form=True)
        page.headers.update(headers or {})
        return page
