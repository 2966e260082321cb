"""Who takes part: the servers that subscribe here, and the relays that this one follows. Asked for each request."""

from __future__ import annotations

import asyncio
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from relay.domain.subscriber_profile import Direction
from relay.domain.subscription import State, UpstreamState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.ports import Clock, Store

LOOK_EVERY: Final = 1.0


class Peers:
    """What is known of subscribers and upstreams, in memory."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._servers: dict[str, float] = {}
        self._actors: frozenset[str] = frozenset()
        self._receiving: frozenset[str] = frozenset()
        self._version = -1
        self._looked_at = float("-inf")
        self._refreshing = asyncio.Lock()

    async def serves(self, server: str) -> bool:
        """Whether an accepted subscriber, or a relay that we follow, stands for this server."""
        await self._refresh()
        return server in self._servers

    async def since(self, server: str) -> float | None:
        """When an accepted subscriber of this server first followed, or we a relay there; None when there is none."""
        await self._refresh()
        return self._servers.get(server)

    async def publishes(self, actor_id: str) -> bool:
        """Whether this very actor is an accepted subscriber, or a relay that accepted our Follow."""
        await self._refresh()
        return actor_id in self._actors

    async def only_receive(self, servers: Iterable[str]) -> bool:
        """Whether one of the servers subscribes and wants that none of its posts is relayed."""
        await self._refresh()
        return not self._receiving.isdisjoint(servers)

    def changed(self) -> None:
        """Look again at the next request."""
        self._looked_at = float("-inf")

    async def _refresh(self) -> None:
        """Look at most once a second whether anything changed: the operator's commands come from other processes."""
        if self._is_fresh():
            return
        async with self._refreshing:
            if not self._is_fresh():  # another request may have looked while this one waited
                await self._look()

    async def _look(self) -> None:
        async with self._store.reading() as tx:
            version = await tx.subscribers.version()
            if version != self._version:
                served = {State.ACCEPTED, State.UNREACHABLE}
                subscriptions = [one for one in await tx.subscribers.all() if one.state in served]
                upstreams = [one for one in await tx.upstreams.all() if one.state is UpstreamState.ACCEPTED]
                # Of several of one server the oldest counts.
                everyone = [(one.server, one.created_at) for one in subscriptions]
                everyone += [(one.server, one.created_at) for one in upstreams]
                actors = [one.actor for one in subscriptions if one.state is State.ACCEPTED]
                sending = {
                    one.server for one in subscriptions if one.profile.direction is not Direction.RECEIVE
                }
                self._receiving = frozenset(one.server for one in subscriptions) - sending
                self._servers = dict(sorted(everyone, key=itemgetter(1), reverse=True))
                self._actors = frozenset(actors + [one.actor for one in upstreams])
        self._version, self._looked_at = version, self._clock.monotonic()

    def _is_fresh(self) -> bool:
        return self._clock.monotonic() - self._looked_at < LOOK_EVERY
