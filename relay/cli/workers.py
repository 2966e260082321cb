"""More processes on this host: workers that a serving process starts, starts again when they die, and takes along."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.ports import Clock

PARENT: Final = "ASSAY_PARENT"
"""Environment variable that tells a worker whose it is."""
AGAIN_AFTER: Final = 1.0
GRACE: Final = 20.0
"""Seconds that a worker may take to stop."""
LOOK_EVERY: Final = 1.0
_log: Final = logging.getLogger(__name__)


async def keep_workers(count: int, command: Sequence[str], clock: Clock) -> None:
    """Run so many processes until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        for number in range(1, count + 1):
            tasks.create_task(_keep(number, command, clock))


async def orphaned(clock: Clock) -> None:
    """Return when the process that this worker belongs to is gone; never for one that was started by hand."""
    parent = os.environ.get(PARENT)
    while parent is None or os.getppid() == int(parent):
        await clock.sleep(LOOK_EVERY)


async def _keep(number: int, command: Sequence[str], clock: Clock) -> None:
    while True:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, env={**os.environ, PARENT: str(os.getpid())}
        )
        try:
            status = await process.wait()
        finally:
            await _stop(process)
        _log.error("worker %d ended with status %d and is started again", number, status)
        await clock.sleep(AGAIN_AFTER)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE):
            await process.wait()
            return
    process.kill()
    await process.wait()
