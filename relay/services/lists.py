"""Hash lists: batches of entries, and taking lists into use that grew while the relay runs.

A batch is loaded in packs, each durable with the importer's note of how far it has come; it counts once it is done,
all at once. An import that died goes on where it was.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relay.domain import alertwords
from relay.domain.errors import Conflict, NotFound, RelayError
from relay.domain.hashlist import PACK, BatchState, Effects, ListChange, in_force, pack
from relay.ports.packs import packs_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

    from relay.domain.hashlist import Batch, ListEntry
    from relay.ports import Clock, Scanner, Store, Tx
    from relay.services.alerts import Alerts
    from relay.services.attestations import Attestor
    from relay.services.inspect import Inspector

    Packs = Callable[[], AsyncIterator[bytes]]

LOOK_EVERY: Final = 5.0
SCHEDULE: Final = "schedule"
"""Who fetches lists when nobody asks for it."""

_log: Final = logging.getLogger(__name__)


class Loading:
    """A batch that is being loaded. `progress` is the note of the last `add`, None at the beginning."""

    def __init__(self, store: Store, batch: Batch, packs: int, digest: hashlib._Hash) -> None:
        self._store, self._packs, self._digest = store, packs, digest
        self.number, self.list, self.replaces = batch.number, batch.list, batch.replaces
        self.progress, self.entries = batch.progress, batch.entries

    async def add(
        self,
        changes: Sequence[ListChange],
        progress: str,
        beside: Callable[[Tx], Awaitable[None]] | None = None,
    ) -> None:
        """Write changes and the note of how far this is, durably and together. Any number of changes.

        `beside` writes more in the same transaction. Raises `Conflict` when the batch was given up or finished, or
        somebody else goes on with it.
        """
        written = [pack(changes[start : start + PACK]) for start in range(0, len(changes), PACK)]
        async with self._store.transaction() as tx:
            batch = await tx.hash_lists.batch(self.number)
            going_on = batch is not None and (batch.state, batch.progress) == (
                BatchState.LOADING,
                self.progress,
            )
            if not going_on or await tx.hash_lists.packs(self.number) != self._packs:
                raise Conflict("this import was given up, or goes on elsewhere", code="no-import")
            for place, content in enumerate(written, self._packs):
                count = min(PACK, len(changes) - (place - self._packs) * PACK)
                await tx.hash_lists.add(self.number, place, count, content)
            await tx.hash_lists.note(self.number, progress)
            if beside is not None:
                await beside(tx)
        for content in written:
            self._digest.update(content)
        self._packs += len(written)
        self.entries += len(changes)
        self.progress = progress

    @property
    def digest(self) -> str:
        """Stands for what was loaded."""
        return self._digest.hexdigest()


class Lists:
    """Imports, previews and undoes batches. `compare` counts what a batch changes (adapters.scanners.comparing)."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        alerts: Alerts,
        compare: Callable[..., Awaitable[Effects]] | None = None,
    ) -> None:
        self._store, self._clock, self._alerts, self._compare = store, clock, alerts, compare

    async def load(self, name: str, source: str, *, who: str, replaces: bool = False) -> Loading:
        """Begin a batch; one of the same list and source that was interrupted goes on.

        `replaces`: it will be the whole list, apart from the list's own file.
        """
        async with self._store.transaction() as tx:
            batches = await tx.hash_lists.batches(name)
            found = next((one for one in batches if _goes_on(one, source, replaces=replaces)), None)
            if found is None:
                number = await tx.hash_lists.open(
                    name=name, source=source, who=who, at=self._clock.now(), replaces=replaces
                )
                found = await tx.hash_lists.batch(number)
                assert found is not None  # noqa: S101 - it was just made
            packs = await tx.hash_lists.packs(found.number)
        digest = hashlib.sha256()
        async for content in self.packs([found]):
            digest.update(content)
        return Loading(self._store, found, packs, digest)

    async def drop(self, loading: Loading) -> None:
        """Give an import up; nothing of it stays."""
        async with self._store.transaction() as tx:
            await tx.hash_lists.drop(loading.number)

    async def finish(
        self, loading: Loading, *, who: str, beside: Callable[[Tx], Awaitable[None]] | None = None
    ) -> Effects:
        """Put a batch in force, and forget what can no longer come back; return what it changed.

        Behind a batch that replaces the list, one more is kept, so that it can be undone. `beside` writes more in the
        same transaction.
        """
        effects = await self.effects(
            loading.list,
            lambda: packs_of(self._store, loading.number),
            loading.entries,
            replaces=loading.replaces,
        )
        counts = {"added": effects.added, "changed": effects.changed, "removed": effects.removed}
        now = self._clock.now()
        async with self._store.transaction() as tx:
            done = await tx.hash_lists.finish(loading.number, at=now, digest=loading.digest, **counts)
            if not done:
                raise Conflict("this import was given up meanwhile", code="no-import")
            for old in _outdated(await tx.hash_lists.batches(loading.list)):
                await tx.hash_lists.end(old.number, BatchState.OUTDATED)
            detail = f"batch {loading.number}: {_told(effects)}"
            await tx.subscribers.audit(
                at=now, who=who, action="list-import", subject=loading.list, detail=detail
            )
            if beside is not None:
                await beside(tx)
            if effects.added and who != SCHEDULE:  # a fetched list grows every day
                await self._alerts.note(tx, alertwords.list_grew(loading.list, effects.added, who))
        return effects

    async def add(self, name: str, source: str, entries: Iterable[ListEntry], *, who: str) -> Effects:
        """Import entries in one batch. A running relay uses them in seconds."""
        loading = await self.load(name, source, who=who)
        if loading.progress is not None:  # an attempt of before: these entries are all there is
            await self.drop(loading)
            loading = await self.load(name, source, who=who)
        await loading.add([ListChange(entry) for entry in entries], "")
        return await self.finish(loading, who=who)

    async def put(self, tx: Tx, name: str, source: str, changes: Sequence[ListChange], *, who: str) -> int:
        """Put at most `PACK` changes in force as one batch, in a transaction of the caller's; return its number."""
        now, content = self._clock.now(), pack(changes)
        number = await tx.hash_lists.open(name=name, source=source, who=who, at=now, replaces=False)
        await tx.hash_lists.add(number, 0, len(changes), content)
        await tx.hash_lists.note(number, "")
        digest = hashlib.sha256(content).hexdigest()
        await tx.hash_lists.finish(number, at=now, added=len(changes), changed=0, removed=0, digest=digest)
        return number

    async def take_back(self, tx: Tx, number: int | None) -> None:
        """Take a batch of `put` out of force and delete its entries; one that is not in force stays as it is."""
        batch = None if number is None else await tx.hash_lists.batch(number)
        if batch is not None and batch.state is BatchState.DONE:
            await tx.hash_lists.end(batch.number, BatchState.UNDONE)

    async def undo(self, number: int, *, who: str) -> tuple[Batch, ...]:
        """Take a batch out of force and delete its entries; entries that others brought, too, stay.

        What was fetched after a batch stands on what that one said, so it goes with it; then nothing is fetched until
        somebody says so, from where that batch began. Returns what was undone, the batch itself first. Raises
        `NotFound`, and `Conflict` for a batch that is not in force.
        """
        now = self._clock.now()
        async with self._store.transaction() as tx:
            batch = await tx.hash_lists.batch(number)
            if batch is None:
                raise NotFound(f"there is no batch {number}", code="no-batch")
            batches = await tx.hash_lists.batches(batch.list)
            undone: tuple[Batch, ...] = (batch,)
            if batch.state is BatchState.LOADING:
                await tx.hash_lists.drop(number)
            elif batch in in_force(batches):
                undone = (batch, *_standing_on(batch, batches))
                for one in undone:
                    await tx.hash_lists.end(one.number, BatchState.UNDONE)
                if batch.since is not None:
                    await self._fetch_no_more(tx, batches, batch.since)
            else:
                raise Conflict(f"batch {number} is not in force", code="not-in-force")
            detail = " and ".join(f"batch {one.number}" for one in undone)
            await tx.subscribers.audit(at=now, who=who, action="list-undo", subject=batch.list, detail=detail)
        return undone

    async def _fetch_no_more(self, tx: Tx, batches: Sequence[Batch], checkpoint: float) -> None:
        for one in batches:
            if one.state is BatchState.LOADING:  # it stands on what is undone
                await tx.hash_lists.drop(one.number)
        for state in await tx.hash_lists.syncs.states():
            if state.list == batches[0].list:
                await tx.hash_lists.syncs.save(replace(state, checkpoint=checkpoint, waits=True))

    async def batches(self, name: str | None = None) -> list[Batch]:
        """Return the batches of a list, or of all, newest first."""
        async with self._store.reading() as tx:
            return await tx.hash_lists.batches(name)

    async def effects(self, name: str, new: Packs, rows: int, *, replaces: bool) -> Effects:
        """Count what packs would change of the imported entries of a list."""
        if self._compare is None:
            return Effects(added=rows)
        old = in_force(await self.batches(name))
        total = rows + sum(one.entries for one in old)
        return await self._compare(lambda: self.packs(old), new, total, replaces=replaces)

    async def packs(self, batches: Iterable[Batch]) -> AsyncIterator[bytes]:
        """The packs of some batches, in order. Raises `Conflict` when one was undone meanwhile."""
        for batch in batches:
            async for content in packs_of(self._store, batch.number):
                yield content


