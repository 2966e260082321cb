"""Small JPEGs of untrusted pictures, for services that take no other format: made in a process of its own each time.

The same confinement as for hashing. What is handed out is small on purpose: a service needs little, and a picture made
anew carries no metadata.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from relay.adapters.media.process import WorkerProcess
from relay.domain.errors import Malformed, RemoteError
from relay.domain.hashservice import Unfit

if TYPE_CHECKING:
    from collections.abc import Sequence

WORKER: Final = ("-m", "relay.adapters.media.stillworker")
AT_ONCE: Final = 1


class StillMaker:
    """Makes JPEGs of at least 160 pixels a side; `memory` in bytes and `timeout` in seconds bound each process."""

    def __init__(
        self, *, memory: int, timeout: float, max_pixels: int, program: Sequence[str] = WORKER
    ) -> None:
        self._arguments = (memory, int(timeout) + 60, max_pixels)
        self._timeout, self._program = timeout, program
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def jpeg(self, content: bytes) -> bytes | Unfit:
        """Return a JPEG of a picture's first frame, or why there is none.

        Raises `RemoteError` (`conversion`) when no process could be started.
        """
        async with self._slots:
            try:
                worker = await WorkerProcess.start(self._program, self._arguments)
            except ChildProcessError:
                raise RemoteError("no process could be started for a picture", code="conversion") from None
            try:
                async with asyncio.timeout(self._timeout):
                    made = await worker.exchange(content)
            except (ChildProcessError, Malformed, TimeoutError):
                return Unfit("conversion-failed")
            finally:
                await worker.stop()
        return made if made.startswith(b"\xff\xd8\xff") else Unfit("conversion-failed")
