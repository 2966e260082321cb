"""Workers outlast a database that is away for a while: they stop where they are and begin again."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from relay.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.ports import Clock

AGAIN_AFTER: Final = 1.0
"""Seconds from a failure to the next attempt."""
_log: Final = logging.getLogger(__name__)


async def enduring(work: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Run a worker until it returns or is cancelled, anew whenever the database was `Unavailable`.

    What else it raises is a bug and ends the process. The worker keeps nothing that a failure could leave half done.
    """
    while True:
        try:
            # In a task of its own: before Python 3.13 a `TaskGroup` in which something failed leaves its task marked as
            # cancelled, which would look like the end.
            await asyncio.ensure_future(work())  # noqa: TID251 - awaited at once
        except* Unavailable:
            _log.debug("a worker waits for the database", exc_info=True)
        else:
            return
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # what failed was its last step
            raise asyncio.CancelledError
        await clock.sleep(AGAIN_AFTER)


async def attempted(step: Awaitable[object]) -> None:
    """Do a step that comes again by itself; without the database it is left out this time."""
    with suppress(Unavailable):
        await step
