"""An operator who looks how subscribers are doing: by commands beside the running relay, its metrics and its pages."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from click.testing import CliRunner

from relay.cli.serving import admin_app, listening
from relay.cli.session import Session
from relay.cli.status import status
from relay.cli.subscribers import subscribers
from relay.wiring.office import open_office

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from click import Command

    from relay.wiring import Office
    from tests.flow.conftest import World


@dataclass(slots=True)
class Beside(Session):
    """A command line of its own on the database of a world, at the world's time."""

    world: World | None = None

    @asynccontextmanager
    async def office(self) -> AsyncIterator[Office]:
        """Open the store a second time, as a command does."""
        assert self.world is not None
        async with open_office(self.world.relay.live.configuration, clock=self.world.clock) as office:
            yield office


async def told(world: World, *words: str) -> str:
    """What `assay subscribers` and these words print."""
    return await asyncio.to_thread(_run, world, subscribers, words)


async def overview(world: World, *words: str) -> str:
    """What `assay status` and these words print."""
    return await asyncio.to_thread(_run, world, status, words)


async def shown(world: World, server: str) -> dict[str, Any]:
    """The document of `assay subscribers show`."""
    found: dict[str, Any] = json.loads(await told(world, "show", server, "--json"))
    return found


async def metrics(world: World) -> dict[str, float]:
    """What /metrics says a while later, so that nothing is remembered: values by name and labels, without `assay_`."""
    world.clock.forward(10)
    async with (
        listening(admin_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        text = await answer.text()
    rows = [line.removeprefix("assay_").rsplit(" ", 1) for line in text.splitlines() if line[:1] != "#"]
    return {name: float(value) for name, value in rows}


def _run(world: World, command: Command, words: tuple[str, ...]) -> str:
    result = CliRunner().invoke(command, words, obj=Beside(world=world), catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result.stdout
