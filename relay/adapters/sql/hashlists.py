"""Batches of hash lists in packs, and which of their entries matched lately."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from relay.adapters.sql.hashsubmissions import SqlHashSubmissions
from relay.adapters.sql.listsyncs import SqlListSyncs
from relay.domain.hashlist import PACK, Batch, BatchState, HashAlgorithm, ListChange, ListEntry, pack
from relay.ports.hashlists import Frequent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.adapters.sql.queries import Queries, Row


class SqlHashLists:
    """Port `HashLists` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries
        self.submissions = SqlHashSubmissions(queries)
        self.syncs = SqlListSyncs(queries)

    async def open(self, *, name: str, source: str, who: str, at: float, replaces: bool) -> int:
        """Open a batch."""
        number: int = await self._sql.value(
            "open_list_batch", list=name, source=source, who=who, at=at, replaces=int(replaces)
        )
        return number

    async def add(self, batch: int, place: int, entries: int, content: bytes) -> None:
        """Write one pack."""
        await self._sql.run("add_list_pack", batch=batch, place=place, entries=entries, content=content)

    async def note(self, batch: int, progress: str) -> None:
        """Note how far an import has come."""
        await self._sql.run("save_list_progress", id=batch, progress=progress)

    async def finish(
        self, batch: int, *, at: float, added: int, changed: int, removed: int, digest: str
    ) -> bool:
        """Put a batch in force."""
        counts = {"added": added, "changed": changed, "removed": removed}
        return bool(await self._sql.run("finish_list_batch", id=batch, at=at, digest=digest, **counts))

    async def end(self, batch: int, state: BatchState) -> None:
        """Take a batch out of force."""
        await self._empty(batch)
        await self._sql.run("end_list_batch", id=batch, state=state)

    async def drop(self, batch: int) -> None:
        """Forget a batch that is loading."""
        if await self._sql.run("drop_list_batch", id=batch):
            await self._empty(batch)

    async def _empty(self, batch: int) -> None:
        await self._sql.run("drop_list_packs", batch=batch)
        await self._sql.run("drop_list_statements", batch=batch)

    async def batch(self, number: int) -> Batch | None:
        """Return one batch."""
        row = await self._sql.row("list_batch", id=number)
        return None if row is None else _batch(row)

    async def batches(self, name: str | None = None) -> list[Batch]:
        """Return batches, newest first."""
        return [_batch(row) for row in await self._sql.rows("list_batches_of", list=name)]

    async def packs(self, batch: int) -> int:
        """Count the packs of a batch."""
        count: int = await self._sql.value("list_packs_of", batch=batch)
        return count

    async def pack(self, batch: int, place: int) -> bytes | None:
        """Return one pack."""
        content: bytes | None = await self._sql.value("list_pack", batch=batch, place=place)
        return content

    async def changed(self) -> int:
        """Return a number that grows with every change."""
        last: int = await self._sql.value("last_list_change")
        return last

    async def has_old(self) -> bool:
        """Whether entries are kept as of before."""
        return bool(await self._sql.value("has_old_list_entries"))

    async def pack_old(self) -> int:
        """Pack the oldest batch that is kept as of before."""
        old = await self._sql.rows("old_list_batches")
        if not old:
            return 0
        number: int = old[0]["batch"]
        changes = [
            ListChange(
                ListEntry(
                    HashAlgorithm(row["algorithm"]), row["value"], row["category"], row["source"], row["note"]
                )
            )
            for row in await self._sql.rows("old_list_entries", batch=number)
        ]
        digest = hashlib.sha256()
        for place, start in enumerate(range(0, len(changes), PACK)):
            content = pack(changes[start : start + PACK])
            digest.update(content)
            await self.add(number, place, len(changes[start : start + PACK]), content)
        await self._sql.run("seal_old_list_batch", id=number, digest=digest.hexdigest())
        await self._sql.run("drop_old_list_entries", batch=number)
        return len(changes)

    async def hit(self, marks: Sequence[tuple[str, str]], object_id: str, at: float) -> None:
        """Note which entries matched in a post."""
        rows = [{"mark": mark, "object_id": object_id, "list": name, "at": at} for name, mark in marks]
        await self._sql.many("add_list_hit", rows)

    async def hits(self, mark: str, since: float) -> int:
        """Count the posts in which an entry matched."""
        count: int = await self._sql.value("list_hits_of", mark=mark, since=since)
        return count

    async def busiest(self, since: float, most: int) -> list[Frequent]:
        """Return the entries that matched in many posts."""
        rows = await self._sql.rows("busiest_list_entries", since=since, most=most)
        return [Frequent(row["list"], row["mark"], row["posts"], row["last_at"]) for row in rows]

    async def forget_hits(self, before: float) -> None:
        """Forget old hits."""
        await self._sql.run("forget_list_hits", before=before)


def _batch(row: Row) -> Batch:
    return Batch(
        number=row["id"],
        list=row["list"],
        source=row["source"],
        who=row["who"],
        at=row["imported_at"],
        state=BatchState(row["state"]),
        replaces=bool(row["replaces"]),
        entries=row["entries"],
        added=row["added"],
        changed=row["changed"],
        removed=row["removed"],
        digest=row["digest"],
        progress=row["progress"],
        since=row["since"],
    )
