"""Reading a batch of list entries through the port, for everybody who has a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.ports.store import Store


async def packs_of(store: Store, number: int) -> AsyncIterator[bytes]:
    """The packs of one batch, each read for itself: none keeps the store busy.

    Raises `Conflict` when the batch was undone meanwhile.
    """
    async with store.reading() as tx:
        count = await tx.hash_lists.packs(number)
    for place in range(count):
        async with store.reading() as tx:
            content = await tx.hash_lists.pack(number, place)
        if content is None:
            raise Conflict(f"batch {number} was undone meanwhile", code="not-in-force")
        yield content
