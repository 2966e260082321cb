"""kill -9 at random moments, of the relay and of every process beside it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests import databases
from tests.chaos.processes import KINDS, Place

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.judge import Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0)]
"""Who waits has a time limit of his own, and the long form takes as long as it takes."""


async def test_the_relay_is_killed(trial: Trial, tmp_path: Path) -> None:
    async with trial.servers(), Place.make(tmp_path).open() as place:
        process = await place.start()
        await trial.follow(place.url)
        trial.answer_after(0.3)
        async with trial.talking(place.url):
            for _ in range(trial.size(3, 0.35)):
                await trial.pause(1.5)
                trial.killed("relay")
                await process.kill()
                await process.alone()
                process = await place.launch()
                if trial.chance.random() < 0.75:  # else it is killed while it starts
                    await process.up()
                    await trial.some()
            await process.up()
        await trial.judge()
        assert await process.stop() == 0
        await process.alone()


async def test_the_processes_beside_the_relay_are_killed(trial: Trial, tmp_path: Path) -> None:
    async with trial.servers(), Place.make(tmp_path).open() as place:
        process = await place.start()
        await trial.follow(place.url)
        trial.answer_after(0.3)
        async with trial.talking(place.url):
            await trial.some(20)
            before, decoded = await process.footprint(), 0.0
            for number in range(trial.size(6, 0.4)):
                kind = list(KINDS)[number % len(KINDS)]
                await trial.pause(0.5)
                if kind == "decoder":  # a picture that kills two decoders is taken for what it seems to be
                    while (await process.metrics())["media_decoded"] == decoded:
                        await trial.pause(0.2)
                for pid in process.beside(kind)[:1]:
                    trial.killed(kind)
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                if kind == "decoder":  # what was done before the kill does not count
                    decoded = (await process.metrics())["media_decoded"]
                await trial.some(1)
        await trial.judge()
        assert process.lives
        assert set(trial.kills) == set(KINDS), "one of each kind was there to be killed"
        trial.held(before, await process.back_to(before))
        assert await process.stop() == 0
        await process.alone()


@databases.NEEDED
async def test_one_of_several_processes_is_killed(
    postgres: databases.Server, trial: Trial, tmp_path: Path
) -> None:
    """Of three: one that answers, two that work; each is killed once in three times, and so the one that leads."""
    roles = ("web", "worker", "worker")
    address = postgres.database("kills")
    async with trial.servers(4), Place.make(tmp_path, address).open() as place:
        processes = [await place.start("--role", role, listens=role == "web") for role in roles]
        await trial.follow(place.url)
        trial.answer_after(0.3)  # something is always under way
        async with trial.talking(place.url, lanes=2):
            for turn in range(trial.size(3, 0.25)):
                await trial.pause(1.5)
                number = turn % len(roles)
                trial.killed(roles[number])
                await processes[number].kill()
                processes[number] = await place.launch("--role", roles[number])
                if trial.chance.random() < 0.75:
                    await processes[0].up()
                    await trial.some()
            await processes[0].up()
            trial.killed("worker")
            await processes.pop().kill()  # for good: the other one takes over what was its
            await trial.some(10)
        await trial.judge()
        for process in processes:
            assert await process.stop() == 0
            await process.alone()
