"""Lists for pages of the operator, and how deliveries go."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from relay.adapters.sql import codec
from relay.domain.condition import Gap, Waiting
from relay.domain.delivery import Straggler
from relay.domain.subscription import State

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

    async def states(self) -> dict[int, tuple[State, bool]]:
        """Return the state of every subscription, and whether deliveries to its server fail."""
        rows = await self._sql.rows("subscriber_states")
        return {row["id"]: (State(row["state"]), row["failures"] > 0) for row in rows}

    async def published_after(self, position: int) -> float | None:
        """Return when the oldest entry after a position was published; None when there is none."""
        at: float | None = await self._sql.value("published_after", position=position)
        return at

    async def published_before(self, at: float) -> int:
        """Return the newest position that was published before a time, 0 when there is none."""
        position: int | None = await self._sql.value("published_before", before=at)
        return position or 0

    async def missed(self, subscription: int) -> tuple[list[Waiting], list[Gap]]:
        """Return what a subscriber did not get yet although later posts arrived, and what it never will."""
        waiting = [
            Waiting(
                row["position"],
                Straggler(row["attempts"], row["due_at"], row["error"]),
                row["object_id"],
                row["published_at"],
            )
            for row in await self._sql.rows("waiting_of", subscription=subscription)
        ]
        gaps = [
            Gap(row["first"], row["last"], row["entries"], row["recorded_at"])
            for row in await self._sql.rows("gaps_of", subscription=subscription)
        ]
        return waiting, gaps

    async def suspended_by(self, actor: str) -> tuple[str, str, float] | None:
        """Return who suspended the subscription of an actor last, why and when."""
        row = await self._sql.row("suspended_by", actor=actor)
        return None if row is None else (row["who"], row["detail"], row["at"])

    async def missed_counts(self) -> tuple[int, int]:
        """Return how many stragglers and how many gaps there are."""
        return await self._sql.value("count_stragglers"), await self._sql.value("count_gaps")
