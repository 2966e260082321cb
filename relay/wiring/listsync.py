"""Puts together what fetches lists from their keepers, and what looks at Cloudflare's tool."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay import __version__
from relay.adapters.scanners.keepers.ncmec import Ncmec
from relay.adapters.scanners.keepers.stopncii import StopNcii
from relay.adapters.scanners.keepers.threatexchange import ThreatExchange
from relay.adapters.scanners.services.cloudflare import CloudflareTool
from relay.adapters.scanners.services.connection import ServiceConnection, Way
from relay.config.keepers import PAGE_TIMEOUT, REFRESH
from relay.config.services import TIMEOUT
from relay.services.listsync import Kept, ListSync
from relay.services.toolwatch import ToolWatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from relay.config.keepers import KeeperSettings
    from relay.config.settings import Settings
    from relay.ports.listsync import Keeper
    from relay.wiring.office import Office


@dataclass(frozen=True, slots=True)
class Fetching:
    """What fetches and looks by itself."""

    sync: ListSync
    tools: Sequence[ToolWatch]

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.sync.run())
            for tool in self.tools:
                tasks.create_task(tool.run())


@asynccontextmanager
async def open_fetching(office: Office, *, ca_file: Path | None = None) -> AsyncIterator[Fetching]:
    """Connect to the configured keepers; nothing is asked yet. Leaving closes the connections."""
    settings = office.settings
    way = way_of(office, ca_file)
    async with AsyncExitStack() as stack:
        kept = []
        for one in settings.scanners:
            if one.is_fetched:
                timeout = (one.timeout or PAGE_TIMEOUT).total_seconds()
                headers = _credentials(one)
                connection = ServiceConnection(one.name, one.address, way, timeout=timeout, headers=headers)
                keeper = _keeper(one, await stack.enter_async_context(connection))
                kept.append(Kept(one.name, keeper, (one.refresh or REFRESH).total_seconds()))
        tools = []
        if settings.cloudflare.zone is not None:
            connection = await stack.enter_async_context(_cloudflare(settings, way))
            tool = CloudflareTool(connection, settings.cloudflare.zone)
            refresh = settings.cloudflare.refresh.total_seconds()
            tools.append(ToolWatch(tool, office.store, office.clock, office.alerts, refresh=refresh))
        yield Fetching(ListSync(office.store, office.clock, office.lists, office.alerts, kept), tools)


def way_of(office: Office, ca_file: Path | None) -> Way:
    """How services and keepers are reached."""
    return Way(
        clock=office.clock,
        user_agent=f"Assay/{__version__}",
        private=office.settings.federation.private_addresses,
        ca_file=ca_file,
    )


def basic(user: str | None, password: str | None) -> dict[str, str]:
    """The header of a user and a password (RFC 7617 2)."""
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def _credentials(one: KeeperSettings) -> dict[str, str]:
    """The headers that show who asks; ThreatExchange has its token in the query."""
    if one.kind == "ncmec-hashes":
        return basic(one.user, one.password)
    if one.kind == "stopncii":
        return {"Ocp-Apim-Subscription-Key": one.key or "", "x-functions-key": one.function_key or ""}
    return {}


def _keeper(one: KeeperSettings, connection: ServiceConnection) -> Keeper:
    shared = {"url": one.address, "category": one.list_category}
    if one.kind == "ncmec-hashes":
        return Ncmec(one.name, connection, members=one.members, **shared)
    if one.kind == "stopncii":
        return StopNcii(one.name, connection, **shared)
    token, group = one.key or "", one.privacy_group or 0
    return ThreatExchange(one.name, connection, token=token, group=group, tags=one.tags, **shared)


def _cloudflare(settings: Settings, way: Way) -> ServiceConnection:
    headers = {"Authorization": f"Bearer {settings.cloudflare.token}"}
    timeout = TIMEOUT.total_seconds()
    return ServiceConnection("cloudflare", settings.cloudflare.url, way, timeout=timeout, headers=headers)
