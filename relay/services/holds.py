"""Quarantine: what waits for a person, and what the person decides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relay.domain import hosts
from relay.domain.activity import parse_activity
from relay.domain.errors import Conflict, NotFound
from relay.domain.intake import Settled
from relay.domain.log import ActivityState, HoldState
from relay.domain.policy import Verb
from relay.domain.traits import traits_of
from relay.services.arrival import authors_of, servers_of
from relay.services.decide import Subject, ruled

if TYPE_CHECKING:
    from relay.domain.intake import Hold
    from relay.ports import Clock, Store
    from relay.services.blocks import Blocks
    from relay.services.decide import Decider
    from relay.services.signals import Signals

OPERATOR: Final = "operator"
"""The rule that stands for what a person decided, under no policy."""


class Holds:
    """Lists, releases and drops holds."""

    def __init__(
        self, *, store: Store, clock: Clock, decider: Decider, signals: Signals, blocks: Blocks
    ) -> None:
        self._store, self._clock, self._decider, self._signals = store, clock, decider, signals
        self._blocks = blocks

    async def all(self, state: HoldState = HoldState.OPEN, most: int = 200) -> list[Hold]:
        """Return the newest holds in a state."""
        async with self._store.reading() as tx:
            return await tx.activities.holds(state, most)

    async def find(self, hold_id: int) -> Hold:
        """Return one hold. Raises `NotFound`."""
        async with self._store.reading() as tx:
            hold = await tx.activities.hold(hold_id)
        if hold is None:
            raise NotFound(f"there is no hold {hold_id}")
        return hold

    async def release(self, hold_id: int, *, who: str, note: str | None) -> Hold:
        """Publish what is held as if it came now.

        Raises `NotFound`, or `Conflict` when it is not open, when its server or its author may not be relayed any
        more, or when a recall has stopped a file of it.
        """
        hold = await self.find(hold_id)
        activity = parse_activity(hold.body)
        servers = servers_of(activity) | {hold.server, hosts.server_name(hold.object_id)}
        await self._blocks.load(self._store)
        if self._blocks.any_blocked(servers):
            raise Conflict(f"hold {hold_id} is of a server that is blocked now", code="blocked")
        if self._blocks.opted_out(authors_of(activity), servers):
            raise Conflict(f"the author of hold {hold_id} has blocked the relay", code="opted-out")
        async with self._store.reading() as tx:
            recall = await tx.recalls.stops(hold.seq)
        if recall is not None:
            raise Conflict(
                f"hold {hold_id} has a file of recall {recall}: dismiss that first", code="recalled"
            )
        now = self._clock.now()
        traits = traits_of(hold.kind, activity.object)
        if activity.object is None:
            traits = replace(
                traits, media=True
            )  # it was fetched to be screened; what is held is mostly held for media
        subject = Subject(hold.object_id, servers, hold.kind, hold.body, hold.proven, traits)
        entry = self._decider.entry(subject, None, ())
        decision = ruled(Verb.RELAY, OPERATOR, "released")
        settled = Settled(ActivityState.PUBLISHED, decision, {}, now, entry)
        await self._settle(hold, HoldState.RELEASED, settled, who=who, note=note)
        self._signals.changed()
        return hold

    async def drop(self, hold_id: int, *, who: str, note: str | None) -> Hold:
        """Never publish what is held. Raises `NotFound`, or `Conflict` when it is not open."""
        hold = await self.find(hold_id)
        decision = ruled(Verb.DROP, OPERATOR, "dropped")
        settled = Settled(ActivityState.DROPPED, decision, {}, self._clock.now())
        await self._settle(hold, HoldState.DROPPED, settled, who=who, note=note)
        return hold

    async def _settle(
        self, hold: Hold, state: HoldState, settled: Settled, *, who: str, note: str | None
    ) -> None:
        async with self._store.transaction() as tx:
            at = settled.at
            if not await tx.activities.settle_hold(hold.id, state, at=at, who=who, note=note):
                current = await tx.activities.hold(hold.id)
                found = current.state if current else "gone"
                raise Conflict(f"hold {hold.id} is {found}, not open")
            await tx.activities.settle(hold.seq, settled, ())
            await tx.subscribers.audit(
                at=at, who=who, action=f"hold-{state}", subject=hold.object_id, detail=note or ""
            )
