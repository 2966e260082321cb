"""Port `Store`, on the database that the relay runs on: durable, serial, whole or not at all."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from relay.adapters.inside import refuse_in_transaction
from relay.adapters.sql.sqlite import SqliteStore
from relay.domain.delivery import Host, Saved, Straggler
from relay.domain.errors import Busy, Conflict
from relay.domain.facts import Facts
from relay.domain.intake import Incoming, Settled, StoredKey
from relay.domain.log import ActivityState, NewEntry
from relay.domain.policy import Decision, Verb
from relay.domain.subscription import Back, Dialect, State
from relay.services.intake import Intake

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with SqliteStore(tmp_path / "relay.sqlite") as opened:
        yield opened


def incoming(name: str, *, at: float = 1.0) -> Incoming:
    return Incoming(
        activity_id=f"https://a.test/{name}/activity",
        kind="Create",
        actor="https://a.test/alice",
        server="a.test",
        object_id=f"https://a.test/{name}",
        body=b"{}",
        received_at=at,
        tokens=(),
        keys=(f"post https://a.test/{name}",),
    )


def settled(
    verb: Verb = Verb.RELAY, state: ActivityState = ActivityState.PUBLISHED, at: float = 1.0
) -> Settled:
    entry = NewEntry("https://a.test/x", frozenset({"a.test"}), b"body", "SHA-256=x", None)
    decision = Decision(verb, verb, enforced=True, seconds=0, rule="r", reason="c", policy="1", trace=())
    published = state is ActivityState.PUBLISHED
    return Settled(state, decision, Facts().as_json(), at, entry if published else None)


async def subscribe(store: SqliteStore, name: str, cursor: int = 0) -> int:
    async with store.transaction() as tx:
        return await tx.subscribers.add(
            actor=f"https://{name}/actor",
            server=name,
            inbox=f"https://{name}/inbox",
            dialect=Dialect.MASTODON,
            state=State.ACCEPTED,
            follow={"id": "f"},
            now=1.0,
            reason=None,
            back=Back.NONE,
            back_id=None,
            cursor=cursor,
        )


async def test_what_was_committed_is_there_after_opening_again(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "r.sqlite") as store, store.transaction() as tx:
        await tx.activities.receive([(incoming("1"), settled()), (incoming("2"), None)])
    async with SqliteStore(tmp_path / "r.sqlite") as store, store.reading() as tx:
        assert await tx.fanout.head() == 1
        assert await tx.activities.waiting() == 1


async def test_what_raised_changed_nothing(store: SqliteStore) -> None:
    async def fail() -> None:
        async with store.transaction() as tx:
            await tx.activities.receive([(incoming("1"), settled())])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with store.reading() as tx:
        assert await tx.fanout.head() == 0
    assert await Intake(store).put(incoming("1"), settled()) == 1


async def test_a_cancelled_transaction_leaves_the_store_usable(store: SqliteStore) -> None:
    async def hold() -> None:
        async with store.transaction() as tx:
            await tx.activities.receive([(incoming("1"), None)])
            await asyncio.Event().wait()

    for rounds in range(20):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(rounds / 2000):
                await hold()
    async with store.transaction() as tx:
        assert await tx.activities.receive([(incoming("1"), None)]) == [1]


async def test_repeats_are_recognised_inside_and_across_batches(store: SqliteStore) -> None:
    async with store.transaction() as tx:
        batch = [(incoming("1"), settled()), (incoming("1"), settled()), (incoming("2"), settled())]
        assert await tx.activities.receive(batch) == [1, None, 2]
    async with store.transaction() as tx:
        assert await tx.activities.receive([(incoming("2"), settled()), (incoming("3"), settled())]) == [
            None,
            3,
        ]
        assert await tx.fanout.head() == 3


async def test_work_falls_due_again_when_its_worker_died(store: SqliteStore) -> None:
    async with store.transaction() as tx:
        await tx.activities.receive([(incoming("1"), None)])
        [first] = await tx.activities.claim(now=10.0, until=300.0, most=8)
        assert await tx.activities.claim(now=299.0, until=600.0, most=8) == []
        [again] = await tx.activities.claim(now=301.0, until=600.0, most=8)
    assert (first.attempts, again.attempts, first.seq) == (1, 2, again.seq)


async def test_a_decision_about_an_older_version_is_not_written(store: SqliteStore) -> None:
    async with store.transaction() as tx:
        await tx.activities.receive([(incoming("1"), None)])
        [work] = await tx.activities.claim(now=10.0, until=300.0, most=1)
        assert await tx.activities.renew(work.object_id, "a.test", b'{"new":1}', 11.0)
        assert not await tx.activities.settle(work.seq, settled(), (), attempt=work.attempts)
        assert await tx.fanout.head() == 0
        [anew] = await tx.activities.claim(now=12.0, until=300.0, most=1)
        assert anew.body == b'{"new":1}'
        assert await tx.activities.settle(anew.seq, settled(), (), attempt=anew.attempts)
        assert await tx.fanout.head() == 1


async def test_positions_are_never_used_twice(store: SqliteStore) -> None:
    async with store.transaction() as tx:
        await tx.activities.receive([(incoming("1"), settled()), (incoming("2"), settled())])
        await tx.fanout.prune(2, {}, 1.0)
        await tx.activities.receive([(incoming("3"), settled())])
        assert await tx.fanout.head() == 3
        assert [entry.position for entry in await tx.fanout.entries(0, 9)] == [3]


async def test_a_checkpoint_of_a_thousand_is_one_row_and_the_few_apart(store: SqliteStore) -> None:
    numbers = [await subscribe(store, f"s{n}.test") for n in range(5)]
    async with store.transaction() as tx:
        await tx.fanout.save(
            Saved(40, {numbers[4]: 7}),
            moved={**dict.fromkeys(numbers[:4]), numbers[4]: 7},
            stragglers={(numbers[0], 3): Straggler(3, 9.0, "status 500")},
            hosts={"s1.test": Host(2, 99.0, "down", 5.0, None)},
            counts={numbers[0]: (39, 0, 1)},
        )
    async with store.reading() as tx:
        progress = await tx.fanout.progress()
        hosts = await tx.fanout.hosts()
        details = await tx.subscribers.details(numbers[0])
    assert [progress[n].cursor for n in numbers] == [40, 40, 40, 40, 7]
    assert progress[numbers[0]].stragglers[3].attempts == 3
    assert hosts["s1.test"].failures == 2
    assert (details["delivered"], details["failed"]) == (39, 1)


async def test_a_second_relay_on_the_same_file_is_refused(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "r.sqlite", exclusive=True):
        with pytest.raises(Conflict):
            async with SqliteStore(tmp_path / "r.sqlite", exclusive=True):
                pass
        async with SqliteStore(tmp_path / "r.sqlite") as beside, beside.reading() as tx:
            assert await tx.fanout.head() == 0
            assert beside.is_served()
    async with SqliteStore(tmp_path / "r.sqlite") as alone:
        assert not alone.is_served()


async def test_no_network_inside_a_transaction(store: SqliteStore) -> None:
    async with store.transaction():
        with pytest.raises(RuntimeError):
            refuse_in_transaction()
    async with store.reading():
        with pytest.raises(RuntimeError):
            refuse_in_transaction()
    refuse_in_transaction()


async def test_commits_are_grouped_and_each_is_answered(store: SqliteStore) -> None:
    intake, before = Intake(store), store.commits
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(intake.put(incoming(str(n)), settled())) for n in range(200)]
    assert sorted(task.result() or 0 for task in running) == list(range(1, 201))
    assert store.commits - before < 20


async def test_a_full_intake_asks_to_come_back(store: SqliteStore) -> None:
    intake = Intake(store, most=2)
    async with asyncio.TaskGroup() as tasks, store.transaction():  # the disk is busy
        running = [tasks.create_task(intake.put(incoming(str(n)), None)) for n in range(3)]
        while len(intake._waiting) < 2:  # noqa: ASYNC110 - the first one writes, two wait
            await asyncio.sleep(0)  # noqa: TID251
        with pytest.raises(Busy):
            await intake.put(incoming("late"), None)
    assert [task.result() for task in running] == [1, 2, 3]


async def test_what_retention_ended_for_is_forgotten_and_held_things_are_not(store: SqliteStore) -> None:
    async with store.transaction() as tx:
        held = settled(Verb.QUARANTINE, ActivityState.HELD)
        await tx.activities.receive([(incoming("1"), settled()), (incoming("2"), held)])
        await tx.activities.forget(100.0, decisions=100.0)
        await tx.media.forget(100.0, 100.0)
        assert await tx.activities.about("https://a.test/1") == []
        assert len(await tx.activities.about("https://a.test/2")) == 1
        assert await tx.activities.receive([(incoming("1"), settled())]) == [3]


async def test_keys_and_actors_are_kept_and_forgotten(store: SqliteStore) -> None:
    key = StoredKey("https://a.test/alice#k", "https://a.test/alice", "pem", 5.0)
    async with store.transaction() as tx:
        await tx.subscribers.save_key(key)
        await tx.subscribers.save_actor("https://a.test/alice", b"{}", 5.0)
        assert await tx.subscribers.key(key.id) == key
        await tx.subscribers.forget(6.0)
        assert await tx.subscribers.key(key.id) is None
        assert await tx.subscribers.actor("https://a.test/alice") is None


async def test_an_object_is_withdrawn_only_by_its_own_server(store: SqliteStore) -> None:
    async with AsyncExitStack() as stack:
        tx = await stack.enter_async_context(store.transaction())
        await tx.activities.receive([(incoming("1"), None), (incoming("2"), settled())])
        await tx.activities.withdraw("https://a.test/1", "evil.test", 2.0)
        assert await tx.activities.waiting() == 1
        await tx.activities.withdraw("https://a.test/1", "a.test", 2.0)
        assert await tx.activities.waiting() == 0


async def test_servers_that_take_rfc_9421_are_few_and_for_a_time(store: SqliteStore) -> None:
    async def save(server: str, until: float | None, *, now: float = 0.0, most: int = 3) -> None:
        async with store.transaction() as tx:
            await tx.fanout.save_rfc9421_server(server, until, now=now, most=most)

    async def known(now: float = 0.0) -> list[tuple[str, float]]:
        async with store.reading() as tx:
            return list((await tx.fanout.rfc9421_servers(now)).items())

    assert await known() == []
    await save("b.test", 20.0)
    await save("a.test", 10.0)
    assert await known() == [("a.test", 10.0), ("b.test", 20.0)]
    assert await known(10.0) == [("b.test", 20.0)]
    await save("a.test", 30.0)
    await save("c.test", 40.0)
    await save("d.test", 50.0)
    assert await known() == [("a.test", 30.0), ("c.test", 40.0), ("d.test", 50.0)]
    await save("c.test", None)
    await save("c.test", None)
    assert await known() == [("a.test", 30.0), ("d.test", 50.0)]
    await save("e.test", 60.0, now=35.0)
    assert await known() == [("d.test", 50.0), ("e.test", 60.0)]
