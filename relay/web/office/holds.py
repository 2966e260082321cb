"""What waits for a person: facts first and no picture, decided one by one or in groups; and why a post came or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from aiohttp import web

from relay.domain.errors import Malformed
from relay.domain.triage import Narrowed
from relay.services.triage import AT_ONCE

if TYPE_CHECKING:
    from relay.domain.triage import Settled
    from relay.services.explain import Explainer
    from relay.services.holds import Holds
    from relay.services.triage import Triage
    from relay.web.office.door import Door, Visit

PATH: Final = "/holds"
LONGEST_POST: Final = 2048
_BY: Final = ("reason", "rule", "server")
_DONE: Final = {
    "released": "{} released: what was held goes to the subscribers.",
    "dropped": "{} dropped: what was held will not be relayed.",
}


@dataclass(frozen=True, slots=True)
class HoldPages:
    """The pages."""

    door: Door
    holds: Holds
    triage: Triage
    explainer: Explainer

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        page = self.door.page
        one = PATH + r"/{number:\d{1,12}}"
        return [
            web.get(PATH, page(self.list_)),
            web.post(f"{PATH}/group", page(self.group)),
            web.get(one, page(self.show)),
            web.post(one, page(self.decide)),
            web.get("/why", page(self.why)),
        ]

    async def list_(self, visit: Visit) -> web.Response:
        """List open holds, all or those of a group, with what the groups are."""
        query = visit.request.query
        narrowed = _narrowed(dict(query))
        before = query.get("before", "")
        listing = await self.triage.listing(narrowed, before=int(before) if _is_number(before) else None)
        count = query.get("n", "")
        done = _DONE.get(query.get("done", ""), "").format(count if count.isdigit() else "It is")
        return self.door.render(
            visit,
            "holds",
            listing=listing,
            by=narrowed.by,
            only=lambda **more: _address(narrowed.by | more),
            without=lambda name: _address({key: value for key, value in narrowed.by.items() if key != name}),
            at_once=AT_ONCE,
            done=done,
        )

    async def group(self, visit: Visit) -> web.Response:
        """Decide all holds of a group that were listed."""
        form = visit.form
        narrowed = _narrowed(dict(form.pairs))
        upto, note = form.number("upto"), form.note() or None
        if form.get("do") == "release":
            settled, done = (
                await self.triage.release(narrowed, upto=upto, who=visit.who, note=note),
                "released",
            )
        elif form.get("do") == "drop":
            settled, done = await self.triage.drop(narrowed, upto=upto, who=visit.who, note=note), "dropped"
        else:
            raise Malformed("Release them or drop them.", code="bad-form")
        if settled.left:
            return self._left(visit, settled, done, narrowed)
        return self.door.moved(_address(narrowed.by | {"done": done, "n": str(settled.done)}))

    async def show(self, visit: Visit) -> web.Response:
        """Show the facts about one hold and how it was decided; never a picture."""
        hold = await self.holds.find(int(visit.request.match_info["number"]))
        told = await self.explainer.why(str(hold.seq))
        found = next((one for one in told if one["number"] == hold.seq), None)
        return self.door.render(
            visit, "hold", hold=hold, told=found, known=await self.triage.is_known_match(hold)
        )

    async def decide(self, visit: Visit) -> web.Response:
        """Release or drop one hold; what matched a known entry only when that is said again."""
        number, form = int(visit.request.match_info["number"]), visit.form
        hold = await self.holds.find(number)
        if form.get("do") == "release":
            if await self.triage.is_known_match(hold) and form.get("sure") != "yes":
                message = (
                    "It matched an entry of a list of known material: open the hold and tick that you know."
                )
                raise Malformed(message, code="not-sure")
            await self.holds.release(number, who=visit.who, note=form.note() or None)
            return self.door.moved(f"{PATH}?done=released&n=1")
        if form.get("do") != "drop":
            raise Malformed("Release it or drop it.", code="bad-form")
        await self.holds.drop(number, who=visit.who, note=form.note() or None)
        return self.door.moved(f"{PATH}?done=dropped&n=1")

    async def why(self, visit: Visit) -> web.Response:
        """Explain everything that is known about a post, at the operator's level."""
        text = visit.request.query.get("post", "").strip()
        if len(text) > LONGEST_POST:
            raise Malformed("That is too long for the address of a post.", code="too-large")
        told: list[dict[str, Any]] = await self.explainer.why(text) if text else []
        passages = [await self.explainer.passages(one["number"]) for one in told]
        return self.door.render(visit, "why", post=text, told=list(zip(told, passages, strict=True)))

    def _left(self, visit: Visit, settled: Settled, done: str, narrowed: Narrowed) -> web.Response:
        return self.door.render(
            visit, "holds-left", settled=settled, verb=done, back=_address(narrowed.by), status=200
        )


def _narrowed(fields: dict[str, str]) -> Narrowed:
    brake = fields.get("brake", "")
    named = {name: fields[name] for name in _BY if fields.get(name)}
    return Narrowed(**named, brake=int(brake) if _is_number(brake) else None)


def _address(query: dict[str, str]) -> str:
    return f"{PATH}?{urlencode(query)}" if query else PATH


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 13
