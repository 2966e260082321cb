"""An update while everything runs: a newer version beside an older one on one PostgreSQL, then alone."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import psycopg
import pytest

from relay.adapters.sql.schema import newest
from relay.cli.serving import listening
from tests import databases
from tests.chaos.world import CONFIG, Server, create, follow, free_port, relay_process
from tests.fakes import rsa_key, sign_request

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
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
    return {**os.environ, "PYTHONPATH": f"{folder}:{ROOT / 'fep'}", "PYTHONDONTWRITEBYTECODE": "1"}


async def ask(config: Path, env: Mapping[str, str], *words: str) -> tuple[int, Any]:
    """Run a command of a version; return its exit status, and its document or problem."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relay", "--json", "--config", str(config), *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=config.parent, env=env,
    )  # fmt: skip
    out, err = await process.communicate()
    text = out or b"{" + err.partition(b"{")[2]
    assert process.returncode is not None
    return process.returncode, json.loads(text)


async def post(
    session: aiohttp.ClientSession, origin: Server, relay: str, port: int, activity: dict[str, Any]
) -> int:
    """Deliver to a relay by way of one of its processes, as a proxy in front of them would."""
    actor = origin.url("/alice")
    body = json.dumps({**activity, "actor": actor}).encode()
    now = time.time()
    signed = sign_request(rsa_key(origin.number), f"{actor}#main-key", f"{relay}/inbox", body, now)
    there = f"http://127.0.0.1:{port}/inbox"
    async with session.post(there, data=body, headers=dict(signed.headers)) as answer:
        return answer.status


@pytest.mark.slow
@pytest.mark.timeout(300)
@databases.NEEDED
async def test_nothing_is_lost_while_a_newer_version_takes_the_place_of_an_older_one(
    postgres: databases.Server, tmp_path: Path
) -> None:
    address, ports = postgres.database("rolling"), (free_port(), free_port())
    relay, acknowledged, busy = f"http://127.0.0.1:{ports[0]}", list[str](), 0
    place, configs = f'data: {tmp_path / "data"}, database: "{address}"', list[Path]()
    for number, port in enumerate(ports):
        config = tmp_path / f"config{number}.yaml"
        text = CONFIG.format(port=ports[0], admin=free_port()).replace("data: data", place)
        config.write_text(text.replace(f'listen: "127.0.0.1:{ports[0]}"', f'listen: "127.0.0.1:{port}"'))
        configs.append(config)
    newer = version(tmp_path / "newer", newest() + 1, ADDING)
    origin, subscriber = Server(0), Server(1)

    async def offer(*through: int) -> int:
        """Post through processes in turns; return how often one had no time."""
        refusals = 0
        for turn in range(24):
            note = origin.url(f"/notes/{len(acknowledged)}-{turn}-{len(through)}")
            status = await post(session, origin, relay, through[turn % len(through)], create(note))
            assert status in {202, 503}, status
            if status == 202:
                acknowledged.append(note)
            refusals += status == 503
        return refusals

    async with AsyncExitStack() as stack:
        for one in (origin, subscriber):
            one.port = await stack.enter_async_context(listening(one.app(), "127.0.0.1", 0))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        older = await stack.enter_async_context(relay_process(configs[0], ports[0]))
        await follow(session, relay, origin, subscriber)
        assert await offer(ports[0]) == 0
        await stack.enter_async_context(relay_process(configs[1], ports[1], env=newer))
        with psycopg.connect(address) as connection:
            assert connection.execute(b"SELECT max(number) FROM schema_migrations").fetchone() == (
                newest() + 1,
            )
        status, found = await ask(configs[0], newer, "migrate", "--status")
        assert (status, found["pending"], found["relays"]) == (0, 0, [newest(), newest() + 1])
        for _ in range(3):
            busy += await offer(*ports)
        older.send_signal(signal.SIGTERM)
        assert await older.wait() == 0
        assert await offer(ports[1]) == 0
        async with asyncio.timeout(90), subscriber.changed:
            await subscriber.changed.wait_for(
                lambda: {one for _, one in subscriber.arrived} >= set(acknowledged)
            )
    assert len(acknowledged) == 24 * 5 - busy
    assert busy < 24, "an older process is held up once by each change, not for ever"


@pytest.mark.slow
@pytest.mark.timeout(240)
@databases.NEEDED
async def test_a_version_that_cannot_run_beside_the_older_one_waits_and_then_keeps_it_out(
    postgres: databases.Server, tmp_path: Path
) -> None:
    address, port = postgres.database("contracting"), free_port()
    config, number = tmp_path / "config.yaml", newest() + 1
    place = f'data: data, database: "{address}"'
    config.write_text(CONFIG.format(port=port, admin=free_port()).replace("data: data", place))
    newer = version(tmp_path / "newer", number, f"-- compatible_from: {number}\nDROP TABLE gaps;\n")
    async with relay_process(config, port):
        status, problem = await ask(config, newer, "migrate")
        assert (status, problem["code"]) == (69, "older-running")
    status, found = await ask(config, newer, "migrate")
    assert (status, found["applied"], found["compatible_from"], found["relays"]) == (0, 1, number, [])
    for words in (("serve",), ("status",)):
        status, problem = await ask(config, os.environ, *words)
        assert (status, problem["code"]) == (78, "newer-database")
        assert str(number) in problem["detail"]
