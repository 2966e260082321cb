"""People and servers that want nothing to do with the relay: a Block of the relay counts until it is undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain import hosts
from relay.domain.errors import Refused
from relay.domain.moderation import OptOut

if TYPE_CHECKING:
    from relay.domain.activity import Activity
    from relay.ports import Clock, Store
    from relay.services.blocks import Blocks
    from relay.services.identity import Identity
    from relay.services.signals import Signals
    from relay.services.subscribers import Subscribers


MOST_OF_ONE_SERVER: Final = 10_000
"""Actors of one server that may block the relay: a server can have any number of them."""


class OptOuts:
    """Keeps who blocked the relay. Nothing is sent in answer, not even an Undo of our own Follow."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        blocks: Blocks,
        subscribers: Subscribers,
        signals: Signals,
        identity: Identity,
        most: int = MOST_OF_ONE_SERVER,
    ) -> None:
        self._most = most
        self._store, self._clock, self._blocks = store, clock, blocks
        self._subscribers, self._signals, self._identity = subscribers, signals, identity

    async def block(self, activity: Activity, actor: str) -> str:
        """Handle a Block signed by `actor`; return the code of the receipt. Raises `Refused` when there are too many.

        What was not delivered yet of the actor is taken back; what waits is dropped when it is screened.
        The Block of a subscriber's own actor ends its subscription and stands for its whole server; a later Follow by
        the same actor ends it, like an Undo.
        """
        if not any(self._is_ours(one) for one in activity.object_ids):
            return "ignored-block"
        now, server = self._clock.now(), hosts.server_name(actor)
        async with self._store.transaction() as tx:
            known = await tx.blocking.opt_out(actor) is not None
            if not known and await tx.blocking.number_of_opt_outs(server) >= self._most:
                raise Refused("Too many of this server blocked the relay.", code="too-many-opt-outs")
            left = await self._subscribers.leave(tx, actor)
            head = await tx.fanout.head()
            gone = await tx.activities.take_back(actor)
            await tx.blocking.add_opt_out(OptOut(actor, server, left, activity.id, now))
            detail = "the relay was blocked: subscription ended" if left else "the relay was blocked"
            await tx.subscribers.audit(at=now, who=actor, action="opt-out", subject=actor, detail=detail)
        self._blocks.opts_out(actor, server if left else None)
        self._signals.withdrawn(gone, head)
        if left:
            self._subscribers.changed()
        return "opted-out"

    async def undo(self, activity: Activity, actor: str) -> bool:
        """Handle an Undo signed by `actor`; False when it undoes no Block of the relay."""
        undone = activity.object
        async with self._store.reading() as tx:
            opt_out = await tx.blocking.opt_out(actor)
        if opt_out is None:
            return False
        if undone is not None and undone.type is not None:
            fits = undone.type == "Block" and self._is_ours(undone.object_id or "")
        else:
            fits = activity.object_id is not None and activity.object_id == opt_out.activity_id
        if not fits:
            return False
        async with self._store.transaction() as tx:
            await tx.blocking.drop_opt_out(actor)
            await tx.subscribers.audit(
                at=self._clock.now(), who=actor, action="opt-in", subject=actor, detail="the block was undone"
            )
        self._blocks.opts_in(actor)
        return True

    def _is_ours(self, target: str) -> bool:
        return hosts.same_origin(target, self._identity.url)
