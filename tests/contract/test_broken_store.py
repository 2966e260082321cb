"""The store fails, before and after the commit: what the callers make of it, and what is there afterwards."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from relay.domain.errors import Busy
from relay.services.intake import Intake
from relay.services.singleflight import SingleFlight
from tests.contract.test_store import incoming, settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.ports import Tx
    from tests.databases import Database, Databases


class DiskFull(OSError):
    """What a full disk says."""


class BreakingStore:
    """A real store whose next write fails: before the commit, or after it, as when the answer is lost."""

    def __init__(self, store: Database, *, persisted: bool) -> None:
        self._store, self._persisted, self.breaks = store, persisted, True

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A write transaction."""
        breaks, self.breaks = self.breaks, False
        async with self._store.transaction() as tx:
            yield tx
            if breaks and not self._persisted:
                raise DiskFull
        if breaks:
            raise DiskFull

    def reading(self) -> object:
        """A read transaction."""
        return self._store.reading()


@pytest.mark.parametrize("persisted", [False, True])
async def test_nobody_is_told_202_when_the_commit_failed_and_a_repeat_comes_out_right(
    database: Databases, *, persisted: bool
) -> None:
    async with database.open() as store:
        intake = Intake(BreakingStore(store, persisted=persisted))  # type: ignore[arg-type] # it reads alike
        results = await asyncio.gather(
            *(intake.put(incoming(str(n)), settled()) for n in range(3)), return_exceptions=True
        )
        # The first writes alone; the others are written by the next transaction.
        assert isinstance(results[0], Busy)
        assert all(isinstance(result, int) for result in results[1:])
    async with database.open() as store:  # restarted: the senders try again
        intake = Intake(store)
        for n in range(3):
            await intake.put(incoming(str(n)), settled())
        async with store.reading() as tx:
            assert [len(await tx.activities.about(f"https://a.test/{n}")) for n in range(3)] == [1, 1, 1]
            assert await tx.fanout.head() == 3


async def test_whoever_shares_a_failed_transaction_is_asked_to_come_back(database: Databases) -> None:
    async with database.open() as store:
        breaking = BreakingStore(store, persisted=False)
        breaking.breaks = False
        intake = Intake(breaking)  # type: ignore[arg-type]
        # The disk is busy: one writes, three wait and will share the next transaction.
        async with asyncio.TaskGroup() as tasks, store.transaction():
            waiting = [tasks.create_task(outcome(intake, n)) for n in range(4)]
            while len(intake._waiting) < 3:  # noqa: ASYNC110 - until they wait
                await asyncio.sleep(0)  # noqa: TID251
            breaking.breaks = True
        results = [task.result() for task in waiting]
    assert results[0] == 1
    assert results[1:] == ["busy", "busy", "busy"]


async def outcome(intake: Intake, n: int) -> int | str | None:
    try:
        return await intake.put(incoming(str(n)), None)
    except Busy as busy:
        return busy.code


async def test_single_flight_shares_answers_and_errors_and_survives_the_first_being_cancelled() -> None:
    flights, started, go = SingleFlight[int](), [0], asyncio.Event()

    async def work() -> int:
        started[0] += 1
        await go.wait()
        if started[0] == 2:
            raise DiskFull
        return started[0]

    first = asyncio.ensure_future(flights.run("k", work))  # noqa: TID251 - to be cancelled
    second = asyncio.ensure_future(flights.run("k", work))  # noqa: TID251
    third = asyncio.ensure_future(flights.run("k", work))  # noqa: TID251
    await asyncio.sleep(0)  # noqa: TID251
    first.cancel()
    while started[0] < 2:  # noqa: ASYNC110 - until the second one runs it anew
        await asyncio.sleep(0)  # noqa: TID251
    await asyncio.sleep(0)  # noqa: TID251 - and the third one waits for it
    go.set()
    results = await asyncio.gather(first, second, third, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError, DiskFull, DiskFull]
    assert await flights.run("k", work) == 3
