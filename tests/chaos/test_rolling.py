"""An update while everything runs: a newer version beside an older one on one PostgreSQL, then alone."""

from __future__ import annotations

import json
import os
import shutil
from itertools import cycle
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from relay.adapters.sql.schema import newest
from tests import databases
from tests.chaos.processes import ROOT, Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.chaos.judge import Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0)]
ADDING = """\
ALTER TABLE activities ADD COLUMN more TEXT;
ALTER TABLE subscriptions ADD COLUMN more BIGINT NOT NULL DEFAULT 7;
ALTER TABLE stragglers ADD COLUMN more TEXT;
ALTER TABLE hosts ADD COLUMN more TEXT;
CREATE TABLE more (a TEXT NOT NULL);
"""


def version(folder: Path, number: int, text: str) -> Mapping[str, str]:
    """Make a version of the relay with one more migration; return the environment in which it runs."""
    shutil.copytree(ROOT / "relay", folder / "relay", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "relay/adapters/sql/migrations" / f"{number:04}_newer.sql").write_text(text)
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT / 'fep'}"}


async def ask(place: Place, *words: str) -> tuple[int, Any]:
    """Run a command; return its exit status, and its document or problem."""
    status, printed = await place.command("--json", *words)
    return status, json.loads(printed[printed.index("{") :])


@databases.NEEDED
async def test_a_newer_version_takes_the_place_of_an_older_one(
    postgres: databases.Server, trial: Trial, tmp_path: Path
) -> None:
    address = postgres.database("rolling")
    older = Place.make(tmp_path / "older", address)
    newer = Place.make(tmp_path / "newer", address, of=older)
    newer.environment = version(tmp_path / "version", newest() + 1, ADDING)
    here, there = (f"http://127.0.0.1:{place.port}" for place in (older, newer))
    async with trial.servers(4), older.open(), newer.open():
        process = await older.start()
        await trial.follow(older.url)
        async with trial.talking(older.url):
            trial.answer_after(0.3)  # something is always under way, and edits wait for it
            await trial.some(24)
            trial.fault()  # what the older one was about when the tables changed is done again
            successor = await newer.start()
            with psycopg.connect(address) as connection:
                found = connection.execute(b"SELECT max(number) FROM schema_migrations").fetchone()
            assert found == (newest() + 1,)
            status, document = await ask(newer, "migrate", "--status")
            assert (status, document["pending"], document["relays"]) == (0, 0, [newest(), newest() + 1])
            both = cycle((here, there))
            trial.origin.way = lambda _: next(both)
            await trial.some(72)
            trial.origin.way = lambda _: there
            assert await process.stop() == 0
            await trial.some(24)
        await trial.judge()
        assert await successor.stop() == 0
    assert set(trial.origin.answers) <= {202, 503}
    assert trial.origin.answers[503] < 24, "an older process is held up once by each change, not for ever"


@databases.NEEDED
async def test_a_version_that_cannot_run_beside_the_older_one_waits_and_then_keeps_it_out(
    postgres: databases.Server, tmp_path: Path
) -> None:
    address, number = postgres.database("contracting"), newest() + 1
    older = Place.make(tmp_path / "older", address)
    newer = Place.make(tmp_path / "newer", address, of=older)
    newer.environment = version(
        tmp_path / "version", number, f"-- compatible_from: {number}\nDROP TABLE gaps;\n"
    )
    async with older.open():
        await older.start()
        status, problem = await ask(newer, "migrate")
        assert (status, problem["code"]) == (69, "older-running")
    status, found = await ask(newer, "migrate")
    assert (status, found["applied"], found["compatible_from"], found["relays"]) == (0, 1, number, [])
    for words in (("serve",), ("status",)):
        status, problem = await ask(older, *words)
        assert (status, problem["code"]) == (78, "newer-database")
        assert str(number) in problem["detail"]
