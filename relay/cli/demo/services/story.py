"""Lets the scenario happen in a relay that asks every fake, step by step, and judges what came of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from relay.cli.demo.names import BLOG, PHOTOS
from relay.cli.demo.services.errands import GLANCE, Errands
from relay.cli.demo.services.pictures import CANARY
from relay.cli.demo.services.scenario import AS_A_TEST, STEPS
from relay.cli.listsync import syncs
from relay.cli.status import tool_rows
from relay.domain.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from relay.cli.demo.services.clock import HastyClock
    from relay.cli.demo.services.pictures import Picture
    from relay.cli.demo.services.steps import Step
    from relay.cli.demo.services.table import Running
    from relay.cli.demo.world import World
    from relay.domain.hashservice import ServiceState

PATIENCE: Final = 20.0
"""Seconds that a step may take."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a step: what all scanners said together and why, the rule, and what each service was told.

    `matched` says what matched as what, `told` what came of an errand.
    """

    number: int
    what: str
    outcome: str = "unknown"
    reason: str | None = None
    decision: str = "unknown"
    rule: str = ""
    asked: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    matched: tuple[str, ...] = ()
    told: str | None = None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class States:
    """How the services are doing by name, the lists that are fetched, and the tools by name; and when that was."""

    services: Mapping[str, ServiceState]
    lists: Sequence[Mapping[str, Any]]
    tools: Mapping[str, Mapping[str, Any]]
    now: float


class Story:
    """One run of the scenario. `results` grow as it goes; `faults` are what came out otherwise than it had to."""

    def __init__(
        self,
        world: World,
        fakes: Mapping[str, Running],
        pictures: Mapping[str, Picture],
        clock: HastyClock,
        steps: Sequence[Step] = STEPS,
    ) -> None:
        self._world, self.fakes, self._pictures, self._clock = world, fakes, pictures, clock
        self.steps, self._errands = steps, Errands(world.relay, fakes, clock)
        self.results: list[Result] = []

    async def begin(self) -> None:
        """Let the servers subscribe that post, and the relay fetch what it fetches by itself after a start."""
        async with asyncio.timeout(PATIENCE):
            await self._errands.settled()
        for name in (BLOG, PHOTOS):
            async with asyncio.timeout(PATIENCE):
                await self._world.servers[name].subscribe()
                await self._world.servers[name].subscribed()

    async def take(self, step: Step) -> Result:
        """Let a step happen, and return what came of it."""
        number = len(self.results) + 1
        self._clock.forward(step.later)
        picture = self._pictures[step.picture]
        fakes = {name: one.fake for name, one in self.fakes.items()}
        self.rest()
        step.arrange(fakes, picture)
        starts = {name: len(fake.asked) for name, fake in fakes.items()}
        result = Result(number, step.what)
        try:
            async with asyncio.timeout(PATIENCE):
                if step.errand is not None:
                    result = replace(result, told=await self._errands.run(step.errand))
                result = replace(result, **await self._posted(number, step, picture))
        except (TimeoutError, RemoteError) as error:
            result = replace(result, rule=f"no end: {type(error).__name__} {error}")
        questions = {name: fake.questions_since(starts[name]) for name, fake in fakes.items()}
        asked = tuple(name for name in fakes if questions[name])
        left = tuple(
            f"{name}: {f'{count} times ' if count > 1 else ''}{what}"
            for name in asked
            for what, count in Counter(fakes[name].told(*one) for one in questions[name]).items()
        )
        result = replace(result, asked=asked, left=left)
        times = {name: len(questions[name]) for name in step.times}
        self.results.append(replace(result, faults=_judged(step, result, times)))
        return self.results[-1]

    def rest(self) -> None:
        """Let all services be well."""
        for one in self.fakes.values():
            one.fake.fault, one.fake.hangs = None, False

    def teach(self, file: Path) -> None:
        """Write the canary to `file`, and let the services take that very file for a test picture from now on."""
        picture, fakes = self._pictures[CANARY], {name: one.fake for name, one in self.fakes.items()}
        file.write_bytes(picture.content)
        for arrange in AS_A_TEST:
            arrange(fakes, picture)

    async def states(self) -> States:
        """How everybody is doing, as `assay status` reads it."""
        office = self._world.relay.office
        await self._world.relay.services.look()
        async with office.store.reading() as tx:
            services = {state.name: state for state in await tx.hash_services.all()}
        return States(services, await syncs(office), await tool_rows(office), self._clock.now())

    @property
    def faults(self) -> list[str]:
        """Everything that came out otherwise than it had to."""
        faults = [f"step {one.number}, {one.what}: {text}" for one in self.results for text in one.faults]
        late = len(self.steps) - len(self.results)
        return [*faults, f"{late} of {len(self.steps)} steps did not happen"] if late else faults

    async def _posted(self, number: int, step: Step, picture: Picture) -> dict[str, Any]:
        # The other server has the same picture: it is known by its bytes, wherever they come from.
        server = self._world.servers[PHOTOS if step.picture in self._seen() else BLOG]
        attached = {
            "type": "Document",
            "mediaType": picture.media_type,
            "url": server.add_file(f"{number}-{picture.name}", picture.media_type, picture.content),
        }
        post = server.add_note(step.what, [attached], public=True)
        await server.publish(post)
        while True:
            found = await self._world.relay.office.explainer.why(str(post["id"]))
            if found and found[0]["state"] != "screening":
                break
            await self._clock.sleep(GLANCE)
        decision, medium = found[0]["decisions"][-1], found[0]["media"][0]
        return {
            "outcome": medium["outcome"],
            "reason": medium["reason"],
            "decision": decision["effective"],
            "rule": decision["rule"],
            "matched": tuple(dict.fromkeys(map(_matched, medium["matches"]))),
        }

    def _seen(self) -> set[str]:
        return {step.picture for step in self.steps[: len(self.results)]}


def _matched(match: Mapping[str, Any]) -> str:
    return f"{match['scanner']}: {match['kind']}, {match['category']}"


def _judged(step: Step, result: Result, times: Mapping[str, int]) -> tuple[str, ...]:
    pairs = {
        "outcome": (step.outcome, result.outcome),
        "reason": (step.reason, result.reason),
        "rule": (step.rule, result.rule),
        "asked": (step.asked, result.asked),
        "questions": (dict(step.times), dict(times)),
        "errand": (step.errand and step.errand.told, result.told),
    }
    if step.matched is not None:
        pairs["matched"] = (step.matched, "; ".join(result.matched))
    return tuple(f"{name}: {got} in place of {had}" for name, (had, got) in pairs.items() if had != got)
