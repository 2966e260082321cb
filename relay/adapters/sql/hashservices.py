"""How the hash services are doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from relay.domain.hashservice import ServiceState
from relay.domain.toolcheck import ToolCheck

if TYPE_CHECKING:
    from relay.adapters.sql.queries import Queries


class SqlHashServices:
    """Port `HashServices` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def save(self, state: ServiceState) -> None:
        """Write the state of a service in place of the one before."""
        await self._sql.run(
            "save_hash_service",
            name=state.name,
            kind=state.kind,
            since=state.since,
            version=state.version,
            answers=orjson.dumps(dict(state.answers)).decode(),
            answered_at=state.answered_at,
            error=state.error,
            error_at=state.error_at,
            paused=int(state.paused),
        )

    async def all(self) -> list[ServiceState]:
        """Return the states by name."""
        return [
            ServiceState(
                name=row["name"],
                kind=row["kind"],
                since=row["since"],
                version=row["version"],
                answers=orjson.loads(row["answers"]),
                answered_at=row["answered_at"],
                error=row["error"],
                error_at=row["error_at"],
                paused=bool(row["paused"]),
            )
            for row in await self._sql.rows("hash_services")
        ]

    async def checked(self, check: ToolCheck) -> None:
        """Write what a look at a tool found in place of the one before."""
        await self._sql.run(
            "save_tool_check",
            name=check.name,
            checked_at=check.checked_at,
            problems=orjson.dumps(check.problems).decode(),
            error=check.error,
            error_at=check.error_at,
        )

    async def checks(self) -> list[ToolCheck]:
        """Return what was last found at every tool, by name."""
        return [
            ToolCheck(
                name=row["name"],
                checked_at=row["checked_at"],
                problems=tuple(orjson.loads(row["problems"])),
                error=row["error"],
                error_at=row["error_at"],
            )
            for row in await self._sql.rows("tool_checks")
        ]
