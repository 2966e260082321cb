"""Which process of the relay does what, where there are several."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from socket import gethostname
from typing import TYPE_CHECKING

from relay.services.enduring import enduring
from relay.services.leading import Leading
from relay.services.shares import Shares, Whole
from relay.services.sharing import Sharing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from relay.ports import Clock
    from relay.wiring.office import Office

    Worker = Callable[[], Awaitable[None]]


class Role(StrEnum):
    """What a process does: everything, only answering requests, or only the work behind them."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"

    @property
    def answers(self) -> bool:
        """Whether it listens."""
        return self is not Role.WORKER

    @property
    def works(self) -> bool:
        """Whether it does the work behind requests."""
        return self is not Role.WEB


@dataclass(frozen=True, slots=True)
class Workers:
    """The workers of the relay.

    Those of `every` process keep it current. `answering` needs what came to this one. Of `working` any number may run,
    because work is leased piece by piece. `leading` run in one process at a time. `delivering` is parted among those
    that work.
    """

    every: Sequence[Worker]
    answering: Sequence[Worker]
    working: Sequence[Worker]
    leading: Sequence[Worker]
    delivering: Worker


class Processes:
    """This process among those of the relay. On a file it is the only one, and leads."""

    def __init__(self, office: Office) -> None:
        self._office, self._clock = office, office.clock
        self._leading: Leading | None = None
        self._sharing: Sharing | None = None
        self.part: Shares | Whole = Whole()
        """What this process delivers of everything."""
        if office.store.shared:
            name = f"{gethostname()}:{os.getpid()}:{office.clock.new_id()[-8:]}"
            wire = office.store.wire(name)
            self._leading = Leading(office.store, office.clock, name)
            self.part = Shares(office.store, office.clock, office.signals, name)
            self._sharing = None if wire is None else Sharing(wire, office.signals, office.clock)

    def leads(self) -> bool:
        """Whether this process does what only one may do."""
        return self._leading is None or self._leading.leads

    async def run(self, workers: Workers, role: Role) -> None:
        """Run what falls to a role until cancelled; a worker that crashes stops all, loudly."""
        chosen = [*workers.every]
        chosen += workers.answering if role.answers else ()
        if role.works:
            lead = partial(together, workers.leading, self._clock)
            chosen += [*workers.working, partial(self.part.run, workers.delivering)]
            chosen.append(lead if self._leading is None else partial(self._leading.run, lead))
        async with asyncio.TaskGroup() as tasks, AsyncExitStack() as last:
            if self._sharing is not None:  # it ends last: what the others say when they stop is still told
                last.callback(tasks.create_task(self._sharing.run()).cancel)
            await together(chosen, self._clock)


async def together(workers: Sequence[Worker], clock: Clock) -> None:
    """Run workers beside each other; each outlasts a database that goes away."""
    async with asyncio.TaskGroup() as tasks:
        for work in workers:
            tasks.create_task(enduring(work, clock))
