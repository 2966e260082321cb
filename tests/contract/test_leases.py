"""Port `Leases` on every database, and who leads by it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from relay.domain.errors import Superseded
from relay.services.leading import LEASE, Leading
from tests.fakes import START, FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.databases import Database


async def test_a_lease_is_had_by_one_kept_by_that_one_and_ends(store: Database) -> None:
    async with store.transaction() as tx:
        assert await tx.leases.owner("lead") is None
        assert await tx.leases.take("lead", "a", now=0.0, until=10.0)
        assert not await tx.leases.take("lead", "b", now=9.9, until=20.0)
        assert await tx.leases.take("other", "b", now=9.9, until=20.0)
        assert await tx.leases.take("lead", "a", now=5.0, until=15.0)
        assert not await tx.leases.take("lead", "b", now=10.0, until=20.0)
        assert await tx.leases.take("lead", "b", now=15.0, until=25.0)
        assert not await tx.leases.take("lead", "a", now=16.0, until=26.0)
        await tx.leases.release("lead", "a")
        assert await tx.leases.owner("lead") == "b"
        await tx.leases.release("lead", "b")
        assert await tx.leases.owner("lead") == "b"
        assert await tx.leases.take("lead", "a", now=16.0, until=26.0)


class Worker:
    """Notes when it works; `stuck` is what a machine that stands still does."""

    def __init__(self) -> None:
        self.works = False
        self.terms = 0

    async def work(self) -> None:
        self.works, self.terms = True, self.terms + 1
        try:
            await asyncio.Event().wait()
        finally:
            self.works = False


class Hands:
    """A clock whose sleepers wake when it is moved."""

    def __init__(self) -> None:
        self.clock = FakeClock(START)
        self._sleeping: list[tuple[float, asyncio.Event]] = []
        self.clock.sleep = self._sleep  # type: ignore[method-assign]

    async def _sleep(self, seconds: float) -> None:
        event = asyncio.Event()
        self._sleeping.append((self.clock.now() + seconds, event))
        await event.wait()

    async def until(self, so: Callable[[], bool]) -> None:
        """Let time pass until something is so, and everybody do what is due."""
        async with asyncio.timeout(40):
            while not so():
                self.clock.forward(1.0)
                due = [one for one in self._sleeping if one[0] <= self.clock.now()]
                self._sleeping = [one for one in self._sleeping if one not in due]
                for _, event in due:
                    event.set()
                await asyncio.sleep(0.1)  # noqa: TID251 - the database answers


async def test_one_leads_and_the_other_takes_over_when_it_is_gone(store: Database) -> None:
    hands, workers = Hands(), (Worker(), Worker())
    leading = [Leading(store, hands.clock, name) for name in ("a", "b")]
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(lead.run(one.work)) for lead, one in zip(leading, workers, strict=True)]
        await hands.until(lambda: workers[0].works or workers[1].works)
        first = 0 if workers[0].works else 1
        since = hands.clock.now()
        await hands.until(lambda: hands.clock.now() > since + 3 * LEASE)
        assert [one.terms for one in workers] == [1 - first, first], "it keeps the lease"
        running[first].cancel()
        await hands.until(lambda: workers[1 - first].works)
        assert (leading[first].leads, leading[1 - first].leads) == (False, True)
        running[1 - first].cancel()
    assert not any(one.works for one in workers)


@pytest.mark.parametrize("given_back", [False, True])
async def test_who_was_superseded_cannot_write_and_stops(store: Database, *, given_back: bool) -> None:
    hands, worker = Hands(), Worker()
    stuck = Leading(store, hands.clock, "stuck")
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(stuck.run(worker.work))
        await hands.until(lambda: worker.works)
        async with store.transaction() as tx:
            await stuck.check(tx)
            later = hands.clock.now() + 2 * LEASE
            assert await tx.leases.take("lead", "other", now=later, until=later + LEASE)
            if given_back:
                await tx.leases.release("lead", "other")
        assert stuck.leads, "it has not noticed"
        with pytest.raises(Superseded):
            async with store.transaction() as tx:
                await stuck.check(tx)
        await hands.until(lambda: not worker.works)
        assert not stuck.leads
        if given_back:
            await hands.until(lambda: worker.works)
            assert (stuck.leads, worker.terms) == (True, 2), "it begins anew"
        running.cancel()
