"""Numbers for people: counters only, and small ones blurred where the public reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from relay.domain.subscription import State

if TYPE_CHECKING:
    from relay.ports import Clock, Store

DAY: Final = 24 * 3600.0
SMALL: Final = 5
"""Counts below this are shown to the public as "<5", so that a single event is nobody's news."""

_SERVED: Final = frozenset({State.ACCEPTED, State.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class PublicFigures:
    """What happened in some days, as text for the public."""

    days: int
    relayed: str
    held: str
    dropped: str
    scanned: str
    subscribers: str


class Figures:
    """Counts what happened."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def public(self, days: int) -> PublicFigures:
        """Return the numbers of the last days, blurred."""
        counts = await self.status(days * DAY)
        decisions = counts["decisions"]
        relayed = sum(n for verb, n in decisions.items() if verb.startswith("relay"))
        return PublicFigures(
            days=days,
            relayed=blurred(relayed),
            held=blurred(decisions.get("quarantine", 0)),
            dropped=blurred(decisions.get("drop", 0)),
            scanned=blurred(sum(counts["media"].values())),
            subscribers=blurred(counts["subscribers"].get("accepted", 0)),
        )

    async def status(self, seconds: float) -> dict[str, Any]:
        """Return the counters of the last seconds, for the operator."""
        since = self._clock.now() - seconds
        async with self._store.reading() as tx:
            counts: dict[str, Any] = dict(await tx.activities.counts(since))
            counts["media"] = await tx.media.counts(since)
            counts["waiting"] = await tx.activities.waiting()
            head = await tx.fanout.head()
            progress = await tx.fanout.progress()
            subscriptions = await tx.subscribers.all()
        # Up to here every subscriber that is served has been served.
        served = [progress[one.id].cursor for one in subscriptions if one.state in _SERVED]
        counts["log"] = {"head": head, "watermark": min(served, default=head)}
        states = [subscription.state.value for subscription in subscriptions]
        counts["subscribers"] = {state: states.count(state) for state in sorted(set(states))}
        return counts

    def year(self) -> int:
        """Return the present year, UTC."""
        return datetime.fromtimestamp(self._clock.now(), UTC).year


def blurred(count: int) -> str:
    """Write a count for the public."""
    return f"<{SMALL}" if 0 < count < SMALL else f"{count:,}"
