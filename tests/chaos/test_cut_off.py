"""A worker is cut off from the database without a word: another takes over, and nothing arrives twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests import databases
from tests.chaos.links import link
from tests.chaos.processes import Place, holders

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.judge import Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0)]


@databases.NEEDED
@pytest.mark.parametrize("kind", ["hangs", "is unplugged"])
async def test_a_worker_is_cut_off_from_the_database(
    postgres: databases.Server, trial: Trial, tmp_path: Path, kind: str
) -> None:
    name = f"cut_off_{kind[:2]}"
    address = postgres.database(name)
    async with link(kind, postgres.folder / ".s.PGSQL.5432") as way, trial.servers(6, way.host):
        far = f"postgresql://assay@{way.host}:{way.port}/{name}?sslmode=disable"
        place = Place.make(tmp_path / "direct", address)
        behind = Place.make(tmp_path / "behind", far, of=place)
        behind.inside = way.inside
        async with place.open(), behind.open():
            await place.start("--role", "web")
            first = await behind.launch("--role", "worker")
            await holders(address, 1)
            second = await place.launch("--role", "worker")
            both = await holders(address, 2)
            await trial.follow(place.url)
            async with trial.talking(place.url):
                await trial.some(30)
            assert await trial.arrived()
            async with trial.talking(place.url):
                trial.answer_after(0.3)  # what is sent piles up
                await trial.some(60)
                async with trial.without():  # it stands still: what it wrote last it wrote before that
                    first.freeze()
                    # Answers wait for it: for each it starts something more once it is cut off.
                    await asyncio.sleep(1.0)
                    way.hang()
                # What it delivers later, and another one does, too, is not to come again.
                first.thaw()
                trial.answer_after(0.0)
                await trial.some(30)
                assert await holders(address, 1) < both
                assert await trial.arrived()
                way.heal()
                await holders(address, 2)
                await trial.some(30)
            assert await trial.arrived()
            assert await second.stop() == 0
            async with trial.talking(place.url):
                await trial.some(30)  # the one that was cut off is at work again
            assert first.lives
            await trial.judge()
            assert await first.stop() == 0
