"""One call at a time for the same question: whoever asks meanwhile gets the same answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

V = TypeVar("V")


class SingleFlight(Generic[V]):
    """Runs an operation once for all who ask for the same key while it runs; errors are shared, too.

    Nothing is kept afterwards. When the one who runs it is cancelled, the next one who waits runs it anew.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Future[V]] = {}

    async def run(self, key: Hashable, operation: Callable[[], Awaitable[V]]) -> V:
        """Return what `operation` returns, or what it returned for another caller just now."""
        while (running := self._running.get(key)) is not None:
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                if not running.cancelled():
                    raise  # it is this caller that was cancelled
        future = self._running[key] = asyncio.get_running_loop().create_future()
        try:
            result = await operation()
        except asyncio.CancelledError:
            future.cancel()
            raise
        except Exception as error:
            future.set_exception(error)
            future.exception()  # nobody may be waiting: the error is raised here anyway
            raise
        else:
            future.set_result(result)
            return result
        finally:
            del self._running[key]
