"""Status lists: those that say which of our attestations were retracted, and those of the issuers that we trust.

Ours have a fixed size, and an attestation gets an index drawn from all of it, so an index tells neither when nor for
whom it was issued; they are served to everybody as a whole. Those of others are fetched as a whole too, when they are
due and never because of one file: an issuer learns that we use its list, not what we looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mediaattest import (
    STATUS_LIST_TYPE,
    Attestation,
    Status,
    StatusList,
    StatusReference,
    read_status_list,
    write_status_list,
)
from relay.domain import hosts
from relay.domain.errors import NotFound, RemoteError
from relay.services.memory import Remembered

if TYPE_CHECKING:
    from relay.ports import Clock, Remote, Store, Tx
    from relay.services.fetch import Fetcher
    from relay.services.identity import Identity
    from relay.services.issuingkey import IssuingKey

SIZE: Final = 2**17
"""Indexes of one of our lists: 16 KiB, and much less on the wire while few are retracted."""
FULL: Final = SIZE // 2
"""Used indexes after which the next list is opened: until then a free one is found in two draws on average."""
LIFETIME: Final = 24 * 3600
TTL: Final = 3600
"""Seconds for which one of our lists may be used, and after which it should be fetched again."""
MADE_EVERY: Final = 300.0
"""Seconds between two makings of a list: also the delay with which a retraction shows."""

MEDIA_TYPE: Final = f"application/{STATUS_LIST_TYPE}"
LIMIT: Final = 1024 * 1024
TIMEOUT: Final = 10.0
ACTOR_AGE: Final = 6 * 3600.0
LOOK_EVERY: Final = 60.0
SOONEST: Final = 300.0
LATEST: Final = 24 * 3600.0
"""Bounds of an issuer's `ttl`, in seconds; without one a list is fetched every hour."""
FAILED_FOR: Final = 600.0
MOST: Final = 64
"""Lists of others that are kept."""
KEPT: Final = 30 * 24 * 3600.0
"""Seconds for which a list is kept up to date that no attestation names any more."""


class OwnStatusLists:
    """Draws indexes for our attestations and makes the lists."""

    def __init__(self, store: Store, clock: Clock, identity: Identity) -> None:
        self._store, self._clock, self._identity = store, clock, identity
        self._made: Remembered[str] = Remembered(clock, seconds=MADE_EVERY, most=256)

    async def draw(self, tx: Tx, digest: str, key: str, expires_at: float) -> StatusReference:
        """Take a free index for an attestation."""
        number, used = await tx.status_indexes.newest()
        if used >= FULL:
            number += 1
        while True:
            index = int.from_bytes(self._clock.token(4), "big") % SIZE
            if await tx.status_indexes.take(number, index, digest=digest, key=key, expires_at=expires_at):
                return StatusReference(self._uri(number), index)

    async def token(self, number: int, key: IssuingKey) -> str:
        """Return a list, signed with a key. Raises `NotFound` when no attestation that counts is in it."""
        made = self._made.get((number, key.kid))
        if made is not None:
            return made
        async with self._store.reading() as tx:
            retracted = await tx.status_indexes.retracted(number)
        if retracted is None:
            raise NotFound("There is no such status list.")
        made = write_status_list(
            private_key=key.private,
            kid=key.kid,
            issuer=self._identity.actor,
            uri=self._uri(number),
            size=SIZE,
            revoked=retracted,
            now=int(self._clock.now()),
            lifetime=LIFETIME,
            ttl=TTL,
        )
        self._made.put((number, key.kid), made)
        return made

    def _uri(self, number: int) -> str:
        return f"{self._identity.url}/status-lists/{number}"


@dataclass(slots=True)
class _Followed:
    """A list of somebody else: whose, what was read last, when to fetch it again, when it was asked for last."""

    issuer: str
    due_at: float
    asked_at: float
    found: StatusList | None = None
    usable_until: float = 0.0


class StatusLists:
    """Keeps the lists that attestations of trusted issuers name."""

    def __init__(self, *, remote: Remote, fetcher: Fetcher, clock: Clock) -> None:
        self._remote, self._fetcher, self._clock = remote, fetcher, clock
        self._lists: dict[str, _Followed] = {}

    def status(self, attestation: Attestation) -> Status:
        """Say what is known of an attestation. A list that was not named before is fetched later, not now."""
        reference, now = attestation.status, self._clock.now()
        if reference is None:
            return Status.STANDING
        if not hosts.same_origin(reference.uri, attestation.issuer):
            return Status.UNAVAILABLE
        followed = self._lists.get(reference.uri)
        if followed is None:
            if len(self._lists) < MOST:
                self._lists[reference.uri] = _Followed(attestation.issuer, now, now)
            return Status.UNAVAILABLE
        followed.asked_at = now
        if followed.found is None or followed.usable_until <= now:
            return Status.UNAVAILABLE
        return followed.found.status(reference.index, now=int(now))

    async def run(self) -> None:
        """Fetch what is due until cancelled."""
        while True:
            await self.run_once()
            await self._clock.sleep(LOOK_EVERY)

    async def run_once(self) -> int:
        """Fetch every list that is due; return how many."""
        now = self._clock.now()
        self._lists = {uri: one for uri, one in self._lists.items() if now - one.asked_at < KEPT}
        due = [(uri, one) for uri, one in self._lists.items() if one.due_at <= now]
        for uri, followed in due:
            await self._renew(uri, followed)
        return len(due)

    async def _renew(self, uri: str, followed: _Followed) -> None:
        found = await self._fetch(uri, followed.issuer)
        now = self._clock.now()
        if found is None:
            followed.due_at = now + FAILED_FOR  # until it ends what was read last is better than nothing
            return
        ttl = min(max(float(found.ttl or TTL), SOONEST), LATEST)
        followed.found, followed.due_at = found, now + ttl
        followed.usable_until = now + LATEST + ttl

    async def _fetch(self, uri: str, issuer: str) -> StatusList | None:
        try:
            fetched = await self._remote.get(uri, accept=MEDIA_TYPE, limit=LIMIT, timeout=TIMEOUT)
            actor = await self._fetcher.actor_document(issuer, max_age=ACTOR_AGE)
        except RemoteError:
            return None
        token = fetched.body.decode("ascii", "replace")
        return read_status_list(token, uri=uri, issuer=issuer, actor=actor, now=int(self._clock.now()))
