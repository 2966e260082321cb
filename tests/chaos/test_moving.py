"""kill -9 of `assay migrate --to` at several moments: given again it goes on, and ends with every row."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests import databases
from tests.contract.test_moving import both, fill, make, tables

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 4
ROWS = 120_000


def copied(address: str) -> int:
    """How many rows a copy has noted."""
    try:
        with psycopg.connect(address) as connection:
            row = connection.execute(b"SELECT document FROM copy_progress").fetchone()
    except psycopg.errors.UndefinedTable:
        return 0
    return 0 if row is None else sum(rows for _, rows, _ in json.loads(row[0])["tables"].values())


async def migrating(folder: Path, address: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relay", "--json", "migrate", "--to", address,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=folder,
        env={**os.environ, "ASSAY_RELAY__DATA": str(folder)},
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(300)
@databases.NEEDED
async def test_a_copy_that_is_killed_goes_on_and_ends_whole(
    postgres: databases.Server, tmp_path: Path
) -> None:
    file, address = tmp_path / "relay.sqlite", postgres.database("killed_copy")
    await asyncio.to_thread(make, file)
    with closing(sqlite3.connect(file)) as connection, connection:
        for table, columns in tables(connection).items():
            fill(connection, table, columns, 23)
        connection.executemany(
            "INSERT INTO seen VALUES (?, ?)", [(f"https://a.test/{n}", n / 7) for n in range(ROWS)]
        )
    done, kept = 0, []
    for _ in range(KILLS):
        process = await migrating(tmp_path, address)
        while (now := copied(address)) <= done and process.returncode is None:
            await asyncio.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        await process.communicate()
        assert now > done
        done = copied(address)
        kept.append(done)
    process = await migrating(tmp_path, address)
    out, err = await process.communicate()
    assert process.returncode == 0, err
    answer = json.loads(out)
    assert (answer["outcome"], answer["kept"]) == ("copied", kept[-1])
    assert 0 < kept[0] < kept[-1] < answer["rows"]
    here, there = both(file, address)
    assert here == there
