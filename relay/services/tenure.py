"""Work that a process does while it keeps a lease.

The lease is renewed while the work goes on and ends by itself when the process dies; then another one takes it. A
process that cannot renew it stops before it ends. What was superseded without noticing, as by a machine that stood
still, has to be kept from writing in the transaction that writes.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from relay.domain.errors import Unavailable
from relay.services.enduring import enduring

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.ports import Clock

LEASE: Final = 15.0
"""Seconds after which another process takes over from one that died."""
RENEW_EVERY: Final = 4.0
MARGIN: Final = 3.0
"""Seconds before its end at which a lease that cannot be renewed is given up: to stop in, and for clocks to differ."""

_log: Final = logging.getLogger(__name__)


class Lease(Protocol):
    """What is kept. Both raise `Unavailable`."""

    async def renew(self, *, now: float, until: float, again: bool) -> bool:
        """Take or keep it until a time, in a transaction; False when it is another's.

        With `again` also when it was another's meanwhile: what is known would be out of date.
        """

    async def leave(self) -> None:
        """Give it back."""


class Tenure:
    """Keeps a lease and works meanwhile. `rest` waits for so many seconds, or until there is something to look at."""

    def __init__(self, lease: Lease, clock: Clock, rest: Callable[[float], Awaitable[None]]) -> None:
        self._lease, self._clock, self._rest = lease, clock, rest
        self.until = 0.0
        """The time at which work has to have stopped unless the lease is renewed."""
        self.lasts = False
        """Whether this process does the work now."""

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work whenever it falls to this process, until cancelled. Each time it begins anew."""
        while True:
            if await self.renew():
                await self._work(work)
            await self._rest(RENEW_EVERY)

    async def renew(self, *, again: bool = False) -> bool:
        """Take the lease; `again` only when nobody else had it meanwhile. Raises `Unavailable`."""
        now = self._clock.now()
        kept = await self._lease.renew(now=now, until=now + LEASE, again=again)
        if kept:
            self.until = now + LEASE - MARGIN
        return kept

    async def _work(self, work: Callable[[], Awaitable[None]]) -> None:
        self.lasts = True
        try:
            async with asyncio.TaskGroup() as tasks:
                working = tasks.create_task(enduring(work, self._clock))
                tasks.create_task(self._keep(working))
        finally:
            self.lasts, self.until = False, 0.0
            with suppress(Unavailable):
                await self._lease.leave()

    async def _keep(self, working: asyncio.Task[None]) -> None:
        loop, kept = asyncio.get_running_loop(), True
        while kept and not working.done():
            await self._rest(RENEW_EVERY)
            # A database that says nothing is waited for longer than the lease lasts.
            stop = loop.call_later(max(0.0, self.until - self._clock.now()), working.cancel)
            try:
                kept = await self.renew(again=True)
            except Unavailable:
                kept = self._clock.now() + RENEW_EVERY < self.until
            finally:
                stop.cancel()
        _log.warning(
            "a lease could not be kept: what it was for is stopped, and begins anew when there is one"
        )
        self.until = 0.0  # it may be another's by now: nothing may be waited for
        working.cancel()
