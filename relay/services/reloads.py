"""Reading the configuration again while the relay runs: a command or SIGHUP asks, the relay answers in the store.

A question is a row, so nobody has to guess what came of it. A command sends no signal: the relay looks by itself. A
number in a file may be that of another process by now, and SIGHUP ends most.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relay.domain.policy_version import Why
from relay.domain.reload import Outcome, ReloadRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.domain.reload import ReloadAnswer
    from relay.ports import Clock, Store
    from relay.services.signals import Signals

    Change = Callable[[ReloadRequest], Awaitable[ReloadAnswer]]

LOOK_EVERY: Final = 0.5
"""Seconds between two looks of the relay for questions."""
ASK_EVERY: Final = 0.05
"""Seconds between two looks of a command for its answer."""
KEPT: Final = 100
"""Questions that stay on record."""
SIGNAL: Final = "signal"
"""Who asks when SIGHUP came and no question is on record."""

_log: Final = logging.getLogger(__name__)


class Reloads:
    """Asks the running relay, in this process or another one."""

    def __init__(self, store: Store, clock: Clock, signals: Signals) -> None:
        self._store, self._clock, self._signals = store, clock, signals

    async def ask(self, *, who: str, why: Why, note: str = "", digest: str | None = None) -> int:
        """Write a question; return its number. `digest`: SHA-256 of the policy's text that is meant."""
        request = ReloadRequest(0, self._clock.now(), who, why, note, digest)
        async with self._store.transaction() as tx:
            number = await tx.reloads.ask(request)
        self._signals.reload.set()
        return number

    async def answer(
        self, number: int, alive: Callable[[], Awaitable[bool]], patience: float
    ) -> ReloadAnswer | None:
        """Wait for the answer; None when the relay is gone or has given none in `patience` seconds."""
        until = self._clock.monotonic() + patience
        while True:
            runs = await alive()  # before looking: an answer may be the last thing that a relay writes
            async with self._store.reading() as tx:
                answer = await tx.reloads.answered(number)
            if answer is not None:
                return answer
            if not runs or self._clock.monotonic() > until:
                return None
            await self._signals.reloaded.wait(ASK_EVERY)

    async def withdraw(self, number: int) -> None:
        """Take a question back that nobody waits for any more."""
        async with self._store.transaction() as tx:
            await tx.reloads.withdraw(number)


class ReloadWorker:
    """Answers in the running relay. Who knows its parts gives what reads the configuration and puts it in force.

    Of several processes one answers; the others see that it did, and read their configuration, too.
    """

    def __init__(self, store: Store, clock: Clock, signals: Signals) -> None:
        self._store, self._clock, self._signals = store, clock, signals
        self._hung_up = False
        self._answered: int | None = None

    def hang_up(self) -> None:
        """Take note of SIGHUP: read the configuration again, whether or not somebody asked on record."""
        self._hung_up = True
        self._signals.reload.set()

    async def run(self, change: Change) -> None:
        """Answer until cancelled."""
        while True:
            await self._signals.reload.wait(LOOK_EVERY)
            await self.run_once(change)

    async def run_once(self, change: Change) -> ReloadAnswer | None:
        """Answer all open questions at once; None when there is none."""
        async with self._store.reading() as tx:
            asked, answered = await tx.reloads.open(), await tx.reloads.last_answered()
        elsewhere = self._answered is not None and answered > self._answered
        self._answered = answered
        hung_up, self._hung_up = self._hung_up, False
        if not asked and not hung_up and not elsewhere:
            return None
        # Who changed the policy is on record, rather than who asked in general: the last one to do so.
        about = [one for one in asked if one.why in {Why.APPLY, Why.UNDO}]
        general = ReloadRequest(0, self._clock.now(), SIGNAL, Why.RELOAD)
        answer = await change([*([] if asked and not hung_up else [general]), *asked, *about][-1])
        _tell(answer)
        if asked or hung_up:
            async with self._store.transaction() as tx:
                if hung_up:  # on record, so that other processes hear of it
                    asked.append(replace(general, id=await tx.reloads.ask(general)))
                for one in asked:
                    await tx.reloads.answer(one.id, answer, self._clock.now())
                await tx.reloads.forget(KEPT)
            self._answered = max(answered, *(one.id for one in asked))
        self._signals.reloaded.set()
        return answer


def _tell(answer: ReloadAnswer) -> None:
    if answer.outcome is Outcome.REFUSED:
        for one in answer.diagnostics:
            _log.error("configuration: %s:%s %s: %s", one["file"], one["line"], one["code"], one["cause"])
        if not answer.diagnostics:
            _log.error("configuration: %s", answer.problem)
        _log.error("the configuration has errors: everything stays as it was")
    elif answer.outcome is Outcome.UNCHANGED:
        _log.info("the configuration was read again; nothing changes at once")
    else:
        _log.info("the configuration was read again; changed: %s", ", ".join(answer.changed))
    if answer.restart:
        _log.warning("these keys wait for a restart: %s", ", ".join(answer.restart))
