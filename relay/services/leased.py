"""Working off what the store hands out on lease: several pieces at a time, and no bug in one of them ends the rest."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from relay.domain.errors import Unavailable
from relay.services.enduring import enduring

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from relay.ports import Clock, Store, Tx
    from relay.services.signals import Wakeup

LOOK_EVERY: Final = 1.0
"""Seconds after which a worker looks for itself, without having been woken."""
_log: Final = logging.getLogger(__name__)
Piece = TypeVar("Piece")


class Queue(Protocol[Piece]):
    """What is due in the store."""

    async def next_due(self) -> float | None:
        """When the next piece is due, in seconds since 1970; None when nothing waits."""

    async def claim(self, *, now: float, until: float, most: int) -> list[Piece]:
        """Take pieces that are due. They fall due again at `until` unless they are settled before."""


class LeasedWork(Generic[Piece]):
    """Has pieces attended to, `at_once` at the same time; `queue` finds them in a transaction.

    A piece whose `attend` raised falls due again when its lease of so many seconds is over; without the database it is
    attended to anew as soon as that is back, unless the lease is over by then. `named` says what a piece is called in
    the log: never with content of others. With `keep`, which moves the end of a piece's lease in a transaction, leases
    are short: they are kept while the work goes on, and given back when this process stops.
    """

    def __init__(
        self,
        named: Callable[[Piece], str],
        queue: Callable[[Tx], Queue[Piece]],
        attend: Callable[[Piece], Coroutine[Any, Any, None]],
        *,
        store: Store,
        clock: Clock,
        wakeup: Wakeup,
        lease: float,
        at_once: int,
        keep: Callable[[Tx, Piece, float], Awaitable[None]] | None = None,
    ) -> None:
        self._named, self._queue, self._attend = named, queue, attend
        self._store, self._clock, self._wakeup = store, clock, wakeup
        self._lease, self._at_once, self._keep = lease, at_once, keep

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._at_once):
                tasks.create_task(self._work())

    async def run_once(self) -> int:
        """Do everything that is due; return the number of pieces. Raises what attending to them raises."""
        done = 0
        while claimed := await self._claim(self._at_once):
            async with asyncio.TaskGroup() as tasks:
                for piece in claimed:
                    tasks.create_task(self._attend(piece))
            done += len(claimed)
        return done

    async def _work(self) -> None:
        while True:
            until = self._clock.now() + self._lease
            try:
                claimed = await self._claim(1)
            except Unavailable:  # the others here are not disturbed in what they do
                await self._clock.sleep(LOOK_EVERY)
                continue
            for piece in claimed:
                try:
                    await self._see_to(piece, until)
                except Exception:  # noqa: BLE001 - the last line of defence
                    # A bug must not take the relay down nor lose the piece: it falls due again.
                    _log.exception("%s failed", self._named(piece))
            if not claimed:
                await self._wakeup.wait(LOOK_EVERY)

    async def _see_to(self, piece: Piece, until: float) -> None:
        """Attend to a piece as long as it is ours, anew after an outage."""

        async def attend() -> None:
            nonlocal until
            if self._clock.now() >= until:
                return
            async with asyncio.TaskGroup() as tasks:
                attending = tasks.create_task(self._attend(piece))
                while not (await asyncio.wait({attending}, timeout=self._lease / 3))[0]:
                    later = self._clock.now() + self._lease
                    if await self._moved(piece, later):
                        until = later

        try:
            await enduring(attend, self._clock)
        except asyncio.CancelledError:
            await self._moved(piece, self._clock.now())  # others need not wait for what this process leaves
            raise

    async def _moved(self, piece: Piece, until: float) -> bool:
        """Move the end of a lease; return whether that was done."""
        if self._keep is None:
            return False
        try:
            async with self._store.transaction() as tx:
                await self._keep(tx, piece, until)
        except Unavailable:
            return False
        return True

    async def _claim(self, most: int) -> list[Piece]:
        now = self._clock.now()
        async with self._store.reading() as tx:
            due = await self._queue(tx).next_due()
        if due is None or due > now:
            return []
        async with self._store.transaction() as tx:
            return await self._queue(tx).claim(now=now, until=now + self._lease, most=most)
