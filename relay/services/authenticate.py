"""Who sent this request: HTTP signature, the key it names, and whose key that is.

The rules are protocol.md 3.2. Whatever needs no key is decided before anything is fetched; a key that does not fit is
fetched again once, because its owner may have a new one; failures are remembered, so that requests naming a dead
host cost one fetch and not one each (CVE-2026-34148).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.domain import hosts
from relay.domain.errors import KeyUnavailable, Malformed, Refused, RemoteError, Unauthorized
from relay.domain.intake import StoredKey
from relay.protocol import httpsig
from relay.protocol.actors import KeyFound, NeedsOwner, key_in, key_of_owner
from relay.services.memory import Remembered
from relay.services.singleflight import SingleFlight

if TYPE_CHECKING:
    from relay.domain.activity import Activity
    from relay.domain.actor import ActorKey
    from relay.ports import Clock, Store
    from relay.protocol.httpsig import SignedRequest
    from relay.services.blocks import Blocks
    from relay.services.fetch import Fetcher

KEY_AGE: Final = 24 * 3600.0
"""Seconds for which a fetched key is used without looking again (protocol.md 3.2)."""
REFETCH_EVERY: Final = 300.0
"""Seconds between two looks at a key whose signatures do not verify."""
WINDOW: Final = 2.5 * 3600.0
"""Seconds for which a signature is remembered: longer than any date is accepted."""


@dataclass(frozen=True, slots=True)
class Sender:
    """The actor whose key signed a request. `replayed`: this very signature was acted on before."""

    actor: str
    server: str
    key_id: str
    replayed: bool
    fingerprint: bytes


class SenderGone(Unauthorized):
    """The sender's key is gone for good (410)."""

    code = "key-gone"


class Authenticator:
    """Authenticates requests. `host_names` are the relay's own names as they stand in Host headers."""

    def __init__(
        self,
        *,
        store: Store,
        fetcher: Fetcher,
        clock: Clock,
        blocks: Blocks,
        host_names: frozenset[str],
        allow_http: bool,
    ) -> None:
        self._store, self._fetcher, self._clock, self._blocks = store, fetcher, clock, blocks
        self._host_names, self._allow_http = host_names, allow_http
        self._keys: Remembered[StoredKey] = Remembered(clock, seconds=3600.0, most=20_000)
        self._looked: Remembered[bool] = Remembered(clock, seconds=REFETCH_EVERY, most=20_000)
        self._flights: SingleFlight[StoredKey] = SingleFlight()
        self._acted: Remembered[bool] = Remembered(clock, seconds=WINDOW, most=200_000)

    async def authenticate(self, request: SignedRequest, activity: Activity | None = None) -> Sender:
        """Return who sent a request. With an activity its actor must own the key.

        Raises `Malformed` (400), `Unauthorized` (401), `Refused` (blocked), `KeyUnavailable` (try again).
        """
        signature = httpsig.inspect(request, now=self._clock.now(), hosts=self._host_names)
        if isinstance(signature, httpsig.Failure):
            error = Malformed if signature.status == 400 else Unauthorized
            raise error(signature.sentence, code=signature.code)
        self._check_key_id(signature.key_id)
        key = await self._key(signature.key_id)
        if not httpsig.verify(signature, request, key.pem):
            key = await self._again(key)
            if not httpsig.verify(signature, request, key.pem):
                raise Unauthorized("The signature does not verify.", code="bad-signature")
        if activity is not None and key.actor != activity.actor:
            # CVE-2025-54888: a valid signature by somebody else proves nothing about this activity.
            raise Unauthorized("The key does not belong to the activity's actor.", code="wrong-actor")
        fingerprint = hashlib.sha256(signature.key_id.encode() + b"\0" + signature.value).digest()
        replayed = self._acted.get(fingerprint) is not None
        return Sender(key.actor, hosts.server_name(key.actor), key.id, replayed, fingerprint)

    def acted_on(self, sender: Sender) -> None:
        """Remember that a request was carried out: the same signature is not acted on again.

        Called after the commit: a sender whose request failed may send the very same one again.
        """
        self._acted.put(sender.fingerprint, True)

    def _check_key_id(self, key_id: str) -> None:
        try:
            hosts.check_url(key_id, allow_http=self._allow_http, allow_fragment=True)
            server = hosts.server_name(key_id)
        except Malformed as error:
            raise Unauthorized(str(error), code="malformed-key-id") from error
        if self._blocks.blocked(server):
            raise Refused("This server is blocked here.", code="blocked")

    async def _key(self, key_id: str) -> StoredKey:
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

    def _is_old(self, key: StoredKey) -> bool:
        return self._clock.now() - key.fetched_at > KEY_AGE

    async def _first(self, key_id: str) -> StoredKey:
        """Fetch a key unless another request brought it while this one looked into the store."""
        key = self._keys.get(key_id)
        return await self._fetch(key_id) if key is None or self._is_old(key) else key

    async def _again(self, key: StoredKey) -> StoredKey:
        """Fetch a key once more when it was not fetched just now, at most every five minutes per actor."""
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
                raise SenderGone("The key is gone.") from error
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
        found = key_in(document, key_id)
        if isinstance(found, NeedsOwner):
            document = await self._fetcher.document(found.owner)
            found = key_of_owner(document, key_id, found.owner)
        if not isinstance(found, KeyFound):
            raise RemoteError(f"no such key there: {found.value}", code="bad-document", temporary=False)
        await self._fetcher.keep(document)
        return found.key
