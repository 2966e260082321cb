"""How fetched lists are doing, and what their keepers said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from relay.domain.listsync import SyncState
from relay.ports.listsync import Said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.adapters.sql.queries import Queries
    from relay.domain.listsync import Statement


class SqlListSyncs:
    """Port `ListSyncs` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def states(self) -> list[SyncState]:
        """Return the states by name of the list."""
        return [
            SyncState(
                list=row["list"],
                place=row["place"],
                checkpoint=row["checkpoint"],
                synced_at=row["synced_at"],
                next_at=row["next_at"],
                failures=row["failures"],
                error=row["error"],
                error_at=row["error_at"],
                waits=bool(row["waits"]),
                unused=orjson.loads(row["unused"]),
            )
            for row in await self._sql.rows("list_syncs")
        ]

    async def save(self, state: SyncState) -> None:
        """Write a state in place of the one before."""
        await self._sql.run(
            "save_list_sync",
            list=state.list,
            place=state.place,
            checkpoint=state.checkpoint,
            synced_at=state.synced_at,
            next_at=state.next_at,
            failures=state.failures,
            error=state.error,
            error_at=state.error_at,
            waits=int(state.waits),
            unused=orjson.dumps(dict(state.unused)).decode(),
        )

    async def say(self, name: str, batch: int, first: int, statements: Sequence[Statement]) -> None:
        """Note what a keeper says."""
        shared = {"list": name, "batch": batch, "first": first}
        rows = [{**shared, "owner": one.key, "at": one.at, "content": one.content} for one in statements]
        await self._sql.many("say_list_statement", rows)

    async def said(self, batch: int, first: int, after: bytes, most: int) -> list[Said]:
        """Return what a batch said, and what was said before."""
        rows = await self._sql.rows(
            "list_statements_of_batch", batch=batch, first=first, after=after, most=most
        )
        return [Said(row["owner"], row["content"], row["before"]) for row in rows]

    async def standing(self, name: str, first: int, after: bytes, most: int) -> list[tuple[bytes, bytes]]:
        """Return what was last said of the entries of a list."""
        rows = await self._sql.rows(
            "standing_list_statements", list=name, first=first, after=after, most=most
        )
        return [(row["owner"], row["content"]) for row in rows]

    async def seal(self, batch: int, since: float) -> None:
        """Note from which checkpoint on a batch was fetched."""
        await self._sql.run("seal_list_batch", id=batch, since=since)
