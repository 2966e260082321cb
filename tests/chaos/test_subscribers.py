"""Subscribers that hang, drip, reset, lie and flood, all at the same time: the others notice nothing."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from tests.chaos.processes import Place
from tests.chaos.servers import ARRIVAL_SECONDS
from tests.chaos.zoo import HABITS, Animal, Deaf

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.judge import Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0)]


async def test_subscribers_behave_badly(trial: Trial, tmp_path: Path) -> None:
    async with trial.servers(), Place.make(tmp_path).open() as place, AsyncExitStack() as stack:
        process = await place.start()
        await trial.follow(place.url)
        animals, deaf = [Animal(habit) for habit in HABITS], Deaf(4)
        for one in animals:
            await one.open(stack)
            await one.follow(place.url)
        async with AsyncExitStack() as while_it_hears:
            await deaf.open(while_it_hears)
            await deaf.follow(place.url)
        await deaf.close_ears(stack)
        before = await process.footprint()
        async with trial.talking(place.url, lanes=2):
            for _ in range(trial.size(1, 0.03)):
                await trial.some(30)
        assert await trial.arrived(), "who is well got all while the others hang"
        async with asyncio.timeout(ARRIVAL_SECONDS):
            while not all(one.visits for one in animals):
                await trial.pause(0.2)
        # Two deliveries at a time may hang at each; nobody's gigabyte is kept.
        during = await process.footprint()
        assert during.within(before, files=3 * len(animals) + 16, tasks=3 * len(animals) + 8), (
            before,
            during,
        )
        await trial.judge()
        await stack.aclose()
        trial.held(before, await process.back_to(before))
        assert await process.stop() == 0
