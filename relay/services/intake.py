"""The door to the store for received activities: commits are grouped, and the door closes before memory fills.

Whoever waits shares the transaction of whoever writes next, so a thousand arrivals a second cost a few dozen
flushes to disk. Nothing is acknowledged before its commit has returned.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final, TypeAlias

from relay.domain.errors import Busy, Unavailable

if TYPE_CHECKING:
    from relay.domain.intake import Incoming, Settled
    from relay.ports import Store
    from relay.services.alerts import Alerts

GROUP: Final = 64
"""Activities per transaction."""
WAITING: Final = 2_000
"""Activities in memory that wait for their commit; more are refused with 503."""

_log: Final = logging.getLogger(__name__)

_Waiter: TypeAlias = "tuple[Incoming, Settled | None, asyncio.Future[int | None]]"


class Intake:
    """Stores received activities durably, several per transaction. `most` may wait for their commit.

    `alerts` are told what was decided about them.
    """

    def __init__(self, store: Store, alerts: Alerts | None = None, *, most: int = WAITING) -> None:
        self._store, self._alerts, self._most = store, alerts, most
        self._waiting: deque[_Waiter] = deque()
        self._writing = asyncio.Lock()

    async def put(self, incoming: Incoming, settled: Settled | None) -> int | None:
        """Return its number once it is on disk, None when it repeats what was seen. Raises `Busy` when full."""
        if len(self._waiting) >= self._most:
            raise Busy("too much is arriving")
        future: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((incoming, settled, future))
        async with self._writing:
            if not future.done():
                await self._write()
        return await future

    async def _write(self) -> None:
        group = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
        try:
            async with self._store.transaction() as tx:
                numbers = await tx.activities.receive([(new, settled) for new, settled, _ in group])
                for (_, settled, _), number in zip(group, numbers, strict=True):
                    if self._alerts is not None and settled is not None and number is not None:
                        await self._alerts.decided(tx, number, settled)
        except BaseException as error:
            # Whether or not it reached the disk: the senders are asked to try again, and repeats are recognised.
            busy = Busy("the activity could not be stored")
            for _, _, future in group:
                if not future.done():
                    future.set_exception(busy)
                    future.exception()  # nobody may be waiting any more
            if isinstance(error, Exception):
                if not isinstance(error, Unavailable):  # the store has said so, once
                    _log.error("storing %d activities failed", len(group), exc_info=error)
                raise busy from error
            raise
        for (_, _, future), number in zip(group, numbers, strict=True):
            if not future.done():
                future.set_result(number)
