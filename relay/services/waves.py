"""What a person does about waves and incidents: look, end, release, purge, declare.

Ending, releasing and purging are marked in one transaction; what a brake stopped is moved in batches after that, each
whole or not at all. Whoever is interrupted gives the command again, or leaves it to the running relay, which finishes
what was released.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from relay.domain.errors import Conflict, NotFound
from relay.domain.intake import Settled
from relay.domain.log import ActivityState, HoldState
from relay.domain.policy_rules import Verb
from relay.domain.waves.brake import WAVES, Brake, BrakeState, Cover, Kind
from relay.domain.waves.telling import begun
from relay.domain.waves.waiting import Stopped, Waiting, spread
from relay.services.decide import ruled

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.domain.intake import Hold
    from relay.ports import Clock, Store, Tx
    from relay.services.alerts import Alerts
    from relay.services.signals import Signals

    Progress = Callable[[int, int], None]

BATCH: Final = 200
"""Activities that are moved in one transaction."""
LONGEST: Final = 7 * 24 * 3600.0
"""Seconds that an incident lasts at most, and that any brake is extended by at most."""
INCIDENTS: Final = frozenset(Kind) - WAVES


@dataclass(frozen=True, slots=True)
class Report:
    """A brake and what it stopped. `on` tells whether it brakes now."""

    brake: Brake
    stopped: Stopped
    on: bool


class Waves:
    """Lists, ends, extends, releases and purges brakes, and declares incidents. `who` is kept on record.

    Waves and incidents share their numbers and all commands.
    """

    def __init__(self, *, store: Store, clock: Clock, signals: Signals, alerts: Alerts) -> None:
        self._store, self._clock, self._signals, self._alerts = store, clock, signals, alerts

    async def all(self, *, waves: bool = True, incidents: bool = True, most: int = 100) -> list[Report]:
        """Return the newest brakes of either sort."""
        kinds = [*(WAVES if waves else ()), *(INCIDENTS if incidents else ())]
        async with self._store.reading() as tx:
            return await self._reports(tx, await tx.brakes.newest(kinds, most))

    async def active(self) -> list[Report]:
        """Return the brakes that are on, oldest first."""
        async with self._store.reading() as tx:
            reports = await self._reports(tx, await tx.brakes.in_force(self._clock.now()))
        return [report for report in reports if report.on]

    async def show(self, number: int) -> Report:
        """Return one brake. Raises `NotFound`."""
        async with self._store.reading() as tx:
            [report] = await self._reports(tx, [await _found(tx, number)])
        return report

    async def waiting(self, number: int, most: int = 20) -> list[Waiting]:
        """Return the oldest of what a brake stopped and still waits."""
        async with self._store.reading() as tx:
            return await tx.brakes.waiting(number, most)

    async def holds(self, number: int, state: HoldState = HoldState.OPEN, most: int = 200) -> list[Hold]:
        """Return the newest holds in a state that are due to a brake."""
        async with self._store.reading() as tx:
            return await tx.brakes.holds(number, state, most)

    async def media_held_until(self) -> float | None:
        """Return until when an incident holds all media, None while none does: what the public may know."""
        ends = [one.brake.until for one in await self.active() if one.brake.cover.kind is Kind.MEDIA]
        return max(ends, default=None)

    # ------------------------------------------------------------------ commands

    async def start_incident(
        self, cover: Cover, *, seconds: float, verb: Verb = Verb.QUARANTINE, who: str, note: str = ""
    ) -> Report:
        """Declare an incident that ends by itself. `verb` is `quarantine` or `defer`.

        Raises `Conflict` when it lasts for no time or for too long, or when what it covers is no incident.
        """
        if cover.kind in WAVES:
            raise Conflict("waves are noticed, not declared", code="not-an-incident")
        _check(seconds)
        now = self._clock.now()
        brake = Brake(
            id=0,
            cover=cover,
            verb=verb,
            observed=False,
            state=BrakeState.ACTIVE,
            started_at=now,
            until=now + seconds,
            latest=now + LONGEST,
            who=who,
            note=note,
        )
        async with self._store.transaction() as tx:
            brake = replace(brake, id=await tx.brakes.add(brake))
            await _audit(tx, brake, "brake-on", at=now, who=who, detail=note)
            await self._alerts.note(tx, begun(brake))
        return await self.show(brake.id)

    async def extend(self, number: int, seconds: float, *, who: str) -> Report:
        """Let a brake last for so many seconds from now, what it deferred likewise.

        Raises `NotFound`, or `Conflict` when it is over, or would last for no time or too long.
        """
        _check(seconds)
        now = self._clock.now()
        async with self._store.transaction() as tx:
            brake = await _found(tx, number)
            if not brake.active(now):
                raise Conflict(f"{brake.name} is over", code="not-active")
            until = now + seconds
            await tx.brakes.save(replace(brake, until=until, latest=max(brake.latest, until)))
            await tx.brakes.delay(number, until - brake.until)
            await _audit(tx, brake, "brake-extended", at=now, who=who, detail=f"{seconds:.0f} seconds")
        return await self.show(number)

    async def end(self, number: int, *, who: str, note: str = "", progress: Progress | None = None) -> Report:
        """Brake no more; the same wave is not braked again for some days.

        What was deferred goes through the policy again, spread over time; what is held waits for a person. Raises
        `NotFound`, or `Conflict` when it is over.
        """
        now = self._clock.now()
        async with self._store.transaction() as tx:
            brake = await _found(tx, number)
            if not brake.active(now):
                raise Conflict(f"{brake.name} is over", code="not-active")
            await _finish(tx, brake, BrakeState.ENDED, at=now, who=who)
            await _audit(tx, brake, "brake-ended", at=now, who=who, detail=note)
        await self._let_go(brake, who=who, note=note, progress=progress, held=False)
        return await self.show(number)

    async def release(
        self, number: int, *, who: str, note: str = "", progress: Progress | None = None
    ) -> int:
        """Let everything that a brake stopped go through the policy again without it; return how much that was.

        The brake ends, and the same wave is not braked again for some days. Raises `NotFound`.
        """
        now = self._clock.now()
        async with self._store.transaction() as tx:
            brake = await _found(tx, number)
            await _finish(tx, brake, BrakeState.RELEASED, at=now, who=who)
            await _audit(tx, brake, "brake-released", at=now, who=who, detail=note)
        return await self._let_go(brake, who=who, note=note, progress=progress)

    async def purge(self, number: int, *, who: str, note: str = "", progress: Progress | None = None) -> int:
        """Drop everything that a brake has stopped; return how much that was. Nothing and nobody is blocked.

        While the brake lasts, what comes after is held for a person: it was said to be spam. Raises `NotFound`.
        """
        now = self._clock.now()
        async with self._store.transaction() as tx:
            brake = await _found(tx, number)
            if brake.active(now):
                await tx.brakes.save(replace(brake, verb=Verb.QUARANTINE))
            await _audit(tx, brake, "brake-purged", at=now, who=who, detail=note)
            total = (await tx.brakes.stopped([number]))[number].waiting
        done = 0
        settled = Settled(ActivityState.DROPPED, ruled(Verb.DROP, brake.name, "purged"), {}, now)
        while True:
            async with self._store.transaction() as tx:
                batch = [one.seq for one in await tx.brakes.waiting(number, BATCH)]
                await tx.brakes.drop(batch, settled, who=who, note=note or _with(brake))
            done += len(batch)
            if not batch:
                return done
            _tell(progress, done, total)

    async def restore(
        self, number: int, *, who: str, note: str = "", progress: Progress | None = None
    ) -> int:
        """Take a purge back: what was dropped and is still kept goes through the policy again; return how much.

        Raises `NotFound`.
        """
        now = self._clock.now()
        async with self._store.transaction() as tx:
            brake = await _found(tx, number)
            await _audit(tx, brake, "brake-restored", at=now, who=who, detail=note)
            total = (await tx.brakes.stopped([number]))[number].purged
        done, times = 0, spread(now, total)
        while True:
            async with self._store.transaction() as tx:
                batch = await tx.brakes.purged(number, BATCH)
                due = {one.seq: next(times, now) for one in batch}
                await tx.brakes.screen_again(due, at=now, who=who, note=note or _with(brake))
            done += len(batch)
            if not batch:
                self._signals.screening.set()
                return done
            _tell(progress, done, total)

    async def finish(self, brake: Brake) -> int:
        """Go on with a release, or an end, that was interrupted; return how much was left."""
        who, held = brake.ended_by or brake.who, brake.state is BrakeState.RELEASED
        return await self._let_go(brake, who=who, note="", progress=None, held=held)

    # ------------------------------------------------------------------ parts

    async def _let_go(
        self, brake: Brake, *, who: str, note: str, progress: Progress | None, held: bool = True
    ) -> int:
        now = self._clock.now()
        async with self._store.reading() as tx:
            stopped = (await tx.brakes.stopped([brake.id]))[brake.id]
        total = stopped.waiting if held else stopped.deferred
        done, times = 0, spread(now, total)
        while True:
            async with self._store.transaction() as tx:
                batch = await tx.brakes.waiting(brake.id, BATCH, held=held)
                due = {one.seq: next(times, now) for one in batch}
                await tx.brakes.screen_again(due, at=now, who=who, note=note or _with(brake))
            done += len(batch)
            if not batch:
                self._signals.screening.set()
                return done
            _tell(progress, done, total)

    async def _reports(self, tx: Tx, brakes: list[Brake]) -> list[Report]:
        now = self._clock.now()
        stopped = await tx.brakes.stopped([one.id for one in brakes])
        return [Report(one, stopped[one.id], one.active(now)) for one in brakes]


async def _found(tx: Tx, number: int) -> Brake:
    brake = await tx.brakes.by_id(number)
    if brake is None:
        raise NotFound(f"there is no wave or incident {number}")
    return brake


async def _finish(tx: Tx, brake: Brake, state: BrakeState, *, at: float, who: str) -> None:
    await tx.brakes.save(replace(brake, state=state, ended_at=at, ended_by=who))


async def _audit(tx: Tx, brake: Brake, action: str, *, at: float, who: str, detail: str) -> None:
    await tx.subscribers.audit(at=at, who=who, action=action, subject=brake.name, detail=detail)


def _check(seconds: float) -> None:
    if not 0 < seconds <= LONGEST:
        raise Conflict("it has to last for some time, and for a week at most", code="bad-duration")


def _with(brake: Brake) -> str:
    return f"with {brake.name}"


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, max(done, total))
