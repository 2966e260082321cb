"""The flood guard: an entry of a hash list that suddenly matches everywhere is probably a mistake of its keeper.

What such an entry matches is held instead of dropped, so that a person can look and nothing is lost; it is never
relayed because of that. Every match of an entry in a post is counted, held or not.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relay.domain import alertwords
from relay.domain.media import MatchKind
from relay.domain.policy import Decision, Tried, Verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.intake import Item
    from relay.domain.rates import Rate
    from relay.ports import Clock, Store
    from relay.ports.hashlists import Frequent
    from relay.services.alerts import Alerts

_log: Final = logging.getLogger(__name__)


class FloodGuard:
    """Counts in how many posts an entry matches. `rate` is how often it may; None for any. `alerts` are told."""

    def __init__(self, store: Store, clock: Clock, rate: Rate | None, alerts: Alerts) -> None:
        self._store, self._clock, self.rate, self._alerts = store, clock, rate, alerts
        self._alarmed: dict[str, float] = {}

    async def tempered(self, decision: Decision, items: Sequence[Item], object_id: str) -> Decision:
        """Count the matches of a post; return the decision, to hold instead of drop if an entry floods."""
        marks = _marks(items)
        if self.rate is None or not marks:
            return decision
        now = self._clock.now()
        since = now - self.rate.seconds
        async with self._store.transaction() as tx:
            await tx.hash_lists.forget_hits(since)
            await tx.hash_lists.hit(sorted(marks), object_id, now)
            counts = {mark: await tx.hash_lists.hits(mark, since) for _, mark in marks}
            flooding = [(name, mark) for name, mark in sorted(marks) if counts[mark] > self.rate.count]
            news = [(name, mark) for name, mark in flooding if self._is_news(mark, now)]
            for _, mark in news:
                once = f"flood {mark} {now // self.rate.seconds:.0f}"
                await self._alerts.note(tx, alertwords.list_floods(counts[mark], str(self.rate), once))
        for name, mark in news:
            over = now - self.rate.seconds
            self._alarmed = {other: at for other, at in self._alarmed.items() if at > over} | {mark: now}
            _log.error(
                "entry %s of hash list %s matched in %d posts, more than %s: they are held; look at assay lists status",
                mark,
                name,
                counts[mark],
                self.rate,
            )
        if not flooding or decision.verb is not Verb.DROP:
            return decision
        # Rule and reason stay: what is told outside must not differ (the oracle problem, attestation.md).
        step = Tried("floor", "flood guard")
        trace = (*decision.trace, step)
        return replace(decision, verb=Verb.QUARANTINE, would=Verb.QUARANTINE, trace=trace)

    async def floods(self, items: Sequence[Item]) -> bool:
        """Whether an entry that matched one of the items floods now."""
        marks = {mark for _, mark in _marks(items)}
        return bool(marks) and any(one.mark in marks for one in await self.busiest())

    async def busiest(self) -> list[Frequent]:
        """The entries that flood now, the busiest first."""
        if self.rate is None:
            return []
        async with self._store.reading() as tx:
            return await tx.hash_lists.busiest(self._clock.now() - self.rate.seconds, self.rate.count)

    def _is_news(self, mark: str, now: float) -> bool:
        """Whether it was not said in the stretch of time that is counted; alerts know it after a restart, too."""
        return self.rate is not None and now - self._alarmed.get(mark, -now) >= self.rate.seconds


def _marks(items: Sequence[Item]) -> set[tuple[str, str]]:
    """The entries that matched, each as list and mark; without those of test lists."""
    return {
        (match.scanner, match.entry)
        for item in items
        for match in item.matches
        if match.entry and match.kind is not MatchKind.TEST
    }