def _goes_on(batch: Batch, source: str, *, replaces: bool) -> bool:
    same = (batch.source, batch.replaces) == (source, replaces)
    return batch.state is BatchState.LOADING and same


def _standing_on(batch: Batch, batches: Sequence[Batch]) -> list[Batch]:
    """What was fetched after a batch that was fetched, and is in force."""
    if batch.since is None:
        return []
    return [one for one in in_force(batches) if one.number > batch.number and one.since is not None]


def _outdated(batches: Iterable[Batch]) -> list[Batch]:
    """Batches from before the last but one that replaced the list."""
    done = sorted((one for one in batches if one.state is BatchState.DONE), key=lambda one: one.number)
    replacing = [one.number for one in done if one.replaces]
    return [one for one in done if len(replacing) > 1 and one.number < replacing[-2]]


def _told(effects: Effects) -> str:
    return f"{effects.added} new, {effects.changed} changed, {effects.removed} gone"


class ListWatch:
    """Builds the scanners anew when the lists changed."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        build: Callable[[], Awaitable[Sequence[Scanner]]],
        inspector: Inspector,
        attestor: Attestor,
        seen: int,
    ) -> None:
        """`seen`: the state of the store that the scanners were built from (`HashLists.changed`)."""
        self._store, self._clock, self._build = store, clock, build
        self._inspector, self._attestor = inspector, attestor
        self._seen = seen

    async def run(self) -> None:
        """Watch until cancelled. Lists that cannot be built stay as they are, and are tried again."""
        while True:
            try:
                await self.run_once()
            except RelayError as error:
                _log.error("hash lists stay as they were: %s", error)
            await self._clock.sleep(LOOK_EVERY)

    async def run_once(self) -> bool:
        """Look once; return whether the scanners were built anew. Raises `RelayError` when they could not be."""
        async with self._store.reading() as tx:
            change = await tx.hash_lists.changed()
        if change == self._seen:
            return False
        self._inspector.scanners = self._attestor.scanners = await self._build()
        self._seen = change
        return True
