"""Our own messages to single servers: Accept, Reject, Follow, Undo and recalls, each retried for days.

A lost Accept leaves an admin with "waiting for approval" for ever (relays.md C9), so a letter is kept until it
arrives, its inbox says 410, or a week has passed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from relay.domain.delivery import Verdict, backoff, verdict
from relay.domain.errors import RemoteError

if TYPE_CHECKING:
    from relay.domain.intake import Letter
    from relay.ports import Clock, Store
    from relay.services.recalls import Recalls
    from relay.services.signals import Signals
    from relay.services.signing import Signing

GIVE_UP_AFTER: Final = 7 * 24 * 3600.0
LEASE: Final = 120.0
AT_ONCE: Final = 16
TIMEOUT: Final = 15.0
LOOK_EVERY: Final = 5.0


class Letters:
    """Sends the letters that are due."""

    def __init__(
        self, *, store: Store, signing: Signing, clock: Clock, signals: Signals, recalls: Recalls
    ) -> None:
        self._store, self._signing, self._clock, self._signals = store, signing, clock, signals
        self._recalls = recalls

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            if not await self.run_once():
                await self._signals.letters.wait(LOOK_EVERY)

    async def run_once(self) -> int:
        """Try the letters that are due; return how many there were."""
        now = self._clock.now()
        async with self._store.reading() as tx:
            due = await tx.subscribers.next_letter()
        if due is None or due > now:
            return 0
        async with self._store.transaction() as tx:
            letters = await tx.subscribers.claim_letters(now=now, until=now + LEASE, most=AT_ONCE)
        by_actor: dict[str, list[Letter]] = {}
        for letter in sorted(letters, key=lambda one: one.id):
            by_actor.setdefault(letter.actor, []).append(letter)
        async with asyncio.TaskGroup() as tasks:
            for theirs in by_actor.values():
                tasks.create_task(self._send_in_order(theirs))
        return len(letters)

    async def _send_in_order(self, letters: list[Letter]) -> None:
        """An Accept arrives before the Follow that comes with it."""
        for letter in letters:
            await self._send(letter)

    async def _send(self, letter: Letter) -> None:
        retry_after = None
        try:
            posted = await self._signing.post(letter.inbox, letter.body, TIMEOUT)
            what = verdict(posted.status, misdated=posted.misdated)
            error, retry_after = posted.error, posted.retry_after
        except RemoteError as failure:
            what, error = Verdict.RETRY, f"{failure.code}: {failure}"
        now = self._clock.now()
        old = now - letter.created_at > GIVE_UP_AFTER
        async with self._store.transaction() as tx:
            await self._recalls.tried(tx, letter, what, error, now, old=old)
            if what in {Verdict.DELIVERED, Verdict.GONE} or old:
                await tx.subscribers.drop_letter(letter.id)
            else:
                rest = backoff(letter.attempts, self._clock.jitter(), retry_after)
                await tx.subscribers.delay_letter(letter.id, now + rest, error)
