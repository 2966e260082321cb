"""So many at the same time: a place is taken at once where one is free, and in turn where none is."""

from __future__ import annotations

import asyncio
from collections import deque


class Quota:
    """So many places. Who waits gets one in the order of coming, and nobody passes who waits.

    A semaphore that can also be asked without waiting, as a delivery on a connection that is open already does.
    """

    def __init__(self, number: int) -> None:
        self._number = self._free = number
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def unused(self) -> bool:
        """Whether nobody has one."""
        return self._free == self._number

    def take(self) -> bool:
        """Take a place if one is free; return whether."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def enter(self) -> None:
        """Take a place, and wait for it if need be. Who is cancelled has none."""
        if self.take():
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was handed over just before
                self.leave()
            raise

    def leave(self) -> None:
        """Give a place back: to who has waited longest, if anybody has."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
