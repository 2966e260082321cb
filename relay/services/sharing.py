"""Wake-ups reach the other processes of the relay, and theirs this one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from relay.services.enduring import attempted, enduring

if TYPE_CHECKING:
    from relay.ports import Clock
    from relay.ports.wire import Wire
    from relay.services.signals import Signals

GATHER: Final = 0.05
"""Seconds for which words are gathered: a thousand posts a second are twenty notices."""
LAST: Final = 1.0
"""Seconds that the last words of a process that stops may take."""


class Sharing:
    """Keeps the signals of this process and of the others together."""

    def __init__(self, wire: Wire, signals: Signals, clock: Clock) -> None:
        self._wire, self._signals, self._clock = wire, signals, clock

    async def run(self) -> None:
        """Listen and tell until cancelled; then tell what was said last."""
        listen = partial(self._wire.listen, self._signals.hear, self._signals.missed)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(enduring(listen, self._clock))
            tasks.create_task(self._tell())

    async def _tell(self) -> None:
        with self._signals.shared() as said:
            words: list[str] = []
            try:
                while True:
                    await said.wait()
                    await self._clock.sleep(GATHER)
                    words = self._signals.take_said()
                    await attempted(self._wire.tell(words))  # others look by themselves as well
                    words = []
            finally:
                if words := [*words, *self._signals.take_said()]:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LAST):
                            await attempted(self._wire.tell(words))
