"""Waves of spam and incidents: what is held up and until when; ending, releasing, purging and declaring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from relay.domain import hosts
from relay.domain.errors import Malformed
from relay.domain.log import HoldState
from relay.domain.policy import Verb
from relay.domain.waves.brake import Cover, Kind
from relay.domain.waves.telling import covered, does
from relay.services.samples import sample
from relay.services.waves import LONGEST

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.services.waves import Report, Waves
    from relay.web.office.door import Door, Visit
    from relay.web.office.forms import Form

PATH: Final = "/waves"
UNITS: Final = {"minutes": 60, "hours": 3600, "days": 86400}
SAMPLES: Final = 3
"""Held posts whose text can be unfolded."""
_DONE: Final = {
    "started": "It has begun.",
    "ended": "It is over. What was deferred goes through the policy again; what is held waits for you.",
    "extended": "It lasts longer now.",
    "released": "{} posts go through the policy again.",
    "purged": "{} posts are dropped. Nobody is blocked; it can be taken back below.",
    "restored": "{} posts that were dropped go through the policy again.",
}


@dataclass(frozen=True, slots=True)
class WavePages:
    """The pages."""

    door: Door
    waves: Waves

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        page = self.door.page
        one = PATH + r"/{number:\d{1,12}}"
        return [
            web.get(PATH, page(self.list_)),
            web.get(one, page(self.show)),
            web.post("/incidents", page(self.start)),
            web.post(f"{one}/end", page(self.end)),
            web.post(f"{one}/extend", page(self.extend)),
            web.post(f"{one}/release", self._moving("released", self.waves.release)),
            web.post(f"{one}/purge", self._moving("purged", self.waves.purge)),
            web.post(f"{one}/restore", self._moving("restored", self.waves.restore)),
        ]

    async def list_(self, visit: Visit) -> web.Response:
        """List waves and incidents, those that are on first."""
        found = await self.waves.all()
        return self.door.render(
            visit,
            "waves",
            on=[one for one in found if one.on],
            over=[one for one in found if not one.on],
            covered=covered,
            does=does,
        )

    async def show(self, visit: Visit) -> web.Response:
        """Show one: what it goes by, what it has stopped, and on demand what a few of these posts say."""
        number = visit.number
        report = await self.waves.show(number)
        waiting = await self.waves.waiting(number)
        held = await self.waves.holds(number, HoldState.OPEN, SAMPLES)
        texts = [text for hold in held if (text := sample(hold))]
        query = visit.request.query
        count = query.get("n", "")
        done = _DONE.get(query.get("done", ""), "").format(count if count.isdigit() else "Some")
        return self.door.render(
            visit,
            "wave",
            one=report,
            waiting=waiting,
            texts=texts,
            covered=covered,
            does=does,
            units=list(UNITS),
            done=done,
        )

    async def start(self, visit: Visit) -> web.Response:
        """Declare an incident; it always has an end."""
        form = visit.form
        verb = Verb.DEFER if form.get("verb") == "defer" else Verb.QUARANTINE
        report = await self.waves.start_incident(
            _cover(form), seconds=_seconds(form), verb=verb, who=visit.who, note=form.note()
        )
        return self.door.moved(f"{PATH}/{report.brake.id}?done=started")

    async def end(self, visit: Visit) -> web.Response:
        """End it now."""
        number = visit.number
        await self.waves.end(number, who=visit.who, note=visit.form.note())
        return self.door.moved(f"{PATH}/{number}?done=ended")

    async def extend(self, visit: Visit) -> web.Response:
        """Let it last for so long from now."""
        number = visit.number
        await self.waves.extend(number, _seconds(visit.form), who=visit.who)
        return self.door.moved(f"{PATH}/{number}?done=extended")

    def _moving(
        self, done: str, command: Callable[..., Awaitable[int]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """A form that moves everything that one has stopped."""

        async def move(visit: Visit) -> web.Response:
            number = visit.number
            count = await command(number, who=visit.who, note=visit.form.note())
            return self.door.moved(f"{PATH}/{number}?done={done}&n={count}")

        return self.door.page(move)


def active(reports: list[Report]) -> list[tuple[Report, str, str]]:
    """What is on, with what it covers and what it does, for the overview."""
    return [(one, covered(one.brake), does(one.brake)) for one in reports]


def _seconds(form: Form) -> float:
    """For how long: it has to be said, so that nothing is held up for ever."""
    unit = UNITS.get(form.get("unit"))
    if not form.get("for").strip() or unit is None:
        raise Malformed("Say for how long: it ends by itself then.", code="no-end")
    try:
        seconds = float(form.get("for").strip().replace(",", ".")) * unit
    except ValueError:
        raise Malformed("Write how long it lasts as a number.", code="bad-form") from None
    if not 60 <= seconds <= LONGEST:
        raise Malformed("It lasts for a minute at least and for 7 days at most.", code="bad-duration")
    return seconds


def _cover(form: Form) -> Cover:
    kind = form.get("kind")
    if kind == Kind.MEDIA:
        return Cover(Kind.MEDIA)
    if kind == Kind.NEWCOMERS:
        return Cover(Kind.NEWCOMERS)
    if kind == Kind.SERVER:
        text = form.get("server").strip()
        if not text:
            raise Malformed("Name the server.", code="no-server")
        server = hosts.server_name(text) if "://" in text else hosts.parse_pattern(text)
        return Cover(Kind.SERVER, server=server.removeprefix("*."))
    raise Malformed("Say what is to be held up.", code="bad-form")
