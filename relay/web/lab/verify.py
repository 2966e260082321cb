"""`/lab`: what the lab is, and verifying what is pasted. Nothing of it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from relay.domain.errors import Malformed
from relay.domain.lab.model import Outcome
from relay.services.lab import verifying
from relay.services.lab.verifying import Pasted
from relay.web.asking import client
from relay.web.frame import html, static
from relay.web.lab import showing
from relay.web.lab.requests import form, page

if TYPE_CHECKING:
    from relay.services.identity import Identity
    from relay.services.lab.verifying import Desk, Verified

_FIELDS: Final = {
    "document": verifying.LARGEST_DOCUMENT,
    "keys": verifying.LARGEST_KEYS,
    "header": verifying.LARGEST_HEADER,
    "digests": verifying.LARGEST_DIGESTS,
    "fetch": 8,
}
_EMPTY: Final = dict.fromkeys(_FIELDS, "") | {"fetch": "yes"}


@dataclass(frozen=True, slots=True)
class VerifyPages:
    """The first page of the lab, and the page of results."""

    desk: Desk
    identity: Identity

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [
            web.get("/lab", self.home),
            web.get("/lab/", self.with_slash),
            web.get("/lab/verify", self.with_slash),
            web.post("/lab/verify", self.verify),
            static("lab.css"),
            static("lab.js"),
        ]

    async def home(self, _request: web.Request) -> web.Response:
        """Serve the first page with the form."""
        return self._form(_EMPTY)

    async def with_slash(self, _request: web.Request) -> web.Response:
        """Lead to the first page."""
        raise web.HTTPFound("/lab")

    @page
    async def verify(self, request: web.Request) -> web.Response:
        """Verify what was pasted: the result, or the form again with what is wrong."""
        fields = await form(request, _FIELDS)
        pasted = Pasted(
            document=fields["document"],
            keys=fields["keys"],
            header=fields["header"],
            digests=fields["digests"],
            fetch=bool(fields["fetch"]),
        )
        try:
            verified = await self.desk.verify(pasted, client(request))
        except Malformed as error:
            return self._form(fields, error=str(error))
        return self._result(verified, fields)

    def _form(self, fields: dict[str, str], error: str | None = None) -> web.Response:
        values = {"me": self.identity, "here": "verify", "fields": fields, "error": error}
        return html("lab/home.html", values, status=400 if error else 200, script=True, form=True)

    def _result(self, verified: Verified, fields: dict[str, str]) -> web.Response:
        examination = verified.examination
        rules = [
            one
            for one in examination.results
            if one.code > "ATT-011" and one.outcome is not Outcome.INAPPLICABLE
        ]
        values = {
            "me": self.identity,
            "here": "verify",
            "fields": fields,
            "valid": examination.valid,
            "found": [showing.attestation(one) for one in examination.examined],
            "media": examination.media,
            "rules": showing.results(sorted(rules, key=lambda one: one.outcome is not Outcome.FAILED)),
            "fetched": sorted(verified.asked.documents),
            "at": verified.at,
        }
        return html("lab/verified.html", values, form=True)
