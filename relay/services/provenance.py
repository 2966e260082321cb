"""Whose words are these? What an activity itself proves, whoever delivered it.

An integrity proof (FEP-8b32) is looked at first, then a Linked Data signature. What is proven is a meaning, and
recipients read bytes: `Proven.activity` is what was signed and nothing else, `Proven.same` says whether the bytes
say just that.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from relay.domain.activity import parse_activity
from relay.domain.errors import Malformed, Refused, Unauthorized
from relay.protocol.documents import dump
from relay.protocol.ldshape import MAX_BYTES
from relay.protocol.ldsig import Reading, ld_signature, verify_ld
from relay.protocol.proof import integrity_proof, verify_proof
from relay.protocol.unproven import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.activity import Activity
    from relay.domain.intake import StoredKey
    from relay.ports import Canonicalizer, Clock
    from relay.protocol.ldsig import LdSignature
    from relay.protocol.proof import Proof
    from relay.services.keyring import KeyRing

READ_ON_THE_LOOP: Final = 16 * 1024
"""Bytes of a body whose proof is read on the loop; posts are a few thousand."""
Kind: TypeAlias = Literal["ld", "proof"]


@dataclass(frozen=True, slots=True)
class Proven:
    """The activity's actor signed it.

    `actor` owns the key and is the activity's actor. `by` is `ld` or `proof`. After `expires`, in seconds
    since 1970, the bytes must not be forwarded; None: no limit. `activity` is parsed from what was signed:
    decide on it and not on what was received, and never send its `body`. `same`: every property of the bytes
    is signed and means to a reader of plain JSON what it means to one of JSON-LD; only then may the bytes be
    forwarded.
    """

    actor: str
    by: Kind
    key_id: str
    expires: float | None
    activity: Activity
    same: bool


@dataclass(frozen=True, slots=True)
class Unproven:
    """The activity proves nothing by itself; `code` is stable. Announce it or ask its origin."""

    code: str


class Provenance:
    """Checks what activities prove. Safe for concurrent use."""

    def __init__(self, *, keys: KeyRing, canonicalizer: Canonicalizer, clock: Clock) -> None:
        self._keys, self._canonicalizer, self._clock = keys, canonicalizer, clock

    async def check(self, activity: Activity) -> Proven | Unproven:
        """Return who proves to have written an activity, or why nobody does.

        Raises `KeyUnavailable` when a key could not be fetched, so that the sender may try again, and nothing else for
        what others did.
        """
        if not (activity.has_proof or activity.ld_signed):
            return Unproven(Failure.UNSIGNED.code)
        if len(activity.body) > MAX_BYTES:
            return Unproven(Failure.TOO_LARGE.code)
        try:
            found = await self._proof(activity) if activity.has_proof else Failure.UNSIGNED
            if activity.ld_signed and isinstance(found, Failure):
                found = await self._linked_data(activity)
        except (Unauthorized, Refused) as error:
            return Unproven(error.code)
        return Unproven(found.code) if isinstance(found, Failure) else found

    async def _proof(self, activity: Activity) -> Proven | Failure:
        proof = await self._read_proof(activity)
        if isinstance(proof, Failure):
            return proof
        key = await self._keys.key(proof.key_id)
        if not verify_proof(proof, key.pem):
            key = await self._keys.again(key)
            if not verify_proof(proof, key.pem):
                return Failure.PROOF_MISMATCH
        meant = _meant(dump(proof.document), key)
        if isinstance(meant, Failure):
            return meant
        return Proven(key.actor, "proof", key.id, proof.expires, meant, same=True)

    async def _read_proof(self, activity: Activity) -> Proof | Failure:
        """Read on the loop what is small and in a thread what is not, like `receive` does."""
        arguments = activity.document, activity.actor, self._clock.now()
        if len(activity.body) <= READ_ON_THE_LOOP:
            return integrity_proof(*arguments)
        return await asyncio.to_thread(integrity_proof, *arguments)

    async def _linked_data(self, activity: Activity) -> Proven | Failure:
        signature = ld_signature(activity.document, activity.actor, self._clock.now())
        if isinstance(signature, Failure):
            return signature
        first = await self._canonicalizer.read(activity.body, "first")
        if isinstance(first, Failure) and first is not Failure.NOT_LINKED_DATA:
            return first
        key = await self._keys.key(signature.creator)
        readings: list[Reading | Failure] = [first]
        reading = _fitting(signature, readings, key)
        if reading is None:
            readings.append(await self._canonicalizer.read(activity.body, "second"))
            reading = _fitting(signature, readings, key)
        if reading is None:
            key = await self._keys.again(key)
            reading = _fitting(signature, readings, key)
        if reading is None:
            return first if isinstance(first, Failure) else Failure.MISMATCH
        meant = _meant(reading.compacted, key)
        if isinstance(meant, Failure):
            return meant
        return Proven(key.actor, "ld", key.id, signature.expires, meant, same=reading.same)


def _fitting(signature: LdSignature, readings: Sequence[Reading | Failure], key: StoredKey) -> Reading | None:
    """The reading of a document under which the key made the signature."""
    fits = (one for one in readings if isinstance(one, Reading) and verify_ld(signature, one, key.pem))
    return next(fits, None)


def _meant(body: bytes, key: StoredKey) -> Activity | Failure:
    """The activity that was signed; it has to be by the owner of the key."""
    try:
        activity = parse_activity(body)
    except Malformed:
        return Failure.NO_ACTIVITY
    return activity if activity.actor == key.actor else Failure.NOT_OWNER
