"""What a brake does to posts, how it ends, and what a person does about it."""

from __future__ import annotations

import hashlib
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.media.canary import clean_picture
from relay.cli import sentences
from relay.domain.activity import AS_PUBLIC
from relay.domain.alerts import AlertKind, ChannelRules
from relay.domain.errors import Conflict, NotFound
from relay.domain.log import HoldState
from relay.domain.policy_rules import Verb
from relay.domain.waves.brake import BrakeState, Cover, Kind
from relay.services import waves as service
from tests.flow.conftest import BASE
from tests.flow.spammers import DAY, HOUR, Crowd, spam
from tests.flow.test_standing import LOCAL, rules
from tests.flow.test_waves import codes, crowd

if TYPE_CHECKING:
    from relay.services.waves import Report
    from tests.flow.conftest import World, Worlds

HOLD = BASE + "brake: {mode: hold}\n"
RELAY_ALL = rules("{name: All, when: {media: none}, then: relay}")


async def report(world: World, number: int = 1) -> Report:
    return await world.relay.office.waves.show(number)


async def published(world: World) -> int:
    """How far the log has come."""
    await world.settle()
    async with world.relay.office.store.reading() as tx:
        return await tx.fanout.head()


async def wave(worlds: Worlds, config: str = BASE, count: int = 20) -> tuple[World, Crowd]:
    """A relay that brakes a wave: nine posts are gone, the others wait."""
    world = await worlds.open(config)
    spammers = await crowd(world)
    await spammers.wave(count)
    return world, spammers


async def start(world: World, cover: Cover, **more: Any) -> Report:
    return await world.relay.office.waves.start_incident(
        cover, **{"seconds": 2 * HOUR, "who": "test", **more}
    )


# -------------------------------------------------------------------- how it ends


async def test_deferred_posts_come_through_when_the_wave_is_over_and_not_all_at_once(worlds: Worlds) -> None:
    world, spammers = await wave(worlds)
    until = (await report(world)).brake.until
    assert await published(world) == 9
    world.clock.forward(until - world.clock.now() + 3)
    assert 9 < await published(world) < 20
    world.clock.forward(60)
    assert await published(world) == 20
    await world.relay.brakes.keeper.run_once()
    found = await report(world)
    assert (found.on, found.brake.state, found.stopped.left) == (False, BrakeState.ENDED, 11)
    assert spammers.servers[0].arrivals()


async def test_what_a_brake_decides_is_not_replayed_as_if_the_policy_had(worlds: Worlds) -> None:
    world, _ = await wave(worlds, HOLD)
    before = await world.relay.office.replay.run(world.relay.office.decider.policy, since=0.0)
    assert (before.counted, before.changed) == (9, 0)
    await world.relay.office.waves.release(1, who="test", note="no spam")
    world.clock.forward(60)
    await world.settle()
    after = await world.relay.office.replay.run(world.relay.office.decider.policy, since=0.0)
    assert (after.counted, after.changed) == (20, 0)


async def test_a_brake_lasts_while_the_wave_goes_on_but_not_for_ever(worlds: Worlds) -> None:
    world, spammers = await wave(worlds)
    began = (await report(world)).brake.started_at
    for hour in range(60):
        world.clock.forward(HOUR)
        await spammers.wave(1, first=1000 + hour)
        await world.relay.brakes.keeper.run_once()
        await world.settle()
        if not (await report(world)).on:
            break
    brake = (await report(world)).brake
    assert (brake.state, brake.until - began) == (BrakeState.ENDED, 2 * DAY)
    assert hour == 47  # two days, for which it was extended again and again


async def test_what_was_deferred_waits_as_long_as_the_brake_is_extended(worlds: Worlds) -> None:
    world, spammers = await wave(worlds)
    world.clock.forward(5 * HOUR)
    await spammers.wave(1, first=500)
    await world.relay.brakes.keeper.run_once()
    world.clock.forward(4 * HOUR)
    assert await published(world) == 9
    world.clock.forward(3 * HOUR)
    assert await published(world) == 21


async def test_a_wave_that_comes_back_later_is_another_one(worlds: Worlds) -> None:
    world, spammers = await wave(worlds)
    world.clock.forward(12 * HOUR)
    await world.settle()
    await world.relay.brakes.keeper.run_once()
    assert codes(await spammers.wave(12, first=300))[-1] == "deferred"
    assert (await report(world, 2)).on


