"""Telling people: an alert is stored in the transaction of what happened, and sent by `relay.services.alertpost`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain import alertwords
from relay.domain.errors import NotFound
from relay.domain.log import ActivityState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.alerts import Alert, ChannelRules, MessageRecord
    from relay.domain.intake import Settled
    from relay.ports import Clock, Store, Tx
    from relay.services.signals import Signals


class Alerts:
    """Notes alerts for the channels that want them. `channels` may be replaced while running."""

    def __init__(
        self, *, store: Store, clock: Clock, signals: Signals, channels: Sequence[ChannelRules]
    ) -> None:
        self._store, self._clock, self._signals = store, clock, signals
        self.channels = tuple(channels)

    async def note(self, tx: Tx, alert: Alert) -> None:
        """Store an alert for every channel that takes its kind or is named by it, in the caller's transaction.

        It is sent within a second of the commit, or summed up with others of its kind when the channel had one of
        them a short while ago. Nothing happens without such a channel.
        """
        now = self._clock.now()
        for channel in self.channels:
            if channel.takes(alert):
                await tx.alerts.add(
                    channel.name, alert, key=self._clock.new_id(), at=now, quiet=channel.quiet
                )
        # Nothing is committed yet: whoever wakes too early looks again a second later.
        self._signals.alerts.set()

    async def decided(self, tx: Tx, seq: int, settled: Settled) -> None:
        """Note what was decided about an activity: that it is held, or that its rule has somebody told.

        In the transaction of the decision, after it.
        """
        if not self.channels or settled.brake is not None:  # of a brake there is an alert of its own
            return
        decision = settled.decision
        hold = await tx.activities.open_hold_of(seq) if settled.state is ActivityState.HELD else None
        if hold is not None:
            await self.note(tx, alertwords.held(hold, decision))
        elif decision.tell:
            await self.note(tx, alertwords.ruled(seq, decision))

    # ------------------------------------------------------------------ for the operator

    async def recent(self, most: int) -> list[MessageRecord]:
        """Return the newest messages, newest first."""
        async with self._store.reading() as tx:
            return await tx.alerts.recent(most)

    async def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Count the messages of the last month by channel and state; channels that had none are missing."""
        async with self._store.reading() as tx:
            return await tx.alerts.counts()

    async def retry(self, channel: str | None) -> int:
        """Try everything now that waits or was given up; return the number of messages. Raises `NotFound`."""
        if channel is not None:
            self.named(channel)
        async with self._store.transaction() as tx:
            number = await tx.alerts.hurry(channel, self._clock.now())
        self._signals.alerts.set()
        return number

    def named(self, name: str) -> ChannelRules:
        """Return a configured channel. Raises `NotFound`."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        raise NotFound(f'no channel "{name}" is configured under `alerts.channels`')
