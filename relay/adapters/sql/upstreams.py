"""The relays that this one follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.adapters.sql import codec

if TYPE_CHECKING:
    from relay.adapters.sql.queries import Queries
    from relay.domain.subscription import Upstream


class SqlUpstreams:
    """Port `Upstreams` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def all(self) -> list[Upstream]:
        """Return every one, oldest first."""
        return [codec.upstream(row) for row in await self._sql.rows("all_upstreams")]

    async def by_actor(self, actor: str) -> Upstream | None:
        """Return what is known of our Follow of an actor."""
        row = await self._sql.row("upstream_by_actor", actor=actor)
        return None if row is None else codec.upstream(row)

    async def save(self, upstream: Upstream) -> None:
        """Write it, new or changed."""
        await self._sql.run("touch_mark", name="subscriptions")
        await self._sql.run("save_upstream", **codec.upstream_row(upstream))

    async def remove(self, actor: str) -> None:
        """Forget it."""
        await self._sql.run("touch_mark", name="subscriptions")
        await self._sql.run("remove_upstream", actor=actor)
