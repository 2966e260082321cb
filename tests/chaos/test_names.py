"""Names that do not exist, fail, take their time, come and go, and move: only who has them is affected."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.chaos.elsewhere import set_names
from tests.chaos.processes import Place
from tests.chaos.servers import Subscriber

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.judge import Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0)]
HERE, THERE = "127.0.0.1", "127.0.0.3"
WELL = {"gone_test": HERE, "broken_test": HERE, "slow_test": HERE, "flaps_test": HERE, "moves_test": HERE}
ILL = {"gone_test": "NXDOMAIN", "broken_test": "SERVFAIL", "slow_test": "TIMEOUT"}


async def test_names_fail(trial: Trial, tmp_path: Path) -> None:
    place = Place.make(tmp_path)
    names = partial(set_names, tmp_path / "names")
    place.module = ("tests.chaos.elsewhere",)
    place.environment = {"ASSAY_TEST_NAMES": str(tmp_path / "names")}
    names(**WELL)
    async with trial.servers(), place.open(), AsyncExitStack() as stack:
        process = await place.start()
        await trial.follow(place.url)
        named = [Subscriber(3 + at, trial.origin, name.replace("_", ".")) for at, name in enumerate(WELL)]
        moving = await stack.enter_async_context(AsyncExitStack())
        for one in named:
            await one.open(moving if one is named[-1] else stack)
            await one.follow(place.url)
        # Nobody asks for a name that is connected: the relay starts anew, without a connection.
        assert await process.stop() == 0
        names(**{**WELL, **ILL})
        process = await place.start()
        async with trial.talking(place.url, lanes=2):
            for turn in range(trial.size(2, 0.02)):
                names(**{**WELL, **ILL, "flaps_test": ("SERVFAIL", HERE)[turn % 2]})
                await trial.some(10)
            await moving.aclose()
            await named[-1].open(stack, THERE)  # the same port elsewhere
            names(**{**WELL, **ILL, "moves_test": THERE})
            await trial.some(10)
        await trial.judge()
        assert [one.arrived for one in named[:3]] == [[], [], []], "they cannot be found"
        names(**{**WELL, "moves_test": THERE})
        for one in named:  # a server that is heard from is there: nobody waits for the end of a back-off
            await one.follow(place.url)
        assert all([await one.has(trial.origin.taken) for one in named]), "it came once they could be found"
        assert await process.stop() == 0
