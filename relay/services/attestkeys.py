"""The keys of our attestations: rotating them, revoking them, and taking up in a running relay what a command did.

A rotated key stays in the actor until the last attestation made with it has ended, 30 days at most. A revoked one
stays for as long, marked as revoked; what was made with it is retracted, and made anew when it is asked for.
The main key, which signs requests, is not among them: the trust of every server hangs on it, servers keep a copy of it
for a day or for ever, and those would refuse everything that the relay sends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mediaattest import MAX_LIFETIME, IssuerKey
from relay.domain import alertwords
from relay.domain.attestkey import KeyRecord
from relay.domain.errors import Conflict, NotFound
from relay.services.issuingkey import IssuingKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.ports import Clock, Store
    from relay.ports.service import KeyFiles, KeyPair
    from relay.services.alerts import Alerts
    from relay.services.attestations import Attestor
    from relay.services.profile import Profile

LOOK_EVERY: Final = 5.0
LISTED_FOR: Final = MAX_LIFETIME + 24 * 3600.0
"""Seconds for which a key is listed that does not sign any more: as long as any attestation lives, and a day for a
relay that takes a while to notice."""


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key as the operator sees it. `state` is signing, spare, retired or revoked; times are since the epoch."""

    name: str
    state: str
    retired_at: float | None = None
    revoked_at: float | None = None
    listed_until: float | None = None


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys at one time: the one that signs, those of the actor, all of them for the operator."""

    signing: IssuingKey
    published: tuple[IssuerKey, ...]
    all: tuple[ListedKey, ...]


class AttestationKeys:
    """Looks after the keys. `actor` is the relay's actor id."""

    def __init__(self, *, store: Store, clock: Clock, files: KeyFiles, actor: str, alerts: Alerts) -> None:
        self._store, self._clock, self._files, self._actor = store, clock, files, actor
        self._alerts = alerts

    async def records(self) -> list[KeyRecord]:
        """Return the records of keys that are still to be listed."""
        async with self._store.reading() as tx:
            records = await tx.key_records.all()
        now = self._clock.now()
        return [record for record in records if record.listed_until > now]

    async def current(self) -> KeySet:
        """Return the keys as they are now. Makes one when there is none that may sign."""
        async with self._store.reading() as tx:
            records = {record.name: record for record in await tx.key_records.all()}
        active = self._active(records) or [self._add(records)]
        now = self._clock.now()
        listed = [record for record in records.values() if record.listed_until > now]
        return KeySet(
            signing=IssuingKey(self._kid(active[0].name), active[0].private, active[0].name),
            published=(
                *(IssuerKey(self._kid(key.name), self._actor, key.public_raw) for key in active),
                *(self._published(record) for record in listed),
            ),
            all=(
                *(ListedKey(key.name, "spare" if place else "signing") for place, key in enumerate(active)),
                *(_listed(record) for record in listed),
            ),
        )

    async def every(self) -> dict[str, bytes]:
        """Return every key that ever signed, by id, however old or revoked: for what is kept for good."""
        current = await self.current()
        async with self._store.reading() as tx:
            records = await tx.key_records.all()
        known = {self._kid(record.name): record.public for record in records}
        return known | {key.kid: key.public_key for key in current.published}

    async def rotate(self, *, who: str) -> str:
        """Make a new key that signs from now on; return its name. All others are retired."""
        async with self._store.reading() as tx:
            records = {record.name: record for record in await tx.key_records.all()}
        old = self._active(records)
        new = self._add(records)  # it is on the disk before anybody hears of it
        now = self._clock.now()
        async with self._store.transaction() as tx:
            for key in old:
                await tx.key_records.save(KeyRecord(key.name, key.public_raw, now, None, now + LISTED_FOR))
            await tx.subscribers.audit(
                at=now, who=who, action="key-rotated", subject=self._kid(new.name), detail=""
            )
            await self._alerts.note(tx, alertwords.key_rotated(new.name, who))
        return new.name

    async def revoke(self, name: str, *, who: str, note: str | None) -> int:
        """Revoke a key that somebody else may have; return how many attestations were retracted.

        When it signs, a new one does from now on. Raises `NotFound`, or `Conflict` when it is revoked already.
        """
        async with self._store.reading() as tx:
            records = {record.name: record for record in await tx.key_records.all()}
        active = self._active(records)
        now = self._clock.now()
        known = records.get(name)
        if known is not None and known.revoked_at is not None:
            raise Conflict(f"{name} is revoked already")
        if known is None:
            found = next((key for key in active if key.name == name), None)
            if found is None:
                raise NotFound(f"there is no attestation key {name}")
            known = KeyRecord(name, found.public_raw, None, None, 0.0)
        if active and active[0].name == name:
            self._add(records)
        async with self._store.transaction() as tx:
            await tx.key_records.save(replace(known, revoked_at=now, listed_until=now + LISTED_FOR))
            retracted = await tx.media.retract_key(name, now)
            await tx.subscribers.audit(
                at=now, who=who, action="key-revoked", subject=self._kid(name), detail=note or ""
            )
            await self._alerts.note(tx, alertwords.key_revoked(name, retracted, who))
        self._files.remove(name)  # it is of no use to anybody but a thief
        return retracted

    async def retract_revoked(self, records: Sequence[KeyRecord]) -> None:
        """Retract what was still made with a revoked key before the relay heard of it."""
        revoked = [record.name for record in records if record.revoked_at is not None]
        if revoked:
            async with self._store.transaction() as tx:
                for name in revoked:
                    await tx.media.retract_key(name, self._clock.now())

    def _active(self, records: dict[str, KeyRecord]) -> list[KeyPair]:
        return [key for key in self._files.attestation(now=self._clock.now()) if key.name not in records]

    def _add(self, records: dict[str, KeyRecord]) -> KeyPair:
        return self._files.add(now=self._clock.now(), taken=records)

    def _kid(self, name: str) -> str:
        return f"{self._actor}#{name}"

    def _published(self, record: KeyRecord) -> IssuerKey:
        revoked = None if record.revoked_at is None else int(record.revoked_at)
        expires = int(record.listed_until) if revoked is None else None
        return IssuerKey(self._kid(record.name), self._actor, record.public, expires, revoked)


class KeyWatch:
    """Takes up what a command did to the keys while the relay runs."""

    def __init__(self, *, keys: AttestationKeys, clock: Clock, attestor: Attestor, profile: Profile) -> None:
        self._keys, self._clock, self._attestor, self._profile = keys, clock, attestor, profile
        self._records: list[KeyRecord] | None = None

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self.run_once()
            await self._clock.sleep(LOOK_EVERY)

    async def run_once(self) -> bool:
        """Look once; return whether the keys changed."""
        records = await self._keys.records()
        if records == self._records:
            return False
        first, self._records = self._records is None, records
        current = await self._keys.current()
        changed = current.signing.kid != self._attestor.key.kid or not first
        self._attestor.key = current.signing
        self._profile.publish(current.published)
        await self._keys.retract_revoked(records)
        return changed


def _listed(record: KeyRecord) -> ListedKey:
    state = "retired" if record.revoked_at is None else "revoked"
    return ListedKey(record.name, state, record.retired_at, record.revoked_at, record.listed_until)