async def test_a_brake_survives_a_restart(worlds: Worlds) -> None:
    async with AsyncExitStack() as stack:
        world = await worlds.open(stack=stack)
        spammers = await crowd(world)
        await spammers.wave(12)
    again = await worlds.open()
    receipts = await Crowd(again, spammers.servers).wave(3, first=50)
    assert codes(receipts) == ["deferred"] * 3
    assert (await report(again)).stopped.deferred == 6


# -------------------------------------------------------------------- what it never does


async def test_what_the_policy_does_not_relay_stays_as_it_is(worlds: Worlds) -> None:
    world, _ = await wave(
        worlds, BASE + rules("{name: Never, when: {media: none}, then: drop, reason: spam}")
    )
    assert (await report(world)).stopped.all == 0
    assert await published(world) == 0


async def test_a_known_picture_is_held_and_not_deferred(worlds: Worlds) -> None:
    known = hashlib.sha256(clean_picture(3)).hexdigest()
    (worlds.folder / "local.csv").write_text(
        f"algorithm,value,category,source,note\nsha256,{known},csam,x,\n"
    )
    world = await worlds.open(BASE + LOCAL)
    server = await world.subscribe("m.test")
    await start(world, Cover(Kind.MEDIA), verb=Verb.DEFER)
    states = []
    for number in (3, 4):
        note = await world.publish(server, server.picture(clean_picture(number)))
        told = await world.why(note["id"])
        states.append((told["state"], told["decisions"][-1]["reason"]))
    assert states == [("held", "known-match"), ("deferred", "incident")]


async def test_an_observing_policy_records_a_wave_and_relays_it(worlds: Worlds) -> None:
    observing = RELAY_ALL.replace("mode: enforce", "mode: observe")
    world, _ = await wave(worlds, BASE + observing)
    assert await published(world) == 20
    told = await world.why("20")
    assert (told["decisions"][0]["verb"], told["decisions"][0]["effective"]) == ("defer", "relay")
    assert (await report(world)).stopped.observed == 11


async def test_an_observing_brake_records_a_wave_and_relays_it(worlds: Worlds) -> None:
    world, _ = await wave(worlds, BASE + "brake: {mode: observe}\n" + RELAY_ALL)
    assert await published(world) == 20
    told = (await world.why("20"))["decisions"][0]
    lines = sentences.decision(told, world.relay.office.decider.policy)
    assert lines[1] == 'After the policy a brake decided: "spam wave 1".'
    assert "only observes, so what was done was to relay" in lines[-1]
    assert (await report(world)).stopped.observed == 11


async def test_a_brake_that_is_off_sees_nothing(worlds: Worlds) -> None:
    world, _ = await wave(worlds, BASE + "brake: {mode: off}\n")
    assert await world.relay.office.waves.all() == []
    assert await published(world) == 20


async def test_what_its_author_deletes_meanwhile_is_gone(worlds: Worlds) -> None:
    world, spammers = await wave(worlds)
    actor = spammers.account(15)
    [waiting] = [one for one in await world.relay.office.waves.waiting(1) if one.actor == actor.id]
    delete = {"id": f"{waiting.object_id}/delete", "type": "Delete", "actor": actor.id}
    await world.post(actor, delete | {"object": waiting.object_id, "to": [AS_PUBLIC]})
    found = (await report(world)).stopped
    assert (found.deferred, found.left) == (10, 1)


# -------------------------------------------------------------------- a person decides


async def test_release_lets_everything_through_and_the_same_is_not_stopped_again(worlds: Worlds) -> None:
    world, spammers = await wave(worlds, HOLD)
    assert (await report(world)).stopped.held == 11
    shown: list[tuple[int, int]] = []
    moved = await world.relay.office.waves.release(
        1, who="ann", note="a meme", progress=lambda *at: shown.append(at)
    )
    assert (moved, shown) == (11, [(11, 11)])
    assert await published(world) < 20
    world.clock.forward(30)
    assert await published(world) == 20
    assert codes(await spammers.wave(20, first=200)) == ["published"] * 20
    released = await world.relay.office.holds.all(HoldState.RELEASED)
    assert {(one.decided_by, one.note) for one in released} == {("ann", "a meme")}
    assert (await report(world)).stopped.released == 11
    world.clock.forward(8 * DAY)
    assert codes(await spammers.wave(12, first=500))[-1] == "held"


async def test_released_posts_meet_the_policy_as_it_is_then(worlds: Worlds) -> None:
    async with AsyncExitStack() as stack:
        world = await worlds.open(HOLD, stack=stack)
        await (await crowd(world)).wave(14)
    world = await worlds.open(HOLD + rules("{name: No, when: {media: none}, then: drop, reason: spam}"))
    await world.relay.office.waves.release(1, who="ann")
    world.clock.forward(60)
    assert await published(world) == 9
    told = await world.why("14")
    assert (told["state"], told["decisions"][-1]["rule"]) == ("dropped", "No")


