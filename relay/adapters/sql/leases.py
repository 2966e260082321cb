"""Who does what only one process may do at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.adapters.sql.queries import Queries


class SqlLeases:
    """Port `Leases` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def take(self, name: str, owner: str, *, now: float, until: float) -> bool:
        """Take or keep a lease; False while another owner has it."""
        return bool(await self._sql.run("take_lease", name=name, owner=owner, now=now, until=until))

    async def owner(self, name: str) -> str | None:
        """Return who had a lease last; None when nobody ever had."""
        found: str | None = await self._sql.value("lease_owner", name=name)
        return found

    async def owners(self, prefix: str, *, now: float) -> list[str]:
        """Return who has the leases whose names begin so."""
        return [row["owner"] for row in await self._sql.rows("lease_owners", prefix=prefix, now=now)]

    async def forget(self, prefix: str, *, before: float) -> None:
        """Forget leases that ended."""
        await self._sql.run("forget_leases", prefix=prefix, before=before)

    async def release(self, name: str, owner: str) -> None:
        """Give a lease back; nothing when another owner has it."""
        await self._sql.run("release_lease", name=name, owner=owner)
