"""Fan-out: who receives what, how often, and what a bad subscriber does to the others (nothing)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from relay.adapters.signing import ThreadSigner
from relay.adapters.system import SystemClock
from relay.domain.delivery import Straggler
from relay.domain.errors import RemoteError
from relay.domain.subscription import State
from relay.services.logreader import LogReader
from tests.contract.test_broken_store import BreakingStore, DiskFull
from tests.contract.test_sharing import until
from tests.flow.conftest import BASE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.flow.conftest import World, Worlds

pytestmark = pytest.mark.databases


async def three(world: World) -> None:
    for name in ("a.test", "b.test", "c.test"):
        await world.subscribe(name)


async def test_a_text_post_reaches_everybody_but_its_origin(world: World) -> None:
    await three(world)
    await world.subscribe("p.test", dialect="litepub")
    note = await world.publish(world.server("a.test"))
    assert world.server("a.test").arrivals("Announce") == []
    for name in ("b.test", "c.test", "p.test"):
        [announce] = world.server(name).arrivals("Announce")
        assert announce["object"] == note["id"]
        assert announce["actor"] == "https://relay.test/actor"
        assert announce["to"] == ["https://relay.test/followers"]


async def test_a_repeated_activity_is_delivered_once(world: World) -> None:
    """protocol.md 5.3 row 22: by signature, by activity id, and by object."""
    await three(world)
    server = world.server("a.test")
    alice, note = server.actor("/users/alice", "Person"), server.note()
    request = alice.sign("https://relay.test/inbox", server.create(note), world.clock.now())
    assert (await world.send(request)).code == "published"
    assert (await world.send(request)).code == "ignored-replay"
    assert (await world.post(alice, server.create(note), extra={"x": "1"})).code == "ignored-repeat"
    again = {**server.create(note), "id": server.url("/other-id")}
    assert (await world.post(alice, again)).code == "ignored-repeat"
    await world.settle()
    assert len(world.server("b.test").arrivals("Announce")) == 1


async def test_a_dead_server_never_delays_the_others_and_catches_up(world: World) -> None:
    await three(world)
    world.server("b.test").fault = RemoteError("connection refused")
    notes = [await world.publish(world.server("a.test")) for _ in range(5)]
    assert [a["object"] for a in world.server("c.test").arrivals()] == [n["id"] for n in notes]
    world.server("b.test").fault = None
    world.clock.forward(24 * 3600)
    await world.settle()
    assert [a["object"] for a in world.server("b.test").arrivals()] == [n["id"] for n in notes]


async def test_nothing_is_signed_for_a_server_that_is_still_not_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await three(world)
    b, signed = world.server("b.test"), list[bytes]()
    sign_many = ThreadSigner.sign_many

    async def noted(self: ThreadSigner, messages: Sequence[bytes]) -> list[bytes]:
        signed.extend(message for message in messages if b"b.test" in message)
        return await sign_many(self, messages)

    monkeypatch.setattr(ThreadSigner, "sign_many", noted)
    b.fault = RemoteError("connection refused")
    await world.publish(world.server("a.test"))
    first = len(signed)
    for _ in range(5):
        world.clock.forward(7 * 3600)
        await world.settle()
    assert (len(signed), b.arrivals()) == (first, [])
    b.fault = None
    world.clock.forward(7 * 3600)
    await world.settle()
    assert (len(signed), len(b.arrivals())) == (first + 1, 1)


async def test_a_hanging_server_never_delays_the_others(world: World) -> None:
    await three(world)
    b = world.server("b.test")
    b.hang = asyncio.Event()
    server = world.server("a.test")
    alice = server.actor("/users/alice", "Person")
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(world.relay.fanout.run())
        for _ in range(20):
            await world.post(alice, server.create(server.note()))
        await world.server("c.test").arrived(20)
        assert b.arrivals() == []
        b.hang.set()
        await b.arrived(20)
        running.cancel()


async def stopping(world: World, tasks: asyncio.TaskGroup) -> asyncio.Task[None]:
    """A fan-out that is told to stop while b.test holds the answer to its second delivery back."""
    await three(world)
    a, b = world.server("a.test"), world.server("b.test")
    alice = a.actor("/users/alice", "Person")
    running = tasks.create_task(world.relay.fanout.run())
    await world.post(alice, a.create(a.note()))
    await until(lambda: world.relay.fanout.delivered == 2)  # so every server is known to work
    b.held = []
    await world.post(alice, a.create(a.note()))
    await b.arrived(2)
    running.cancel()
    return running


async def test_who_stops_waits_for_what_is_under_way(world: World) -> None:
    b = world.server("b.test")
    async with asyncio.TaskGroup() as tasks:
        running = await stopping(world, tasks)
        await SystemClock().sleep(0.1)
        assert not running.done()
        assert b.held is not None
        [answer] = b.held
        answer()
    b.held = None
    await world.settle()
    assert len(b.arrivals()) == 2


async def test_who_stops_does_not_wait_for_ever_and_sends_again_what_was_not_answered(world: World) -> None:
    b = world.server("b.test")
    async with asyncio.TaskGroup() as tasks:
        await stopping(world, tasks)
    assert b.held == []
    b.held = None
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(world.relay.fanout.run())
        await b.arrived(3)
        running.cancel()
    assert [first == second for first, second in pairwise(b.arrivals())] == [False, True]


async def test_who_stops_knows_what_was_taken_out_of_turn(world: World) -> None:
    """One answer that does not come must not make everything come again that was taken after it."""
    b = world.server("b.test")
    async with asyncio.TaskGroup() as tasks:
        await three(world)
        a = world.server("a.test")
        alice = a.actor("/users/alice", "Person")
        running = tasks.create_task(world.relay.fanout.run())
        await world.post(alice, a.create(a.note()))
        await until(lambda: world.relay.fanout.delivered == 2)
        b.held = []
        for _ in range(5):
            await world.post(alice, a.create(a.note()))
        await b.arrived(6)
        for at in (4, 3, 1):
            b.held.pop(at)()
        await until(lambda: world.relay.fanout.delivered == 2 + 5 + 3)
        running.cancel()
    b.held = None
    taken = [one["id"] for one in b.arrivals()]
    for due in (2 + 2, 2):  # the second time nothing is open any more
        wanted = world.relay.fanout.delivered + due
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(world.relay.fanout.run())
            await world.post(alice, a.create(a.note()))
            await until(partial(lambda wanted: world.relay.fanout.delivered >= wanted, wanted))
            running.cancel()
    again = [one["id"] for one in b.arrivals()[6:]]
    assert again[:2] == [taken[1], taken[3]]
    assert len(set(again) - set(taken)) == len(again[2:]) == 2
    assert len(world.server("c.test").arrivals()) == 8


async def test_a_crash_repeats_little_to_who_keeps_one_answer_back(world: World) -> None:
    b = world.server("b.test")
    async with asyncio.TaskGroup() as tasks:
        await three(world)
        a, fanout = world.server("a.test"), world.relay.fanout
        alice = a.actor("/users/alice", "Person")
        running = tasks.create_task(fanout.run())
        await world.post(alice, a.create(a.note()))
        await until(lambda: fanout.delivered == 2)
        b.held = []
        for _ in range(5):
            await world.post(alice, a.create(a.note()))
        await b.arrived(6)
        for _ in range(3):
            b.held.pop()()
        await until(lambda: fanout.delivered == 2 + 5 + 3)
        await fanout._save()
        await fanout._save()
        b.held.pop()()
        await until(lambda: fanout.delivered == 2 + 5 + 4)
        await fanout._save()
        fanout._begin()  # what was in memory is gone
        running.cancel()
    b.held = None
    taken = [one["id"] for one in b.arrivals()]
    await world.settle()
    assert [one["id"] for one in b.arrivals()[6:]] == [taken[1]]
    assert len(world.server("c.test").arrivals()) == 6


async def test_a_checkpoint_whose_answer_got_lost_is_written_over(world: World) -> None:
    await three(world)
    a, b, fanout = world.server("a.test"), world.server("b.test"), world.relay.fanout
    await world.publish(a)
    store, taken = world.relay.office.store, fanout.delivered
    b.held = []
    for _ in range(3):
        await world.post(a.actor("/users/alice", "Person"), a.create(a.note()))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(fanout.turn())
        await b.arrived(4)
        b.held.pop()()
        await until(lambda: fanout.delivered == taken + 3 + 1)
        fanout._ledger._store = BreakingStore(store, persisted=True)  # type: ignore[assignment] # it writes alike
        with pytest.raises(DiskFull):
            await fanout._save_exactly()
        fanout._ledger._store = store
        for answer in b.held:
            answer()
    fanout._begin()  # from what is written
    b.held = None
    await world.settle()
    assert len(b.arrivals()) == 4


async def test_nothing_is_sent_for_long_that_cannot_be_written_down(world: World) -> None:
    """A disk or a database that stands still must not make a crash repeat all that was sent meanwhile."""
    await world.subscribe("a.test")
    a, b = world.server("a.test"), await world.subscribe("b.test")
    for _ in range(20):
        await world.post(a.actor("/users/alice", "Person"), a.create(a.note()))
    b.held = []
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(world.relay.fanout.run())
        await b.arrived(2)
        async with world.relay.office.store.transaction():
            b.held.pop(0)()
            await b.arrived(9)
            world.clock.forward(10.0)
            answers, b.held = b.held, None
            for answer in answers:
                answer()
            await SystemClock().sleep(0.2)
            assert len(b.inbox) == 9
        await b.arrived(20)
        running.cancel()


async def test_back_off_grows_and_honours_retry_after(world: World) -> None:
    await three(world)
    b = world.server("b.test")
    b.status, b.retry_after = 503, 3600.0
    await world.publish(world.server("a.test"))
    world.clock.forward(3599)
    await world.settle()
    b.status = 202
    await world.settle()
    assert b.arrivals() == []
    world.clock.forward(2)
    await world.settle()
    assert len(b.arrivals()) == 1


async def test_inbound_contact_ends_a_back_off(world: World) -> None:
    await three(world)
    b = world.server("b.test")
    b.status, b.retry_after = 503, 3600.0
    await world.publish(world.server("a.test"))
    b.status = 202
    await world.publish(b)
    assert len(b.arrivals()) == 1


async def test_when_the_clock_is_set_right_nobody_rests_for_the_hours_that_it_was_ahead(world: World) -> None:
    strict, origin = await world.subscribe("strict.test"), await world.subscribe("origin.test")
    await world.publish(origin)
    strict.inbox.clear()
    world.clock.forward(7 * 3600.0)
    strict.status = 401
    await world.publish(origin)
    assert strict.inbox == []
    world.clock.forward(-7 * 3600.0)
    strict.status = 202
    await world.settle()
    assert len(strict.arrivals()) == 1


async def test_410_suspends_and_a_daily_probe_resumes(world: World) -> None:
    await three(world)
    b = world.server("b.test")
    b.status = 410
    await world.publish(world.server("a.test"))
    found = await world.relay.office.subscribers.find("b.test")
    assert found.state is State.UNREACHABLE
    b.status = 202
    await world.publish(world.server("a.test"))
    assert b.arrivals() == []
    world.clock.forward(25 * 3600)
    await world.settle()
    assert len(b.arrivals()) == 2
    assert (await world.relay.office.subscribers.find("b.test")).state is State.ACCEPTED


async def test_refused_for_good_is_counted_and_passed_over(world: World) -> None:
    await three(world)
    b = world.server("b.test")
    server = world.server("a.test")
    bad = server.note()
    b.refuses[bad["id"]] = 400
    await world.post(server.actor("/users/alice", "Person"), server.create(bad))
    good = await world.publish(server)
    assert [a["object"] for a in b.arrivals()] == [good["id"]]
    details = await world.relay.office.subscribers.details(
        await world.relay.office.subscribers.find("b.test")
    )
    assert (details["delivered"], details["refused"], details["behind"]) == (1, 1, 0)


async def test_one_bad_activity_becomes_a_straggler_and_arrives_later(world: World) -> None:
    await three(world)
    b, server = world.server("b.test"), world.server("a.test")
    bad = server.note()
    b.refuses[bad["id"]] = 500
    await world.post(server.actor("/users/alice", "Person"), server.create(bad))
    await world.settle()
    good = []
    for _ in range(4):
        world.clock.forward(300)
        good.append((await world.publish(server))["id"])
    assert [a["object"] for a in b.arrivals()] == good
    subscribers = world.relay.office.subscribers
    details = await subscribers.details(await subscribers.find("b.test"))
    assert [s["position"] for s in details["stragglers"]] == [1]
    assert details["behind"] == 0
    b.refuses.clear()
    world.clock.forward(24 * 3600)
    await world.settle()
    assert b.arrivals()[-1]["object"] == bad["id"]
    details = await subscribers.details(await subscribers.find("b.test"))
    assert details["stragglers"] == []


async def test_a_straggler_is_sent_once_though_several_look_for_it(world: World) -> None:
    await three(world)
    b = world.server("b.test")
    await world.publish(world.server("a.test"))
    fanout = world.relay.fanout
    [track] = [one for one in fanout._tracks.values() if one.target.host == b.name]
    track.progress.stragglers[1] = Straggler(3, 0.0, "status 500")
    fanout._log = LogReader(world.relay.office.store)  # it has to be read, and others look meanwhile
    await fanout._log.look()
    both = await asyncio.gather(*(fanout._next(track, world.clock.now()) for _ in range(2)))
    assert [attempt is None for attempt in both] == [False, True]


async def test_a_host_that_is_down_as_a_whole_piles_nothing_up(world: World) -> None:
    await three(world)
    world.server("b.test").fault = RemoteError("down")
    for _ in range(6):
        await world.publish(world.server("a.test"))
        world.clock.forward(3600)
    subscribers = world.relay.office.subscribers
    details = await subscribers.details(await subscribers.find("b.test"))
    assert details["stragglers"] == []
    assert details["behind"] == 6


async def test_who_is_away_longer_than_retention_gets_a_gap_on_record(world: World) -> None:
    await three(world)
    world.server("b.test").fault = RemoteError("down")
    for _ in range(3):
        await world.publish(world.server("a.test"))
    world.clock.forward(73 * 3600)
    await world.relay.upkeep.run_once()
    kept = await world.publish(world.server("a.test"))
    world.server("b.test").fault = None
    world.clock.forward(24 * 3600)
    await world.settle()
    assert [a["object"] for a in world.server("b.test").arrivals()] == [kept["id"]]
    subscribers = world.relay.office.subscribers
    details = await subscribers.details(await subscribers.find("b.test"))
    [gap] = details["gaps"]
    assert (gap["first"], gap["last"], gap["entries"]) == (1, 3, 3)


async def test_a_new_subscriber_starts_at_the_head(world: World) -> None:
    await three(world)
    await world.publish(world.server("a.test"))
    late = await world.subscribe("late.test")
    await world.settle()
    assert late.arrivals("Announce") == []
    await world.publish(world.server("a.test"))
    assert len(late.arrivals("Announce")) == 1


async def test_a_restart_repeats_nothing_that_was_checkpointed(worlds: Worlds) -> None:
    async with AsyncExitStack() as first:
        world = await worlds.open(BASE, stack=first)
        await three(world)
        world.server("b.test").fault = RemoteError("down")
        await world.publish(world.server("a.test"))
    world = await worlds.open(BASE)
    world.server("b.test").fault = None
    world.clock.forward(24 * 3600)
    await world.settle()
    assert len(world.server("b.test").arrivals()) == 1
    assert len(world.server("c.test").arrivals()) == 1


async def test_after_leaving_nothing_arrives(world: World) -> None:
    await three(world)
    b = world.server("b.test")
    undo = {"id": b.url("/u/1"), "type": "Undo", "actor": b.actor().id, "object": b.url("/follows/1")}
    assert (await world.post(b.actor(), undo)).code == "unfollowed"
    await world.publish(world.server("a.test"))
    assert b.arrivals() == []


async def test_a_delete_by_its_author_purges_what_was_not_delivered_yet(world: World) -> None:
    await three(world)
    server, b = world.server("a.test"), world.server("b.test")
    b.fault = RemoteError("down")
    note = await world.publish(server)
    alice = server.actor("/users/alice", "Person")
    delete = {"id": server.url("/d/1"), "type": "Delete", "actor": alice.id, "object": note["id"]}
    assert (await world.post(alice, delete)).code == "withdrawn"
    b.fault = None
    world.clock.forward(24 * 3600)
    await world.settle()
    assert b.arrivals() == []


async def test_row_36_a_delete_or_update_of_somebody_elses_object_is_ignored(world: World) -> None:
    await three(world)
    note = await world.publish(world.server("a.test"))
    mallory = world.server("b.test").actor("/users/mallory", "Person")
    for kind in ("Delete", "Update"):
        activity = {
            "id": world.server("b.test").url(f"/{kind}"),
            "type": kind,
            "actor": mallory.id,
            "object": {"id": note["id"], "type": "Note"},
        }
        assert (await world.post(mallory, activity)).code == "ignored-object"


async def test_not_public_is_not_relayed(world: World) -> None:
    await three(world)
    server = world.server("a.test")
    note = server.note(public=False)
    receipt = await world.post(server.actor("/users/alice", "Person"), server.create(note))
    assert receipt.code == "ignored-not-public"


async def test_row_34_somebody_elses_post_in_my_create_is_dropped(world: World) -> None:
    await three(world)
    server = world.server("a.test")
    note = {**server.note(), "attributedTo": "https://b.test/users/bob"}
    mallory = server.actor("/users/mallory", "Person")
    create = {**server.create(note), "actor": mallory.id}
    assert (await world.post(mallory, create)).code == "ignored-author"


async def test_a_litepub_peers_announce_is_announced_and_a_persons_boost_is_not(world: World) -> None:
    await three(world)
    peer = await world.subscribe("p.test", dialect="litepub")
    note = peer.note()
    announce = {
        "id": peer.url("/announces/1"),
        "type": "Announce",
        "actor": peer.actor().id,
        "object": note["id"],
        "to": [f"{peer.actor().id}/followers"],
    }
    assert (await world.post(peer.actor(), announce)).code == "screening"
    await world.settle()
    assert [a["object"] for a in world.server("b.test").arrivals()] == [note["id"]]
    assert peer.arrivals() == []

    alice = peer.actor("/users/alice", "Person")
    boost = {**announce, "id": peer.url("/b/1"), "actor": alice.id, "object": peer.note()["id"]}
    assert (await world.post(alice, boost)).code == "ignored-boost"


async def test_what_we_announced_is_never_announced_again(world: World) -> None:
    """Two relays that reflect each other stop at once: the loop key is the object."""
    await three(world)
    peer = await world.subscribe("relay2.test", dialect="litepub")
    note = await world.publish(world.server("a.test"))
    mirrored = {
        "id": peer.url("/announces/1"),
        "type": "Announce",
        "actor": peer.actor().id,
        "object": note["id"],
        "to": [f"{peer.actor().id}/followers"],
    }
    assert (await world.post(peer.actor(), mirrored)).code == "ignored-repeat"
