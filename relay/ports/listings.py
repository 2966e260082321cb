"""Lists for pages of the operator, counted and narrowed down in the store. See `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.intake import Hold
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
