"""The server of the database restarts and ends connections: what was committed stays, and nothing is half done."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from relay.adapters.sql import connecting
from relay.adapters.sql.postgres import PostgresStore
from relay.adapters.sql.upgrading import migrate
from relay.adapters.system import SystemClock
from relay.domain.errors import Refused, Unavailable
from relay.services.enduring import enduring
from relay.services.intake import Intake
from relay.services.leading import Leading
from relay.services.leased import LeasedWork
from relay.services.signals import Wakeup
from tests import databases
from tests.contract.test_leases import Hands, Worker
from tests.contract.test_store import incoming, settled
from tests.fakes import FakeClock
from tests.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

    from relay.domain.intake import Work
    from relay.ports import Tx

pytestmark = databases.NEEDED


@pytest.fixture(scope="module")
def server() -> Iterator[databases.Server]:
    """A server of these tests alone: they stop it."""
    yield from databases.serving()


@pytest.fixture
def address(server: databases.Server) -> str:
    return databases.clean(server)


@asynccontextmanager
async def working(
    store: PostgresStore, attend: Callable[[Work], Coroutine[Any, Any, None]], lease: float, **options: Any
) -> AsyncIterator[None]:
    """Have a piece of work come in and attended to inside, which takes half a minute at most."""
    async with store.transaction() as tx:
        await tx.activities.receive([(incoming("1"), None)])
    work = LeasedWork(
        lambda _: "a piece", lambda tx: tx.activities, attend,
        store=store, clock=SystemClock(), wakeup=Wakeup(), lease=lease, at_once=2, **options,
    )  # fmt: skip
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(work.run())
        try:
            async with asyncio.timeout(30):
                yield
        finally:
            running.cancel()


async def waiting(store: PostgresStore) -> int:
    async with store.reading() as tx:
        return await tx.activities.waiting()


async def test_connections_that_ended_while_nobody_used_them_are_replaced_unseen(
    server: databases.Server, address: str
) -> None:
    async with PostgresStore(address) as store:
        for number in range(3):
            async with store.transaction() as tx, store.reading():
                await tx.activities.receive([(incoming(str(number)), None)])
            assert server.cut() >= 2
        assert await waiting(store) == 3


async def test_a_transaction_whose_connection_ends_changed_nothing(
    server: databases.Server, address: str
) -> None:
    async def receive(*, ask: bool) -> None:
        async with store.transaction() as tx:
            await tx.activities.receive([(incoming("1"), None)])
            server.cut()
            if ask:
                await tx.activities.waiting()

    async with PostgresStore(address) as store:
        for ask in (True, False):  # it is noticed inside, or by the commit
            with pytest.raises(Unavailable):
                await receive(ask=ask)
            assert await waiting(store) == 0
        assert await Intake(store).put(incoming("1"), settled()) == 1


async def test_work_that_the_database_left_is_done_when_it_is_back(
    server: databases.Server, address: str
) -> None:
    """Not minutes later, when its lease is over."""
    done = asyncio.Event()
    tried = 0

    async def attend(work: Work) -> None:
        nonlocal tried
        tried += 1
        async with asyncio.TaskGroup() as tasks:  # as who looks at several pictures does
            tasks.create_task(finish(work))

    async def finish(work: Work) -> None:
        async with store.transaction() as tx:
            if tried == 1:
                server.cut()
            await tx.activities.settle(work.seq, settled(), ())
        done.set()

    async with PostgresStore(address) as store:
        async with working(store, attend, lease=300.0):
            await done.wait()
        assert (tried, await waiting(store)) == (2, 0)


async def test_work_is_kept_while_it_goes_on_and_given_back_when_the_process_stops(address: str) -> None:
    begun, many = asyncio.Event(), asyncio.Event()
    kept: list[float] = []

    async def attend(_: Work) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def keep(tx: Tx, work: Work, until: float) -> None:
        await tx.activities.keep(work, until)
        kept.append(until)
        if len(kept) == 4:
            many.set()

    async def due() -> list[Work]:
        async with store.transaction() as tx:
            return await tx.activities.claim(now=clock.now(), until=clock.now() + 60, most=9)

    clock = SystemClock()
    async with PostgresStore(address) as store:
        async with working(store, attend, lease=2.0, keep=keep):
            await begun.wait()
            assert await due() == []
            await many.wait()  # by now its first lease is over
            assert await due() == []
        assert [one.attempts for one in await due()] == [2], "at once, not when the lease is over"
        assert kept[:-1] == sorted(kept[:-1])
        assert kept[-1] < kept[-2]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_a_server_that_was_away_has_all_that_was_committed(
    server: databases.Server, address: str, how: signal.Signals
) -> None:
    async with PostgresStore(address) as store:
        intake = Intake(store)
        assert await intake.put(incoming("1"), settled()) == 1
        server.stop(how)
        with pytest.raises(Unavailable) as caught:
            await waiting(store)
        assert "assay" not in str(caught.value), "it is answered to others"
        server.start()  # here: the server goes with the thread that started it
        assert await intake.put(incoming("1"), settled()) is None
        assert await intake.put(incoming("2"), settled()) == 2


async def test_a_writer_that_is_gone_lets_others_write(server: databases.Server, address: str) -> None:
    async with PostgresStore(address) as gone, PostgresStore(address) as other:
        writing = gone.transaction()
        tx = await writing.__aenter__()
        await tx.activities.receive([(incoming("1"), None)])
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(Intake(other).put(incoming("1"), settled()))
            while not server.execute("SELECT 1 FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110 - it waits
                await asyncio.sleep(0.01)  # noqa: TID251
            assert not task.done()
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE granted AND objid = 1634956033"
            )
        assert task.result() == 1
        with pytest.raises(Unavailable):
            await writing.__aexit__(None, None, None)


async def test_a_writer_that_stands_still_between_two_statements_is_cut_off(address: str) -> None:
    """What the server has of a pipeline that goes on is no idle transaction to it: it would wait for ever."""
    async with (
        await psycopg.AsyncConnection.connect(address, autocommit=True) as still,
        PostgresStore(address) as other,
    ):
        await still.execute(connecting.SESSION)
        await still.execute(connecting.WRITE)
        pipeline = still.pipeline()
        await pipeline.__aenter__()
        await still.execute(b"SELECT 1")
        assert await Intake(other).put(incoming("1"), settled()) == 1
        with pytest.raises(psycopg.OperationalError):
            await pipeline.__aexit__(None, None, None)


async def test_what_a_writer_read_is_still_so_when_it_writes(address: str) -> None:
    async with PostgresStore(address) as one, PostgresStore(address) as other:

        async def receive(store: PostgresStore, name: str) -> None:
            async with store.transaction() as tx:
                await tx.activities.receive([(incoming(name), settled())])  # counts on from what it reads

        async with asyncio.TaskGroup() as tasks:
            for number in range(20):
                tasks.create_task(receive(one, f"one {number}"))
                tasks.create_task(receive(other, f"other {number}"))
        async with one.reading() as tx:
            assert await tx.fanout.head() == 40


async def test_work_that_waits_is_claimed_once_by_however_many_processes(address: str) -> None:
    stores = [PostgresStore(address) for _ in range(3)]
    async with stores[0], stores[1], stores[2]:
        async with stores[0].transaction() as tx:
            await tx.activities.receive([(incoming(str(n)), None) for n in range(60)])

        async def claim(store: PostgresStore) -> list[int]:
            found = []
            for _ in range(10):
                async with store.transaction() as tx:
                    found += [one.seq for one in await tx.activities.claim(now=5.0, until=99.0, most=3)]
            return found

        async with asyncio.TaskGroup() as tasks:
            claimed = [tasks.create_task(claim(store)) for store in stores]
    assert sorted(seq for task in claimed for seq in task.result()) == list(range(1, 61))


async def test_a_worker_begins_again_when_the_database_is_back_and_ends_when_it_is_told_to() -> None:
    clock, rounds = FakeClock(), []

    async def work() -> None:
        rounds.append(clock.now())
        if len(rounds) < 3:
            raise Unavailable
        try:
            await asyncio.Event().wait()
        finally:
            raise Unavailable  # its last checkpoint fails, too

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await enduring(work, clock)
    assert [at - rounds[0] for at in rounds] == [0.0, 1.0, 2.0]


async def test_a_worker_outlasts_an_outage_that_one_of_its_tasks_met() -> None:
    rounds = 0

    async def fails() -> None:
        raise Unavailable

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        if rounds < 3:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(fails())

    await enduring(work, FakeClock())
    assert rounds == 3


async def test_a_bug_is_no_outage() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await enduring(work, FakeClock())


async def test_a_server_that_takes_bytes_and_says_nothing_is_given_up(
    server: databases.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    databases.clean(server)
    way = Proxy(server.folder / ".s.PGSQL.5432")
    async with way.open():
        address = f"postgresql://assay@127.0.0.1:{way.port}/clean?sslmode=disable"
        async with PostgresStore(address, serving=True) as store:
            assert await Intake(store).put(incoming("1"), settled()) == 1
            monkeypatch.setattr(connecting, "_SILENCE", 0.5)
            way.hang()
            for _ in range(2):  # on a connection that is open, and on one that is to be opened
                with pytest.raises(Unavailable):
                    await waiting(store)
            with pytest.raises(Unavailable):
                async with store.present() as connection:
                    await connection.execute(b"SELECT 1")
            way.heal()
            assert await Intake(store).put(incoming("2"), settled()) == 2


async def test_who_leads_stops_in_time_when_the_server_says_nothing(server: databases.Server) -> None:
    databases.clean(server)
    hands, worker, way = Hands(), Worker(), Proxy(server.folder / ".s.PGSQL.5432")
    async with way.open():
        address = f"postgresql://assay@127.0.0.1:{way.port}/clean?sslmode=disable"
        async with PostgresStore(address, serving=True) as store, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(Leading(store, hands.clock, "cut off").run(worker.work))
            await hands.until(lambda: worker.works)
            way.hang()
            await hands.until(lambda: not worker.works)
            way.heal()
            await hands.until(lambda: worker.works)
            running.cancel()
    assert worker.terms == 2


async def test_tables_are_made_once_by_however_many_processes(server: databases.Server) -> None:
    stores = [PostgresStore(server.database("fresh")) for _ in range(1)]
    stores += [PostgresStore(server.address("fresh")) for _ in range(3)]

    async def open_once(store: PostgresStore) -> None:
        async with store:
            assert await waiting(store) == 0

    async with asyncio.TaskGroup() as tasks:
        for store in stores:
            tasks.create_task(open_once(store))
    async with await psycopg.AsyncConnection.connect(server.address("fresh"), autocommit=True) as connection:
        assert await migrate(connection) == 0


async def test_a_database_of_another_encoding_is_refused(server: databases.Server) -> None:
    server.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(Refused) as caught:
        async with PostgresStore(server.address("latin")):
            pass
    assert caught.value.code == "no-database"


async def test_what_postgresql_cannot_hold_is_replaced(address: str) -> None:
    odd = replace(incoming("1"), keys=("odd \0 key",), object_id="https://a.test/\0")
    async with PostgresStore(address) as store, store.transaction() as tx:
        assert await tx.activities.receive([(odd, None), (odd, None)]) == [1, None]
        [found] = await tx.activities.about("https://a.test/\0")
        assert found["object_id"] == "https://a.test/\ufffd"


async def test_a_transaction_that_goes_on_after_an_error_is_no_success(address: str) -> None:
    async def receive() -> None:
        async with store.transaction() as tx:
            await tx.activities.receive([(incoming("1"), None)])
            with suppress(psycopg.DataError):
                await tx.logins.forget("never")  # type: ignore[arg-type] # a bug somewhere

    async with PostgresStore(address) as store:
        with pytest.raises(RuntimeError):
            await receive()
        assert await waiting(store) == 0
