"""The policy: read aloud, written as text with every mistake beside its line, and tried on facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from relay.domain.blocklist import POLICY_PREFIX
from relay.domain.english import explain
from relay.domain.errors import Malformed
from relay.web.office.forms import Form
from relay.web.office.inputs import Inputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relay.domain.drafting import Remark
    from relay.services.decide import Decider
    from relay.services.drafts import Drafts, Sheet
    from relay.services.policy_lists import PolicyLists
    from relay.web.office.door import Door, Visit

USUAL = ("media", "scan", "match", "attestation", "attested by", "from", "subscribed for")
"""Facts that the page to try a policy shows first."""
_AROUND = 1
"""Lines that are shown above and below one with a mistake."""
_DONE = {
    "kept": "Kept as a draft. Nothing changes before you save it.",
    "discarded": "The draft is thrown away. What is in force stays so.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the text as it is shown: its number, and the remarks about it."""

    number: int
    text: str
    remarks: Sequence[Remark]


@dataclass(frozen=True, slots=True)
class PolicyPages:
    """The pages."""

    door: Door
    drafts: Drafts
    decider: Decider
    lists: PolicyLists

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        page = self.door.page
        return [
            web.get("/policy", page(self.show)),
            web.get("/policy/text", page(self.text)),
            web.post("/policy/text", page(self.write)),
            web.post("/policy/mend", page(self.mend)),
            web.post("/policy/discard", page(self.discard)),
            web.get("/policy/try", page(self.attempt)),
        ]

    async def show(self, visit: Visit) -> web.Response:
        """Read aloud what is in force."""
        policy, sheet = self.decider.policy, await self.drafts.sheet(visit.who)
        elsewhere = [one.name.removeprefix(POLICY_PREFIX) for one in self.lists.sources]
        return self.door.render(
            visit,
            "policy",
            policy=policy,
            sheet=sheet,
            paragraphs=explain(policy, elsewhere),
            done=_DONE.get(visit.request.query.get("done", ""), ""),
        )

    async def text(self, visit: Visit) -> web.Response:
        """Show the draft as text, with what is wrong beside its lines."""
        sheet = await self.drafts.sheet(visit.who)
        done = _DONE.get(visit.request.query.get("done", ""), "")
        if sheet.reading.errors:
            done = ""
        return self.door.render(visit, "policy-text", sheet=sheet, excerpts=excerpts(sheet), done=done)

    async def write(self, visit: Visit) -> web.Response:
        """Keep the text as a draft, whatever it says."""
        form = visit.form
        await self.drafts.write(visit.who, form.text("text"), revision=form.number("revision"))
        if "check" in form and not (await self.drafts.sheet(visit.who)).reading.errors:
            return self.door.moved("/policy/check")
        return self.door.moved("/policy/text?done=kept")

    async def mend(self, visit: Visit) -> web.Response:
        """Write the word that was meant in the place of the one that was written."""
        form = visit.form
        line, column, width = (form.number(name) - 1 for name in ("line", "column", "width"))
        word = form.get("word")

        def mended(text: str) -> str:
            lines = text.split("\n")
            if not (0 <= line < len(lines) and "\n" not in word):
                raise Malformed("That line is not there.", code="bad-form")
            row = lines[line]
            lines[line] = f"{row[:column]}{word}{row[column + width + 1 :]}"
            return "\n".join(lines)

        await self.drafts.change(visit.who, mended, revision=form.number("revision"))
        return self.door.moved("/policy/text")

    async def discard(self, visit: Visit) -> web.Response:
        """Throw the draft away."""
        await self.drafts.discard(visit.who)
        return self.door.moved("/policy?done=discarded")

    async def attempt(self, visit: Visit) -> web.Response:
        """Decide facts that somebody fills in, with the draft, and say why it comes out so."""
        sheet, inputs = await self.drafts.sheet(visit.who), Inputs(self.drafts.reader.model())
        form = Form(list(visit.request.query.items()))
        filled = {one.info["fact"]: one for one in inputs.of_form(form, inputs.facts)}
        facts = {name: one.written() for name, one in filled.items() if one.written()}
        tried = None
        if sheet.reading.draft is not None and "try" in form:
            tried = self.drafts.attempt(sheet.text, facts)
        usual = [filled[name] for name in USUAL]
        others = [one for name, one in filled.items() if name not in USUAL]
        return self.door.render(
            visit, "policy-try", sheet=sheet, usual=usual, others=others, tried=tried, given=len(facts)
        )


def excerpts(sheet: Sheet) -> list[list[Line]]:
    """The lines with mistakes and those around them, in pieces that lie apart."""
    lines: list[str] = sheet.text.split("\n")
    remarks: dict[int, list[Remark]] = {}
    for one in sheet.reading.remarks:
        if not one.file:
            remarks.setdefault(one.line, []).append(one)
    return list(_pieces(lines, remarks))


def _pieces(lines: list[str], remarks: dict[int, list[Remark]]) -> Iterator[list[Line]]:
    piece = list[Line]()
    for number, text in enumerate(lines, 1):
        if any(near in remarks for near in range(number - _AROUND, number + _AROUND + 1)):
            piece.append(Line(number, text, remarks.get(number, [])))
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece
