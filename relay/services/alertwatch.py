"""Alerts about what is not a moment but lasts: holds that nobody looks at, a scanner or the network that is down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.domain import alertwords
from relay.domain.subscription import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.alerts import Alert
    from relay.domain.delivery import Host
    from relay.domain.log import LongHeld
    from relay.domain.subscription import Subscription
    from relay.ports import Clock, Store
    from relay.services.alerts import Alerts
    from relay.services.troubles import Trouble, Troubles

LOOK_EVERY: Final = 60.0
DOWN_FOR: Final = 3600.0
"""Seconds for which a subscriber cannot be reached before it counts."""
DOWN_LEAST: Final = 3
"""Subscribers that cannot be reached before it is news, besides being half of them."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a hold may wait, and how long a scanner may be down, in seconds."""

    hold: float
    scanner: float


class AlertWatch:
    """Looks once a minute. `patience` may be replaced while running."""

    def __init__(
        self, *, store: Store, clock: Clock, alerts: Alerts, troubles: Troubles, patience: Patience
    ) -> None:
        self._store, self._clock, self._alerts, self._troubles = store, clock, alerts, troubles
        self.patience = patience
        self.waiting = 0
        """Messages that waited at the last look, for the metrics."""

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.run_once()
            await self._clock.sleep(LOOK_EVERY)

    async def run_once(self) -> None:
        """Look once."""
        now = self._clock.now()
        async with self._store.reading() as tx:
            held = await tx.activities.long_held(now - self.patience.hold)
            subscriptions, hosts = await tx.subscribers.all(), await tx.fanout.hosts()
            counts = await tx.alerts.counts()
        self.waiting = sum(states.get("open", 0) + states.get("sealed", 0) for states in counts.values())
        found = [
            *([] if held is None else [about_holds(held, self.patience.hold, now)]),
            *about_scanners(self._troubles.found, self.patience.scanner),
            *about_deliveries(subscriptions, hosts, now),
        ]
        if found:
            async with self._store.transaction() as tx:
                for alert in found:
                    await self._alerts.note(tx, alert)


def about_holds(held: LongHeld, patience: float, now: float) -> Alert:
    """Once when another hold has waited for that long, and again when the newest has waited as long once more."""
    times = int((now - held.since) // patience)
    return alertwords.holds_wait(held.count, patience / 3600, f"hold {held.newest} waits {times}")


def about_scanners(troubles: Mapping[str, Trouble], patience: float) -> list[Alert]:
    """Once for each time that a scanner is down: it failed again after that long, and did not answer meanwhile."""
    return [
        alertwords.scanner_down(name, trouble.since, int(patience // 60))
        for name, trouble in troubles.items()
        if trouble.last - trouble.since >= patience
    ]


def about_deliveries(
    subscriptions: Sequence[Subscription], hosts: Mapping[str, Host], now: float
) -> list[Alert]:
    """Once for each time that half of the subscribers cannot be reached: named by when the half was full."""
    served = {one.server for one in subscriptions if one.state is State.ACCEPTED}
    failing = sorted(
        since
        for name, host in hosts.items()
        if name in served and (since := host.failing_since) is not None and since <= now - DOWN_FOR
    )
    half = max(DOWN_LEAST, (len(served) + 1) // 2)
    if len(failing) < half:
        return []
    once = f"unreachable {failing[half - 1]:.0f}"
    return [alertwords.unreachable(len(failing), len(served), once)]
