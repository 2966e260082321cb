"""Puts the stage of the lab together: a small fediverse with a store of its own, which goes when the stage does."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from relay import __version__
from relay.adapters.canonical.pool import CanonicalProcesses
from relay.adapters.guard import AddressPolicy
from relay.adapters.remote import GuardedRemote
from relay.adapters.sql.sqlite import SqliteStore
from relay.adapters.throwaway import make_keys
from relay.services.authenticate import Authenticator
from relay.services.blocks import Blocks
from relay.services.fetch import Fetcher
from relay.services.keyring import KeyRing
from relay.services.lab.actors import LabActor
from relay.services.lab.house import House
from relay.services.lab.outgoing import TIMEOUT, Outgoing
from relay.services.lab.stage import Chance, Stage
from relay.services.signing import Signing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aiohttp.abc import AbstractResolver

    from relay.adapters.guard import Network
    from relay.ports import Canonicalizer, Clock

READING: Final = 30.0
"""Seconds for putting one of our own documents in order: it is a test's machine, and may be busy."""


@dataclass(frozen=True, slots=True)
class Building:
    """A server that is to be on the stage. `path` is where its own actor is, `author` the name of a person there."""

    url: str
    path: str = "/actor"
    software: str = "assay-lab"
    author: str = "lab"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How the stage reaches others. `private` are networks that may be reached in spite of the SSRF wall.

    `seed` makes chance come out the same; `timeout` is for one request, in seconds. `resolver` and `canonicalizer`
    are for tests.
    """

    clock: Clock
    seed: str
    private: tuple[Network, ...] = ()
    ca_file: Path | None = None
    timeout: float = TIMEOUT
    resolver: AbstractResolver | None = None
    canonicalizer: Canonicalizer | None = None


@asynccontextmanager
async def open_stage(buildings: Sequence[Building], outside: Surroundings) -> AsyncIterator[Stage]:
    """Build the stage; who opens it has to serve `relay.web.lab.stage.StagePages` at every URL of it.

    Each server has its own actor, an Application, and an author, a Person at `/users/NAME`.
    """
    clock = outside.clock
    houses = [House(one.url, software=one.software) for one in buildings]
    await asyncio.gather(*(_settle(house, one, clock) for house, one in zip(houses, buildings, strict=True)))
    first = next(iter(houses[0].actors.values()))
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="assay-lab-"))
        store = await stack.enter_async_context(SqliteStore(Path(folder) / "lab.sqlite3"))
        remote = await stack.enter_async_context(
            GuardedRemote(
                clock=clock,
                user_agent=f"AssayLab/{__version__} (+{houses[0].url}/)",
                addresses=AddressPolicy(allowed_private=outside.private),
                allow_http=True,
                ca_file=outside.ca_file,
                resolver=outside.resolver,
            )
        )
        canonicalizer = outside.canonicalizer
        if canonicalizer is None:
            canonicalizer = await stack.enter_async_context(CanonicalProcesses(workers=1, timeout=READING))
        fetcher = Fetcher(signing=Signing(first, remote, clock), store=store, clock=clock)
        keys = KeyRing(store=store, fetcher=fetcher, clock=clock, blocks=Blocks(()), allow_http=True)
        authenticator = Authenticator(
            keys=keys,
            clock=clock,
            host_names=frozenset(house.host for house in houses),
            scheme=urlsplit(houses[0].url).scheme,
        )
        outgoing = Outgoing(
            remote=remote,
            clock=clock,
            fetcher=fetcher,
            canonicalizer=canonicalizer,
            timeout=outside.timeout,
        )
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        stage = Stage(
            houses,
            clock=clock,
            chance=Chance(outside.seed),
            authenticator=authenticator,
            outgoing=outgoing,
            tasks=tasks,
        )
        stack.callback(stage.close)
        yield stage


async def _settle(house: House, building: Building, clock: Clock) -> None:
    """Let a server's two actors live in it."""
    own, author = await asyncio.gather(asyncio.to_thread(make_keys), asyncio.to_thread(make_keys))
    name = "relay" if building.path == "/relay" else urlsplit(house.url).hostname or "lab"
    house.add(LabActor(house.url, building.path, "Application", name, own, clock))
    house.add(LabActor(house.url, f"/users/{building.author}", "Person", building.author, author, clock))
