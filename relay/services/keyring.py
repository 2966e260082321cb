"""Public keys of other servers by their ids: fetched once, kept, renewed, and whose they are.

A key that does not fit is fetched again, because its owner may have a new one; failures are remembered, so that
requests naming a dead host cost one fetch and not one each (CVE-2026-34148).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain import hosts
from relay.domain.errors import KeyUnavailable, Malformed, Refused, RemoteError, Unauthorized
from relay.domain.intake import StoredKey
from relay.protocol.actors import KeyFound, NeedsOwner, key_in, key_of_owner
from relay.services.memory import Remembered
from relay.services.singleflight import SingleFlight

if TYPE_CHECKING:
    from relay.domain.actor import ActorKey
    from relay.ports import Clock, Store
    from relay.services.blocks import Blocks
    from relay.services.fetch import Fetcher

KEY_AGE: Final = 24 * 3600.0
"""Seconds for which a fetched key is used without looking again (protocol.md 3.2)."""
REFETCH_EVERY: Final = 300.0
"""Seconds between two looks at a key whose signatures do not verify."""


class KeyGone(Unauthorized):
    """The key, or the account that it belonged to, is gone for good (410)."""

    code = "key-gone"


class KeyRing:
    """Finds keys. Safe for concurrent use: one fetch per key, however many ask."""

    def __init__(
        self, *, store: Store, fetcher: Fetcher, clock: Clock, blocks: Blocks, allow_http: bool
    ) -> None:
        self._store, self._fetcher, self._clock, self._blocks = store, fetcher, clock, blocks
        self._allow_http = allow_http
        self._keys: Remembered[StoredKey] = Remembered(clock, seconds=3600.0, most=20_000)
        self._looked: Remembered[bool] = Remembered(clock, seconds=REFETCH_EVERY, most=20_000)
        self._flights: SingleFlight[StoredKey] = SingleFlight()

    async def key(self, key_id: str) -> StoredKey:
        """Return the key with this id and its proven owner.

        Raises `Unauthorized` (no such key; `KeyGone`), `Refused` (blocked), `KeyUnavailable` (try again).
        """
        self._check(key_id)
        key = self._keys.get(key_id)
        if key is None:
            async with self._store.reading() as tx:
                key = await tx.subscribers.key(key_id)
            if key is not None:
                self._keys.put(key_id, key)
        if key is not None and not self._is_old(key):
            return key
        try:
            return await self._flights.run(key_id, lambda: self._first(key_id))
        except KeyUnavailable:
            if key is None:
                raise
            return key  # an old key is better than none while its server cannot be asked

    def _check(self, key_id: str) -> None:
        try:
            hosts.check_url(key_id, allow_http=self._allow_http, allow_fragment=True)
            server = hosts.server_name(key_id)
        except Malformed as error:
            raise Unauthorized(str(error), code="malformed-key-id") from error
        if self._blocks.blocked(server):
            raise Refused("This server is blocked here.", code="blocked")

    def _is_old(self, key: StoredKey) -> bool:
        return self._clock.now() - key.fetched_at > KEY_AGE

    async def _first(self, key_id: str) -> StoredKey:
        """Fetch a key unless another request brought it while this one looked into the store."""
        key = self._keys.get(key_id)
        return await self._fetch(key_id) if key is None or self._is_old(key) else key

    async def again(self, key: StoredKey) -> StoredKey:
        """Fetch a key once more that does not fit: not when it was fetched just now, at most every five minutes."""
        fresh = self._clock.now() - key.fetched_at < 1.0
        if fresh or self._looked.get(key.actor) is not None:
            return key
        self._looked.put(key.actor, True)
        try:
            return await self._fetch(key.id)
        except (KeyUnavailable, Unauthorized):
            return key

    async def _fetch(self, key_id: str) -> StoredKey:
        try:
            found = await self._resolve(key_id)
        except RemoteError as error:
            if error.status == 410:
                raise KeyGone("The key is gone.") from error
            if error.temporary:
                raise KeyUnavailable(f"The key could not be fetched: {error}") from error
            raise Unauthorized(f"The key could not be had: {error}", code="no-key") from error
        if self._blocks.blocked(hosts.server_name(found.owner)):
            raise Refused("This server is blocked here.", code="blocked")
        key = StoredKey(key_id, found.owner, found.pem, self._clock.now())
        async with self._store.transaction() as tx:
            await tx.subscribers.save_key(key)
        self._keys.put(key_id, key)
        return key

    async def _resolve(self, key_id: str) -> ActorKey:
        """Find a key by its id: in the actor's document, or in a document of its own whose owner lists it back."""
        document = await self._fetcher.document(key_id)
        now = self._clock.now()
        found = key_in(document, key_id, now=now)
        if isinstance(found, NeedsOwner):
            document = await self._fetcher.document(found.owner)
            found = key_of_owner(document, key_id, found.owner, now=now)
        if not isinstance(found, KeyFound):
            raise RemoteError(f"no such key there: {found.value}", code="bad-document", temporary=False)
        await self._fetcher.keep(document)
        return found.key
