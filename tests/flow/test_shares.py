"""Several processes of one relay deliver together: each to its part, and what changes hands is not lost."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from socket import gethostname
from typing import TYPE_CHECKING

import pytest

from relay.domain.errors import RemoteError, Superseded
from relay.domain.log import NewEntry, Rendered
from relay.domain.shares import COUNT, share_of
from relay.protocol.httpsig import body_digest
from relay.services.shares import Shares
from relay.services.tenure import LEASE
from tests.conftest import KINDS
from tests.contract.test_sharing import until
from tests.contract.test_store import incoming, settled, subscribe
from tests.flow.bedside import overview

if TYPE_CHECKING:
    from tests.fakes import FakeServer
    from tests.flow.conftest import World, Worlds

pytestmark = pytest.mark.parametrize("database", KINDS[1:], indirect=True)
HOUR = 3600.0


async def subscribers(world: World, count: int) -> list[FakeServer]:
    """Servers that follow the log from its beginning."""
    servers = [world.server(f"s{n}.test") for n in range(count)]
    for one in servers:
        await subscribe(world.relay.office.store, one.name)
    return servers


async def publish(world: World, *names: str, about: str = "") -> None:
    """Append to the log: each about an object of its own, or all about the same."""
    for name in names:
        object_id = f"https://o.test/{about or name}"
        body = json.dumps({"id": f"https://o.test/{name}", "type": "Announce", "object": object_id}).encode()
        entry = NewEntry(
            object_id, frozenset({"o.test"}), Rendered(body, body_digest(body)), None, None, None
        )
        decided = replace(settled(at=world.clock.now()), entry=entry)
        async with world.relay.office.store.transaction() as tx:
            arrived = replace(incoming(name, at=world.clock.now()), object_id=object_id)
            await tx.activities.receive([(arrived, decided)])


def names(server: FakeServer) -> list[str]:
    """What arrived, in order."""
    return [one["id"].rpartition("/")[2] for one in server.arrivals("Announce")]


def part(world: World) -> Shares:
    found = world.relay.processes.part
    assert isinstance(found, Shares)
    return found


async def renew(world: World) -> None:
    """Keep the lease, as a process does every few seconds; who lost something begins anew."""
    if not await part(world)._tenure.renew(again=True):
        await part(world).leave()
        await part(world)._tenure.renew()
        world.relay.fanout._begin()


async def turn(*processes: World, times: int = 1) -> None:
    """Let processes do what they do all the time."""
    for _ in range(times):
        for one in processes:
            await renew(one)
            await one.relay.fanout.turn()
        processes[0].clock.forward(1.0)


async def test_three_processes_deliver_everything_once_and_each_its_part(worlds: Worlds) -> None:
    three = [await worlds.open() for _ in range(3)]
    servers = await subscribers(three[0], 15)
    await turn(*three, times=3)
    assert sorted(len(part(one).mine) for one in three) == [COUNT // 3, COUNT // 3, COUNT // 3 + 1]
    await publish(three[0], "1", "2")
    await turn(*three)
    assert [names(one) for one in servers] == [["1", "2"]] * 15
    assert all(one.relay.fanout.delivered for one in three)
    peers = [set(one.relay.fanout._places.peers) for one in three]
    assert sum(map(len, peers)) == len(set().union(*peers)) == 15, (
        "a server's window and rest are in one process"
    )
    await turn(*three, times=2)
    assert [names(one) for one in servers] == [["1", "2"]] * 15


async def test_status_shows_which_processes_work_and_at_how_much(worlds: Worlds) -> None:
    one = await worlds.open()
    found = json.loads(await overview(one, "--json"))
    assert found["processes"] == []
    assert "Processes    none works: nothing is delivered" in await overview(one)
    two = await worlds.open()
    await turn(one, two, times=3)
    leading = one.relay.processes._leading
    assert leading is not None
    assert await leading.renew(now=one.clock.now(), until=one.clock.now() + LEASE, again=False)
    found = json.loads(await overview(one, "--json"))
    names = [row["name"] for row in found["processes"]]
    assert [(row["shares"], row["leads"]) for row in found["processes"]] == [(128, True), (128, False)]
    assert {name.rpartition(":")[0] for name in names} == {f"{gethostname()}:{os.getpid()}"}
    text = await overview(one)
    assert (
        f"Processes    {names[0]}  128 of 256 shares, leads\n             {names[1]}  128 of 256 shares\n"
        in text
    )
    await part(two).leave()
    assert (
        f"{names[0]}  128 of 256 shares, leads\n             128 of 256 shares are changing hands"
        in await overview(one)
    )
    await turn(one)
    assert [row["shares"] for row in json.loads(await overview(one, "--json"))["processes"]] == [COUNT]
    one.clock.forward(LEASE + 1)
    assert json.loads(await overview(one, "--json"))["processes"] == [], (
        "a process that does not say so is not alive"
    )


async def test_what_is_handed_over_is_neither_lost_nor_repeated_and_keeps_its_order(worlds: Worlds) -> None:
    first, second = await worlds.open(), await worlds.open()
    servers = await subscribers(first, 8)
    for one in servers:
        one.hang = asyncio.Event()
    await renew(first)
    await publish(first, "create", about="post")
    async with asyncio.TaskGroup() as tasks:
        under_way = tasks.create_task(first.relay.fanout.turn())
        while len([one for one in first.relay.fanout._tracks.values() if one.progress.flying]) < 8:  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # noqa: TID251 - the database answers
        await publish(second, "update", about="post")
        await turn(second)
        await renew(first)
        moving = part(first).leaving
        assert len(moving) == COUNT // 2
        await first.relay.fanout.look()
        await first.relay.fanout._hand_over()
        await turn(second)
        assert [names(one) for one in servers] == [[]] * 8, "what is under way holds back what follows it"
        assert {share_of(one.name) for one in servers} & moving <= part(first).leaving
        assert len(part(second).mine) > COUNT // 3, "shares with nothing under way did not wait"
        for one in servers:
            assert one.hang is not None
            one.hang.set()
        await under_way
    await turn(second, first, times=2)
    assert [names(one) for one in servers] == [["create", "update"]] * 8
    assert first.relay.fanout.delivered + second.relay.fanout.delivered == 16
    assert second.relay.fanout.delivered


async def test_what_was_taken_out_of_turn_is_known_to_who_goes_on(worlds: Worlds) -> None:
    """An edit waits for its post, and meanwhile others pass it: they are not to come again."""
    first, second = await worlds.open(), await worlds.open()
    servers = await subscribers(first, 8)
    await publish(first, "before")
    await turn(first)
    for one in servers:
        one.held = []
    await publish(first, "create", about="post")
    await publish(first, "update", about="post")
    await publish(first, "other")
    async with asyncio.TaskGroup() as tasks:
        under_way = tasks.create_task(first.relay.fanout.turn())
        await until(lambda: all(len(names(one)) == 3 for one in servers))
        await turn(second)
        await renew(first)
        await first.relay.fanout.look()
        for one in servers:
            answers, one.held = one.held or [], None
            for answer in answers:
                answer()
        await under_way
    assert len(part(first).mine) == COUNT // 2
    assert {one.target.host for one in first.relay.fanout._tracks.values()} < {one.name for one in servers}
    await turn(second, first, times=3)
    assert [names(one) for one in servers] == [["before", "create", "other", "update"]] * 8


async def test_what_a_process_did_not_write_before_it_died_is_delivered_again_and_nothing_else(
    worlds: Worlds,
) -> None:
    dies, lives = await worlds.open(), await worlds.open()
    servers = await subscribers(dies, 8)
    await turn(dies, lives, times=3)
    await publish(dies, "1")
    await turn(dies, lives)
    await publish(dies, "2")
    await dies.relay.fanout.look()
    batch = await dies.relay.fanout._collect()
    for attempt, signed in zip(batch, await dies.relay.fanout._dispatch.sign(batch), strict=True):
        await dies.relay.fanout._send(attempt, signed, None)
    worlds.clock.forward(LEASE)
    assert await dies.relay.fanout._collect() == [], "who stood still for so long starts nothing"
    await turn(lives, times=2)
    assert len(part(lives).mine) == COUNT
    its = {one.target.host for one in dies.relay.fanout._tracks.values()}
    assert its
    assert [names(one) for one in servers] == [["1", "2", *["2"] * (one.name in its)] for one in servers]
    with pytest.raises(Superseded):
        await dies.relay.fanout._save_exactly()
    await turn(lives, dies, times=3)
    await publish(lives, "3")
    await turn(lives, dies)
    assert [names(one)[-1] for one in servers] == ["3"] * 8
    assert sum(len(names(one)) for one in servers) == 24 + len(its)


async def test_a_process_that_was_superseded_does_not_say_how_a_subscriber_is(worlds: Worlds) -> None:
    stuck, other = await worlds.open(), await worlds.open()
    [server] = await subscribers(stuck, 1)
    await turn(stuck)
    worlds.clock.forward(LEASE)
    await turn(other)
    server.status = 410
    [track] = stuck.relay.fanout._tracks.values()
    await stuck.relay.fanout._settling.gone(track, "status 410")
    [found] = await other.relay.office.subscribers.all()
    assert (found.state.value, track.subscription.state.value) == ("accepted", "accepted")


async def test_rests_and_stragglers_go_along(worlds: Worlds) -> None:
    first, second = await worlds.open(), await worlds.open()
    bad, picky = await subscribers(first, 2)
    bad.fault = RemoteError("down")
    picky.refuses = {'"https://o.test/1"': 500}
    await publish(first, "1", "2")
    for _ in range(6):
        await turn(first)
        worlds.clock.forward(HOUR)
    assert (names(bad), names(picky)) == ([], ["2"])
    await part(first).leave()
    await turn(second)
    health = second.relay.fanout._places.peers[bad.name].health
    assert health.failures > 3
    assert health.failing_since is not None
    [straggling] = [one for one in second.relay.fanout._tracks.values() if one.target.host == picky.name]
    assert straggling.progress.stragglers[1].attempts >= 3
    bad.fault, picky.refuses = None, {}
    worlds.clock.forward(7 * HOUR)
    await turn(second)
    assert (names(bad), names(picky)) == (["1", "2"], ["2", "1"])


async def test_the_log_is_kept_until_each_process_has_passed_over_it(worlds: Worlds) -> None:
    first, second = await worlds.open(), await worlds.open()
    servers = await subscribers(first, 8)
    await turn(first, second, times=3)
    for one in servers:
        one.fault = RemoteError("down")
    await publish(first, "1", "2")
    await turn(first, second)
    worlds.clock.forward(73 * HOUR)
    await turn(first, second, times=2)
    office = first.relay.office

    async def gaps() -> dict[str, list[int]]:
        found = {one.server: await office.subscribers.details(one) for one in await office.subscribers.all()}
        return {server: [gap["entries"] for gap in details["gaps"]] for server, details in found.items()}

    async def kept() -> int:
        async with office.store.reading() as tx:
            return len(await tx.fanout.entries(0, 9))

    its = {one.target.host for one in first.relay.fanout._tracks.values()}
    await first.relay.fanout.prune()
    assert await kept() == 2, "the other process's subscribers have not been passed over"
    assert await gaps() == {one.name: [2] if one.name in its else [] for one in servers}
    await second.relay.fanout.prune()
    assert await kept() == 0
    assert await gaps() == {one.name: [2] for one in servers}
    for one in servers:
        one.fault = None
    worlds.clock.forward(7 * HOUR)
    await publish(second, "3")
    await turn(first, second, times=2)
    assert [names(one) for one in servers] == [["3"]] * 8


async def test_who_keeps_up_has_no_row_of_its_own(worlds: Worlds) -> None:
    first, second = await worlds.open(), await worlds.open()
    await subscribers(first, 10)
    await turn(first, second, times=3)
    await publish(first, "1")
    await turn(first, second)
    assert worlds.database is not None
    assert worlds.database.rows("SELECT count(*) FROM subscriptions WHERE cursor IS NOT NULL") == [(0,)]
    assert worlds.database.rows("SELECT DISTINCT watermark FROM shares") == [(1,)]
    assert worlds.database.rows("SELECT value FROM marks WHERE name = 'watermark'") == [(1,)]


async def test_where_nobody_subscribes_the_shares_follow_the_log(worlds: Worlds) -> None:
    """A version that knows no shares goes on from the least of them: it must not be left behind."""
    first, second = await worlds.open(), await worlds.open()
    await subscribers(first, 1)
    await turn(first, second, times=3)
    await publish(first, "1", "2")
    await turn(first, second)
    assert worlds.database is not None
    assert worlds.database.rows("SELECT DISTINCT watermark FROM shares") == [(2,)]
