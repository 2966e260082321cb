"""Port `Shares` on every database, and the part of the fan-out that falls to each of several processes."""

from __future__ import annotations

import asyncio
import itertools
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from relay.domain.delivery import Reached, Saved
from relay.domain.errors import Superseded, Unavailable
from relay.domain.shares import ALL, COUNT, Held, share_of
from relay.services.leading import parted
from relay.services.shares import Shares
from relay.services.signals import Signals
from relay.services.tenure import LEASE, MARGIN
from tests.contract.test_leases import Hands, Worker
from tests.contract.test_store import subscribe
from tests.fakes import START, FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.ports import Tx
    from tests.databases import Database

NOTHING: dict[str, Any] = {"stragglers": {}, "hosts": {}, "counts": {}, "skipped": {}}


async def test_a_share_has_one_owner_and_is_given_back_by_that_one_only(store: Database) -> None:
    async with store.transaction() as tx:
        assert await tx.shares.owners() == {}
        await tx.shares.part(4)
        await tx.shares.take(Held("a", frozenset({0, 1, 2})))
        await tx.shares.take(Held("b", frozenset({2})))
        assert await tx.shares.owners() == {0: "a", 1: "a", 2: "b", 3: None}
        assert await tx.shares.holds(Held("a", frozenset({0, 1})))
        assert await tx.shares.holds(Held("a", frozenset()))
        assert not await tx.shares.holds(Held("a", frozenset({0, 1, 2})))
        await tx.shares.release(Held("a", frozenset({1, 2})))
        assert await tx.shares.owners() == {0: "a", 1: None, 2: "b", 3: None}


async def test_everybody_stands_where_its_share_does(store: Database) -> None:
    numbers = {name: await subscribe(store, name) for name in ("a.test", "b.test")}
    mine, theirs = [frozenset({share_of(name)}) for name in numbers]
    together = dict.fromkeys(numbers.values())
    async with store.transaction() as tx:
        await tx.fanout.save(Saved(7, {}), moved=together, **NOTHING)
        await tx.shares.part(COUNT)
        await tx.shares.take(Held("a", ALL - theirs))
        await tx.shares.take(Held("b", theirs))
        assert [one.cursor for one in (await tx.fanout.progress()).values()] == [7, 7]
        await tx.fanout.save(Saved(9, {}), moved={}, held=Held("a", ALL - theirs), **NOTHING)
    async with store.reading() as tx:
        assert [one.cursor for one in (await tx.fanout.progress()).values()] == [9, 7]
        assert [(await tx.subscribers.details(one))["cursor"] for one in numbers.values()] == [9, 7]
    held, moved = Held("a", mine | theirs), dict.fromkeys(numbers.values(), Reached(11))
    with pytest.raises(Superseded):
        async with store.transaction() as tx:
            await tx.fanout.save(Saved(11, {}), moved=moved, held=held, **NOTHING)
    async with store.transaction() as tx:
        assert [one.cursor for one in (await tx.fanout.progress()).values()] == [9, 7], (
            "nothing of it is written"
        )
        await tx.shares.part(COUNT)
        cursors = [one.cursor for one in (await tx.fanout.progress()).values()]
        assert cursors == [7, 7], "a version without shares would go on where nobody loses anything"


async def test_versions_that_part_nothing_lead_alone_and_are_gone_on_from(store: Database) -> None:
    """A rolling upgrade: the former leader delivers to everybody until it stops, then nobody of its kind does."""
    number = await subscribe(store, "a.test")
    async with store.transaction() as tx:
        await tx.leases.take("lead", "former", now=0.0, until=15.0)
        assert not await parted(tx, now=14.0, until=29.0)
        await tx.fanout.save(Saved(5, {}), moved={number: None}, **NOTHING)
        assert await parted(tx, now=15.0, until=30.0)
        assert len(await tx.shares.owners()) == COUNT
        assert (await tx.fanout.progress())[number].cursor == 5
        await tx.shares.take(Held("a", ALL))
        assert await parted(tx, now=16.0, until=31.0)
        assert not await tx.leases.take("lead", "former", now=30.0, until=45.0)
        assert set((await tx.shares.owners()).values()) == {"a"}


class Process:
    """A process with its part. Deliveries are under way in it for as long as `busy`."""

    def __init__(self, store: Database, clock: FakeClock, name: str) -> None:
        self.name, self.clock = name, clock
        self.shares = Shares(store, clock, Signals(), name)
        self.busy = False

    async def turn(self) -> None:
        """Do what it does every few seconds."""
        if not await self.shares._tenure.renew(again=True):
            await self.shares.leave()
            await self.shares._tenure.renew()
        if self.shares.leaving and not self.busy:
            await self.shares.release(self.shares.leaving)

    @property
    def delivers(self) -> frozenset[int]:
        """The shares for which something is under way or may be started."""
        allowed = self.clock.now() < self.shares.until
        return self.shares.mine | self.shares.leaving if allowed else frozenset()


