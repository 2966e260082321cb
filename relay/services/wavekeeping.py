"""Looks after brakes while the relay runs: extends waves that go on, ends what is over, finishes what was released."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relay.domain.waves.brake import BrakeState
from relay.domain.waves.telling import over
from relay.services.braking import WHO

if TYPE_CHECKING:
    from relay.domain.waves.brake import Brake
    from relay.ports import Clock, Store
    from relay.services.accounts import Accounts
    from relay.services.alerts import Alerts
    from relay.services.braking import Braking
    from relay.services.waves import Waves

LOOK_EVERY: Final = 5.0
STEP: Final = 60.0
"""Seconds by which the end of a brake has to move for it to be written."""


class WaveKeeper:
    """The worker of the brakes."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        alerts: Alerts,
        braking: Braking,
        waves: Waves,
        accounts: Accounts,
    ) -> None:
        self._store, self._clock, self._alerts, self._braking = store, clock, alerts, braking
        self._waves, self._accounts = waves, accounts

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.run_once()
            await self._clock.sleep(LOOK_EVERY)

    async def run_once(self) -> None:
        """Look once."""
        await self._accounts.flush()
        now = self._clock.now()
        met = self._braking.take_met()
        async with self._store.reading() as tx:
            on = [one for one in await tx.brakes.in_force(now) if one.state is BrakeState.ACTIVE]
            unfinished = await tx.brakes.unfinished()
        for brake in on:
            await self._extend(brake, met.get(brake.id), now)
        for brake in unfinished:
            await self._waves.finish(brake)

    async def _extend(self, brake: Brake, met: float | None, now: float) -> None:
        if not brake.active(now):
            await self._end(brake)
            return
        until = brake.until if met is None else brake.extended(met, self._braking.rules.duration)
        if until - brake.until < STEP:
            return
        async with self._store.transaction() as tx:
            fresh = await tx.brakes.by_id(brake.id)
            if fresh is not None and fresh.active(now) and fresh.until < until:
                await tx.brakes.save(replace(fresh, until=until))
                await tx.brakes.delay(brake.id, until - fresh.until)

    async def _end(self, brake: Brake) -> None:
        """Its time is over. What it deferred comes back at its own time; what it holds waits for a person."""
        async with self._store.transaction() as tx:
            fresh = await tx.brakes.by_id(brake.id)
            if fresh is None or fresh.state is not BrakeState.ACTIVE or fresh.active(self._clock.now()):
                return  # somebody was faster
            await tx.brakes.save(replace(fresh, state=BrakeState.ENDED, ended_at=fresh.until))
            await tx.subscribers.audit(
                at=fresh.until, who=WHO, action="brake-ended", subject=fresh.name, detail="its time was over"
            )
            stopped = (await tx.brakes.stopped([fresh.id]))[fresh.id]
            if stopped.all:
                await self._alerts.note(tx, over(fresh, stopped))
