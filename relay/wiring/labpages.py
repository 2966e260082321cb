"""The part of the relay that is the lab's pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from relay.adapters.keys import temporary_pair
from relay.adapters.signing import ThreadSigner
from relay.config import values
from relay.services.lab.asking import Issuers
from relay.services.lab.documents import Documents
from relay.services.lab.inboxes import TemporaryInboxes
from relay.services.lab.looking import Looker
from relay.services.lab.reports import Reports
from relay.services.lab.rules import Clients
from relay.services.lab.verifying import Desk

if TYPE_CHECKING:
    from relay.ports import Canonicalizer, Remote
    from relay.services.authenticate import Authenticator
    from relay.services.fetch import Fetcher
    from relay.wiring.office import Office


@dataclass(frozen=True, slots=True)
class LabPages:
    """What is behind the pages. `offered`: whether they are served; without them nothing here runs."""

    offered: bool
    desk: Desk
    inboxes: TemporaryInboxes
    reports: Reports

    @classmethod
    def of(
        cls,
        office: Office,
        *,
        remote: Remote,
        authenticator: Authenticator,
        fetcher: Fetcher,
        canonicalizer: Canonicalizer,
    ) -> Self:
        """Put it together."""
        rules, clock = values.lab_rules(office.settings), office.clock
        clients = Clients(rules, clock)
        issuers = Issuers(fetcher, office.blocks, allow_http=office.settings.federation.allow_http)
        looker = Looker(
            identity=office.identity,
            clock=clock,
            remote=remote,
            authenticator=authenticator,
            fetcher=fetcher,
            blocks=office.blocks,
            issuers=issuers,
            open_signer=_signer,
            scheme=urlsplit(office.identity.url).scheme,
        )
        return cls(
            offered=office.settings.lab.pages,
            desk=Desk(Documents(clock=clock, canonicalizer=canonicalizer), issuers, clients, clock),
            inboxes=TemporaryInboxes(
                store=office.store,
                clock=clock,
                identity=office.identity,
                looker=looker,
                rules=rules,
                clients=clients,
                wakeup=office.signals.lab,
                make_key=temporary_pair,
            ),
            reports=Reports(store=office.store, clock=clock, rules=rules, clients=clients),
        )

    async def run(self) -> None:
        """Look at what comes, until cancelled; nothing comes where no pages are served."""
        if self.offered:
            await self.inboxes.run()


def _signer(key_id: str, pem: bytes) -> ThreadSigner:
    return ThreadSigner(key_id=key_id, pem=pem, threads=1)
