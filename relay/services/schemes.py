"""Which way of signing each server takes: the draft first, RFC 9421 where that is refused; what worked is remembered.

A request is tried at most twice. That RFC 9421 worked is kept for two weeks, on the disk too; then the draft is tried
again, so that no server is left with one way only. A server that refuses both (a block, a key that it cannot fetch, an
activity that it dislikes) says nothing about either: what was known stays, and for an hour it is asked once only.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from relay.domain.scheme import REFUSALS, Scheme
from relay.services.memory import Remembered

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.domain.remote import Posted
    from relay.ports import Clock, Store

KEPT: Final = 14 * 24 * 3600.0
ONCE_FOR: Final = 3600.0
MOST: Final = 10_000
"""Servers that are remembered: strangers can make us ask theirs, so there is an end (protocol.md 5.3 row 38)."""


class Schemes:
    """Remembers by server. Without a store it forgets when the process ends."""

    def __init__(self, clock: Clock, store: Store | None = None, *, most: int = MOST) -> None:
        self._clock, self._store, self._most = clock, store, most
        self._until: OrderedDict[str, float] = OrderedDict()
        self._once: Remembered[bool] = Remembered(clock, seconds=ONCE_FOR, most=most)

    async def load(self) -> None:
        """Read what earlier processes learned."""
        if self._store is not None:
            async with self._store.reading() as tx:
                self._until = OrderedDict(await tx.fanout.rfc9421_servers(self._clock.now()))

    def first(self, server: str) -> Scheme:
        """Return the way to try first."""
        return Scheme.RFC9421 if self._until.get(server, 0.0) > self._clock.now() else Scheme.DRAFT

    def second(self, server: str, tried: Scheme, status: int | None) -> Scheme | None:
        """Return the way to try after an answer to the first; None when there is nothing to gain."""
        return tried.other if status in REFUSALS and self._once.get(server) is None else None

    async def settle(self, server: str, scheme: Scheme, status: int) -> None:
        """Learn from the answer to the second try."""
        if status in REFUSALS:
            self._once.put(server, True)
        elif 200 <= status < 300:
            await self._learn(server, scheme)

    async def knock(
        self,
        server: str,
        first: Scheme,
        send: Callable[[Scheme], Awaitable[Posted]],
        posted: Posted | None = None,
    ) -> Posted:
        """Send a message; a second time, signed the other way, when the first is refused. Raises what `send` raises.

        When both are refused the first answer counts: it is the one to the way that the server is known to take.
        `posted` is that answer when it is there already.
        """
        posted = posted or await send(first)
        other = self.second(server, first, posted.status)
        if other is None:
            return posted
        again = await send(other)
        if not again.misdated:  # then it says nothing about the way of signing either
            await self.settle(server, other, again.status)
        return posted if again.status in REFUSALS else again

    async def _learn(self, server: str, scheme: Scheme) -> None:
        if self.first(server) is scheme:
            return  # nothing new, or another delivery learned it meanwhile
        now = self._clock.now()
        self._until.pop(server, None)
        if scheme is Scheme.RFC9421:
            self._until[server] = now + KEPT
            while len(self._until) > self._most:
                self._until.popitem(last=False)
        if self._store is not None:
            async with self._store.transaction() as tx:
                await tx.fanout.save_rfc9421_server(server, self._until.get(server), now=now, most=self._most)
