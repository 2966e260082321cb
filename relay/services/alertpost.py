"""Sends alerts: each message is retried for days, longer and longer apart, and what is given up is on record.

A message keeps its key at every attempt, so that a receiver can drop what came twice. While one is on its way, what
happens meanwhile is summed up in the next: a channel that was away for a day gets two messages of a kind and not a
hundred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain.alerts import Answer
from relay.domain.delivery import backoff
from relay.domain.errors import RemoteError
from relay.services.leased import LeasedWork

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.alerts import Message
    from relay.ports import Clock, Store
    from relay.ports.alerts import Channel
    from relay.services.signals import Signals
    from relay.services.tally import Tally

GIVE_UP_AFTER: Final = 3 * 24 * 3600.0
"""Seconds from the first attempt after which a message is given up."""
LEASE: Final = 60.0
AT_ONCE: Final = 2
COUNTED: Final = "alerts"
"""The name of the counter; its labels are `sent`, `failed` and `given-up`."""


class AlertPost:
    """Sends the messages that are due. `channels` may be replaced while running."""

    def __init__(
        self, *, store: Store, clock: Clock, signals: Signals, tally: Tally, channels: Sequence[Channel]
    ) -> None:
        self._store, self._clock, self._tally = store, clock, tally
        self.channels: Mapping[str, Channel] = {channel.name: channel for channel in channels}
        self._due = LeasedWork(
            lambda message: f"alert message {message.id}",
            lambda tx: tx.alerts,
            self._send,
            store=store,
            clock=clock,
            wakeup=signals.alerts,
            lease=LEASE,
            at_once=AT_ONCE,
        )

    async def run(self) -> None:
        """Send until cancelled."""
        await self._due.run()

    async def run_once(self) -> int:
        """Send everything that is due; return the number of messages."""
        return await self._due.run_once()

    async def _send(self, message: Message) -> None:
        channel = self.channels.get(message.channel)
        if channel is None:
            await self._give_up(message, "there is no such channel any more")
            return
        try:
            answer = await channel.send(message)
        except RemoteError as error:
            answer = Answer(accepted=False, detail=f"{error.code}: {error}", retry_after=error.retry_after)
        now = self._clock.now()
        if answer.accepted:
            async with self._store.transaction() as tx:
                await tx.alerts.sent(message.id, now)
            self._tally.add(COUNTED, "sent")
        elif now - message.sealed_at > GIVE_UP_AFTER:
            await self._give_up(message, answer.detail)
        else:
            rest = backoff(message.attempts, self._clock.jitter(), answer.retry_after)
            async with self._store.transaction() as tx:
                await tx.alerts.delay(message.id, now + rest, answer.detail)
            self._tally.add(COUNTED, "failed")

    async def _give_up(self, message: Message, error: str) -> None:
        async with self._store.transaction() as tx:
            await tx.alerts.give_up(message.id, self._clock.now(), error)
        self._tally.add(COUNTED, "given-up")
