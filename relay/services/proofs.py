"""Whether bytes may be passed on as they are: they carry their actor's proof, and mean to everybody what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain.attachments import flat
from relay.domain.errors import Busy, KeyUnavailable
from relay.domain.log import Proof, Proven
from relay.protocol.ldsig import moment
from relay.protocol.unproven import Failure
from relay.services import provenance

if TYPE_CHECKING:
    from relay.domain.activity import Activity
    from relay.ports import Clock
    from relay.services.provenance import Provenance

AHEAD: Final = 3600.0
"""Seconds by which the clock of whoever signed may be ahead."""
AT_ONCE: Final = 64
"""Proofs that are looked at or wait for it: a tenth of a second of work or so. More are not waited for."""

_NOT_LOOKED_AT: Final = frozenset({Failure.TOO_SLOW.code, Failure.CRASHED.code})
"""No answer, which says nothing about the proof: the process was killed, perhaps because the machine is busy."""


class Proofs:
    """Looks for proofs. What is older than `memory` seconds proves nothing any more when others bring it."""

    def __init__(self, found: Provenance, clock: Clock, *, memory: float) -> None:
        self._provenance, self._clock, self._memory = found, clock, memory
        self._looking = 0

    async def of(self, activity: Activity) -> Proven | None:
        """How the bytes of an activity are proven that its own actor sent; None when they are not, or not now.

        Under load proofs are left alone: what is not proven is announced, and nobody has to wait.
        """
        try:
            return await self.look(activity)
        except (KeyUnavailable, Busy):
            return None

    async def passed_on(self, activity: Activity) -> Proven | None:
        """How an activity is proven that somebody else brings. Raises `KeyUnavailable`, `Busy`: try again.

        Old proofs do not count: what keeps a post from being relayed twice is remembered only so long.
        """
        now = self._clock.now()
        made = _made_at(activity)
        if made is None or not now - self._memory <= made <= now + AHEAD:
            return None
        return await self.look(activity)

    async def look(self, activity: Activity) -> Proven | None:
        """How an activity is proven that its own actor sent. Raises `KeyUnavailable`, `Busy`: try again."""
        if self._looking >= AT_ONCE:
            raise Busy("too many proofs are waiting to be checked")
        self._looking += 1
        try:
            found = await self._provenance.check(activity)
        finally:
            self._looking -= 1
        if isinstance(found, provenance.Unproven):
            if found.code in _NOT_LOOKED_AT:
                raise Busy("a proof could not be checked in time")
            return None
        return Proven(Proof(found.by), found.expires) if found.same else None


def _made_at(activity: Activity) -> float | None:
    """When the signature or proof says it was made, in seconds since 1970."""
    for name in ("proof", "signature"):
        for member in flat(activity.document.get(name)):
            created = moment(member.get("created")) if isinstance(member, dict) else None
            if created is not None:
                return created
    return None
