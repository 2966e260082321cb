"""The part of the fan-out that falls to this process.

Every process that works holds a lease that says that it is alive, and with it a part of the shares (`domain.shares`).
When one joins, the others hand over what is above their part: they start nothing more for those subscribers, wait for
what is under way, write how far they came, and give the shares back. When one dies its lease ends, and the others take
what it held from where it was written last. Only who holds a share can write for it.
"""

from __future__ import annotations

import math
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from relay.domain.errors import Superseded
from relay.domain.shares import ALL, Held, parting
from relay.services.leading import NAME, parted
from relay.services.tenure import Tenure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from relay.ports import Clock, Store, Tx
    from relay.services.signals import Signals

WORKER: Final = "worker "
"""Begins the names of the leases of those that are alive."""
_GATHER: Final = 0.2
"""Seconds for which news of others is gathered before it is looked at."""
_FORGOTTEN: Final = 3600.0
"""Seconds after which the lease of a process that is gone is forgotten."""


class Part(Protocol):
    """What falls to this process, as the fan-out sees it."""

    @property
    def until(self) -> float:
        """The time from which on nothing may be started, unless it moved on until then."""

    @property
    def mine(self) -> frozenset[int]:
        """The shares to deliver for."""

    @property
    def leaving(self) -> frozenset[int]:
        """The shares to hand over: nothing more is started for them, and they are released when all has landed."""

    def held(self, shares: frozenset[int]) -> Held | None:
        """Return what is written with a checkpoint of these shares; None where there is one process only."""

    async def check(self, tx: Tx) -> None:
        """Raise `Superseded` when another process has one of the shares by now."""

    async def release(self, shares: frozenset[int]) -> None:
        """Give shares back that are written as far as they came. Raises `Unavailable`."""

    def once(self) -> AbstractAsyncContextManager[bool]:
        """Hold what is free inside the `async with`; the value is False when it has to begin anew."""


class Whole:
    """The part of the only process: everything, always."""

    until: Final = math.inf
    mine: Final = ALL
    leaving: Final[frozenset[int]] = frozenset()

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work."""
        await work()

    def held(self, shares: frozenset[int]) -> None:
        """Nobody else can hold anything."""

    async def check(self, tx: Tx) -> None:
        """Let everything be written."""

    async def release(self, shares: frozenset[int]) -> None:
        """Nobody else can take anything."""

    @asynccontextmanager
    async def once(self) -> AsyncIterator[bool]:
        """Go on."""
        yield True


class Shares:
    """The part of one of several processes. `name` is its name for itself, which no other process has."""

    def __init__(self, store: Store, clock: Clock, signals: Signals, name: str) -> None:
        self._store, self._clock, self._signals, self._name = store, clock, signals, name
        self._tenure = Tenure(self, clock, self._rest)
        self._held: frozenset[int] = frozenset()
        self.leaving: frozenset[int] = frozenset()
        """Held, and to be handed over."""

    @property
    def until(self) -> float:
        """The time from which on nothing may be started."""
        return self._tenure.until

    @property
    def mine(self) -> frozenset[int]:
        """The shares to deliver for."""
        return self._held - self.leaving

    def held(self, shares: frozenset[int]) -> Held:
        """Say that shares are this process's own."""
        return Held(self._name, shares)

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work whenever shares can be had, until cancelled. When one is lost it begins anew."""
        await self._tenure.run(work)

    @asynccontextmanager
    async def once(self) -> AsyncIterator[bool]:
        """Hold what is free inside the `async with`; others may take it afterwards."""
        kept = await self._tenure.renew(again=True)
        if not kept:
            await self.leave()
            await self._tenure.renew()
        try:
            yield kept
        finally:
            async with self._store.transaction() as tx:
                await tx.leases.release(WORKER + self._name, self._name)

    async def check(self, tx: Tx) -> None:
        """Raise `Superseded` when another process has one of the shares by now."""
        if not await tx.shares.holds(self.held(self._held)):
            raise Superseded

    async def renew(self, *, now: float, until: float, again: bool) -> bool:
        """Stay alive and take the part that falls to this process; False when shares were lost meanwhile."""
        async with self._store.transaction() as tx:
            if not await parted(tx, now=now, until=until):
                return False
            joins = self._name not in await tx.leases.owners(WORKER, now=now)
            await tx.leases.take(WORKER + self._name, self._name, now=now, until=until)
            await tx.leases.forget(WORKER, before=now - _FORGOTTEN)
            owners = await tx.shares.owners()
            held = frozenset(share for share, owner in owners.items() if owner == self._name)
            if again and not self._held <= held:
                return False
            part = parting(self._name, await tx.leases.owners(WORKER, now=now), owners)
            if part.take:
                await tx.shares.take(self.held(part.take))
        self._held, self.leaving = held | part.take, (self.leaving | part.shed) & held
        if joins:
            self._signals.shares.set()  # others look at once what they hold too much
        return True

    async def release(self, shares: frozenset[int]) -> None:
        """Give shares back that are written as far as they came. Raises `Unavailable`."""
        async with self._store.transaction() as tx:
            await tx.shares.release(self.held(shares))
        self._held, self.leaving = self._held - shares, self.leaving - shares
        self._signals.shares.set()

    async def _rest(self, seconds: float) -> None:
        await self._signals.shares.wait(seconds)
        await self._clock.sleep(_GATHER)

    async def leave(self) -> None:
        """Give back everything; who is alive takes it."""
        self._held = self.leaving = frozenset()
        async with self._store.transaction() as tx:
            await tx.shares.release(self.held(ALL))
            await tx.leases.release(WORKER + self._name, self._name)
        self._signals.shares.set()


@dataclass(frozen=True, slots=True)
class Working:
    """A process that works: its name for itself, how many shares it holds, and whether it leads."""

    name: str
    shares: int
    leads: bool


async def working(store: Store, clock: Clock) -> list[Working]:
    """Return the processes that are alive and work, as they say themselves in the store."""
    now = clock.now()
    async with store.reading() as tx:
        alive, leading = await tx.leases.owners(WORKER, now=now), await tx.leases.owners(NAME, now=now)
        held = Counter((await tx.shares.owners()).values())
    return [Working(name, held[name], name in leading) for name in alive]
