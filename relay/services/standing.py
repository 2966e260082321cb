"""What is known about the server that signed an activity: what probation, flood and software rules decide on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain.facts import Standing
from relay.domain.rates import PostCounter
from relay.services.memory import Remembered

if TYPE_CHECKING:
    from relay.domain.moderation import Known
    from relay.ports import Clock, Store
    from relay.services.peers import Peers

SERVERS: Final = 10_000
DAY: Final = 24 * 3600.0
KNOWN_FOR: Final = 60.0
"""Seconds for which what the store says about a server is not read again."""


class Standings:
    """Tells how servers stand. Posts are counted in memory, since the start, for the servers heard from last."""

    def __init__(self, store: Store, clock: Clock, peers: Peers) -> None:
        self._store, self._clock, self._peers = store, clock, peers
        self._posts: Remembered[PostCounter] = Remembered(clock, seconds=2 * DAY, most=SERVERS)
        self._known: Remembered[Known] = Remembered(clock, seconds=KNOWN_FOR, most=SERVERS)
        self._noted: Remembered[bool] = Remembered(clock, seconds=DAY, most=SERVERS)

    def count(self, server: str) -> None:
        """Count a post of a server."""
        counter = self._posts.get(server) or PostCounter()
        counter.add(self._clock.now())
        self._posts.put(server, counter)

    async def of(self, server: str) -> Standing:
        """Return how a server stands. One that was never heard of is noted; others cost no write."""
        now = self._clock.now()
        known = await self._look(server, now)
        since = await self._peers.since(server)
        counter = self._posts.get(server) or PostCounter()
        return Standing(
            subscribed_for=0 if since is None else max(0, int(now - since)),
            first_seen=max(0, int(now - known.first_seen_at)),
            posts=counter.counts(now),
            software=known.software.name if known.software else None,
        )

    async def _look(self, server: str, now: float) -> Known:
        known = self._known.get(server)
        if known is not None:
            return known
        if self._noted.get(server) is None:
            async with self._store.transaction() as tx:
                known = await tx.servers.seen(server, now)
            self._noted.put(server, True)
        else:
            async with self._store.reading() as tx:
                known = await tx.servers.known(server)
            if known is None:  # forgotten meanwhile
                self._noted.drop(server)
                return await self._look(server, now)
        self._known.put(server, known)
        return known
