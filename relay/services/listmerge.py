"""What a fetched batch changes on a list: from what the keeper said of each of its entries, now and before.

Everything is gone through in the order of the entries' keys, some thousand at a time, so a list need not fit into
memory. A hash that one entry no longer has stays as long as another entry has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain.hashlist import ListChange, ListEntry, pack
from relay.domain.listsync import Value, differences, held, value_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.ports import Store

AT_ONCE: Final = 2000
"""Entries of a keeper that are worked out together."""


class ListMerge:
    """Works out batch `batch` of list `name`, where what batches from `first` on said stands."""

    def __init__(self, store: Store, name: str, batch: int, first: int) -> None:
        self._store, self._name, self._batch, self._first = store, name, batch, first

    async def changes(self, after: bytes = b"") -> AsyncIterator[tuple[bytes, list[ListChange]]]:
        """Changes, with the key of the entry up to which they were worked out; at the end what goes.

        `after`: go on behind that key. What goes is always told whole.
        """
        dropped = set[Value]()
        key = b""
        while True:
            async with self._store.reading() as tx:
                rows = await tx.hash_lists.syncs.said(self._batch, self._first, key, AT_ONCE)
            if not rows:
                break
            changes = list[ListChange]()
            for row in rows:
                new, old = differences(row.before, row.content)
                dropped |= old
                if row.key > after:
                    changes += new
            key = rows[-1].key
            if changes:
                yield key, changes
        if dropped:
            yield key, await self._gone(dropped)

    async def _gone(self, dropped: set[Value]) -> list[ListChange]:
        """What becomes of hashes that an entry no longer has: gone, or as another entry has it."""
        kept, key = dict[Value, ListEntry](), b""
        while True:
            async with self._store.reading() as tx:
                rows = await tx.hash_lists.syncs.standing(self._name, self._first, key, AT_ONCE)
            if not rows:
                break
            key = rows[-1][0]
            kept |= {value_of(one): one for _, content in rows for one in held(content, dropped)}
        gone = [ListChange(ListEntry(*value, _GONE), removed=True) for value in sorted(dropped - kept.keys())]
        return [*gone, *map(ListChange, kept.values())]

    async def packs(self) -> AsyncIterator[bytes]:
        """The same in packs, for a look at what would change."""
        async for _, changes in self.changes():
            for start in range(0, len(changes), AT_ONCE):
                yield pack(changes[start : start + AT_ONCE])


_GONE: Final = "gone"
"""The category of what goes: an entry has one, and nobody reads it."""