async def rounds(processes: list[Process], count: int = 3) -> list[int]:
    """Let processes take turns; return how much each has."""
    for _ in range(count):
        for one in processes:
            await one.turn()
        processes[0].clock.forward(1.0)
    return [len(one.shares.mine) for one in processes]


async def test_those_that_are_alive_have_even_parts(store: Database) -> None:
    clock = FakeClock(START)
    a, b, c = [Process(store, clock, name) for name in "abc"]
    assert await rounds([a]) == [COUNT]
    assert await rounds([a, b]) == [COUNT // 2, COUNT // 2]
    kept = a.shares.mine
    assert await rounds([a, b, c]) == [86, 85, 85]
    assert a.shares.mine < kept, "what may stay stays"
    assert a.shares.mine | b.shares.mine | c.shares.mine == ALL
    await b.shares.leave()
    assert await rounds([a, c]) == [COUNT // 2, COUNT // 2]


async def test_what_is_handed_over_is_taken_when_it_has_landed(store: Database) -> None:
    clock = FakeClock(START)
    a, b = Process(store, clock, "a"), Process(store, clock, "b")
    await rounds([a])
    a.busy = True
    assert await rounds([a, b]) == [COUNT // 2, 0]
    assert len(a.shares.leaving) == COUNT // 2
    a.busy = False
    assert await rounds([a, b]) == [COUNT // 2, COUNT // 2]


async def test_what_a_dead_process_held_is_taken_when_its_lease_ends(store: Database) -> None:
    clock = FakeClock(START)
    a, b = Process(store, clock, "a"), Process(store, clock, "b")
    await rounds([a, b])
    clock.forward(LEASE - 5.0)
    assert await rounds([a], 1) == [COUNT // 2]
    clock.forward(5.0)
    assert await rounds([a], 1) == [COUNT]


async def test_who_stood_still_cannot_write_and_begins_anew(store: Database) -> None:
    clock = FakeClock(START)
    a, stuck = Process(store, clock, "a"), Process(store, clock, "stuck")
    await rounds([a, stuck])
    held = stuck.shares.held(stuck.shares.mine)
    clock.forward(LEASE)
    assert not stuck.delivers
    await rounds([a], 1)
    for write in (
        stuck.shares.check,
        lambda tx: tx.fanout.save(Saved(1, {}), moved={}, held=held, **NOTHING),
    ):
        with pytest.raises(Superseded):
            async with store.transaction() as tx:
                await write(tx)
    assert not await stuck.shares._tenure.renew(again=True), "what it knows is out of date"
    assert await rounds([stuck, a]) == [COUNT // 2, COUNT // 2]


async def test_who_stood_still_and_lost_nothing_goes_on(store: Database) -> None:
    clock = FakeClock(START)
    only = Process(store, clock, "only")
    await rounds([only])
    clock.forward(10 * LEASE)
    assert await only.shares._tenure.renew(again=True)
    assert only.delivers == ALL


@pytest.mark.parametrize("seed", range(3))
async def test_no_share_is_ever_delivered_by_two(store: Database, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a story that can be told again
    clock, names = FakeClock(START), itertools.count()
    alive = [Process(store, clock, f"p{next(names)}")]
    for _ in range(60):
        one = chance.choice(alive)
        match chance.randrange(10):
            case 0 if len(alive) < 5:
                alive.append(Process(store, clock, f"p{next(names)}"))
            case 1 if len(alive) > 1:
                alive.remove(one)  # as by kill -9
            case 2:
                clock.forward(chance.uniform(0.0, 2 * LEASE))  # all stand still
            case 3:
                one.busy = not one.busy
            case _:
                await one.turn()
                clock.forward(chance.uniform(0.0, 2.0))
        held = [one.delivers for one in alive]
        assert sum(map(len, held)) == len(frozenset().union(*held))
    for one in alive:
        one.busy = False
    clock.forward(LEASE)
    parts = await rounds(alive, 4)
    assert sum(parts) == COUNT
    assert max(parts) - min(parts) <= 1


class Cut:
    """A store whose connection can be cut."""

    def __init__(self, store: Database) -> None:
        self._store, self.cut = store, False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        if self.cut:
            raise Unavailable
        async with self._store.transaction() as tx:
            yield tx


async def test_who_is_cut_off_stops_before_its_lease_ends(store: Database) -> None:
    hands, worker, cut, signals = Hands(), Worker(), Cut(store), Signals()
    shares = Shares(cut, hands.clock, signals, "a")  # type: ignore[arg-type]

    def so(wanted: bool) -> bool:  # noqa: FBT001
        signals.shares.hear()  # it need not wait
        return worker.works is wanted

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(shares.run(worker.work))
        await hands.until(lambda: so(True))
        cut.cut, last = True, shares.until + MARGIN
        await hands.until(lambda: so(False))
        assert hands.clock.now() < last - MARGIN + 2.0
        assert not shares.mine
        cut.cut = False
        hands.clock.forward(LEASE)
        await hands.until(lambda: so(True))
        assert (shares.mine, worker.terms) == (ALL, 2)
        running.cancel()
    async with store.reading() as tx:
        assert set((await tx.shares.owners()).values()) == {None}, "it gives back what it had"
