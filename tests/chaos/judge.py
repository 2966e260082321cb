"""What must hold whatever happened: nothing lost, order kept, at most the last second repeated, nothing leaked.

A `Trial` is one scenario. It writes down the faults, judges at the end, and leaves its counts for the table that the
test run prints (`report`).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from tests.chaos.servers import ARRIVAL_SECONDS, Origin, Subscriber, now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tests.chaos.processes import Footprint
    from tests.chaos.servers import Arrival

SEED: Final = int(os.environ.get("ASSAY_CHAOS_SEED", "7"))
"""Decides when what is killed, and what is posted."""
KILLS: Final = int(os.environ.get("ASSAY_CHAOS_KILLS", "0"))
"""Kills of the long form, all scenarios together; 0 for the short form."""
CHECKPOINT: Final = 1.0
"""Seconds between two checkpoints of the fan-out (`services.deliver`): what a crash may repeat."""


class Repetition(NamedTuple):
    """Something that came again: `age` is how long before a fault it had come, infinite when none explains it."""

    subscriber: int
    what: tuple[str, int, bool]
    came: float
    again: float
    age: float


@dataclass
class Trial:
    """One scenario: what was done to the relay, and what came of it. `add` takes a pair for the report."""

    name: str
    database: str
    add: Callable[[str, object], None]
    chance: random.Random = field(init=False)
    kills: list[str] = field(default_factory=list)
    faults: list[tuple[float, float]] = field(default_factory=list)
    """When something was wrong, from and to, in seconds of a clock that never jumps."""
    origin: Origin = field(init=False)
    subscribers: list[Subscriber] = field(init=False)
    lag: float = 0.0
    """By how many seconds this process and its disk were late at most: how busy the machine is."""

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{SEED} {self.name} {self.database}")  # noqa: S311 - the same every time

    def size(self, short: int, share: float) -> int:
        """How often to do it: so often in the short form, else a share of the kills of the long one."""
        return max(short, round(KILLS * share))

    def killed(self, kind: str) -> None:
        """A process was killed."""
        self.kills.append(kind)
        self.fault()

    def fault(self) -> None:
        """Something else went wrong."""
        self.faults.append((now(), now()))

    @asynccontextmanager
    async def without(self) -> AsyncIterator[None]:
        """Something that the relay needs is not there inside."""
        began = now()
        self.faults.append((began, float("inf")))
        yield
        self.faults[-1] = (began, now())

    @asynccontextmanager
    async def servers(self, subscribers: int = 2, address: str = "127.0.0.1") -> AsyncIterator[None]:
        """Open an origin, and subscribers that are well, and have them follow once a relay is there (`follow`)."""
        async with AsyncExitStack() as stack:
            self.origin = Origin(0, SEED, address)
            self.subscribers = [Subscriber(n, self.origin, address) for n in range(1, subscribers + 1)]
            for one in (self.origin, *self.subscribers):
                await one.open(stack, address)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            stack.callback(tasks.create_task(self._watch()).cancel)
            yield

    async def follow(self, relay: str) -> None:
        """Let everybody subscribe: only who takes part may publish."""
        for one in (self.origin, *self.subscribers):
            await one.follow(relay)

    @asynccontextmanager
    async def talking(self, relay: str, *, lanes: int = 3) -> AsyncIterator[None]:
        """Have the origin publish inside, and leave once every answer is there."""
        over = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.origin.talk(relay, over, lanes=lanes))
            try:
                yield
            finally:
                over.set()

    async def some(self, least: int = 3) -> None:
        """Wait until so many more activities were answered 202."""
        before = len(self.origin.taken)
        async with asyncio.timeout(ARRIVAL_SECONDS):
            while len(self.origin.taken) < before + least:
                await asyncio.sleep(0.02)

    async def pause(self, most: float) -> None:
        """Wait for a random time of at most so many seconds."""
        await asyncio.sleep(self.chance.uniform(0.0, most))

    async def _watch(self) -> None:
        """Note by how much this process and its disk are late: on a busy machine a second takes longer."""
        with TemporaryFile(buffering=0) as file:
            while True:
                before = now()
                await asyncio.sleep(0.05)
                await asyncio.to_thread(_write, file)
                self.lag = max(self.lag, now() - before - 0.05)

    def answer_after(self, seconds: float) -> None:
        """Let subscribers take so long for each answer."""
        for one in self.subscribers:
            one.seconds = seconds

    def behind(self) -> bool:
        """Whether something was answered 202 that has not arrived everywhere."""
        return any(one.missing(self.origin.taken) for one in self.subscribers)

    async def arrived(self) -> bool:
        """Wait until all that was answered 202 is where it belongs; return whether it is."""
        wanted = self.origin.taken
        return all([await one.has(wanted) for one in self.subscribers])

    async def judge(self, *, may_refuse: Sequence[str] = ()) -> None:
        """Wait for what is due, and look at all that happened; counts go to the report before anything fails."""
        self.answer_after(0.0)
        await self.arrived()
        origin, subscribers, wanted = self.origin, self.subscribers, self.origin.taken
        lost = [(one.number, said) for one in subscribers for said in one.missing(wanted)]
        disordered = [found for one in subscribers for found in out_of_order(one.arrived)]
        again = [one for to in subscribers for one in self._repeated(to.number, to.arrived)]
        ages = [one.age for one in again]
        refused = [why for one in subscribers for why in one.refused.elements() if why not in may_refuse]
        self._tell(
            {
                "kills": len(self.kills),
                "202": len(wanted),
                "other": sum(origin.answers.values()) - origin.answers[202],
                "delivered": sum(len(one.arrived) for one in subscribers),
                "lost": len(lost),
                "disordered": len(disordered),
                "repeated": len(ages),
                "oldest": max(ages, default=0.0),
                "lag": self.lag,
            }
        )
        assert wanted, "the relay took nothing: the trial shows nothing"
        assert lost == [], f"answered 202 and not delivered: {lost}"
        assert disordered == []
        assert refused == [], "signatures that are not as they should be"
        # What was delivered since the last checkpoint comes again; a busy machine writes it later.
        late = [one for one in again if one.age > self._a_second()]
        assert late == [], (
            f"repeated long after delivery: {late[:20]}; faults: {self.faults}, lag: {self.lag}"
        )

    def held(self, before: Footprint, after: Footprint, **bounds: int) -> None:
        """Nothing leaked."""
        self._tell(
            {
                "files": f"{before.files} {after.files}",
                "tasks": f"{before.tasks} {after.tasks}",
                "MB": f"{before.memory >> 20} {after.memory >> 20}",
            }
        )
        assert after.within(before, **bounds), (before, after)

    def _repeated(self, subscriber: int, arrived: Sequence[Arrival]) -> list[Repetition]:
        """Return what came again.

        To blame is the first fault that was not long over when it came: the next may begin while the relay recovers.
        """
        before: dict[tuple[str, int, bool], float] = {}
        found = []
        for one in arrived:
            what = (one.object, one.version if one.exact else 0, one.exact)
            if what in before:
                came = before[what]
                to_blame = [
                    began for began, over in self.faults if began < one.at and came <= over + self._a_second()
                ]
                age = max(0.0, to_blame[0] - came) if to_blame else float("inf")
                found.append(Repetition(subscriber, what, came, one.at, age))
            before[what] = one.at
        return found

    def _a_second(self) -> float:
        """Seconds within which a checkpoint is written, at the latest: on a busy machine they are more."""
        return 2 * CHECKPOINT + 4 * self.lag

    def _tell(self, counts: dict[str, object]) -> None:
        first = {"scenario": self.name, "database": self.database}
        self.add("chaos", json.dumps({**first, **counts}))


def _write(file: BinaryIO) -> None:
    """Wait for the disk, as a checkpoint does."""
    file.write(b"-")
    os.fsync(file.fileno())


def out_of_order(arrived: Sequence[Arrival]) -> list[Arrival]:
    """What came for the first time after a newer version of the same object. What comes again comes in order, too."""
    newest: dict[str, int] = {}
    found = []
    for one in arrived:
        if one.exact:
            if one.version < newest.get(one.object, 0) and not _came_before(arrived, one):
                found.append(one)
            newest[one.object] = max(newest.get(one.object, 0), one.version)
    return found


def _came_before(arrived: Sequence[Arrival], this: Arrival) -> bool:
    return any(
        one.at < this.at and (one.object, one.version, one.exact) == (this.object, this.version, this.exact)
        for one in arrived
    )
