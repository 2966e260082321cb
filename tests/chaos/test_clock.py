"""The machine's clock is set wrong, forwards by hours and backwards by minutes, and put right again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos.elsewhere import set_clock
from tests.chaos.processes import Place

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.judge import Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0)]
HOUR = 3600.0


async def test_the_clock_jumps(trial: Trial, tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    set_clock(clock, 0.0)
    place = Place.make(tmp_path)
    place.module, place.environment = ("tests.chaos.elsewhere",), {"ASSAY_TEST_CLOCK": str(clock)}
    async with trial.servers(), place.open():
        process = await place.start()
        await trial.follow(place.url)
        async with trial.talking(place.url, lanes=1):
            await trial.some()
            for seconds in (7 * HOUR, -0.5 * HOUR, 30 * HOUR, -2 * HOUR):
                trial.fault()
                asked = [one.refused["date"] for one in trial.subscribers]
                set_clock(clock, seconds)
                if abs(seconds) > HOUR:  # posts are refused, and so are deliveries: both are dated wrongly
                    while [one.refused["date"] for one in trial.subscribers] == asked and trial.behind():
                        await trial.pause(0.1)
                    await trial.pause(1.0)
                else:  # nobody is so strict
                    await trial.some()
                trial.fault()
                set_clock(clock, 0.0)
                await trial.some()
                assert await trial.arrived(), "no delivery stops when the clock is right again"
        await trial.judge(may_refuse=["date", "scheme"])
        assert await process.stop() == 0
