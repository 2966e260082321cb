"""The database restarts, crashes and ends connections under a relay that goes on."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest

from tests import databases
from tests.chaos.processes import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.chaos.judge import Trial

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(0),
    databases.NEEDED,
]


@pytest.fixture
def server() -> Iterator[databases.Server]:
    """A server that this test may stop."""
    yield from databases.serving()


async def test_the_database_goes_away(server: databases.Server, trial: Trial, tmp_path: Path) -> None:
    place = Place.make(tmp_path, server.database("relay"))
    async with trial.servers(), place.open():
        process = await place.start()
        await trial.follow(place.url)
        trial.answer_after(0.3)
        async with trial.talking(place.url, lanes=2):
            await trial.some(10)
            before = await process.footprint()
            for _ in range(trial.size(2, 0.05)):
                await trial.pause(0.5)
                trial.fault()
                await asyncio.to_thread(server.cut)
                await trial.some()
            for how in (signal.SIGINT, signal.SIGQUIT) * trial.size(1, 0.02):
                await trial.pause(0.5)
                refused = trial.origin.answers[503]
                async with trial.without():
                    await asyncio.to_thread(server.stop, how)
                    while trial.origin.answers[503] == refused:
                        await trial.pause(0.2)
                    await asyncio.to_thread(server.start)
                await trial.some()
        await trial.judge()
        trial.held(before, await process.back_to(before))
        assert await process.stop() == 0, "it went on all the time"
