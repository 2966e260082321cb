"""A cached window of the log that all subscribers read together.

Subscribers that keep up read the same few chunks from memory; one that is far behind loads older chunks, of which
only so many are kept.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.log import LogEntry
    from relay.ports import Store

CHUNK: Final = 64
"""Positions per chunk: with 3 KB bodies about 200 KB."""
CHUNKS_KEPT: Final = 64
"""Chunks in memory, about 12 MB."""
BYTES_KEPT: Final = 64 * 1024 * 1024
"""Bytes of bodies in memory, besides the chunk that was read last: posts may be far larger than they use to be."""


@dataclass(slots=True)
class _Chunk:
    upto: int
    entries: dict[int, LogEntry] = field(default_factory=dict)
    size: int = 0


class LogReader:
    """Reads log entries by position. A position without entry was purged or filtered out: there is nothing to send."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._chunks: OrderedDict[int, _Chunk] = OrderedDict()
        self._withdrawals = 0
        self.head = 0
        """The last position known."""

    async def look(self) -> bool:
        """Read the head anew; return whether it moved. What was taken out of the log meanwhile is forgotten."""
        async with self._store.reading() as tx:
            head, withdrawals = await tx.fanout.head(), await tx.fanout.withdrawals()
        if withdrawals != self._withdrawals:
            self._withdrawals = withdrawals
            self._chunks.clear()
        moved, self.head = head != self.head, head
        return moved

    def cached(self, position: int) -> tuple[bool, LogEntry | None]:
        """Return whether the position is in memory, and its entry if there is one."""
        chunk = self._chunks.get(position // CHUNK)
        if chunk is None or position > chunk.upto:
            return False, None
        return True, chunk.entries.get(position)

    @property
    def size(self) -> int:
        """Bytes of bodies in memory."""
        return sum(chunk.size for chunk in self._chunks.values())

    async def entry(self, position: int) -> LogEntry | None:
        """Return the entry at a position; None when there is nothing to send."""
        cached, entry = self.cached(position)
        if not cached:
            await self.load(position)
            _, entry = self.cached(position)
        return entry

    async def load(self, position: int) -> None:
        """Bring the chunk of a position into memory."""
        number = position // CHUNK
        first, last = number * CHUNK, min(number * CHUNK + CHUNK - 1, self.head)
        chunk, withdrawals = self._chunks.pop(number, None) or _Chunk(first - 1), -1
        while withdrawals != self._withdrawals:
            if withdrawals >= 0:  # something was taken out while this was read
                chunk = _Chunk(first - 1)
            withdrawals = self._withdrawals
            async with self._store.reading() as tx:
                entries = await tx.fanout.entries(chunk.upto, last)
        for entry in entries:
            if entry.position not in chunk.entries:
                chunk.size += size_of(entry)
            chunk.entries[entry.position] = entry
        chunk.upto = max(chunk.upto, last)
        self._chunks[number] = chunk
        while len(self._chunks) > CHUNKS_KEPT or (len(self._chunks) > 1 and self.size > BYTES_KEPT):
            self._chunks.popitem(last=False)

    def forget(self, withdrawn: Mapping[str, int]) -> None:
        """Drop entries of objects that were withdrawn, up to a position for each, but for those that say so."""
        for chunk in self._chunks.values():
            gone = [
                at
                for at, entry in chunk.entries.items()
                if at <= withdrawn.get(entry.object_id, 0) and entry.traits.kind != "Delete"
            ]
            for position in gone:
                chunk.size -= size_of(chunk.entries.pop(position))


def size_of(entry: LogEntry) -> int:
    """Bytes of the bodies of an entry."""
    return sum(len(one.body) for one in (entry.announce, entry.forward) if one is not None)
