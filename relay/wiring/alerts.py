"""The part of the relay that tells people: channels of the configuration, and the workers behind them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from relay import __version__
from relay.adapters.alerting.mail import Mail, MailServer
from relay.adapters.alerting.web import CHANNELS, Ntfy, WebHook
from relay.adapters.deliveries import Pool
from relay.adapters.remote import GuardedRemote
from relay.config.quantities import read_address
from relay.domain import alertwords
from relay.domain.alerts import Message
from relay.protocol.alertforms import From, secret_bytes
from relay.services.alertpost import AlertPost
from relay.services.alerts import channel_named
from relay.services.alertwatch import AlertWatch, Patience

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relay.config.alerts import ChannelSettings
    from relay.config.settings import Settings
    from relay.domain.alerts import Answer
    from relay.ports.alerts import Channel
    from relay.services.identity import Identity
    from relay.services.tally import Tally
    from relay.services.troubles import Troubles
    from relay.wiring.office import Office
    from relay.wiring.parts import Outside


@dataclass(frozen=True, slots=True)
class Alerting:
    """What sends alerts, and what looks for some."""

    post: AlertPost
    watch: AlertWatch

    async def run(self) -> None:
        """Work until cancelled; without channels only give up what is left from when there were some."""
        if not self.post.channels:
            await self.post.run_once()
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.post.run())
            tasks.create_task(self.watch.run())


@asynccontextmanager
async def open_alerting(
    office: Office, outside: Outside, *, tally: Tally, troubles: Troubles
) -> AsyncIterator[Alerting]:
    """Put it together; leaving closes the connections."""
    settings, store, clock = office.settings, office.store, office.clock
    patience = Patience(
        hold=max(1.0, settings.alerts.holds_wait.total_seconds()),
        scanner=settings.alerts.scanner_down.total_seconds(),
    )
    async with open_channels(settings, office.identity, outside) as channels:
        yield Alerting(
            AlertPost(store=store, clock=clock, signals=office.signals, tally=tally, channels=channels),
            AlertWatch(store=store, clock=clock, alerts=office.alerts, troubles=troubles, patience=patience),
        )


@asynccontextmanager
async def open_channels(
    settings: Settings, identity: Identity, outside: Outside
) -> AsyncIterator[list[Channel]]:
    """Open the channels of the configuration, in its order."""
    if not settings.alerts.channels:
        yield []  # reading the authorities that vouch for servers takes as long as opening the store
        return
    sender = From(
        url=identity.url,
        name=" ".join(identity.name.split()),  # it goes into headers
        host=urlsplit(identity.url).hostname or "localhost",
        link=settings.alerts.link or settings.admin.url,
    )
    remote = GuardedRemote(
        clock=outside.clock,
        user_agent=f"Assay/{__version__} (+{identity.url}/)",
        addresses=CHANNELS,
        allow_http=True,
        ca_file=outside.ca_file,
        resolver=outside.resolver,
        deliveries=Pool(total=8, per_host=2, idle=15.0),
    )
    async with remote:
        yield [_channel(one, remote, sender, outside) for one in settings.alerts.channels]


def _channel(one: ChannelSettings, remote: GuardedRemote, sender: From, outside: Outside) -> Channel:
    if one.kind == "mail":
        return _mail(one, sender, outside.ca_file)
    url = one.url or ""
    if one.kind == "ntfy":
        return Ntfy(one.name, remote, sender, url=url, token=one.token)
    key = None if one.secret is None else secret_bytes(one.secret)
    return WebHook(
        one.name, remote, outside.clock, sender, url=url, form=one.format, token=one.token, key=key
    )


def _mail(one: ChannelSettings, sender: From, ca_file: Path | None) -> Mail:
    at = read_address(one.server)
    server = MailServer(at.host, at.port, one.tls, one.user, one.password, ca_file)
    return Mail(one.name, sender, server, address=one.sender or "", to=one.to)


async def send_trial(settings: Settings, identity: Identity, outside: Outside, name: str) -> Answer:
    """Send a test alert to a channel, past the store. Raises `NotFound`, or `RemoteError` without an answer."""
    now, key = outside.clock.now(), outside.clock.new_id()
    alert = replace(alertwords.trial(name), at=now)
    async with open_channels(settings, identity, outside) as channels:
        message = Message(0, key, name, alert.kind, 1, (alert,), now, now)
        return await channel_named(name, channels).send(message)
