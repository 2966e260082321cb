"""The flood guard: an entry of a hash list that suddenly matches everywhere is probably a mistake of its keeper.

What such an entry matches is held instead of dropped, so that a person can look and nothing is lost; it is never
relayed because of that. Every match of an entry in a post is counted, held or not.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relay.domain.media import MatchKind
from relay.domain.policy import Decision, Tried, Verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.intake import Item
    from relay.domain.rates import Rate
    from relay.ports import Clock, Store
    from relay.ports.hashlists import Frequent

_log: Final = logging.getLogger(__name__)


class FloodGuard:
    """Counts in how many posts an entry matches. `rate` is how often it may; None for any."""

    def __init__(self, store: Store, clock: Clock, rate: Rate | None) -> None:
        self._store, self._clock, self.rate = store, clock, rate
        self._alarmed: dict[str, float] = {}

    async def tempered(self, decision: Decision, items: Sequence[Item], object_id: str) -> Decision:
        """Count the matches of a post; return the decision, to hold instead of drop if an entry floods."""
        marks = {
            (match.scanner, match.entry)
            for item in items
            for match in item.matches
            if match.entry and match.kind is not MatchKind.TEST
        }
        if self.rate is None or not marks:
            return decision
        now = self._clock.now()
        since = now - self.rate.seconds
        async with self._store.transaction() as tx:
            await tx.hash_lists.forget_hits(since)
            await tx.hash_lists.hit(sorted(marks), object_id, now)
            counts = {mark: await tx.hash_lists.hits(mark, since) for _, mark in marks}
        flooding = [(name, mark) for name, mark in sorted(marks) if counts[mark] > self.rate.count]
        for name, mark in flooding:
            self._alarm(name, mark, counts[mark], now)
        if not flooding or decision.verb is not Verb.DROP:
            return decision
        # Rule and reason stay: what is told outside must not differ (the oracle problem, attestation.md).
        step = Tried("floor", "flood guard")
        trace = (*decision.trace, step)
        return replace(decision, verb=Verb.QUARANTINE, would=Verb.QUARANTINE, trace=trace)

    async def busiest(self) -> list[Frequent]:
        """The entries that flood now, the busiest first."""
        if self.rate is None:
            return []
        async with self._store.reading() as tx:
            return await tx.hash_lists.busiest(self._clock.now() - self.rate.seconds, self.rate.count)

    def _alarm(self, name: str, mark: str, posts: int, now: float) -> None:
        """Say it once in each stretch of time that is counted."""
        assert self.rate is not None  # noqa: S101 - without a rate nothing floods
        if now - self._alarmed.get(mark, -now) < self.rate.seconds:
            return
        self._alarmed[mark] = now
        _log.error(
            "entry %s of hash list %s matched in %d posts, more than %s: they are held; look at assay lists status",
            mark,
            name,
            posts,
            self.rate,
        )
