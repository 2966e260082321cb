"""Port `Store`, on the database that the relay runs on: durable, serial, whole or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.inside import refuse_in_transaction
from relay.adapters.sql.sqlite import SqliteStore
from relay.domain.delivery import Gap, Host, Reached, Saved, Straggler
from relay.domain.errors import Busy, Conflict
from relay.domain.facts import Facts
from relay.domain.intake import Incoming, MediaFacts, Settled, StoredKey
from relay.domain.log import ActivityState, LogEntry, NewEntry, Proof, Proven, Rendered
from relay.domain.media import (
    Decoded,
    FrameHash,
    Match,
    MatchKind,
    ScanOutcome,
    ScanResult,
    Undecodable,
)
from relay.domain.policy import Decision, Verb
from relay.domain.screening import SPARED, UNABLE, digests_of
from relay.domain.subscription import Back, Dialect, State, Upstream, UpstreamState
from relay.services.intake import Intake

if TYPE_CHECKING:
    from pathlib import Path

    from tests.databases import Database, Databases


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
    announce = Rendered(b"body", "SHA-256=x")
    entry = NewEntry("https://a.test/x", frozenset({"a.test"}), announce, None, None, None)
    decision = Decision(verb, verb, enforced=True, seconds=0, rule="r", reason="c", policy="1", trace=())
    published = state is ActivityState.PUBLISHED
    return Settled(state, decision, Facts().as_json(), at, entry if published else None)


async def subscribe(store: Database, name: str, cursor: int = 0) -> int:
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


async def test_what_was_committed_is_there_after_opening_again(database: Databases) -> None:
    async with database.open() as store, store.transaction() as tx:
        await tx.activities.receive([(incoming("1"), settled()), (incoming("2"), None)])
    async with database.open() as store, store.reading() as tx:
        assert await tx.fanout.head() == 1
        assert await tx.activities.waiting() == 1


async def test_what_raised_changed_nothing(store: Database) -> None:
    async def fail() -> None:
        async with store.transaction() as tx:
            await tx.activities.receive([(incoming("1"), settled())])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with store.reading() as tx:
        assert await tx.fanout.head() == 0
    assert await Intake(store).put(incoming("1"), settled()) == 1


async def test_one_statement_of_several_that_fails_leaves_nothing_of_the_others(store: Database) -> None:
    nobody: Any = None
    intake = Intake(store)
    with pytest.raises(Busy):
        await intake.put(replace(incoming("1"), server=nobody), settled())
    async with store.reading() as tx:
        assert await tx.fanout.head() == 0
        assert not (await tx.activities.counts(0.0))["decisions"]
    assert await intake.put(incoming("1"), settled()) == 1


async def test_a_cancelled_transaction_leaves_the_store_usable(store: Database) -> None:
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


async def test_repeats_are_recognised_inside_and_across_batches(store: Database) -> None:
    async with store.transaction() as tx:
        batch = [(incoming("1"), settled()), (incoming("1"), settled()), (incoming("2"), settled())]
        assert await tx.activities.receive(batch) == [1, None, 2]
    async with store.transaction() as tx:
        assert await tx.activities.receive([(incoming("2"), settled()), (incoming("3"), settled())]) == [
            None,
            3,
        ]
        assert await tx.fanout.head() == 3


async def test_work_falls_due_again_when_its_worker_died(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.activities.receive([(incoming("1"), None)])
        [first] = await tx.activities.claim(now=10.0, until=300.0, most=8)
        assert await tx.activities.claim(now=299.0, until=600.0, most=8) == []
        [again] = await tx.activities.claim(now=301.0, until=600.0, most=8)
    assert (first.attempts, again.attempts, first.seq) == (1, 2, again.seq)


async def test_on_a_file_work_falls_due_when_the_relay_starts_again(tmp_path: Path) -> None:
    path = tmp_path / "relay.sqlite"
    for attempt in (1, 2):
        async with SqliteStore(path, exclusive=True) as store, store.transaction() as tx:
            await tx.activities.receive([(incoming("1"), None)])
            [work] = await tx.activities.claim(now=1e9, until=2e9, most=8)
            assert work.attempts == attempt
    async with (
        SqliteStore(path) as beside,
        beside.transaction() as tx,
    ):  # a command of the operator frees nothing
        assert await tx.activities.claim(now=1.5e9, until=2e9, most=8) == []


async def test_a_decision_about_an_older_version_is_not_written(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.activities.receive([(incoming("1"), None)])
        [work] = await tx.activities.claim(now=10.0, until=300.0, most=1)
        assert await tx.activities.renew(work.object_id, b'{"new":1}', 11.0)
        assert not await tx.activities.settle(work.seq, settled(), (), attempt=work.attempts)
        assert await tx.fanout.head() == 0
        [anew] = await tx.activities.claim(now=12.0, until=300.0, most=1)
        assert anew.body == b'{"new":1}'
        assert await tx.activities.settle(anew.seq, settled(), (), attempt=anew.attempts)
        assert await tx.fanout.head() == 1


async def test_positions_are_never_used_twice(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.activities.receive([(incoming("1"), settled()), (incoming("2"), settled())])
        await tx.fanout.prune(2)
        await tx.activities.receive([(incoming("3"), settled())])
        assert await tx.fanout.head() == 3
        assert [entry.position for entry in await tx.fanout.entries(0, 9)] == [3]


async def test_a_gap_is_over_the_positions_that_somebody_missed(store: Database) -> None:
    behind, ahead = [await subscribe(store, f"s{n}.test") for n in range(2)]
    async with store.transaction() as tx:
        await tx.activities.receive([(incoming(str(n)), settled()) for n in range(4)])
        await tx.fanout.save(
            Saved(3, {}),
            moved={behind: Reached(3), ahead: Reached(3)},
            stragglers={},
            hosts={},
            counts={},
            skipped={},
            gaps={behind: Gap(1, 3, 1.0), ahead: Gap(3, 3, 1.0)},
        )
        await tx.fanout.prune(3)
    async with store.reading() as tx:
        assert [await tx.fanout.missing(at) for at in (1, 2, 3, 4)] == [set(), {behind}, {behind}, set()]


async def test_a_post_with_very_many_edits_is_still_found(store: Database) -> None:
    async with store.transaction() as tx:
        edits = [replace(incoming(f"u{n}"), kind="Update", object_id="https://a.test/x") for n in range(40)]
        post = replace(incoming("1"), object_id="https://a.test/x")
        await tx.activities.receive([(one, settled()) for one in (post, *edits)])
        found = await tx.activities.about("https://a.test/x")
    assert [row["seq"] for row in found] == [*range(41, 21, -1), 4, 3, 2, 1]
    assert found[-1]["kind"] == "Create"


async def test_what_is_known_about_an_activity(store: Database) -> None:
    async with store.transaction() as tx:
        first, second = [replace(incoming(name), body=b'{"type":"Create"}') for name in ("1", "2")]
        published, held = await tx.activities.receive([(first, settled()), (second, None)])
        assert held is not None
        hold = replace(settled(), state=ActivityState.HELD, entry=None)
        await tx.activities.settle(held, hold, ())
    async with store.transaction() as tx:
        [sent] = await tx.activities.about(str(published))
        [kept] = await tx.activities.about(str(held))
        assert (sent["published_at"], sent["hold"], sent["deleted"]) == (settled().at, None, False)
        assert (kept["published_at"], kept["hold"]["state"], kept["deleted"]) == (None, "open", False)
        await tx.activities.withdraw(str(kept["object_id"]), 9.0)
        [gone] = await tx.activities.about(str(held))
    assert gone["deleted"]
    assert (gone["hold"]["decided_by"], gone["hold"]["decided_at"]) == ("origin", 9.0)


async def test_a_checkpoint_of_a_thousand_is_one_row_and_the_few_apart(store: Database) -> None:
    numbers = [await subscribe(store, f"s{n}.test") for n in range(5)]
    async with store.transaction() as tx:
        await tx.fanout.save(
            Saved(40, {numbers[4]: Reached(7)}),
            moved={**dict.fromkeys(numbers[:4]), numbers[4]: Reached(7)},
            stragglers={(numbers[0], 3): Straggler(3, 9.0, "status 500")},
            hosts={"s1.test": Host(2, 99.0, "down", 5.0, None)},
            counts={numbers[0]: (39, 0, 1)},
            skipped={},
        )
    async with store.reading() as tx:
        progress = await tx.fanout.progress()
        hosts = await tx.fanout.hosts()
        details = await tx.subscribers.details(numbers[0])
    assert [progress[n].cursor for n in numbers] == [40, 40, 40, 40, 7]
    assert progress[numbers[0]].stragglers[3].attempts == 3
    assert hosts["s1.test"].failures == 2
    assert (details["delivered"], details["failed"]) == (39, 1)


async def test_what_was_left_open_is_kept_beside_stragglers_until_who_left_it_moves(store: Database) -> None:
    one, two = [await subscribe(store, f"s{n}.test") for n in range(2)]
    nothing: dict[str, Any] = {"hosts": {}, "counts": {}, "skipped": {}}
    failed = Straggler(3, 9.0, "status 500")
    async with store.transaction() as tx:
        reached = {one: Reached(9, frozenset({4, 6})), two: Reached(9, frozenset({8}))}
        await tx.fanout.save(Saved(3, reached), moved=reached, stragglers={(one, 5): failed}, **nothing)
    async with store.reading() as tx:
        progress, (shown, _) = await tx.fanout.progress(), await tx.listings.missed(one)
        counts, details = await tx.listings.missed_counts(), await tx.subscribers.details(one)
    assert (progress[one].cursor, progress[one].settled) == (3, {7, 8, 9})
    assert progress[one].stragglers == {5: failed}
    assert (progress[two].cursor, progress[two].settled) == (7, {9})
    assert [waiting.position for waiting in shown] == [5], "who was not tried did not fail"
    assert (counts[0], len(details["stragglers"])) == (1, 1)
    async with store.transaction() as tx:
        await tx.fanout.save(Saved(3, {}), moved={one: None}, stragglers={}, **nothing)
    async with store.reading() as tx:
        progress = await tx.fanout.progress()
    assert (progress[one].cursor, progress[one].settled) == (3, set())
    assert progress[one].stragglers == {5: failed}
    assert (progress[two].cursor, progress[two].settled) == (7, {9})
    async with store.transaction() as tx:
        for who in (one, two):
            await tx.subscribers.place(who, 20)
    async with store.reading() as tx:
        progress = await tx.fanout.progress()
    assert [(progress[who].cursor, progress[who].settled) for who in (one, two)] == [(20, set())] * 2
    assert progress[one].stragglers == {}, "who begins anew is not sent what it failed to take long ago"


async def test_whether_a_relay_runs_can_be_seen_from_elsewhere(database: Databases) -> None:
    async with database.open(exclusive=True), database.open() as beside:
        assert await beside.is_served()
        assert await beside.served_by() is not None
        async with beside.reading() as tx:
            assert await tx.fanout.head() == 0
    async with database.open() as alone:
        assert not await alone.is_served()
        assert await alone.served_by() is None


async def test_a_second_relay_on_the_same_file_is_refused(database: Databases) -> None:
    async with database.open(exclusive=True):
        if database.kind == "sqlite":
            with pytest.raises(Conflict):
                async with database.open(exclusive=True):
                    pass
        else:
            async with database.open(exclusive=True) as second:
                assert await second.is_served()


async def test_no_network_inside_a_transaction(store: Database) -> None:
    async with store.transaction():
        with pytest.raises(RuntimeError):
            refuse_in_transaction()
    async with store.reading():
        with pytest.raises(RuntimeError):
            refuse_in_transaction()
    refuse_in_transaction()


async def test_commits_are_grouped_and_each_is_answered(store: Database) -> None:
    intake, before = Intake(store), store.commits
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(intake.put(incoming(str(n)), settled())) for n in range(200)]
    assert sorted(task.result() or 0 for task in running) == list(range(1, 201))
    assert store.commits - before < 20


async def test_a_full_intake_asks_to_come_back(store: Database) -> None:
    intake = Intake(store, most=2)
    async with asyncio.TaskGroup() as tasks, store.transaction():  # the disk is busy
        running = [tasks.create_task(intake.put(incoming(str(n)), None)) for n in range(3)]
        while len(intake._waiting) < 2:  # noqa: ASYNC110 - the first one writes, two wait
            await asyncio.sleep(0)  # noqa: TID251
        with pytest.raises(Busy):
            await intake.put(incoming("late"), None)
    assert [task.result() for task in running] == [1, 2, 3]


async def test_what_retention_ended_for_is_forgotten_and_held_things_are_not(store: Database) -> None:
    async with store.transaction() as tx:
        held = settled(Verb.QUARANTINE, ActivityState.HELD)
        await tx.activities.receive([(incoming("1"), settled()), (incoming("2"), held)])
        await tx.activities.forget(100.0, decisions=100.0)
        await tx.media.forget(100.0, 100.0)
        assert await tx.activities.about("https://a.test/1") == []
        assert len(await tx.activities.about("https://a.test/2")) == 1
        assert await tx.activities.receive([(incoming("1"), settled())]) == [3]


async def test_keys_and_actors_are_kept_and_forgotten(store: Database) -> None:
    key = StoredKey("https://a.test/alice#k", "https://a.test/alice", "pem", 5.0)
    async with store.transaction() as tx:
        await tx.subscribers.save_key(key)
        await tx.subscribers.save_actor("https://a.test/alice", b"{}", 5.0)
        assert await tx.subscribers.key(key.id) == key
        await tx.subscribers.forget(6.0)
        assert await tx.subscribers.key(key.id) is None
        assert await tx.subscribers.actor("https://a.test/alice") is None


async def test_withdrawing_takes_an_object_or_everything_of_an_actor(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.activities.receive(
            [(incoming("1"), None), (incoming("2"), settled()), (incoming("3"), None)]
        )
        assert await tx.activities.withdraw("https://a.test/1", 2.0) == {"https://a.test/1"}
        assert await tx.activities.waiting() == 1
        await tx.activities.withdraw("https://a.test/alice", 2.0)
        assert await tx.activities.waiting() == 1
        gone = await tx.activities.withdraw("https://a.test/alice", 2.0, whole_actor=True)
        assert gone == {f"https://a.test/{name}" for name in ("1", "2", "3", "alice")}
        assert await tx.activities.waiting() == 0
        assert await tx.fanout.entries(0, 9) == []


async def test_a_deletion_keeps_out_what_comes_later(store: Database) -> None:
    late = replace(incoming("1"), unless=("delete https://a.test/1",))
    async with store.transaction() as tx:
        await tx.activities.remember(["delete https://a.test/1"], 1.0)
        assert await tx.activities.receive([(late, None), (incoming("2"), None)]) == [None, 1]


async def test_the_log_keeps_what_is_announced_and_what_is_passed_on(store: Database) -> None:
    announce, forward = Rendered(b"announce", "SHA-256=a"), Rendered(b"forward", "SHA-256=f")
    proven = Proven(Proof.LINKED_DATA, 50.0)
    about = ("https://a.test/x", frozenset({"a.test"}))
    entries = [
        NewEntry(*about, announce, forward, proven, "header"),
        NewEntry(*about, None, forward, Proven(Proof.INTEGRITY), None),
        NewEntry(*about, announce, None, None, None),
    ]
    async with store.transaction() as tx:
        await tx.activities.receive(
            [(incoming(str(n)), replace(settled(), entry=entry)) for n, entry in enumerate(entries)]
        )
        stored = await tx.fanout.entries(0, 9)
    for number, (entry, wanted) in enumerate(zip(stored, entries, strict=True), 1):
        shared = {name: getattr(wanted, name) for name in NewEntry.__slots__}
        assert entry == LogEntry(**shared, position=number, published_at=1.0)
    assert stored[0].forwardable(49.0) == forward
    assert stored[0].forwardable(50.0) is None
    assert stored[1].forwardable(1e12) == forward
    assert stored[2].forwardable(0.0) is None


async def test_what_is_changed_before_it_is_published_loses_its_proof(store: Database) -> None:
    proven = Proven(Proof.LINKED_DATA, 50.0)
    async with store.transaction() as tx:
        await tx.activities.receive([(replace(incoming("1"), proven=proven), None)])
        [work] = await tx.activities.claim(now=10.0, until=11.0, most=1)
        assert work.proven == proven
        assert await tx.activities.renew(work.object_id, b"{}", 12.0)
        [work] = await tx.activities.claim(now=12.0, until=300.0, most=1)
        assert work.proven is None


async def test_a_newer_change_takes_the_place_of_one_that_waits(store: Database) -> None:
    change = replace(incoming("1"), kind="Update", keys=("update 1",))
    async with store.transaction() as tx:
        await tx.activities.receive([(change, None)])
        assert not await tx.activities.renew(change.object_id, b"{}", 12.0)
        assert await tx.activities.waiting() == 0


async def test_what_turns_out_to_be_about_something_seen_is_not_published(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.activities.receive([(incoming("1"), settled()), (incoming("wrapped"), None)])
        [work] = await tx.activities.claim(now=10.0, until=11.0, most=1)
        again = replace(settled(), about="https://a.test/1")
        assert not await tx.activities.settle(work.seq, again, (), attempt=work.attempts)
        other = replace(settled(), about="https://a.test/inner")
        assert await tx.activities.settle(work.seq, other, (), attempt=work.attempts)
        [row] = await tx.activities.about("https://a.test/inner")
        assert row["seq"] == work.seq
        assert await tx.activities.receive([(incoming("inner"), None)]) == [None]


async def test_relays_that_are_followed(database: Databases) -> None:
    actor = "https://up.test/actor"
    first = Upstream(actor, "up.test", Dialect.LITEPUB, UpstreamState.NEW, "f", 1.0, 1.0)
    changed = replace(
        first, state=UpstreamState.SENT, inbox="https://up.test/inbox", error="e", changed_at=2.0
    )
    async with database.open() as store, store.transaction() as tx:
        version = await tx.subscribers.version()
        await tx.upstreams.save(first)
        assert await tx.upstreams.all() == [first]
        assert await tx.subscribers.version() > version
        await tx.upstreams.save(changed)
    async with database.open() as store, store.transaction() as tx:
        assert await tx.upstreams.by_actor(actor) == changed
        await tx.upstreams.remove(actor)
        assert await tx.upstreams.by_actor(actor) is None


async def test_servers_that_take_rfc_9421_are_few_and_for_a_time(store: Database) -> None:
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


FRAME = FrameHash(b"\1" * 32, 77, tuple(bytes([turn]) * 32 for turn in range(8)), b"\2" * 8)
DECODED = (
    Decoded("image/png", 640, 480, (FRAME,)),
    *(Decoded("image/jpeg", 640, 480, (FRAME, FRAME), unseen) for unseen in Undecodable),
    Decoded("audio/ogg", 0, 0, (), Undecodable.SOUND_ONLY),
    *Undecodable,
)


@pytest.mark.parametrize("decoded", DECODED, ids=str)
async def test_what_is_known_of_a_file_comes_back_with_what_was_not_looked_at(
    store: Database, decoded: Decoded | Undecodable
) -> None:
    match = Match(MatchKind.NEAR, "list", "csam", "pdq", 20, 1, 2, "mark")
    versions = {"list": "v1", "cloud": f"{UNABLE}v2", "shield": SPARED}
    result = ScanResult(ScanOutcome.MATCH, (match,), None, versions)
    facts = MediaFacts(digests_of(repr(decoded).encode()), decoded, result, 5.0)
    async with store.transaction() as tx:
        await tx.media.save(facts)
    async with store.reading() as tx:
        assert await tx.media.facts(facts.digests.sha256) == facts
    # Looked at again, and this time all of it: what was not looked at must not stick.
    whole = replace(facts, decoded=DECODED[0], scanned_at=6.0)
    async with store.transaction() as tx:
        await tx.media.save(whole)
    async with store.reading() as tx:
        assert await tx.media.facts(facts.digests.sha256) == whole
