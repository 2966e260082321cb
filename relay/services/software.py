"""What subscribers run, as their NodeInfo says: asked for after a Follow, and once a week.

Never before the answer to a Follow, and a server that cannot be asked is not refused for it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from relay.domain import hosts, strictjson
from relay.domain.errors import Malformed, RelayError
from relay.domain.subscription import State
from relay.protocol.discovery import nodeinfo_address, software_in

if TYPE_CHECKING:
    from relay.domain.software import Software
    from relay.domain.subscription import Subscription
    from relay.ports import Clock, Remote, Store
    from relay.services.blocks import Blocks
    from relay.services.signals import Signals

LOOK_EVERY: Final = 60.0
WEEK: Final = 7 * 24 * 3600.0
AGAIN: Final = 3600.0
"""Seconds after which a server that could not be asked is asked again."""
AT_ONCE: Final = 8
LIMIT: Final = 256 * 1024
TIMEOUT: Final = 10.0
_ACCEPT: Final = "application/json"
_ASKED: Final = frozenset({State.PENDING, State.ACCEPTED, State.UNREACHABLE, State.SUSPENDED})


class SoftwareWatch:
    """Asks subscribers what they run."""

    def __init__(
        self, *, store: Store, remote: Remote, clock: Clock, signals: Signals, blocks: Blocks
    ) -> None:
        self._store, self._remote, self._clock = store, remote, clock
        self._signals, self._blocks = signals, blocks
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self.run_once()
            await self._signals.software.wait(LOOK_EVERY)

    async def run_once(self) -> int:
        """Ask the servers that are due; return how many there were."""
        now = self._clock.now()
        async with self._store.reading() as tx:
            subscriptions = [one for one in await tx.subscribers.all() if self._is_asked(one)]
            known = await tx.servers.all({one.server for one in subscriptions})
        due = {
            one.server: hosts.origin(one.actor)
            for one in subscriptions
            if one.server not in known or known[one.server].due_at <= now
        }
        async with asyncio.TaskGroup() as tasks:
            for server, origin in due.items():
                tasks.create_task(self._ask(server, origin))
        if due:
            self._signals.enforcement.set()
        return len(due)

    def _is_asked(self, subscription: Subscription) -> bool:
        return subscription.state in _ASKED and not self._blocks.blocked(subscription.server)

    async def _ask(self, server: str, origin: str) -> None:
        async with self._slots:
            try:
                found, error = await self._software(origin), ""
            except RelayError as problem:
                found, error = None, f"{problem.code}: {problem}"
        now, spread = self._clock.now(), 0.9 + 0.2 * self._clock.jitter()
        async with self._store.transaction() as tx:
            await tx.servers.seen(server, now)
            if error:
                await tx.servers.unanswered(server, due_at=now + AGAIN * spread, error=error)
            else:
                await tx.servers.runs(server, found, at=now, due_at=now + WEEK * spread)

    async def _software(self, origin: str) -> Software | None:
        address = nodeinfo_address(await self._document(f"{origin}/.well-known/nodeinfo"))
        if address is None:
            raise Malformed("the server names no NodeInfo of a known version", code="bad-document")
        return software_in(await self._document(address))

    async def _document(self, url: str) -> object:
        fetched = await self._remote.get(url, accept=_ACCEPT, limit=LIMIT, timeout=TIMEOUT)
        return strictjson.loads(fetched.body)
