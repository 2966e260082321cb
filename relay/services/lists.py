"""Hash lists: importing entries, and taking lists into use that grew while the relay runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain import alertwords

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from relay.domain.hashlist import ListEntry
    from relay.ports import Clock, Scanner, Store
    from relay.services.alerts import Alerts
    from relay.services.attestations import Attestor
    from relay.services.inspect import Inspector

LOOK_EVERY: Final = 5.0


class Lists:
    """Imports entries and tells how large the lists are."""

    def __init__(self, store: Store, clock: Clock, alerts: Alerts) -> None:
        self._store, self._clock, self._alerts = store, clock, alerts

    async def add(self, name: str, source: str, entries: Sequence[ListEntry], *, who: str) -> int:
        """Add entries to a list in one batch; return how many were new. A running relay uses them in seconds."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            added = await tx.media.import_entries(name, source, now, entries)
            await tx.subscribers.audit(
                at=now, who=who, action="list-import", subject=name, detail=f"{added} new from {source}"
            )
            if added:
                await self._alerts.note(tx, alertwords.list_grew(name, added, who))
        return added

    async def sizes(self) -> list[Mapping[str, object]]:
        """Return the number of imported entries by list and algorithm."""
        async with self._store.reading() as tx:
            return await tx.media.sizes()


class ListWatch:
    """Builds the scanners anew when entries were imported."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        build: Callable[[], Awaitable[Sequence[Scanner]]],
        inspector: Inspector,
        attestor: Attestor,
    ) -> None:
        self._store, self._clock, self._build = store, clock, build
        self._inspector, self._attestor = inspector, attestor
        self._batch: int | None = None

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self.run_once()
            await self._clock.sleep(LOOK_EVERY)

    async def run_once(self) -> bool:
        """Look once; return whether the scanners were built anew."""
        async with self._store.reading() as tx:
            batch = await tx.media.last_batch()
        if self._batch is None or batch == self._batch:
            self._batch = batch
            return False
        self._inspector.scanners = self._attestor.scanners = await self._build()
        self._batch = batch
        return True
