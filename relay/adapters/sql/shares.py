"""Which process delivers to which subscribers, and how far each share has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.adapters.sql import codec
from relay.domain.shares import share_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.adapters.sql.queries import Queries, Row
    from relay.domain.shares import Held

WATERMARK: Final = "watermark"


class SqlShares:
    """Port `Shares` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def part(self, count: int) -> None:
        """Make so many shares."""
        await self._sql.run("drop_shares")
        await self._sql.many("add_shares", [{"share": share} for share in range(count)])

    async def owners(self) -> dict[int, str | None]:
        """Return who holds each share."""
        return {row["share"]: row["owner"] for row in await self._sql.rows("all_shares")}

    async def take(self, held: Held) -> None:
        """Hold shares from now on."""
        await self._sql.run("take_shares", **held_row(held))

    async def release(self, held: Held) -> None:
        """Give shares back."""
        await self._sql.run("release_shares", **held_row(held))

    async def holds(self, held: Held) -> bool:
        """Whether all of them are still its own."""
        return bool(await self._sql.value("count_shares", **held_row(held)) == len(held.shares))


def held_row(held: Held) -> dict[str, object]:
    """Write shares and their owner."""
    return {"owner": held.owner, "shares": codec.json(sorted(held.shares))}


async def cursors(sql: Queries) -> Callable[[Row], int]:
    """Return how to read the cursor of a subscription: its own, or where its share stands."""
    together: int = await sql.value("mark", name=WATERMARK) or 0
    shares = {row["share"]: row["watermark"] for row in await sql.rows("all_shares")}

    def cursor(row: Row) -> int:
        own: int | None = row["cursor"]
        if own is not None:
            return own
        return shares[share_of(row["server"])] if shares else together

    return cursor
