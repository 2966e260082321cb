"""What has to be done now and then: forgetting what retention ended for, and looking at lists that grew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.services.fetch import MOST_KEPT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.ports import Clock, Store

EVERY: Final = 600.0
KEYS_KEPT: Final = 30 * 24 * 3600.0
SERVERS_KEPT: Final = 180 * 24 * 3600.0
"""Seconds for which a server that sends nothing and does not subscribe is remembered."""
SERVERS_MOST: Final = 50_000
"""Servers without a subscription that are remembered: names cost an attacker with a domain nothing."""
AUDIT_MOST: Final = 100_000
"""Lines about what other servers did that are kept; those of operators are all kept."""
ACCOUNTS_MOST: Final = 200_000
"""Accounts of which it is remembered when they were seen first, where their own document does not say."""
SUBMISSIONS_KEPT: Final = 3600.0
"""Seconds for which the answer to a submission can be had."""
HOOKS_KEPT: Final = 3 * 24 * 3600.0
"""Seconds for which it is known that a post came by web hook: Mastodon sends one again for two days."""
HISTORY_MOST: Final = 2_000_000
"""Activities of which decisions are kept for replays: 1.4 GB of disk as posts are."""
HISTORY_AT_ONCE: Final = 20_000
"""Decisions that are forgotten in one go; there may be millions of them when the time is made shorter."""
FACTS_KEPT: Final = 30 * 24 * 3600.0
"""Seconds for which decisions and facts about media are kept: for people's questions, and so that nothing is scanned
again that keeps coming back. They hold no content."""

RECALLS_KEPT: Final = 180 * 24 * 3600.0
"""Seconds for which a recall that was sent, or undone, is kept: who was told, and what they answered."""


class Upkeep:
    """Keeps the store small. `retention` is for activities, `history` for what a replay reads; both are in seconds."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        retention: float,
        history: float,
        prune: Callable[[], Awaitable[None]],
    ) -> None:
        self._store, self._clock, self._prune = store, clock, prune
        self._retention, self._history = retention, history

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._clock.sleep(EVERY)
            await self.run_once()

    async def run_once(self) -> None:
        """Forget what is due."""
        await self._prune()
        now = self._clock.now()
        async with self._store.transaction() as tx:
            await tx.activities.forget(now - self._retention, decisions=now - FACTS_KEPT)
            await tx.media.forget(now - FACTS_KEPT, now)
            await tx.subscribers.forget(now - KEYS_KEPT)
            await tx.subscribers.trim(MOST_KEPT)
            await tx.subscribers.trim_audit(AUDIT_MOST)
            await tx.brakes.forget(now - FACTS_KEPT, accounts=ACCOUNTS_MOST)
            await tx.servers.forget(now - SERVERS_KEPT)
            await tx.servers.trim(SERVERS_MOST)
            await tx.status_indexes.forget(now)
            await tx.logins.forget(now)
            await tx.submissions.forget(now - SUBMISSIONS_KEPT, findings=now - FACTS_KEPT)
            await tx.webhooks.forget(now - HOOKS_KEPT, findings=now - FACTS_KEPT)
            await tx.lab.forget(now)
            await tx.alerts.forget(now - FACTS_KEPT)
            await tx.recalls.forget(now - RECALLS_KEPT)
        async with self._store.transaction() as tx:
            await tx.history.forget(now - self._history, rows=HISTORY_MOST, most=HISTORY_AT_ONCE)
