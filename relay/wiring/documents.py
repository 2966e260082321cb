"""The part of the lab that examines documents, with a relay to fetch with or on its own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from relay.adapters.canonical.pool import CanonicalProcesses
from relay.adapters.system import SystemClock
from relay.config import values
from relay.services.lab.documents import Documents, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.wiring.assembly import Relay

PATIENCE: Final = 5.0
"""Seconds that an engine may take: there is nobody to wait but who asked."""


@asynccontextmanager
async def open_documents(relay: Relay | None = None) -> AsyncIterator[Documents]:
    """Start what examines documents. Without a relay nothing is fetched, and no configuration is needed."""
    world = None
    if relay is not None:
        world = World(relay.fetcher, relay.remote, values.media_limits(relay.office.settings))
    async with CanonicalProcesses(workers=1, timeout=PATIENCE) as canonicalizer:
        yield Documents(clock=SystemClock(), canonicalizer=canonicalizer, world=world)
