"""Another policy on what came: what is kept for it, for how long, and what the report says."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from relay.adapters.media.canary import clean_picture
from relay.config.policy_file import load_policy
from relay.domain.policy import Action, Mode, Rule, Verb
from relay.domain.replay_report import (
    Comparison,
    ObserveCounts,
    Others,
    RuleChange,
    ServerChange,
    SubscriberChange,
    Transition,
)
from relay.services import replay, upkeep
from relay.services.blocklists import Blocklists
from relay.services.policy_lists import filled
from tests.flow.conftest import BASE
from tests.flow.test_blocklists import HEADER
from tests.flow.test_profiles import choose

if TYPE_CHECKING:
    from pathlib import Path

    from relay.domain.policy import Policy
    from relay.domain.replay_report import ObserveReport, ReplayReport
    from tests.flow.conftest import World, Worlds

DAY = 86_400.0
RELAYING = "policy: {on_scanner_error: relay, otherwise: relay}\n"
OBSERVING = (
    "policy: {mode: observe, on_scanner_error: quarantine, otherwise: relay,\n"
    "  rules: [{name: No pictures, when: {media: image}, then: quarantine, reason: no-pictures}]}\n"
)


async def opened(worlds: Worlds, config: str = RELAYING) -> World:
    world = await worlds.open(BASE + config)
    for name in ("a.test", "b.test", "c.test"):
        await world.subscribe(name)
    return world


@pytest_asyncio.fixture(loop_scope="session")
async def world(worlds: Worlds) -> World:
    return await opened(worlds)


def policy(folder: Path, *rules: str, more: str = "") -> Policy:
    """A policy with these rules; what none of them names is relayed."""
    path = folder / "new.yaml"
    lines = "".join(f"  - {rule}\n" for rule in rules)
    start = f"on_scanner_error: relay\notherwise: relay\n{more}"
    path.write_text(start + (f"rules:\n{lines}" if rules else ""))
    loaded = load_policy(path, 0.0)
    assert loaded.reading is not None
    assert loaded.reading.policy is not None, loaded.diagnostics
    return loaded.reading.policy


async def replayed(world: World, new: Policy, **more: Any) -> ReplayReport:
    return await world.relay.office.replay.run(new, since=world.clock.now() - 7 * DAY, **more)


async def observed(world: World, **more: Any) -> ObserveReport:
    return await world.relay.office.replay.observed(since=world.clock.now() - 7 * DAY, **more)


async def kept(world: World) -> int:
    async with world.relay.office.store.reading() as tx:
        return (await tx.history.span(0.0, world.clock.now())).count


async def test_the_policy_that_decided_changes_nothing(world: World) -> None:
    await world.publish(world.server("a.test"))
    await world.publish(world.server("a.test"), world.server("a.test").picture(clean_picture("one")))
    for old in (None, world.relay.office.decider.policy):
        report = await replayed(world, world.relay.office.decider.policy, old=old)
        assert (report.counted, report.same, report.changed, report.unreadable) == (2, 2, 0, 0)
        assert (report.subscribers, report.servers, report.examples) == ((), (), ())
        assert (report.complete, report.reached) == (True, report.since)


async def test_a_report_says_what_changes_and_for_whom(world: World, tmp_path: Path) -> None:
    for _ in range(3):
        note = await world.publish(world.server("a.test"))
    await world.publish(world.server("b.test"))
    new = policy(tmp_path, "{name: Not a, when: {from: a.test}, then: drop, reason: incident}")
    report = await replayed(world, new, examples=2)
    assert (report.counted, report.same, report.moved, report.changed) == (4, 1, 0, 3)
    assert report.verbs_before == {"relay": 4}
    assert report.verbs_after == {"relay": 1, "drop": 3}
    assert report.transitions == (Transition(Verb.RELAY, Verb.DROP, 3),)
    assert report.rules == (RuleChange("otherwise", Verb.RELAY, "Not a", Verb.DROP, 3),)
    assert report.servers == (ServerChange("a.test", 3, 3, 0),)
    assert (report.actors, report.at_least) == (1, False)
    # The posts never went back to a.test: it misses nothing.
    assert report.subscribers == tuple(
        SubscriberChange(name, f"https://{name}/actor", 3, 0) for name in ("b.test", "c.test")
    )
    assert [one.object for one in report.examples] == [note["id"], note["id"].replace("/3", "/2")]
    assert report.in_effect == Comparison(**report.parts())  # both sides enforce


async def test_the_profile_of_a_subscriber_counts(world: World, tmp_path: Path) -> None:
    await choose(world, "c.test", media="no")
    await world.publish(world.server("a.test"), world.server("a.test").picture(clean_picture("two")))
    await world.publish(world.server("b.test"))
    report = await replayed(
        world, policy(tmp_path, "{name: Nothing, when: {type: [Create, Announce]}, then: drop}")
    )
    assert {one.server: one.lost for one in report.subscribers} == {"a.test": 1, "b.test": 1, "c.test": 1}
    more = "profiles: {strict: [relay], open: [relay, relay-marked]}\n"
    marked = policy(tmp_path, "{name: Mark, when: {media: image}, then: relay-marked}", more=more)
    await choose(world, "b.test", profile="open")
    report = await replayed(world, marked)
    assert [(one.before, one.after) for one in report.transitions] == [(Verb.RELAY, Verb.RELAY_MARKED)]
    assert report.subscribers == ()  # b.test takes what is marked, c.test wants no media, a.test has it


async def test_long_lists_are_cut_and_summed(world: World, tmp_path: Path) -> None:
    for name in ("a.test", "b.test", "b.test"):
        await world.publish(world.server(name))
    report = await replayed(
        world, policy(tmp_path, "{name: Nothing, when: {type: [Create, Announce]}, then: drop}"), listed=1
    )
    assert [one.server for one in report.servers] == ["b.test"]
    assert report.other_servers == Others(1, 1, 1, 0)
    assert [(one.server, one.lost) for one in report.subscribers] == [("c.test", 3)]
    assert report.other_subscribers == Others(2, 3, 3, 0)


async def test_only_what_names_a_server_is_looked_at(world: World) -> None:
    for name in ("a.test", "b.test"):
        await world.publish(world.server(name))
    assert (await replayed(world, world.relay.office.decider.policy, server="b.test")).counted == 1


async def test_two_policies_are_compared_with_each_other(world: World, tmp_path: Path) -> None:
    await world.publish(world.server("a.test"))
    first = policy(tmp_path, "{name: First, when: {type: [Create, Announce]}, then: drop, reason: one}")
    second = policy(tmp_path, "{name: Second, when: {type: [Create, Announce]}, then: drop, reason: one}")
    report = await replayed(world, second, old=first)
    assert (report.changed, report.moved, report.transitions) == (0, 1, ())
    assert report.rules == (RuleChange("First", Verb.DROP, "Second", Verb.DROP, 1),)
    assert (report.old.policy, report.new.policy) == (first.id, second.id)


async def test_a_policy_that_enforces_after_one_that_observed(worlds: Worlds) -> None:
    world = await opened(worlds, OBSERVING)
    await world.publish(world.server("a.test"), world.server("a.test").picture(clean_picture("three")))
    await world.publish(world.server("b.test"))
    report = await replayed(world, replace(world.relay.office.decider.policy, mode=Mode.ENFORCE))
    assert (report.same, report.changed) == (2, 0)
    assert report.in_effect.transitions == (Transition(Verb.RELAY, Verb.QUARANTINE, 1),)
    assert {one.server: one.lost for one in report.in_effect.subscribers} == {"b.test": 1, "c.test": 1}


async def test_what_enforce_would_have_done(worlds: Worlds) -> None:
    world = await opened(worlds, OBSERVING)
    began = world.clock.now()
    note = await world.publish(world.server("a.test"), world.server("a.test").picture(clean_picture("four")))
    for _ in range(2):
        world.clock.forward(60.0)
        await world.publish(world.server("b.test"))
    report = await observed(world)
    assert (report.counted, report.changed, report.acted_on) == (3, 1, 0)
    assert report.observing_since == began
    assert report.transitions == (Transition(Verb.RELAY, Verb.QUARANTINE, 1),)
    assert report.rules == (RuleChange("No pictures", Verb.RELAY, "No pictures", Verb.QUARANTINE, 1),)
    assert [one.object for one in report.examples] == [note["id"]]
    assert {one.server: one.lost for one in report.subscribers} == {"b.test": 1, "c.test": 1}
    counts = await world.relay.office.replay.observed_counts()
    assert counts == ObserveCounts(began, 3, held=1, dropped=0, deferred=0)


async def test_who_enforces_observed_nothing(world: World) -> None:
    await world.publish(world.server("a.test"))
    report = await observed(world)
    assert (report.counted, report.acted_on, report.observing_since) == (0, 1, None)
    assert await world.relay.office.replay.observed_counts() is None


async def test_an_activity_counts_once_as_the_policy_decided_it_last(worlds: Worlds) -> None:
    rule = "{name: Hold, when: {media: image}, then: quarantine, reason: pictures}"
    world = await opened(worlds, f"policy: {{otherwise: relay, rules: [{rule}]}}\n")
    await world.publish(world.server("a.test"), world.server("a.test").picture(clean_picture("five")))
    [hold] = await world.relay.office.holds.all()
    await world.relay.office.holds.release(hold.id, who="test", note=None)
    report = await replayed(world, world.relay.office.decider.policy)
    assert (report.same, report.verbs_before) == (
        1,
        {"quarantine": 1},
    )  # what a person did is not the policy's


async def test_what_was_held_after_a_long_deferral_stays_so(worlds: Worlds) -> None:
    world = await opened(
        worlds,
        "policy: {otherwise: relay, rules: [{name: Later, when: {type: [Create, Announce]}, then: defer 1 hour}]}\n",
    )
    await world.publish(world.server("a.test"))
    for _ in range(26):
        world.clock.forward(3600.0)
        await world.settle()
    report = await replayed(world, world.relay.office.decider.policy)
    assert (report.same, report.verbs_after) == (1, {"quarantine": 1})


async def test_a_rule_that_ended_applies_to_what_came_before(world: World, tmp_path: Path) -> None:
    await world.publish(world.server("a.test"))
    rule = Rule("Incident", (), Action(Verb.DROP), until=world.clock.now() + 60.0)
    world.clock.forward(120.0)
    await world.publish(world.server("a.test"))
    report = await replayed(world, replace(world.relay.office.decider.policy, rules=(rule,)))
    assert (report.changed, report.counted) == (1, 2)


async def test_lists_are_those_of_the_new_policy_now(world: World, tmp_path: Path) -> None:
    await world.publish(world.server("a.test"))
    path = tmp_path / "new.yaml"
    path.write_text(
        "otherwise: relay\nlists: {dni: {csv: 'https://lists.test/dni.csv'}}\n"
        "rules: [{name: Listed, when: {from: list:dni}, then: drop, reason: blocked-domain}]\n"
    )
    loaded = load_policy(path, 0.0)
    reading = loaded.reading
    assert reading is not None
    assert reading.policy is not None, loaded.diagnostics
    store = world.relay.office.store
    assert (await replayed(world, await filled(store, reading.policy, reading.sources))).changed == 0
    lists = Blocklists(store, world.clock, reading.sources, world.relay.office.alerts)
    world.server("lists.test").serve(
        "/dni.csv", f"{HEADER}a.test,suspend,true,true,,false\n".encode(), "text/csv"
    )
    await lists.refresh(reading.sources[0].name, world.relay.moderation.sources)
    assert (await replayed(world, await filled(store, reading.policy, reading.sources))).changed == 1


# ------------------------------------------------------------------ what is kept, and for how long
async def test_decisions_outlive_their_activities(worlds: Worlds, tmp_path: Path) -> None:
    world = await opened(worlds)
    note = await world.publish(world.server("a.test"))
    world.clock.forward(4 * DAY)
    await world.relay.upkeep.run_once()
    assert await world.relay.office.explainer.why(note["id"]) == []
    report = await replayed(
        world, policy(tmp_path, "{name: All, when: {type: [Create, Announce]}, then: drop}")
    )
    assert [one.object for one in report.examples] == [note["id"]]
    world.clock.forward(11 * DAY)
    await world.relay.upkeep.run_once()
    assert await kept(world) == 0


async def test_a_shorter_history_is_kept_shorter(worlds: Worlds) -> None:
    config = BASE.replace("subscriptions: open", "subscriptions: open, history: 1 day")
    world = await worlds.open(config)
    await world.subscribe("a.test")
    await world.publish(world.server("a.test"))
    world.clock.forward(DAY / 2)
    await world.publish(world.server("a.test"))
    assert await kept(world) == 2
    world.clock.forward(DAY / 2 + 1)
    await world.relay.upkeep.run_once()
    assert await kept(world) == 1


async def test_no_more_activities_are_kept_than_there_is_room_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "HISTORY_MOST", 2)
    monkeypatch.setattr(upkeep, "HISTORY_AT_ONCE", 3)
    notes = [await world.publish(world.server("a.test")) for _ in range(7)]
    await world.relay.upkeep.run_once()
    assert await kept(world) == 4  # the rest goes next time
    await world.relay.upkeep.run_once()
    async with world.relay.office.store.reading() as tx:
        found = await tx.history.stretch(first=0, last=99, since=0.0, until=world.clock.now(), most=9)
    assert [one.object_id for one in found] == [notes[6]["id"], notes[5]["id"]]


@pytest.mark.parametrize("whole_actor", [False, True])
@pytest.mark.parametrize("days", [0, 5])
async def test_what_is_deleted_takes_its_decisions_with_it(
    world: World, *, days: int, whole_actor: bool
) -> None:
    server = world.server("a.test")
    note, _ = await world.publish(server), await world.publish(server)
    await world.publish(world.server("b.test"))
    world.clock.forward(days * DAY)
    await world.relay.upkeep.run_once()
    alice = server.actor("/users/alice", "Person")
    gone = alice.id if whole_actor else note["id"]
    delete = {"id": f"{gone}#delete", "type": "Delete", "actor": alice.id, "object": gone}
    assert (await world.post(alice, delete)).code == "withdrawn"
    assert await kept(world) == (1 if whole_actor else 2)


async def test_what_a_relay_announced_goes_with_its_author(world: World) -> None:
    peer = world.server("b.test")
    note = world.server("a.test").note()
    announce = {
        "id": peer.url("/announces/1"),
        "type": "Announce",
        "actor": peer.actor().id,
        "object": note["id"],
    }
    await world.post(peer.actor(), announce)
    await world.settle()
    async with world.relay.office.store.reading() as tx:
        [found] = await tx.history.stretch(first=0, last=99, since=0.0, until=world.clock.now(), most=9)
    assert (found.actor, found.server) == (note["attributedTo"], "b.test")
    alice = world.server("a.test").actor("/users/alice", "Person")
    delete = {"id": f"{alice.id}#delete", "type": "Delete", "actor": alice.id, "object": alice.id}
    await world.post(alice, delete)
    assert await kept(world) == 0


async def test_an_edit_that_comes_in_time_replaces_what_was_decided(worlds: Worlds) -> None:
    world = await opened(
        worlds,
        "policy: {otherwise: relay, rules: [{name: Hold, when: {sensitive: yes}, then: quarantine}]}\n",
    )
    server = world.server("a.test")
    note = await world.publish(server)
    held = server.note(sensitive=True)
    alice = server.actor("/users/alice", "Person")
    await world.post(alice, server.create(held))
    edited = {**held, "sensitive": False, "updated": "2026-11-22T12:00:00Z"}
    update = {
        "id": f"{held['id']}#1",
        "type": "Update",
        "actor": alice.id,
        "object": edited,
        "to": held["to"],
    }
    await world.post(alice, update)
    await world.settle()
    report = await replayed(world, world.relay.office.decider.policy)
    assert (report.counted, report.verbs_before) == (2, {"relay": 2})
    assert note["id"] != held["id"]


async def test_facts_of_another_version_are_counted_and_left_out(world: World, tmp_path: Path) -> None:
    for _ in range(3):
        await world.publish(world.server("a.test"))
    path = world.relay.office.settings.relay.data / "relay.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute('UPDATE history SET facts = \'{"scan": "spotless"}\' WHERE seq = 1')
        database.execute("UPDATE history SET facts = '' WHERE seq = 2")
    report = await replayed(
        world, policy(tmp_path, "{name: All, when: {type: [Create, Announce]}, then: drop}")
    )
    assert (report.counted, report.unreadable, report.changed) == (1, 2, 1)


async def test_facts_that_fill_the_disk_are_not_kept(world: World) -> None:
    server = world.server("a.test")
    tags = [{"type": "Hashtag", "name": f"{number:03}{'x' * 90}"} for number in range(120)]
    note = server.note(tag=tags)
    await world.post(server.actor("/users/alice", "Person"), server.create(note))
    await world.settle()
    report = await replayed(world, world.relay.office.decider.policy)
    assert (report.counted, report.unreadable) == (0, 1)


# ------------------------------------------------------------------ how it works
async def test_it_reads_in_pieces_and_lets_others_in_between(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "CHUNK", 2)
    monkeypatch.setattr(replay, "TURN", 1)
    for _ in range(5):
        await world.publish(world.server("a.test"))
    seen: list[tuple[int, int]] = []

    async def write() -> int:
        """Somebody else, who can write while the replay runs."""
        return await world.relay.office.replay.run(  # a second replay beside the first
            world.relay.office.decider.policy, since=0.0
        ) and await kept(world)

    async with asyncio.TaskGroup() as tasks:
        other = tasks.create_task(write())
        report = await replayed(
            world, policy(tmp_path), progress=lambda done, total: seen.append((done, total))
        )
    assert (report.counted, other.result()) == (5, 5)
    assert seen == [(0, 5), (2, 5), (4, 5), (5, 5)]


async def test_what_comes_meanwhile_is_left_for_the_next_time(world: World, tmp_path: Path) -> None:
    await world.publish(world.server("a.test"))
    more = world.server("a.test").note()

    reports = []

    async def run() -> None:
        reports.append(await replayed(world, policy(tmp_path)))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run())
        tasks.create_task(
            world.post(
                world.server("a.test").actor("/users/alice", "Person"), world.server("a.test").create(more)
            )
        )
    assert reports[0].counted in {1, 2}
    assert await kept(world) == 2


async def test_a_preview_ends_in_time_and_says_how_far_it_came(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "TURN", 1)
    came = []
    for _ in range(3):
        world.clock.forward(60.0)
        came.append(world.clock.now())
        await world.publish(world.server("a.test"))
    world.clock.forward(1.0)
    new = policy(tmp_path, "{name: All, when: {type: [Create, Announce]}, then: drop}")
    report = await world.relay.office.replay.preview(new)
    assert (report.counted, report.complete) == (3, True)
    monkeypatch.setattr(replay, "PREVIEW_WITHIN", 0.0)
    report = await world.relay.office.replay.preview(new, world.relay.office.decider.policy)
    assert (report.counted, report.complete, report.reached) == (1, False, came[-1])


async def test_without_facts_there_is_nothing_to_compare(world: World, tmp_path: Path) -> None:
    report = await replayed(world, policy(tmp_path))
    assert (report.counted, report.complete, report.facts_since) == (0, True, None)


async def test_decisions_are_there_after_a_restart(worlds: Worlds, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await worlds.open(BASE + RELAYING, stack=stack)
        await world.subscribe("a.test")
        await world.publish(world.server("a.test"))
    world = await worlds.open(BASE + RELAYING)
    report = await replayed(
        world, policy(tmp_path, "{name: All, when: {type: [Create, Announce]}, then: drop}")
    )
    assert report.changed == 1
    assert json.loads(json.dumps(report.as_json()))["counted"] == 1


@pytest.mark.parametrize("mode", list(Mode))
async def test_a_match_is_never_relayed_by_the_new_side(world: World, tmp_path: Path, mode: Mode) -> None:
    server = world.server("a.test")
    await world.publish(server)
    path = world.relay.office.settings.relay.data / "relay.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute('UPDATE history SET facts = \'{"scan": "match", "match": "known"}\'')
    report = await replayed(world, replace(policy(tmp_path), mode=mode))
    assert report.in_effect.verbs_after == {"quarantine": 1}
