"""Ports `Blocking` and `Servers`, on the database that the relay runs on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.domain.blocklist import BatchState, Change, Effect, ListedServer
from relay.domain.moderation import Cause, ListState, OptOut
from relay.domain.software import Software
from relay.domain.subscription import State

if TYPE_CHECKING:
    from tests.databases import Database

BAD = ListedServer("bad.test", Effect.BLOCK, "suspend", "spam", "https://l.test/1")
QUIET = ListedServer("quiet.test", Effect.OBSERVE, "silence")


async def test_how_a_list_does_is_kept_and_what_it_would_refuse_is_counted_apart(store: Database) -> None:
    state = ListState("dni", "https://l.test/", "e", "m", "c", 1.0, 2.0, 3.0, 4, "down", 5, 6)
    async with store.transaction() as tx:
        await tx.blocking.save_state(state)
        await tx.blocking.observed({"dni": 7, "other": 1})
        await tx.blocking.save_state(replace(state, failures=0, error=None))
        await tx.blocking.observed({"dni": 1})
    async with store.reading() as tx:
        assert await tx.blocking.states() == {"dni": replace(state, failures=0, error=None, observed=8)}


async def test_what_a_source_says_is_apart_from_what_is_in_force(store: Database) -> None:
    changes = [Change("bad.test", None, BAD), Change("quiet.test", None, QUIET)]
    async with store.transaction() as tx:
        await tx.blocking.save_source("dni", changes)
        assert await tx.blocking.version() == 0
        await tx.blocking.put_in_force("dni", 1, changes[:1])
        assert await tx.blocking.version() == 1
        await tx.blocking.put_in_force("other", 2, changes)
    async with store.reading() as tx:
        assert await tx.blocking.source("dni") == {"bad.test": BAD, "quiet.test": QUIET}
        assert await tx.blocking.entries("dni") == {"bad.test": BAD}
        assert await tx.blocking.named("dni") == [("bad.test", Effect.BLOCK)]
        assert await tx.blocking.sizes() == {"dni": {"block": 1}, "other": {"block": 1, "observe": 1}}
    async with store.transaction() as tx:
        back = [one.reversed() for one in changes]
        await tx.blocking.put_in_force("dni", 3, back)
        await tx.blocking.save_source("dni", back)
        assert (await tx.blocking.entries("dni"), await tx.blocking.source("dni")) == ({}, {})
        assert len(await tx.blocking.entries("other")) == 2


async def test_batches_are_kept_with_their_changes_and_decided(store: Database) -> None:
    changes = (Change("bad.test", None, BAD), Change("quiet.test", QUIET, None))
    async with store.transaction() as tx:
        numbers = [
            await tx.blocking.add_batch(
                name=name, at=1.0, who="test", source="s", state=BatchState.PENDING, changes=changes
            )
            for name in ("dni", "other")
        ]
        await tx.blocking.decide_batch(numbers[1], BatchState.REJECTED, at=2.0, who="me")
    async with store.reading() as tx:
        first, second = await tx.blocking.batch(numbers[0]), await tx.blocking.batch(numbers[1])
        assert first is not None
        assert second is not None
        assert (first.changes, first.gained, first.lost) == (changes, 1, 1)
        assert (second.state, second.decided_at, second.decided_by) == (BatchState.REJECTED, 2.0, "me")
        assert await tx.blocking.pending("dni") == [first]
        assert await tx.blocking.pending("other") == []
        assert [one.id for one in await tx.blocking.batches(None, 9)] == numbers[::-1]
        assert [one.changes for one in await tx.blocking.batches("dni", 9)] == [()]
        assert await tx.blocking.batch(99) is None


async def test_what_is_kept_back_is_let_through_again(store: Database) -> None:
    changes = [Change("bad.test", None, BAD), Change("quiet.test", QUIET, None)]
    async with store.transaction() as tx:
        for _ in range(2):
            await tx.blocking.keep_back("dni", changes)
        kept = {("bad.test", Effect.BLOCK), ("quiet.test", None)}
        assert await tx.blocking.kept_back("dni") == kept
        assert await tx.blocking.kept_back("other") == set()
        await tx.blocking.let_through("dni", [("quiet.test", None)])
        assert await tx.blocking.kept_back("dni") == {("bad.test", Effect.BLOCK)}


async def test_opt_outs_come_and_go(store: Database) -> None:
    person = OptOut(
        "https://a.test/u", "a.test", whole_server=False, activity_id="https://a.test/b/1", at=1.0
    )
    server = OptOut("https://b.test/actor", "b.test", whole_server=True, activity_id=None, at=2.0)
    async with store.transaction() as tx:
        await tx.blocking.add_opt_out(server)
        await tx.blocking.add_opt_out(person)
        await tx.blocking.add_opt_out(replace(person, activity_id="https://a.test/b/2", at=9.0))
        version = await tx.blocking.opt_outs_version()
        assert [one.actor for one in await tx.blocking.opt_outs()] == [person.actor, server.actor]
        assert await tx.blocking.opt_out(person.actor) == replace(person, activity_id="https://a.test/b/2")
        assert await tx.blocking.drop_opt_out(person.actor)
        assert not await tx.blocking.drop_opt_out(person.actor)
        assert await tx.blocking.opt_out(person.actor) is None
        assert await tx.blocking.opt_outs_version() == version + 1


async def test_a_suspension_remembers_what_was_before(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.blocking.suspend(3, Cause.BLOCKED, State.PENDING, 1.0)
        await tx.blocking.suspend(3, Cause.SOFTWARE, State.SUSPENDED, 2.0)
        assert await tx.blocking.suspensions() == {3: (Cause.SOFTWARE, State.PENDING)}
        assert await tx.blocking.unsuspend(3)
        assert not await tx.blocking.unsuspend(3)


async def test_servers_are_known_since_their_first_sight(store: Database) -> None:
    async with store.transaction() as tx:
        assert await tx.servers.known("a.test") is None
        await tx.servers.seen("a.test", 5.0)
        await tx.servers.runs("a.test", Software("x", "1"), at=6.0, due_at=7.0)
        await tx.servers.unanswered("a.test", due_at=8.0, error="down")
        known = await tx.servers.seen("a.test", 9.0)
        assert (known.first_seen_at, known.software, known.due_at, known.error) == (
            5.0,
            Software("x", "1"),
            8.0,
            "down",
        )
        await tx.servers.runs("a.test", None, at=9.0, due_at=10.0)
        found = await tx.servers.all(["a.test", "b.test"])
        assert {name: (one.software, one.error) for name, one in found.items()} == {"a.test": (None, None)}
        await tx.servers.forget(9.0)
        assert await tx.servers.known("a.test") is not None
        await tx.servers.forget(9.5)
        assert await tx.servers.known("a.test") is None
