"""Looking through media that are stored already, with the relay's own scanners. Nothing in the store is changed.

Files are listed in their order, read and scanned side by side, and taken note of in their order again. What was found
and how far it has come is kept about once a second and when it ends, however it ends.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.domain.errors import StoreTrouble
from relay.domain.media import Decoded, ScanOutcome
from relay.domain.storescan import InOrder, Noted

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.domain.storescan import Progress, StoredFile
    from relay.ports import Clock
    from relay.ports.storescan import FileStore, ScanJournal
    from relay.services.inspect import Inspector

KEPT_EVERY: Final = 1.0
"""Seconds of work that are done again after a crash, at most."""
AHEAD: Final = 1_000
"""Files that may be done while one before them is not: a long video must not make memory grow."""


@dataclass(frozen=True, slots=True)
class ScanWishes:
    """How to look: at files of at most `largest` bytes, `limit` of them, `rate` a second, None for any number.

    `everything`: what could not be checked is written down, too, and not only counted.
    """

    largest: int
    limit: int | None = None
    rate: int | None = None
    everything: bool = False


class StoreScan:
    """One run over a store. `told` hears of each file that is written down."""

    def __init__(
        self,
        *,
        store: FileStore,
        inspector: Inspector,
        clock: Clock,
        journal: ScanJournal,
        progress: Progress,
        wishes: ScanWishes,
        told: Callable[[Noted], None] = lambda _noted: None,
    ) -> None:
        self._store, self._inspector, self._clock, self._journal = store, inspector, clock, journal
        self.progress, self._wishes, self._told = progress, wishes, told
        self.total = progress.looked_at + progress.skipped
        """Files counted so far, when `count` runs beside."""
        self._began, self._kept_at = clock.now(), clock.monotonic()
        self._order, self._ahead = InOrder(), asyncio.Semaphore(AHEAD)
        self._queue: asyncio.Queue[tuple[int, StoredFile] | None] = asyncio.Queue(store.at_once)
        self._noted: list[Noted] = []
        self._next_at = 0.0
        self._moved: Callable[[], None] = lambda: None

    async def run(self, moved: Callable[[], None] = lambda: None, *, counting: bool = False) -> None:
        """Look through the store to its end or limit; `counting`: find out beside how many files there are.

        `moved` is called whenever `progress` has changed. Raises `StoreTrouble` when the store does not answer: another
        run goes on from there.
        """
        self._moved = moved
        try:
            async with asyncio.TaskGroup() as tasks:
                if counting:
                    tasks.create_task(self._count(self.progress.cursor))
                workers = [tasks.create_task(self._work()) for _ in range(self._store.at_once)]
                ended = await self._list()
                for _ in workers:
                    await self._queue.put(None)
            self.progress.finished = ended
        except ExceptionGroup as group:
            trouble, others = group.split(StoreTrouble)
            if trouble is None or others is not None:
                raise
            raise _first(trouble) from group
        finally:
            self._keep()

    async def _count(self, after: str | None) -> None:
        async for _ in self._store.files(after):
            self.total += 1

    async def _list(self) -> bool:
        """Hand the files out; return whether all were."""
        since, begun = self.progress.since, 0
        async for file in self._store.files(self.progress.cursor):
            await self._ahead.acquire()
            if since is not None and file.changed_at < since:
                self._done(self._order.begin(), file, None)
                continue
            if begun == self._wishes.limit:
                return False
            await self._turn()
            await self._queue.put((self._order.begin(), file))
            begun += 1
        return True

    async def _turn(self) -> None:
        """Wait until the next file may be looked at."""
        if self._wishes.rate is None:
            return
        now = self._clock.monotonic()
        if self._next_at > now:
            await self._clock.sleep(self._next_at - now)
        self._next_at = max(now, self._next_at) + 1 / self._wishes.rate

    async def _work(self) -> None:
        while (job := await self._queue.get()) is not None:
            number, file = job
            self._done(number, file, await self._look(file))
            if self._clock.monotonic() - self._kept_at >= KEPT_EVERY:
                self._keep()

    async def _look(self, file: StoredFile) -> Noted:
        if file.trouble:
            return Noted(file, ScanOutcome.NOT_ATTEMPTED, file.trouble)
        try:
            content = await self._store.read(file, self._wishes.largest)
        except StoreTrouble as error:
            if error.temporary:
                raise
            return Noted(file, ScanOutcome.NOT_ATTEMPTED, error.code)
        facts = await self._inspector.facts(content)
        return Noted(
            file,
            facts.result.outcome,
            facts.result.reason,
            facts.digests.sha256,
            facts.decoded.media_type if isinstance(facts.decoded, Decoded) else None,
            facts.result.matches,
            known=facts.scanned_at < self._began,
        )

    def _done(self, number: int, file: StoredFile, noted: Noted | None) -> None:
        for one, found in self._order.done(number, file, noted):
            self._ahead.release()
            if found is None:
                self.progress.skip(one)
                continue
            self.progress.count(found)
            if found.matched or (self._wishes.everything and not found.clean):
                self._noted.append(found)
                self._told(found)
        self._moved()

    def _keep(self) -> None:
        """Keep all that is done. Nothing waits here, so what is kept fits together, also when the run is cancelled."""
        noted, self._noted = self._noted, []
        self._journal.keep(noted, self.progress)
        self._kept_at = self._clock.monotonic()


def _first(group: ExceptionGroup[StoreTrouble]) -> StoreTrouble:
    """Return one of the errors: when a store goes away, several readers see it."""
    found = group.exceptions[0]
    return _first(found) if isinstance(found, ExceptionGroup) else found
