"""The short way of a delivery: sent at once on a connection that is open, and dealt with together with others.

Nearly all deliveries of a busy relay go to a server that took the one before, and come back with 202. A task for each
and the calls in which it waits cost a third of all that the loop does about them (ADR 0035). So what can be sent is
sent where it was signed; whoever is called back with the answer only lays it down here, and one worker deals with all
that lie here. What is not plain (no connection yet, a refusal, a failure, a server that has failed before) goes the
long way, in a task of its own.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from relay.domain.remote import Posted

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from relay.domain.remote import First
    from relay.services.dispatch import Attempt, Dispatch
    from relay.services.signing import Signed


class Landing(NamedTuple):
    """An answered delivery."""

    attempt: Attempt
    signed: Signed
    first: First

    @property
    def is_plain(self) -> bool:
        """Whether it was delivered, and that changes nothing about the subscriber."""
        first = self.first
        return isinstance(first, Posted) and 200 <= first.status < 300 and not self.attempt.track.unreachable


class Landings:
    """Sends deliveries in the short way where that goes.

    `delivered` is called with each that was plain; `send` is the long way, also for what was answered otherwise.
    """

    def __init__(
        self,
        dispatch: Dispatch,
        delivered: Callable[[Attempt], None],
        send: Callable[[Attempt, Signed | None, First], Coroutine[None, None, None]],
    ) -> None:
        self._dispatch, self._delivered, self._send = dispatch, delivered, send
        self._landed: list[Landing] = []
        self._some = asyncio.Event()
        self._awaited = 0

    def launch(
        self, tasks: asyncio.TaskGroup, batch: Sequence[Attempt], signatures: Sequence[Signed | None]
    ) -> None:
        """Send a batch; what goes the long way becomes a task."""
        for attempt, signed in zip(batch, signatures, strict=True):
            if signed is not None and self._dispatch.send_now(
                attempt, signed, partial(self._answered, attempt, signed)
            ):
                self._awaited += 1
            else:
                tasks.create_task(self._send(attempt, signed, None))

    def _answered(self, attempt: Attempt, signed: Signed, first: First) -> None:
        self._landed.append(Landing(attempt, signed, first))
        self._some.set()

    async def run(self, tasks: asyncio.TaskGroup) -> None:
        """Deal with answers until cancelled; what is not answered by then is given up.

        Another process may be about to send it: it must not arrive after that.
        """
        try:
            while True:
                await self._land(tasks)
        finally:
            self._dispatch.give_up()

    async def finish(self, tasks: asyncio.TaskGroup) -> None:
        """Deal with the answers to everything that was launched."""
        while self._awaited:
            await self._land(tasks)

    async def _land(self, tasks: asyncio.TaskGroup) -> None:
        await self._some.wait()
        self._some.clear()
        landed, self._landed = self._landed, []
        self._awaited -= len(landed)
        for landing in landed:
            if landing.is_plain:
                self._delivered(landing.attempt)
            else:
                tasks.create_task(self._send(*landing))
