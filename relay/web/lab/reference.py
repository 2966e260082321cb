"""What the results of the lab refer to: statements of the profile, explanations of outcomes, numbered cases."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from mediaattest import EXPLANATIONS
from relay.domain.errors import NotFound
from relay.domain.lab.cases import CASES
from relay.domain.lab.model import Role
from relay.protocol.documents import PROFILE
from relay.protocol.lab.clauses import clauses
from relay.protocol.lab.explaining import explain
from relay.web.frame import html
from relay.web.lab.requests import page

if TYPE_CHECKING:
    from relay.services.identity import Identity

_PARTS: Final = {
    "F": "Format",
    "K": "Keys",
    "I": "Issuing",
    "P": "Publishing",
    "V": "Verifying",
    "W": "Beside the object",
    "C": "Carrying",
    "S": "Lookup, service and status lists",
}
"""Sections of the profile by the letter of their statements."""
ROLE_TITLES: Final = {
    Role.DOCUMENT: "Documents: one activity or object",
    Role.ISSUER: "Issuers: servers that attest",
    Role.CARRIER: "Carriers: relays that pass attestations on",
    Role.VERIFIER: "Verifiers: software that verifies them",
}
_BY_CODE: Final = {one.code: (step, one) for (_, step), one in EXPLANATIONS.items()}


@dataclass(frozen=True, slots=True)
class ReferencePages:
    """Pages that are the same for everybody."""

    identity: Identity

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        return [
            web.get("/lab/clauses", self.clauses),
            web.get("/lab/clauses/{id}", self.clause),
            web.get("/lab/explain", self.explanations),
            web.get("/lab/explain/{code}", self.explanation),
            web.get("/lab/cases", self.cases),
        ]

    async def clauses(self, _request: web.Request) -> web.Response:
        """List the statements of the profile by section."""
        parts = [
            (title, [clause for clause in clauses().values() if clause.id.startswith(letter)])
            for letter, title in _PARTS.items()
        ]
        return html("lab/clauses.html", self._values("clauses", parts=parts, profile=PROFILE))

    @page
    async def clause(self, request: web.Request) -> web.Response:
        """Show one statement, and which cases and explanations are about it."""
        found = clauses().get(request.match_info["id"])
        if found is None:
            raise NotFound("The profile has no such statement.")
        values = self._values(
            "clauses",
            clause=found,
            part=_PARTS[found.id[0]],
            cases=[case for case in CASES.values() if found.id in case.clauses],
            explanations=[one for _, one in _BY_CODE.values() if one.clause == found.id],
        )
        return html("lab/clause.html", values)

    async def explanations(self, _request: web.Request) -> web.Response:
        """List every outcome of a verification."""
        return html("lab/explanations.html", self._values("explain", found=list(_BY_CODE.values())))

    @page
    async def explanation(self, request: web.Request) -> web.Response:
        """Explain the code of an outcome or of a case."""
        code = request.match_info["code"]
        if code in clauses():
            raise web.HTTPFound(f"/lab/clauses/{code}")
        # The first time, samples are made and signed.
        found = await asyncio.to_thread(explain, code)
        if found is None:
            raise NotFound("There is no such code.")
        case = CASES.get(found.code)
        values = self._values(
            "cases" if case else "explain",
            found=found,
            step=_BY_CODE[code][0] if code in _BY_CODE else None,
            role=ROLE_TITLES[case.role] if case else None,
            examples=[
                (label, one) for label, one in (("fails", found.fails), ("passes", found.passes)) if one
            ],
        )
        return html("lab/explanation.html", values)

    async def cases(self, _request: web.Request) -> web.Response:
        """List the numbered cases by role."""
        roles = [
            (role.value, title, [case for case in CASES.values() if case.role is role])
            for role, title in ROLE_TITLES.items()
        ]
        return html("lab/cases.html", self._values("cases", roles=roles))

    def _values(self, here: str, **more: object) -> dict[str, object]:
        return {"me": self.identity, "here": here, **more}