async def test_purge_drops_what_waits_blocks_nobody_and_can_be_taken_back(worlds: Worlds) -> None:
    world, spammers = await wave(worlds)
    waves = world.relay.office.waves
    assert await waves.purge(1, who="ann") == 11
    found = await report(world)
    assert (found.stopped.purged, found.on, found.brake.verb) == (11, True, Verb.QUARANTINE)
    told = await world.why("20")
    assert (told["state"], told["decisions"][-1]["reason"]) == ("dropped", "purged")
    world.clock.forward(2)
    assert codes(await spammers.wave(2, first=60)) == [
        "held",
        "held",
    ]  # spam by a person's word: it waits for one
    quiet = spammers.account(41, age=400 * DAY)
    assert (await spammers.say(quiet, spam(1)))[0].code == "published"
    assert await waves.restore(1, who="ann") == 11
    await waves.end(1, who="ann")
    world.clock.forward(60)
    assert await published(world) == 21
    assert [hold.rule for hold in await waves.holds(1)] == ["spam wave 1"] * 2


async def test_an_ended_wave_lets_go_what_it_deferred_and_keeps_what_it_holds(worlds: Worlds) -> None:
    world, spammers = await wave(worlds)
    waves = world.relay.office.waves
    assert (await waves.end(1, who="ann")).stopped.released == 11
    world.clock.forward(60)
    assert await published(world) == 20
    assert codes(await spammers.wave(12, first=100)) == ["published"] * 12
    with pytest.raises(Conflict):
        await waves.end(1, who="ann")
    with pytest.raises(Conflict):
        await waves.extend(1, 60.0, who="ann")


