"""How long accounts have existed: what their own documents say, else since when they are known here.

Mastodon and most others write `published` into the actor document; Misskey does not. What an actor says of itself is
believed as far as its server is: a server that came here only now, to a relay that has been there for longer, may say
what it likes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from relay.domain import strictjson
from relay.services.memory import Remembered

if TYPE_CHECKING:
    from relay.ports import Clock, Store

MOST: Final = 20_000
REMEMBERED_FOR: Final = 3600.0
UNWRITTEN: Final = 2_000
"""Accounts seen for the first time that are kept in memory until they are written."""


class Accounts:
    """Tells since when accounts exist. `young`: seconds for which one is new."""

    def __init__(self, store: Store, clock: Clock, *, young: float) -> None:
        self._store, self._clock, self.young = store, clock, young
        self._since: Remembered[float] = Remembered(clock, seconds=REMEMBERED_FOR, most=MOST)
        self._unwritten: dict[str, float] = {}
        self._began: float | None = None

    async def is_new(self, actor: str, *, server_known_for: float | None = None) -> bool:
        """Whether an account is new. `server_known_for`: seconds since its server came; None to leave that out."""
        now = self._clock.now()
        if now - await self._exists_since(actor) < self.young:
            return True
        if server_known_for is None or server_known_for >= self.young:
            return False
        # While the relay itself is new every server is, and that tells nothing.
        return now - server_known_for - await self._begun() >= self.young

    async def flush(self) -> None:
        """Write down who was seen for the first time."""
        if not self._unwritten:
            return
        seen, self._unwritten = self._unwritten, {}
        async with self._store.transaction() as tx:
            await tx.brakes.see_accounts(seen)

    async def _exists_since(self, actor: str) -> float:
        since = self._since.get(actor)
        if since is None:
            since = await self._look(actor)
            self._since.put(actor, since)
        return since

    async def _look(self, actor: str) -> float:
        now = self._clock.now()
        async with self._store.reading() as tx:
            stored = await tx.subscribers.actor(actor)
            said = None if stored is None else written_at(strictjson.loads(stored[0]))
            seen = await tx.brakes.account_seen(actor) if said is None else None
        if said is not None:
            return said
        if seen is None:
            seen = self._unwritten.get(actor, now)
            if len(self._unwritten) < UNWRITTEN:
                self._unwritten[actor] = seen
        return seen

    async def _begun(self) -> float:
        """When this relay heard of any server for the first time."""
        if self._began is None:
            async with self._store.reading() as tx:
                self._began = await tx.brakes.first_server()
        return self._clock.now() if self._began is None else self._began


def written_at(document: object) -> float | None:
    """The `published` of a document, in seconds since the epoch; None when it has none that can be read."""
    value = document.get("published") if isinstance(document, dict) else None
    try:
        found = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
