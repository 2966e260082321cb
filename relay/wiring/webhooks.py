"""The part of the relay that checks posts which servers send by web hook."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from relay.domain.webhook import Sender
from relay.services.checking import Checking
from relay.services.webhooks import HookCounts, Webhooks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.config.settings import Settings
    from relay.services.fetch import Fetcher
    from relay.services.inspect import Inspector
    from relay.services.standing import Standings
    from relay.services.tally import Tally
    from relay.wiring.office import Office


@dataclass(frozen=True, slots=True)
class Hooks:
    """What takes posts, what checks them, and what counts."""

    webhooks: Webhooks
    checking: Checking
    counts: HookCounts

    @classmethod
    def of(
        cls, office: Office, *, inspector: Inspector, standings: Standings, fetcher: Fetcher, tally: Tally
    ) -> Self:
        """Put it together."""
        store, clock, signals, found = office.store, office.clock, office.signals, senders(office.settings)
        counts = HookCounts(store, clock, tally)
        webhooks = Webhooks(store=store, clock=clock, signals=signals, counts=counts, senders=found)
        checking = Checking(
            store=store,
            clock=clock,
            signals=signals,
            inspector=inspector,
            decider=office.decider,
            flood=office.flood,
            standings=standings,
            fetcher=fetcher,
            alerts=office.alerts,
            identity=office.identity,
            counts=counts,
            senders=found,
        )
        return cls(webhooks, checking, counts)

    async def run(self) -> None:
        """Work until cancelled; also without senders, for what one that was taken out has left."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.checking.run())
            tasks.create_task(self.counts.run())


def senders(settings: Settings) -> Sequence[Sender]:
    """Who may send posts."""
    return [
        Sender(
            name=one.name,
            server=one.server,
            secret=one.secret.encode(),
            visibilities=frozenset(one.visibility),
            flag=one.flag,
        )
        for one in settings.webhooks
    ]
