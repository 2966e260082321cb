"""What the store keeps of brakes, of what they stopped, and of accounts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.domain.log import ActivityState, HoldState
from relay.domain.policy import Verb
from relay.domain.waves.brake import Brake, BrakeState, Cover, Kind
from relay.domain.waves.sighting import Picture
from relay.domain.waves.waiting import Stopped
from relay.domain.waves.wording import Sketch
from relay.services.decide import ruled
from tests.contract.test_store import incoming, settled

if TYPE_CHECKING:
    from relay.domain.intake import Settled
    from tests.databases import Database

NOW = 1_795_300_000.0
WAVE = Brake(
    id=0,
    cover=Cover(Kind.TEXT, text=Sketch((1, 2, 2**32 - 1))),
    verb=Verb.DEFER,
    observed=False,
    state=BrakeState.ACTIVE,
    started_at=NOW,
    until=NOW + 60,
    latest=NOW + 600,
    who="relay",
    evidence={"accounts": 10, "servers": 3},
    before=("https://a.test/1",),
)
INCIDENT = replace(
    WAVE,
    cover=Cover(Kind.SERVER, server="b.test"),
    verb=Verb.QUARANTINE,
    who="ann",
    note="why",
    before=(),
    evidence={},
)


async def put_on(store: Database, *brakes: Brake) -> list[int]:
    async with store.transaction() as tx:
        return [await tx.brakes.add(one) for one in brakes]


def stopped_by(brake: int | None, state: ActivityState) -> Settled:
    return replace(settled(state=state), brake=brake, due_at=NOW + 5)


async def receive(store: Database, *of: tuple[int | None, ActivityState]) -> list[int]:
    """Store an activity for each brake and state; return their numbers."""
    async with store.transaction() as tx:
        batch = [(incoming(str(n)), stopped_by(*one)) for n, one in enumerate(of)]
        return [number for number in await tx.activities.receive(batch) if number is not None]


async def counts(store: Database, brake: int) -> Stopped:
    async with store.reading() as tx:
        return (await tx.brakes.stopped([brake]))[brake]


HELD, DEFERRED, PUBLISHED = ActivityState.HELD, ActivityState.DEFERRED, ActivityState.PUBLISHED


async def test_brakes_come_back_as_they_were_put_on(store: Database) -> None:
    picture = replace(WAVE, cover=Cover(Kind.PICTURE, picture=Picture("ab", 2**255)))
    assert await put_on(store, WAVE, INCIDENT, picture) == [1, 2, 3]
    async with store.reading() as tx:
        assert await tx.brakes.by_id(1) == replace(WAVE, id=1)
        assert await tx.brakes.by_id(2) == replace(INCIDENT, id=2)
        assert [one.id for one in await tx.brakes.newest([Kind.TEXT, Kind.PICTURE], 9)] == [3, 1]
        assert [one.id for one in await tx.brakes.newest([Kind.SERVER], 9)] == [2]
        assert await tx.brakes.by_id(4) is None
        assert await tx.brakes.in_force(NOW) == [
            replace(WAVE, id=1), replace(INCIDENT, id=2), replace(picture, id=3)
        ]  # fmt: skip


async def test_what_changes_of_a_brake_is_noticed_elsewhere(store: Database) -> None:
    async with store.reading() as tx:
        assert await tx.brakes.version() == 0
    [number] = await put_on(store, WAVE)
    ended = replace(
        WAVE, id=number, verb=Verb.QUARANTINE, state=BrakeState.RELEASED, until=NOW + 90, latest=NOW + 900,
        ended_at=NOW + 50, ended_by="ann",
    )  # fmt: skip
    async with store.transaction() as tx:
        await tx.brakes.save(ended)
    async with store.reading() as tx:
        assert await tx.brakes.version() == 2
        assert await tx.brakes.by_id(number) == ended
        assert await tx.brakes.in_force(NOW + 49) == [ended]
        assert await tx.brakes.in_force(NOW + 50) == []


async def test_what_a_brake_stopped_is_counted_by_what_became_of_it(store: Database) -> None:
    [first, second] = await put_on(store, WAVE, INCIDENT)
    seqs = await receive(
        store,
        (first, HELD),
        (first, DEFERRED),
        (first, DEFERRED),
        (first, PUBLISHED),
        (second, HELD),
        (None, HELD),
    )
    assert await counts(store, first) == Stopped(held=1, deferred=2, observed=1)
    async with store.transaction() as tx:
        await tx.activities.settle(seqs[1], settled(state=PUBLISHED), ())  # later, without a brake
    assert await counts(store, first) == Stopped(held=1, deferred=1, left=1, observed=1)
    async with store.transaction() as tx:
        await tx.activities.settle(seqs[2], stopped_by(second, HELD), ())  # another brake met it then
    assert await counts(store, first) == Stopped(held=1, left=1, observed=1)
    async with store.transaction() as tx:
        await tx.activities.withdraw("https://a.test/0", NOW)
    assert await counts(store, first) == Stopped(left=2, observed=1)
    async with store.reading() as tx:
        assert {hold.seq for hold in await tx.brakes.holds(second, HoldState.OPEN, 9)} == {seqs[2], seqs[4]}
        assert [one.seq for one in await tx.brakes.waiting(second, 1)] == [seqs[2]]


async def test_releasing_is_going_through_the_policy_again(store: Database) -> None:
    [number] = await put_on(store, WAVE)
    seqs = await receive(store, (number, HELD), (number, DEFERRED))
    async with store.reading() as tx:
        assert [one.seq for one in await tx.brakes.waiting(number, 9, held=False)] == [seqs[1]]
    async with store.transaction() as tx:
        due = dict(zip(seqs, (NOW, NOW + 7), strict=True))
        await tx.brakes.screen_again(due, at=NOW, who="ann", note="fine")
    async with store.transaction() as tx:
        assert [work.seq for work in await tx.activities.claim(now=NOW + 6, until=NOW + 99, most=9)] == [
            seqs[0]
        ]
        [hold] = await tx.activities.holds(HoldState.RELEASED, 9)
    assert (hold.decided_by, hold.note) == ("ann", "fine")
    assert await counts(store, number) == Stopped(released=2)


async def test_purging_drops_and_can_be_found_again(store: Database) -> None:
    [number] = await put_on(store, WAVE)
    seqs = await receive(store, (number, HELD), (number, DEFERRED))
    done = replace(settled(state=ActivityState.DROPPED), decision=ruled(Verb.DROP, "spam wave 1", "purged"))
    async with store.transaction() as tx:
        await tx.brakes.drop(seqs, done, who="ann", note="spam")
    async with store.reading() as tx:
        assert await tx.activities.waiting() == 0
        assert [one.seq for one in await tx.brakes.purged(number, 9)] == seqs
        assert [hold.state for hold in await tx.activities.holds(HoldState.DROPPED, 9)] == [HoldState.DROPPED]
        [told] = await tx.activities.about(str(seqs[0]))
    assert told["decisions"][-1]["reason"] == "purged"  # type: ignore[index]
    assert await counts(store, number) == Stopped(purged=2)


async def test_what_was_deferred_is_moved_along(store: Database) -> None:
    [number, other] = await put_on(store, WAVE, INCIDENT)
    await receive(store, (number, DEFERRED), (other, DEFERRED))
    async with store.transaction() as tx:
        await tx.brakes.delay(number, 100.0)
    async with store.transaction() as tx:
        assert len(await tx.activities.claim(now=NOW + 6, until=NOW + 500, most=9)) == 1
        assert len(await tx.activities.claim(now=NOW + 106, until=NOW + 500, most=9)) == 1


async def test_what_a_person_ended_and_still_waits_is_unfinished(store: Database) -> None:
    numbers = await put_on(store, WAVE, WAVE, WAVE, WAVE)
    await receive(store, *((number, state) for number in numbers for state in (HELD, DEFERRED)))
    released = {"state": BrakeState.RELEASED, "ended_at": NOW, "ended_by": "ann"}
    async with store.transaction() as tx:
        await tx.brakes.save(replace(WAVE, id=numbers[0], **released))
        await tx.brakes.save(replace(WAVE, id=numbers[1], **{**released, "state": BrakeState.ENDED}))
        await tx.brakes.save(replace(WAVE, id=numbers[2], state=BrakeState.ENDED, ended_at=NOW))
        assert [one.id for one in await tx.brakes.unfinished()] == numbers[:2]
        waiting = await tx.brakes.waiting(numbers[1], 9, held=False)
        await tx.brakes.screen_again({one.seq: NOW for one in waiting}, at=NOW, who="ann", note="")
        assert [one.id for one in await tx.brakes.unfinished()] == numbers[:1]


async def test_accounts_are_remembered_by_their_first_time(store: Database) -> None:
    async with store.transaction() as tx:
        assert await tx.brakes.first_server() is None
        await tx.brakes.see_accounts({"https://a.test/u/1": NOW, "https://a.test/u/2": NOW + 1})
        await tx.brakes.see_accounts({"https://a.test/u/1": NOW + 9})
        await tx.servers.seen("a.test", NOW + 3)
        await tx.servers.seen("b.test", NOW + 2)
    async with store.transaction() as tx:
        assert await tx.brakes.account_seen("https://a.test/u/1") == NOW
        assert await tx.brakes.first_server() == NOW + 2
        await tx.brakes.forget(NOW, accounts=1)
        assert await tx.brakes.account_seen("https://a.test/u/1") is None
        assert await tx.brakes.account_seen("https://a.test/u/2") == NOW + 1


async def test_what_ended_long_ago_and_stopped_nothing_any_more_is_forgotten(store: Database) -> None:
    numbers = await put_on(store, WAVE, WAVE, WAVE)
    await receive(store, (numbers[0], HELD))
    async with store.transaction() as tx:
        for number in numbers[:2]:
            await tx.brakes.save(replace(WAVE, id=number, state=BrakeState.ENDED, ended_at=NOW))
        await tx.brakes.forget(NOW + 1, accounts=9)
    async with store.reading() as tx:
        assert [one.id for one in await tx.brakes.newest([Kind.TEXT], 9)] == [numbers[2], numbers[0]]
