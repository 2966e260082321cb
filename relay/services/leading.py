"""What only one process may do at a time, done by the one that holds the lease.

The lease is renewed while its work goes on and ends by itself when its process dies; then another one takes it. Work
that was superseded without noticing, as by a machine that stood still, is kept from writing by `check`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from relay.domain.errors import Superseded, Unavailable
from relay.services.enduring import enduring

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.ports import Clock, Store, Tx

LEASE: Final = 15.0
"""Seconds after which another process takes over from one that died."""
RENEW_EVERY: Final = 4.0
MARGIN: Final = 3.0
"""Seconds before its end at which a lease that cannot be renewed is given up: to stop in, and for clocks to differ."""
NAME: Final = "lead"


class Leading:
    """The lease of one process. `owner` is its name for itself, which no other process has."""

    def __init__(self, store: Store, clock: Clock, owner: str) -> None:
        self._store, self._clock, self._owner = store, clock, owner
        self._until = 0.0
        self.leads = False
        """Whether this process does the work now."""

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work whenever it falls to this process, until cancelled. Each time it begins anew."""
        while True:
            if await self._take():
                await self._lead(work)
            await self._clock.sleep(RENEW_EVERY)

    async def check(self, tx: Tx) -> None:
        """Raise `Superseded` when another process has taken over."""
        if await tx.leases.owner(NAME) not in {None, self._owner}:
            raise Superseded

    async def _lead(self, work: Callable[[], Awaitable[None]]) -> None:
        self.leads = True
        try:
            async with asyncio.TaskGroup() as tasks:
                working = tasks.create_task(enduring(work, self._clock))
                tasks.create_task(self._keep(working))
        finally:
            self.leads = False
            with suppress(Unavailable):
                async with self._store.transaction() as tx:
                    await tx.leases.release(NAME, self._owner)

    async def _keep(self, working: asyncio.Task[None]) -> None:
        loop, kept = asyncio.get_running_loop(), True
        while kept and not working.done():
            await self._clock.sleep(RENEW_EVERY)
            # A server that says nothing is waited for longer than the lease lasts.
            stop = loop.call_later(max(0.0, self._until - MARGIN - self._clock.now()), working.cancel)
            try:
                kept = await self._take(again=True)
            except Unavailable:
                kept = self._clock.now() + RENEW_EVERY < self._until - MARGIN
            finally:
                stop.cancel()
        working.cancel()

    async def _take(self, *, again: bool = False) -> bool:
        """Take the lease; `again` only when nobody else had it meanwhile: what is known would be out of date."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            if again and await tx.leases.owner(NAME) != self._owner:
                return False
            taken = await tx.leases.take(NAME, self._owner, now=now, until=now + LEASE)
        if taken:
            self._until = now + LEASE
        return taken
