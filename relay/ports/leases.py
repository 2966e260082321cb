"""Leases: what only one of several processes may do at a time."""

from __future__ import annotations

from typing import Protocol


class Leases(Protocol):
    """Who does what only one process may do. A lease that is not kept ends by itself.

    Times are of the processes' own clocks: those of their hosts have to agree to within a few seconds.
    """

    async def take(self, name: str, owner: str, *, now: float, until: float) -> bool:
        """Take or keep a lease until a time; False while another owner has it."""

    async def owner(self, name: str) -> str | None:
        """Return who had a lease last, even if it has ended or was given back; None when nobody ever had.

        Asked in the transaction that writes, it keeps out who was superseded: whoever takes the lease does so before
        that transaction or after it.
        """

    async def owners(self, prefix: str, *, now: float) -> list[str]:
        """Return who has the leases whose names begin so, which have not ended."""

    async def forget(self, prefix: str, *, before: float) -> None:
        """Forget leases whose names begin so, and which ended before a time."""

    async def release(self, name: str, owner: str) -> None:
        """Give a lease back; nothing when another owner has it."""
