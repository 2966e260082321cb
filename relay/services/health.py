"""How subscribers are doing, for commands, pages and metrics: read from the store, by any process.

What the fan-out knows is on disk within a second (`ledger`), so there is nothing to ask it for.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from relay.domain.catchup import LATE, Backlog
from relay.domain.condition import Condition, Health, Suspension, catch_up, condition, trouble
from relay.domain.delivery import Host
from relay.domain.subscription import SERVED, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.condition import Trouble
    from relay.domain.subscription import Subscription
    from relay.ports import Clock, Store, Tx

FRESH: Final = 10.0
"""Seconds for which figures are not counted anew, however often they are asked for."""


class SubscriberHealth:
    """Looks at subscriptions. `least`: posts a second of what a subscriber missed, None for any number."""

    def __init__(self, store: Store, clock: Clock, least: float | None) -> None:
        self._store, self._clock, self._least = store, clock, least
        self.figures: Mapping[str, float] = {}
        """The numbers for the metrics, as they were counted last: few, however many subscribers there are."""
        self._counted_at = float("-inf")

    async def of(self, subscription: Subscription) -> Health:
        """Return how one subscriber is doing."""
        now = self._clock.now()
        async with self._store.reading() as tx:
            details: Mapping[str, Any] = await tx.subscribers.details(subscription.id)
            hosts = await tx.fanout.hosts()
            backlog = await _backlog(tx, subscription, details)
            stragglers, gaps = await tx.listings.missed(subscription.id)
            suspension = await _suspension(tx, subscription)
        host = hosts.get(subscription.server)
        late = backlog is not None and backlog.late(now)
        found = condition(subscription.state, host, late=late)
        gone = found is Condition.UNREACHABLE
        wrong = (trouble(hosts.get(subscription.inbox)) if gone else None) or trouble(host)
        return Health(
            at=now,
            condition=found,
            since=_since(found, subscription, wrong, backlog),
            delivered_at=None if host is None else host.succeeded_at,
            trouble=wrong if subscription.state in SERVED else None,
            backlog=backlog,
            catch_up=catch_up(backlog, self._least, now) if subscription.state in SERVED else None,
            stragglers=stragglers,
            gaps=gaps,
            suspension=suspension,
        )

    async def all(self) -> dict[int, Condition]:
        """Return how every subscriber is doing, by number."""
        async with self._store.reading() as tx:
            states = await tx.listings.states()
            cursors = await tx.fanout.progress()
            old = await tx.listings.published_before(self._clock.now() - LATE)
        return {
            number: condition(
                state, Host(failures=int(failing)), late=number in cursors and cursors[number].cursor < old
            )
            for number, (state, failing) in states.items()
        }

    async def count(self) -> None:
        """Count the figures anew, unless they are fresh."""
        if self._clock.monotonic() - self._counted_at < FRESH:
            return
        found = await self.all()
        counts = Counter(found.values())
        waiting = [one for one, how in found.items() if how in {Condition.CATCHING_UP, Condition.RESTING}]
        async with self._store.reading() as tx:
            cursors = await tx.fanout.progress()
            least = min((cursors[one].cursor for one in waiting if one in cursors), default=None)
            oldest = None if least is None else await tx.listings.published_after(least)
            stragglers, gaps = await tx.listings.missed_counts()
        self._counted_at = self._clock.monotonic()
        self.figures = {f"subscribers_{one.replace('-', '_')}": float(counts[one]) for one in Condition} | {
            "subscribers_oldest_due_seconds": 0.0 if oldest is None else max(0.0, self._clock.now() - oldest),
            "subscribers_stragglers": float(stragglers),
            "subscribers_gaps": float(gaps),
        }


async def _backlog(tx: Tx, subscription: Subscription, details: Mapping[str, Any]) -> Backlog | None:
    if subscription.state not in SERVED or not details.get("behind"):
        return None
    oldest = await tx.listings.published_after(details["cursor"])
    return None if oldest is None else Backlog(details["behind"], oldest)


async def _suspension(tx: Tx, subscription: Subscription) -> Suspension | None:
    if subscription.state is not State.SUSPENDED:
        return None
    by_itself = subscription.id in await tx.blocking.suspensions()
    who, why, at = await tx.listings.suspended_by(subscription.actor) or ("", "", subscription.changed_at)
    return Suspension(who, subscription.reason or why or None, at, by_itself)


def _since(
    found: Condition, subscription: Subscription, wrong: Trouble | None, backlog: Backlog | None
) -> float | None:
    if found is Condition.WELL:
        return None
    if wrong is not None and found in {Condition.RESTING, Condition.UNREACHABLE}:
        return wrong.since
    if found is Condition.CATCHING_UP:
        return None if backlog is None else backlog.oldest
    return subscription.changed_at
