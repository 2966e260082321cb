"""How subscribers are doing, as an operator sees it: each thing that keeps posts from one, by a test of its name."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from relay.cli.output import stamp
from relay.domain.errors import RemoteError
from relay.domain.moderation import Cause
from relay.domain.subscription import State
from tests.flow.bedside import metrics, shown, told
from tests.flow.conftest import BASE, follow
from tests.flow.office import visiting
from tests.flow.test_forward import author, send, signed

if TYPE_CHECKING:
    from typing import Any

    from tests.fakes import FakeServer
    from tests.flow.conftest import World, Worlds

DAY = 24 * 3600.0
GONE = 410
SLOWLY = BASE.replace("subscriptions: open", "subscriptions: open, catch_up: 300 per minute")


async def three(world: World) -> FakeServer:
    """Three subscribers; b.test is the one that trouble comes to."""
    for name in ("a.test", "b.test", "c.test"):
        await world.subscribe(name)
    return world.server("b.test")


async def straggling(world: World, b: FakeServer, status: int) -> dict[str, Any]:
    """Return a post that b.test refuses until it straggles, while four others arrive there."""
    server = world.server("a.test")
    bad = server.note()
    b.refuses[bad["id"]] = status
    await send(world, author(server), server.create(bad))
    for _ in range(4):
        world.clock.forward(300)
        await world.publish(server)
    return bad


async def later(world: World, seconds: float) -> None:
    """Let time pass, and what falls due happen."""
    world.clock.forward(seconds)
    await world.settle()


@pytest.mark.databases
async def test_back_off(world: World) -> None:
    b, began = await three(world), world.clock.now()
    b.fault = RemoteError("connection refused")
    await world.publish(world.server("a.test"))
    found = await shown(world, "b.test")
    assert (found["state"], found["condition"], found["behind"]) == ("accepted", "resting", 1)
    assert found["failures"] == {
        "times": 1,
        "since": stamp(began),
        "error": "unreachable: connection refused",
    }
    assert found["next_attempt"] == stamp(began + 15)
    assert (found["next_rest"], found["condition_since"], found["oldest_due"]) == (
        30.0,
        stamp(began),
        stamp(began),
    )
    await later(world, 15)
    assert (await shown(world, "b.test"))["next_attempt"] == stamp(began + 45)
    text = await told(world, "show", "b.test")
    assert "resting: its server failed 2 times in a row, since 2026-" in text
    assert (
        "(in 30 seconds); if that fails, about 1 minute later, twice as long each time up to 6 hours" in text
    )
    assert " resting " in await told(world, "list")
    counts = await metrics(world)
    assert (counts["subscribers_resting"], counts["subscribers_well"]) == (1, 2)
    assert counts["subscribers_oldest_due_seconds"] == 25
    assert counts['deliveries_retried_total{outcome="unreachable"}'] == 2
    b.fault = None
    await later(world, 30)
    found = await shown(world, "b.test")
    assert (found["condition"], found["failures"], found["next_attempt"]) == ("well", None, None)
    assert "well; its last trouble ended 2026-" in await told(world, "show", "b.test")
    assert (await metrics(world))['deliveries_resumed_total{outcome="retry"}'] == 1


@pytest.mark.databases
async def test_stragglers(world: World) -> None:
    b, began = await three(world), world.clock.now()
    bad = await straggling(world, b, 500)
    found = await shown(world, "b.test")
    assert (found["condition"], found["behind"]) == ("well", 0)
    [straggler] = found["stragglers"]
    due_at, attempts = straggler.pop("due_at"), straggler.pop("attempts")
    assert (due_at > str(stamp(world.clock.now())), attempts >= 3) == (True, True)
    assert straggler == {
        "position": 1,
        "object": bad["id"],
        "published_at": stamp(began),
        "error": "status 500",
    }
    text = await told(world, "show", "b.test")
    assert f"Straggler: {bad['id']} (position 1), published 2026-" in text
    assert f"failed {attempts} times while others arrived; next attempt 2026-" in text
    counts = await metrics(world)
    assert (counts["subscribers_stragglers"], counts["fanout_stragglers"]) == (1, 1)
    b.refuses.clear()
    await later(world, DAY)
    assert (await shown(world, "b.test"))["stragglers"] == []


@pytest.mark.databases
async def test_gaps(world: World) -> None:
    b, began = await three(world), world.clock.now()
    b.fault = RemoteError("down")
    for _ in range(3):
        await world.publish(world.server("a.test"))
    world.clock.forward(73 * 3600)
    await world.relay.upkeep.run_once()
    [gap] = (await shown(world, "b.test"))["gaps"]
    noticed = stamp(began + 73 * 3600)
    assert gap == {"first": 1, "last": 3, "entries": 3, "recorded_at": noticed}
    text = await told(world, "show", "b.test")
    assert (
        "Gap: 3 activities (positions 1 to 3) will not come: it was away for longer than they are kept"
        in text
    )
    assert (await metrics(world))["subscribers_gaps"] == 1


@pytest.mark.databases
async def test_suspension(world: World) -> None:
    b, began = await three(world), world.clock.now()
    world.clock.forward(60)
    await told(world, "suspend", "b.test", "--reason", "spam wave")
    world.relay.office.signals.changed()
    await world.publish(world.server("a.test"))
    found = await shown(world, "b.test")
    assert (found["condition"], found["condition_since"]) == ("suspended", stamp(began + 60))
    assert found["suspended"].pop("who").startswith("cli:")
    assert found["suspended"] == {"why": "spam wave", "at": stamp(began + 60), "by_itself": False}
    text = await told(world, "show", "b.test")
    assert ": spam wave; until somebody resumes it" in text
    assert (await metrics(world))["subscribers_suspended"] == 1
    await told(world, "resume", "b.test")
    world.relay.office.signals.changed()
    note = await world.publish(world.server("a.test"))
    assert [one["object"] for one in b.arrivals("Announce")] == [note["id"]]
    found = await shown(world, "b.test")
    assert (found["condition"], found["suspended"]) == ("well", None)


async def test_a_suspension_by_the_relay_itself_says_so(world: World) -> None:
    b = await three(world)
    subscribers = world.relay.office.subscribers
    await subscribers.interrupt(b.actor().id, Cause.BLOCKED, "on blocklist bad", who="relay")
    found = (await shown(world, "b.test"))["suspended"]
    assert (found["who"], found["why"], found["by_itself"]) == ("relay", "on blocklist bad", True)
    assert "ends by itself with its cause" in await told(world, "show", "b.test")


@pytest.mark.databases
async def test_daily_probes(worlds: Worlds) -> None:
    async with AsyncExitStack() as stack:
        world = await worlds.open(BASE, stack=stack)
        b, began = await three(world), world.clock.now()
        b.status = GONE
        await world.publish(world.server("a.test"))
        found = await shown(world, "b.test")
        assert (found["condition"], found["condition_since"]) == ("unreachable", stamp(began))
        assert found["next_attempt"] == stamp(began + DAY)
        await world.publish(world.server("a.test"))
        await later(world, DAY)
        found = await shown(world, "b.test")
        assert found["failures"] == {"times": 2, "since": stamp(began), "error": "status 410"}
        assert found["next_attempt"] == stamp(began + 2 * DAY)
        assert b.refused == 2
        text = await told(world, "show", "b.test")
        assert "unreachable: its inbox is gone, and failed 2 times in a row, since 2026-" in text
        assert "(in 1 day); one a day, until one arrives: then it is served again" in text
        assert (await metrics(world))["subscribers_unreachable"] == 1
    world = await worlds.open(BASE)
    await later(world, DAY / 2)
    assert b.refused == 2  # a restart is no reason to knock earlier
    assert (await shown(world, "b.test"))["next_attempt"] == stamp(began + 2 * DAY)
    b.status = 202
    await later(world, DAY / 2)
    assert len(b.arrivals()) == 2
    found = await shown(world, "b.test")
    assert (found["state"], found["condition"], found["failures"]) == ("accepted", "well", None)
    assert (await metrics(world))['deliveries_resumed_total{outcome="probe"}'] == 1
    for _ in range(2):
        await world.publish(world.server("a.test"))
    assert len(b.arrivals()) == 4
    assert {track.gone for track in world.relay.fanout._tracks.values()} == {None}
    async with world.relay.office.store.reading() as tx:
        assert (await tx.fanout.hosts())[found["inbox"]].failures == 0


@pytest.mark.databases
async def test_resume_after_being_heard_from(world: World) -> None:
    b = await three(world)
    b.status = 503
    await world.publish(world.server("a.test"))
    for _ in range(6):
        await later(world, 3600)
    resting = await shown(world, "b.test")
    assert resting["next_attempt"] > str(stamp(world.clock.now() + 60))
    fanout = world.relay.fanout
    await world.post(author(b), b.create(b.note()))
    await fanout.look()
    await fanout._save()  # as about once a second
    found = await shown(world, "b.test")
    assert (found["heard_from"], found["next_attempt"]) == (True, stamp(world.clock.now()))
    assert "Next attempt  now, because its server was heard from" in await told(world, "show", "b.test")
    b.status = 202
    await world.settle()
    assert len(b.arrivals()) == 1
    assert (await shown(world, "b.test"))["condition"] == "well"
    assert (await metrics(world))['deliveries_resumed_total{outcome="heard-from"}'] == 1


@pytest.mark.parametrize(
    ("asked", "granted", "words"),
    [
        (3600.0, 3600.0, "asked to be left alone for 3,600 seconds"),
        (3 * DAY, DAY, "asked to be left alone for 259,200 seconds, gets a day"),
        (5.0, 15.0, ""),
    ],
)
async def test_retry_after(world: World, asked: float, granted: float, words: str) -> None:
    b, began = await three(world), world.clock.now()
    b.status, b.retry_after = 429, asked
    await world.publish(world.server("a.test"))
    found = await shown(world, "b.test")
    assert found["failures"]["error"] == ", ".join(filter(None, ("status 429", words)))
    assert found["next_attempt"] == stamp(began + granted)
    assert words in await told(world, "show", "b.test")
    b.status = 202
    await later(world, granted - 1)
    assert b.arrivals() == []
    await later(world, 1)
    assert len(b.arrivals()) == 1
    assert (await metrics(world))['deliveries_retried_total{outcome="429"}'] == 1


async def test_a_straggler_that_is_asked_to_wait_lets_its_server_rest(world: World) -> None:
    b = await three(world)
    await straggling(world, b, 503)
    b.retry_after = 7200.0
    await later(world, 3600)
    found = await shown(world, "b.test")
    assert (found["condition"], found["next_attempt"]) == ("resting", stamp(world.clock.now() + 7200))


async def test_host_isolation(world: World) -> None:
    """What one server does changes nothing for another; all subscriptions of one server share its rest."""
    b = await three(world)
    second = b.actor("/relay", "Application")
    again = {**follow(b, number=2), "actor": second.id}
    assert (await world.post(second, again)).code == "follow-accepted"
    await world.settle()
    b.inbox.clear()
    b.status, knocks = 500, len(b.knocks)
    notes = [await world.publish(world.server("a.test")) for _ in range(20)]
    assert [one["object"] for one in world.server("c.test").arrivals()] == [note["id"] for note in notes]
    assert len(b.knocks) - knocks <= 4  # two at the same time find out; then nobody knocks
    for actor in (b.actor(), second):
        assert (await shown(world, actor.id))["condition"] == "resting"
    found = await shown(world, "c.test")
    assert (found["condition"], found["failures"], found["behind"]) == ("well", None, 0)
    counts = await metrics(world)
    assert (counts["subscribers_resting"], counts["subscribers_well"]) == (2, 2)


# -------------------------------------------------------------------- catching up


@pytest.mark.databases
async def test_catching_up_goes_at_a_rate_and_disturbs_nobody(worlds: Worlds) -> None:
    world = await worlds.open(SLOWLY)
    b, c = await three(world), world.server("c.test")
    b.fault = RemoteError("down")
    notes = [await world.publish(world.server("a.test")) for _ in range(12)]
    await later(world, DAY)
    b.fault = None
    world.clock.forward(7 * 3600)  # it has rested for six hours by then
    began = world.clock.now()
    await world.settle()
    assert len(b.arrivals()) == 5  # what a second holds
    found = await shown(world, "b.test")
    assert (found["condition"], found["behind"]) == ("catching-up", 7)
    assert found["catch_up"] == {"left": 7, "per_second": 5.0, "ends_at": stamp(began + 7 / 5)}
    assert "7 log positions, up to 5 a second, done about 2026-" in await told(world, "show", "b.test")
    assert " catching-up " in await told(world, "list")
    live = await world.publish(world.server("a.test"))
    assert c.arrivals()[-1]["object"] == live["id"]
    assert len(b.arrivals()) == 5
    await later(world, 1)
    assert len(b.arrivals()) == 10
    await later(world, 1)
    wanted = [*(note["id"] for note in notes), live["id"]]
    assert [one["object"] for one in b.arrivals()] == wanted == [one["object"] for one in c.arrivals()]
    found = await shown(world, "b.test")
    assert (found["condition"], found["catch_up"]) == ("well", None)


async def test_nobody_waits_for_ever_who_catches_up_more_slowly_than_is_published(worlds: Worlds) -> None:
    """Twice as fast as it was published, whatever is configured."""
    config = BASE.replace("subscriptions: open", "subscriptions: open, catch_up: 1 per day")
    world = await worlds.open(config)
    b = await three(world)
    b.fault = RemoteError("down")
    for _ in range(10):
        world.clock.forward(60)
        await world.publish(world.server("a.test"))
    b.fault = None
    await later(world, 600)
    found = await shown(world, "b.test")
    assert found["condition"] == "catching-up"
    assert found["catch_up"]["ends_at"] <= str(stamp(world.clock.now() + 1200))
    for _ in range(30):
        for _ in range(6):
            await later(world, 10)
        await world.publish(world.server("a.test"))
    assert (await shown(world, "b.test"))["condition"] == "well"


async def test_signed_copies_that_expired_meanwhile_are_announced(world: World) -> None:
    """Mastodon refuses a Linked Data signature after its expiry: what was down for a day gets Announces."""
    origin, b = await world.subscribe("origin.test"), await world.subscribe("b.test")
    b.fault = RemoteError("down")
    old, new = origin.note(), origin.note()
    for note, expires in ((old, "2026-11-23T04:00:00Z"), (new, "2026-11-24T22:06:56Z")):
        await send(world, author(origin), signed(origin, origin.create(note), expires=expires))
    world.clock.forward(DAY)
    b.fault = None
    await later(world, 7 * 3600)
    assert [one["type"] for one in b.arrivals()] == ["Announce", "Create"]
    assert b.arrivals()[0]["object"] == old["id"]


# -------------------------------------------------------------------- pages


async def test_the_page_of_a_subscriber_shows_the_same(world: World) -> None:
    b, server = await three(world), world.server("a.test")
    bad = await straggling(world, b, 500)
    world.server("c.test").fault = RemoteError("down <b>hard</b>")
    await world.publish(server)
    async with visiting(world.relay) as admin:
        await admin.sign_in(world.relay)
        page = await admin.get("/subscribers")
        assert '<a href="/subscribers/3">c.test</a></strong> <span class="tag">resting</span>' in page.text
        page = await admin.get("/subscribers/2")
        assert f"<strong>Straggler</strong>: {bad['id']} (position 1), published" in page.text
        page = await admin.get("/subscribers/3")
        assert "resting: its server failed once, since " in page.text
        assert "unreachable: down &lt;b&gt;hard&lt;/b&gt;" in page.text
        assert "if that fails, about 30 seconds later" in page.text
        assert (await admin.get("/subscribers/99")).status == 404


async def test_who_waits_or_was_rejected_is_not_served(world: World) -> None:
    await three(world)
    await told(world, "reject", "b.test", "--reason", "no")
    found = await shown(world, "b.test")
    assert (found["state"], found["condition"], found["health"]) == (
        State.REJECTED,
        "not-served",
        "it is not served",
    )
