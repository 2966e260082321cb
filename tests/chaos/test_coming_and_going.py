"""Workers start and stop in order while everything runs: the others take over, and nothing comes twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import databases
from tests.chaos.processes import Place, holders

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.judge import Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0)]
TURNS = 3


@databases.NEEDED
async def test_workers_come_and_go(postgres: databases.Server, trial: Trial, tmp_path: Path) -> None:
    address = postgres.database("coming")
    async with trial.servers(6), Place.make(tmp_path, address).open() as place:
        await place.start("--role", "web")
        workers = [await place.launch("--role", "worker")]
        await holders(address, 1)
        await trial.follow(place.url)
        trial.answer_after(0.3)  # something is always under way, and edits wait for it
        async with trial.talking(place.url):
            for _ in range(trial.size(TURNS, 0.1)):
                await trial.some()
                workers.append(await place.launch("--role", "worker"))
                await holders(address, 2)
                await trial.pause(2.0)
                assert await workers.pop(0).stop() == 0
                await holders(address, 1)
        assert trial.faults == []
        await trial.judge()