async def test_a_release_that_was_interrupted_is_finished_by_the_relay(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _ = await wave(worlds, HOLD)
    monkeypatch.setattr(service, "BATCH", 4)

    def interrupted(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await world.relay.office.waves.release(1, who="ann", progress=interrupted)
    assert (await report(world)).stopped.waiting == 7
    await world.relay.brakes.keeper.run_once()
    assert (await report(world)).stopped.released == 11


async def test_a_person_may_shorten_and_lengthen(worlds: Worlds) -> None:
    world, _ = await wave(worlds)
    waves = world.relay.office.waves
    now = world.clock.now()
    assert (await waves.extend(1, 5 * DAY, who="ann")).brake.until == now + 5 * DAY
    world.clock.forward(DAY)
    assert await published(world) == 9
    await waves.extend(1, 60.0, who="ann")
    world.clock.forward(120)
    assert await published(world) == 20
    with pytest.raises(Conflict):
        await waves.extend(1, 8 * DAY, who="ann")


async def test_there_is_no_such_wave(world: World) -> None:
    waves = world.relay.office.waves
    with pytest.raises(NotFound):
        await waves.show(7)
    with pytest.raises(NotFound):
        await waves.release(7, who="ann")


async def test_one_hold_of_a_wave_can_be_released_alone(worlds: Worlds) -> None:
    world, _ = await wave(worlds, HOLD)
    [first, *_] = await world.relay.office.waves.holds(1)
    await world.relay.office.holds.release(first.id, who="ann", note=None)
    found = (await report(world)).stopped
    assert (found.held, found.left) == (10, 1)


# -------------------------------------------------------------------- incidents


async def test_all_media_is_held_until_the_incident_ends(worlds: Worlds) -> None:
    observing = rules("{name: All, when: {media: any}, then: relay}").replace("enforce", "observe")
    world = await worlds.open(BASE + observing)
    server = await world.subscribe("m.test")
    incident = (await start(world, Cover(Kind.MEDIA), note="bad day")).brake
    assert (incident.name, incident.reason) == ("incident 1", "incident")
    assert await world.relay.office.waves.media_held_until() == incident.until
    picture = await world.publish(server, server.picture(clean_picture(1)))
    assert (await world.why(picture["id"]))["state"] == "held"
    assert (await world.why((await world.publish(server))["id"]))["state"] == "published"
    world.clock.forward(2 * HOUR + 1)
    assert await world.relay.office.waves.media_held_until() is None
    later = await world.publish(server, server.picture(clean_picture(2)))
    assert (await world.why(later["id"]))["state"] == "published"
    await world.relay.brakes.keeper.run_once()
    assert (await report(world)).brake.state is BrakeState.ENDED
    assert (await world.why(picture["id"]))["state"] == "held"
    await world.relay.office.waves.release(1, who="ann")
    await world.settle()
    assert (await world.why(picture["id"]))["state"] == "published"


async def test_a_server_with_its_subdomains_is_held(world: World) -> None:
    bad, sub, good = [await world.subscribe(name) for name in ("bad.test", "a.bad.test", "good.test")]
    await start(world, Cover(Kind.SERVER, server="bad.test"))
    states = [(await world.why((await world.publish(one))["id"]))["state"] for one in (bad, sub, good)]
    assert states == ["held", "held", "published"]


async def test_new_accounts_are_held(world: World) -> None:
    people = await crowd(world, 1)
    await start(world, Cover(Kind.NEWCOMERS))
    assert (await people.say(people.account(1), "hi"))[0].code == "held"
    assert (await people.say(people.account(2, age=30 * DAY), "hi"))[0].code == "published"


async def test_only_who_subscribed_before_is_relayed(worlds: Worlds) -> None:
    world = await worlds.open(BASE.replace("open}", "open, publish_from: anyone}"))
    old = await world.subscribe("old.test")
    world.clock.forward(10 * DAY)
    new, stranger = await world.subscribe("new.test"), world.server("stranger.test")
    world.clock.forward(DAY)
    await start(world, Cover(Kind.SINCE, since=world.clock.now() - 5 * DAY))
    states = [(await world.why((await world.publish(one))["id"]))["state"] for one in (old, new, stranger)]
    assert states == ["published", "held", "held"]


async def test_an_incident_works_when_the_brake_is_off_and_for_exempt_servers(worlds: Worlds) -> None:
    world = await worlds.open(BASE + "brake: {mode: off, exempt: [m.test]}\n")
    server = await world.subscribe("m.test")
    await start(world, Cover(Kind.SERVER, server="m.test"))
    assert (await world.why((await world.publish(server))["id"]))["state"] == "held"


async def test_an_edit_is_braked_like_the_post(world: World) -> None:
    server = await world.subscribe("m.test")
    note = await world.publish(server)
    await start(world, Cover(Kind.SERVER, server="m.test"))
    world.clock.forward(2)
    update = {**server.create(note), "id": f"{note['id']}/update", "type": "Update"}
    receipt = await world.post(server.actor("/users/alice", "Person"), update)
    assert receipt.code in {"held", "ignored-update"}  # only what is proven is passed on at all


@pytest.mark.parametrize("seconds", [0.0, -5.0, 8 * DAY])
async def test_an_incident_has_an_end_within_a_week(world: World, seconds: float) -> None:
    with pytest.raises(Conflict):
        await start(world, Cover(Kind.MEDIA), seconds=seconds)


async def test_a_wave_cannot_be_declared(world: World) -> None:
    with pytest.raises(Conflict):
        await start(world, Cover(Kind.RATE, server="victim.test"))


# -------------------------------------------------------------------- telling


async def test_people_are_told_of_waves_and_incidents_without_names(worlds: Worlds) -> None:
    world = await worlds.open()
    wanted = frozenset({AlertKind.WAVE, AlertKind.INCIDENT, AlertKind.HOLD})
    world.relay.office.alerts.channels = (ChannelRules("ops", "webhook", wanted, 0.0),)
    spammers = await crowd(world)
    await spammers.wave(12)
    await start(world, Cover(Kind.SERVER, server="s1.test"))
    world.clock.forward(DAY)
    await world.settle()
    await world.relay.brakes.keeper.run_once()
    told = [(one.title, one.count) for one in reversed(await world.relay.office.alerts.recent(9))]
    assert told == [
        ("spam wave 1: the same text from 10 new accounts on 5 servers", 2),  # and that it is over
        ("incident 2: everything from a server", 1),  # it stopped nothing, so its end is no news
    ]


async def test_metrics_count_what_is_on(worlds: Worlds) -> None:
    world, _ = await wave(worlds)
    await start(world, Cover(Kind.MEDIA))
    await world.relay.brakes.braking.refresh(at_once=True)
    assert world.relay.brakes.gauges() == {"waves_active": 1, "incidents_active": 1}


async def test_somebody_who_copies_an_established_author_does_not_stop_him(world: World) -> None:
    spammers = await crowd(world)
    author = spammers.account(3, age=400 * DAY)
    assert (await spammers.say(author, spam(0)))[0].code == "published"
    await spammers.wave(
        15
    )  # the attacker repeats the author's words from new accounts on the author's server, too
    assert (await spammers.say(author, spam(0)))[0].code == "published"
