"""The part of the durable state that is about brakes. See `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from relay.domain.intake import Hold, Settled
    from relay.domain.log import HoldState
    from relay.domain.waves.brake import Brake, Kind
    from relay.domain.waves.waiting import Stopped, Waiting


class Brakes(Protocol):
    """Waves and incidents, what they stopped, and since when accounts are known."""

    async def version(self) -> int:
        """Return a number that grows whenever a brake came or changed."""

    async def in_force(self, since: float) -> list[Brake]:
        """Return those that are on, and those that ended after `since`, oldest first."""

    async def newest(self, kinds: Collection[Kind], most: int) -> list[Brake]:
        """Return the newest of some kinds."""

    async def unfinished(self) -> list[Brake]:
        """Return those that a person released or ended while something still waits that should not."""

    async def by_id(self, brake_id: int) -> Brake | None:
        """Return one."""

    async def add(self, brake: Brake) -> int:
        """Put one on; return its number."""

    async def save(self, brake: Brake) -> None:
        """Write what changes: verb, state, end."""

    async def stopped(self, brake_ids: Collection[int]) -> Mapping[int, Stopped]:
        """Count what some stopped; zeros for one that stopped nothing."""

    async def waiting(self, brake_id: int, most: int, *, held: bool = True) -> list[Waiting]:
        """Return what one stopped and still waits, oldest first; without `held` only what is deferred."""

    async def purged(self, brake_id: int, most: int) -> list[Waiting]:
        """Return what was dropped with one and is still kept, oldest first."""

    async def holds(self, brake_id: int, state: HoldState, most: int) -> list[Hold]:
        """Return the newest holds in a state that are due to one."""

    async def screen_again(self, due: Mapping[int, float], *, at: float, who: str, note: str) -> None:
        """Let activities go through the policy again, each at its time; holds of them are released."""

    async def drop(self, seqs: Sequence[int], settled: Settled, *, who: str, note: str) -> None:
        """Never publish activities, and write the decision with each; holds of them are dropped."""

    async def delay(self, brake_id: int, seconds: float) -> None:
        """Look at what one has deferred so much later."""

    async def first_server(self) -> float | None:
        """Return when the relay first heard of any server."""

    async def account_seen(self, actor: str) -> float | None:
        """Return when an account was seen first; None when that was not noted."""

    async def see_accounts(self, seen: Mapping[str, float]) -> None:
        """Note when accounts were seen first; the first time stays."""

    async def forget(self, before: float, *, accounts: int) -> None:
        """Forget what ended before a time and holds nothing; of accounts so many stay, the last to be seen first."""
