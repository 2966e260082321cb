"""A disk that is full or cannot be written to: a relay that runs goes on and recovers, one that starts says why not."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.chaos.disk import Mounted, disk, forbid_writing
from tests.chaos.processes import Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chaos.judge import Trial
    from tests.chaos.processes import Process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0)]


async def without(trial: Trial, process: Process, break_it: Callable[[], None]) -> None:
    """Break the disk while posts come in, and look whether the relay says so."""
    refused = trial.origin.answers[503]
    trial.fault()
    break_it()
    while trial.origin.answers[503] < refused + 3:
        await trial.pause(0.1)
    while await process.place.ready() != 503 or (await process.metrics())["store_failing"] != 1:
        await trial.pause(0.1)


async def again(trial: Trial, process: Process) -> None:
    """Look whether it recovered by itself."""
    await trial.some()
    while await process.place.ready() != 200 or (await process.metrics())["store_failing"] != 0:
        await trial.pause(0.1)


async def test_the_disk_is_full_and_then_read_only(trial: Trial, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with disk(folder) as small:
        place = Place.make(tmp_path)
        place.inside = small.inside
        async with trial.servers(), place.open():
            process = await place.start()
            await trial.follow(place.url)
            async with trial.talking(place.url):
                await trial.some()
                await without(trial, process, partial(small.fill, process))
                if isinstance(small, Mounted):  # a command is another process
                    status, printed = await place.command("--json", "status")
                    assert status == 0
                    assert "full" in json.loads(printed)["database"]
                small.mend(process)
                await again(trial, process)
                await without(trial, process, partial(forbid_writing, process, yes=True))
                forbid_writing(process, yes=False)
                await again(trial, process)
                assert process.lives, "it went on all the time"
                trial.killed("relay")
                await process.kill()
                await process.alone()
                if isinstance(small, Mounted):
                    small.read_only(yes=True)
                    refusing = await place.launch()
                    assert await refusing.ended() == 69
                    small.read_only(yes=False)
                process = await place.start()
                await trial.some()
            await trial.judge()
            assert await process.stop() == 0
        said = [json.loads(line) for line in place.log.splitlines() if line.startswith("{")]
        events = [one["event"] for one in said if "the database" in one["event"]]
        assert events.count("the database works again") >= 2, events
        # A log that is a file cannot be written to either while nothing can.
        assert any("takes nothing" in one for one in events) or not isinstance(small, Mounted)
