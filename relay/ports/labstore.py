"""The part of the durable state that is the lab's: temporary inboxes, what came to them, and reports. See `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.domain.lab.inbox import Delivery, KeptReport, Seen, TemporaryInbox


class Lab(Protocol):
    """Nothing here outlives its end: what has ended is not returned, though `forget` may not have run yet."""

    async def add_inbox(self, inbox: TemporaryInbox) -> None:
        """Write a new inbox."""

    async def inbox(self, token: str, now: float) -> TemporaryInbox | None:
        """Return an inbox that has not ended."""

    async def remove_inbox(self, token: str) -> None:
        """Forget an inbox and all that came to it."""

    async def room(self, now: float) -> tuple[int, int]:
        """Count the inboxes that have not ended, and the bytes of all that came to them."""

    async def receive(self, delivery: Delivery, *, most: int) -> bool:
        """Write a delivery, whose `id` is given here; False, and it is only counted, when there are `most` already."""

    async def deliveries(self, token: str) -> list[Delivery]:
        """Return what came to an inbox, oldest first."""

    async def unseen(self, most: int) -> list[Delivery]:
        """Return deliveries that nobody looked at yet, oldest first."""

    async def settle(self, delivery_id: int, seen: Seen) -> None:
        """Write what was found out about a delivery."""

    async def add_report(self, report: KeptReport) -> None:
        """Write a report."""

    async def report(self, token: str, now: float) -> KeptReport | None:
        """Return a report that has not ended."""

    async def reports(self, now: float) -> int:
        """Count the reports that have not ended."""

    async def listed(self, now: float, most: int) -> list[KeptReport]:
        """Return the newest reports that are shown to everybody."""

    async def forget(self, now: float) -> None:
        """Forget everything that has ended."""
