"""The indexes of our attestations in status lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.adapters.sql.queries import Queries


class SqlStatusIndexes:
    """Port `StatusIndexes` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def newest(self) -> tuple[int, int]:
        """Return the number of the newest list and how many of its indexes are used."""
        row = await self._sql.row("newest_status_list")
        return (1, 0) if row is None else (row["list"], row["used"])

    async def take(self, number: int, index: int, *, digest: str, key: str, expires_at: float) -> bool:
        """Take an index; False when it is taken."""
        taken = await self._sql.run(
            "take_status_index", list=number, idx=index, digest=digest, key=key, expires_at=expires_at
        )
        return bool(taken)

    async def retracted(self, number: int) -> list[int] | None:
        """Return the indexes of a list that were retracted; None when there is no such list."""
        rows = await self._sql.rows("status_list_of", list=number)
        return sorted(row["idx"] for row in rows if row["idx"] is not None) if rows else None

    async def forget(self, before: float) -> None:
        """Free the indexes of attestations that ended before a time."""
        await self._sql.run("forget_status_indexes", before=before)
