"""Lists for pages of the operator."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from relay.adapters.sql import codec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.adapters.sql.queries import Queries
    from relay.domain.intake import Hold
    from relay.domain.triage import Narrowed

_BY: Final = ("reason", "rule", "server")


class SqlListings:
    """Port `Listings` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def groups(self, narrowed: Narrowed) -> Mapping[str, Sequence[tuple[str, int]]]:
        """Count open holds by `reason`, `rule` and `server`, the largest groups first, at most 20 each."""
        return {
            by: [
                (row["name"], row["n"])
                for row in await self._sql.rows(f"hold_groups_by_{by}", **asdict(narrowed))
            ]
            for by in _BY
        }

    async def holds(self, narrowed: Narrowed, *, before: int | None, most: int) -> list[Hold]:
        """Return open holds, newest first, those with a smaller number than `before`."""
        rows = await self._sql.rows("narrowed_holds", before=before, most=most, **asdict(narrowed))
        return [codec.hold(row) for row in rows]

    async def count(self, narrowed: Narrowed, *, upto: int) -> int:
        """Count open holds, those with a number up to `upto`."""
        found: int = await self._sql.value("count_narrowed_holds", upto=upto, **asdict(narrowed))
        return found

    async def decided(
        self, verbs: Sequence[str], *, since: float, before: int | None, most: int
    ) -> list[Mapping[str, Any]]:
        """Return decisions that were carried out with one of these verbs since a time, newest first."""
        return await self._sql.rows(
            "decided_since", verbs=codec.json(list(verbs)), since=since, before=before, most=most
        )
