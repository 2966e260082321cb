"""Two processes of one relay on one PostgreSQL: what one does the other knows."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from relay.adapters.system import SystemClock
from relay.cli.workers import keep_workers
from relay.wiring.processes import Role, Workers
from tests.conftest import KINDS
from tests.contract.test_sharing import until
from tests.flow.conftest import BASE

if TYPE_CHECKING:
    from pathlib import Path

    from relay.wiring.processes import Worker
    from tests.flow.conftest import World, Worlds

on_postgresql = pytest.mark.parametrize("database", KINDS[1:], indirect=True)
STRICT = "policy: {preset: strict}\n"
PROGRAM = """
import os, pathlib, signal, sys, time
file = pathlib.Path(sys.argv[1])
file.write_text(file.read_text() + f"{os.getpid()} {os.environ['ASSAY_PARENT']}\\n")
if len(file.read_text().splitlines()) < 4:
    sys.exit(3)
signal.signal(signal.SIGTERM, lambda *_: (file.write_text("stopped"), sys.exit(0)))
while True:
    time.sleep(0.05)
"""


@on_postgresql
async def test_one_process_delivers_what_another_took_in_and_nothing_that_another_heard_is_deleted(
    worlds: Worlds,
) -> None:
    delivering, receiving = await worlds.open(), await worlds.open()
    origin, subscriber = await delivering.subscribe("o.test"), await delivering.subscribe("s.test")
    note = origin.note()
    author = origin.actor("/users/alice", "Person")
    assert (await receiving.post(author, origin.create(note))).code == "published"
    subscriber.status = 503
    await delivering.relay.fanout.run_once()  # it is in memory, and waits
    deletion = {
        "id": f"{note['id']}#delete",
        "type": "Delete",
        "actor": author.id,
        "to": note["to"],
        "object": note["id"],
    }
    await receiving.post(author, deletion)
    subscriber.status = 202
    subscriber.inbox.clear()
    worlds.clock.forward(3600)
    await delivering.relay.fanout.run_once()
    assert subscriber.arrivals("Announce") == []
    again = origin.note()
    assert (await receiving.post(author, origin.create(again))).code == "published"
    await delivering.relay.fanout.run_once()
    assert [one["object"] for one in subscriber.arrivals("Announce")] == [again["id"]]


@on_postgresql
async def test_all_processes_take_up_what_one_of_them_was_asked_to(worlds: Worlds) -> None:
    first, second = await worlds.open(), await worlds.open()
    for world in (first, second):
        assert await world.relay.live.run_once() is None
    (worlds.folder / "config.yaml").write_text(BASE + STRICT)
    first.relay.live.hang_up()
    for world in (first, second):
        answer = await world.relay.live.run_once()
        assert answer is not None
        assert "policy" in answer.changed
        assert await world.relay.live.run_once() is None, "once is enough"
    ids = {world.relay.office.decider.policy.id for world in (first, second)}
    assert len(ids) == 1
    assert len(await first.relay.office.policy_history.all()) == 2


@on_postgresql
async def test_only_the_process_that_leads_suspends_and_all_know_who_is_blocked(worlds: Worlds) -> None:
    leading, other = await worlds.open(), await worlds.open()
    await leading.subscribe("bad.test")
    leading.relay.moderation.enforcement.leads = lambda: True
    for world in (leading, other):
        world.relay.blocks.patterns = ["bad.test"]
    assert not await other.relay.moderation.enforcement.run_once()
    [before] = await other.relay.office.subscribers.all()
    assert await leading.relay.moderation.enforcement.run_once()
    [after] = await other.relay.office.subscribers.all()
    assert (before.state.value, after.state.value) == ("accepted", "suspended")


@on_postgresql
async def test_what_is_said_while_a_process_stops_reaches_the_others(worlds: Worlds) -> None:
    """What it delivered is free then; the others would look for it only seconds later."""
    stops, stays = await worlds.open(), await worlds.open()
    said, heard = stops.relay.office.signals.shares, stays.relay.office.signals.shares

    async def wait() -> None:
        await asyncio.Event().wait()

    async def leave() -> None:
        try:
            await wait()
        finally:
            said.set()

    def running(world: World, worker: Worker) -> asyncio.Task[None]:
        workers = Workers(every=[worker], answering=(), working=(), leading=(), delivering=wait)
        return tasks.create_task(world.relay.processes.run(workers, Role.WEB))

    async with asyncio.TaskGroup() as tasks:
        staying, stopping = running(stays, wait), running(stops, leave)
        await until(said.take)  # once they listen they look at everything
        await until(heard.take)
        stopping.cancel()
        await until(heard.take)
        staying.cancel()


@on_postgresql
@pytest.mark.parametrize("role", list(Role))
async def test_a_process_leads_unless_it_only_answers(worlds: Worlds, role: Role) -> None:
    world = await worlds.open()
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(world.relay.work(role))
        async with asyncio.timeout(30):
            for _ in range(200):
                await asyncio.sleep(0.01)  # noqa: TID251
                if world.relay.processes.leads():
                    break
        assert world.relay.processes.leads() is (role is not Role.WEB)
        working.cancel()


async def test_workers_are_started_again_and_taken_along(tmp_path: Path) -> None:
    file = tmp_path / "seen"
    file.write_text("")
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(
            keep_workers(1, [sys.executable, "-c", PROGRAM, str(file)], SystemClock())
        )
        async with asyncio.timeout(50):
            while len(file.read_text().splitlines()) < 4:  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # noqa: TID251
            await asyncio.sleep(0.3)  # noqa: TID251 - it is ready to be stopped
        keeping.cancel()
    assert file.read_text() == "stopped"
