"""Takes changed blocks into use in the running relay, and lets them reach subscribers.

A subscriber that becomes blocked, or turns out to run software that is not wanted, is suspended with the reason; when
the reason ends it is what it was before, unless the operator has suspended it. Whatever waits of it is dropped when it
is screened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain.moderation import Cause
from relay.domain.software import banned_by
from relay.domain.subscription import Command, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.domain.moderation import Known
    from relay.domain.subscription import Subscription
    from relay.ports import Clock, Store
    from relay.services.blocks import Blocks
    from relay.services.signals import Signals
    from relay.services.subscribers import Subscribers

LOOK_EVERY: Final = 2.0
COUNT_EVERY: Final = 60.0
WHO: Final = "relay"
"""Who suspends and resumes, on record, when nobody gave a command."""

_REACHED: Final = frozenset({State.PENDING, State.ACCEPTED, State.UNREACHABLE})


class Enforcement:
    """Keeps blocks fresh and subscriptions in line with them. `banned` may be replaced while running.

    `leads` tells whether this process is the one that looks at subscriptions; blocks are for all.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        signals: Signals,
        blocks: Blocks,
        subscribers: Subscribers,
        banned: Sequence[str],
    ) -> None:
        self._store, self._clock, self._signals = store, clock, signals
        self._blocks, self._subscribers = blocks, subscribers
        self.banned = tuple(banned)
        self.leads: Callable[[], bool] = lambda: True
        self._version = -1
        self._swept = False
        self._counted_at = float("-inf")

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.run_once()
            await self._signals.enforcement.wait(LOOK_EVERY)

    async def run_once(self) -> bool:
        """Look once; return whether subscriptions were looked at, because something changed."""
        changed = await self._blocks.load(self._store)
        if not self.leads():
            self._swept = False  # whoever comes to lead begins by looking
            await self._count()
            return False
        async with self._store.reading() as tx:
            version = await tx.subscribers.version()
        asked = self._signals.enforcement.take()
        sweeps = changed or asked or not self._swept or version != self._version
        if sweeps:
            await self.sweep()
            self._swept = True
            async with self._store.reading() as tx:
                self._version = await tx.subscribers.version()
        await self._count()
        return sweeps

    async def sweep(self) -> None:
        """Suspend whoever is not wanted, and resume whoever was suspended for a reason that is over."""
        async with self._store.reading() as tx:
            subscriptions = await tx.subscribers.all()
            suspended = await tx.blocking.suspensions()
            known = await tx.servers.all({one.server for one in subscriptions})
        for one in subscriptions:
            judged = self._judge(one, known)
            held = suspended.pop(one.id, None)
            if held is None and judged is not None and one.state in _REACHED:
                await self._stop(one, *judged)
            elif held is not None and (judged is None or one.state is not State.SUSPENDED):
                await self._subscribers.restore(one.actor, who=WHO)
            elif held is not None and judged is not None and judged[1] != one.reason:
                await self._subscribers.interrupt(one.actor, *judged, who=WHO)
        if suspended:
            async with self._store.transaction() as tx:
                for gone in suspended:
                    await tx.blocking.unsuspend(gone)

    def _judge(self, subscription: Subscription, known: Mapping[str, Known]) -> tuple[Cause, str] | None:
        reason = self._blocks.verdict(subscription.server).reason
        if reason is not None:
            return Cause.BLOCKED, reason
        found = known.get(subscription.server)
        if found is None or found.software is None:
            return None
        pattern = banned_by(found.software, self.banned)
        return None if pattern is None else (Cause.SOFTWARE, f"runs {found.software}, not accepted here")

    async def _stop(self, subscription: Subscription, cause: Cause, reason: str) -> None:
        if cause is Cause.SOFTWARE and subscription.state is State.PENDING:
            await self._subscribers.command(subscription.actor, Command.REJECT, who=WHO, reason=reason)
        else:
            await self._subscribers.interrupt(subscription.actor, cause, reason, who=WHO)

    async def _count(self) -> None:
        """Write what observing lists would have refused, about once a minute."""
        now = self._clock.monotonic()
        if now - self._counted_at < COUNT_EVERY:
            return
        self._counted_at = now
        counts = self._blocks.take_counts()
        if counts:
            async with self._store.transaction() as tx:
                await tx.blocking.observed(counts)
