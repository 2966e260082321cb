"""Lists for pages of the operator, counted and narrowed down in the store, and how deliveries go. See `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.condition import Gap, Waiting
    from relay.domain.intake import Hold
    from relay.domain.subscription import State
    from relay.domain.triage import Narrowed


class Listings(Protocol):
    """Holds and decisions, narrowed down."""

    async def groups(self, narrowed: Narrowed) -> Mapping[str, Sequence[tuple[str, int]]]:
        """Count open holds by `reason`, `rule` and `server`, the largest groups first, at most 20 each."""

    async def holds(self, narrowed: Narrowed, *, before: int | None, most: int) -> list[Hold]:
        """Return open holds, newest first, those with a smaller number than `before`."""

    async def count(self, narrowed: Narrowed, *, upto: int) -> int:
        """Count open holds, those with a number up to `upto`."""

    async def decided(
        self, verbs: Sequence[str], *, since: float, before: int | None, most: int
    ) -> list[Mapping[str, object]]:
        """Return decisions that were carried out with one of these verbs since a time, newest first.

        Each has `id`, `at`, `verb`, `effective`, `rule`, `reason`, `kind`, `server`, `actor` and `object_id`. `before`:
        those with a smaller id.
        """

    async def states(self) -> dict[int, tuple[State, bool]]:
        """Return the state of every subscription, and whether deliveries to its server fail."""

    async def published_after(self, position: int) -> float | None:
        """Return when the oldest entry after a position was published; None when there is none."""

    async def published_before(self, at: float) -> int:
        """Return the newest position that was published before a time, 0 when there is none."""

    async def missed(self, subscription: int) -> tuple[list[Waiting], list[Gap]]:
        """Return what a subscriber did not get yet although later posts arrived, and what it never will."""

    async def suspended_by(self, actor: str) -> tuple[str, str, float] | None:
        """Return who suspended the subscription of an actor last, why and when."""

    async def missed_counts(self) -> tuple[int, int]:
        """Return how many stragglers and how many gaps there are."""
