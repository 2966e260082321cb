"""What is known about servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.adapters.sql import codec
from relay.domain.moderation import Known
from relay.domain.software import Software

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from relay.adapters.sql.queries import Queries


class SqlServers:
    """Port `Servers` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def known(self, server: str) -> Known | None:
        """Return what is known about one server."""
        row = await self._sql.row("known_server", server=server)
        return None if row is None else _known(row)

    async def all(self, servers: Collection[str]) -> dict[str, Known]:
        """Return what is known about some servers."""
        rows = await self._sql.rows("known_servers", servers=codec.json(sorted(servers)))
        return {row["server"]: _known(row) for row in rows}

    async def seen(self, server: str, at: float) -> Known:
        """Note that something came from a server; the first time stays. Return what is known about it."""
        await self._sql.run("server_seen", server=server, at=at)
        return await self.known(server) or Known(server, at)

    async def runs(self, server: str, software: Software | None, *, at: float, due_at: float) -> None:
        """Write what a server runs, None when it does not say."""
        await self._sql.run("touch_mark", name="subscriptions")
        await self._sql.run(
            "server_runs",
            server=server,
            software=software and software.name,
            version=software and software.version,
            at=at,
            due_at=due_at,
        )

    async def unanswered(self, server: str, *, due_at: float, error: str) -> None:
        """Write that a server could not be asked; what it ran before stays."""
        await self._sql.run("server_unanswered", server=server, due_at=due_at, error=error)

    async def forget(self, before: float) -> None:
        """Forget servers that sent nothing for long and have no subscription."""
        await self._sql.run("forget_servers", before=before)

    async def trim(self, most: int) -> None:
        """Forget who was heard from longest ago; `most` servers without a subscription stay."""
        await self._sql.run("trim_servers", most=most)


def _known(row: Mapping[str, Any]) -> Known:
    software = None if row["software"] is None else Software(row["software"], row["version"] or "")
    return Known(
        server=row["server"],
        first_seen_at=row["first_seen_at"],
        software=software,
        fetched_at=row["fetched_at"],
        due_at=row["due_at"],
        error=row["error"],
    )
