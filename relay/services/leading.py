"""What only one process may do at a time, done by the one that holds the lease."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain import shares
from relay.services.tenure import Tenure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.ports import Clock, Store, Tx

NAME: Final = "leader"
_FORMER: Final = "lead"
"""The lease of versions whose leader delivered to everybody. Those that part the work hold it together, so that none of
the former can lead beside them; what holds it says how the work is parted."""
_TOGETHER: Final = f"{shares.COUNT} shares"


class Leading:
    """The lease of one process. `owner` is its name for itself, which no other process has."""

    def __init__(self, store: Store, clock: Clock, owner: str) -> None:
        self._store, self._owner = store, owner
        self._tenure = Tenure(self, clock, clock.sleep)

    @property
    def leads(self) -> bool:
        """Whether this process does the work now."""
        return self._tenure.lasts

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work whenever it falls to this process, until cancelled. Each time it begins anew."""
        await self._tenure.run(work)

    async def renew(self, *, now: float, until: float, again: bool) -> bool:
        """Take or keep the lease; False when it is another's, or was meanwhile."""
        async with self._store.transaction() as tx:
            if again and await tx.leases.owner(NAME) != self._owner:
                return False
            if not await parted(tx, now=now, until=until):
                return False
            return await tx.leases.take(NAME, self._owner, now=now, until=until)

    async def leave(self) -> None:
        """Give the lease back."""
        async with self._store.transaction() as tx:
            await tx.leases.release(NAME, self._owner)


async def parted(tx: Tx, *, now: float, until: float) -> bool:
    """Keep the work parted among processes of this version; False while one of another version does it its own way.

    It goes on from where that one came to.
    """
    before = await tx.leases.owner(_FORMER)
    if not await tx.leases.take(_FORMER, _TOGETHER, now=now, until=until):
        return False
    if before != _TOGETHER:
        await tx.shares.part(shares.COUNT)
    return True
