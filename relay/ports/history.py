"""The decisions of the policy, kept to try other policies on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.domain.history import Recorded, Span, VerbCount


class History(Protocol):
    """One record for each activity that the policy decided about, written together with the decision.

    It outlives the activity, and goes with the object when that is deleted by its own server.
    """

    async def span(self, since: float, until: float) -> Span:
        """Return how many records there are of what came from `since` up to `until`."""

    async def stretch(
        self, *, first: int, last: int, since: float, until: float, most: int
    ) -> list[Recorded]:
        """Return records with numbers from `first` to `last` of what came in that time, the newest, newest first."""

    async def verbs(self, since: float, until: float) -> list[VerbCount]:
        """Count what was decided about what came in a stretch of time."""

    async def forget(self, before: float, *, rows: int, most: int) -> int:
        """Forget records of what came before a time, and of all but the newest `rows` activities.

        At most `most` at once, the oldest first, so that no transaction takes long; returns how many.
        """
