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


@dataclass(slots=True)
class _Chunk:
    upto: int
    entries: dict[int, LogEntry] = field(default_factory=dict)


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
        chunk.entries.update((entry.position, entry) for entry in entries)
        chunk.upto = max(chunk.upto, last)
        self._chunks[number] = chunk
        while len(self._chunks) > CHUNKS_KEPT:
            self._chunks.popitem(last=False)

    def forget(self, withdrawn: Mapping[str, int]) -> None:
        """Drop entries of objects that were withdrawn, up to a position for each."""
        for chunk in self._chunks.values():
            gone = [at for at, entry in chunk.entries.items() if at <= withdrawn.get(entry.object_id, 0)]
            for position in gone:
                del chunk.entries[position]
