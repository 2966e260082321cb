"""Subscribers with profiles: who gets which posts, and what follows a post whatever the profile says now."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from relay.domain.errors import RemoteError
from relay.domain.profile_text import read_choices
from relay.domain.subscriber_profile import Skip
from tests.fakes import PUBLIC
from tests.flow.conftest import BASE, follow
from tests.flow.test_forward import signed

if TYPE_CHECKING:
    from tests.fakes import FakeServer
    from tests.flow.conftest import World, Worlds

MARKED = """
policy:
  version: 1
  mode: enforce
  rules:
    - {name: Marked, when: {type: [Create], from: marked.test}, then: relay-marked}
  otherwise: relay
"""
EDITED = MARKED.replace("type: [Create], from: marked.test", "type: [Update]")


async def choose(world: World, name: str, **texts: str) -> None:
    """Let a subscriber have another profile."""
    profiles, subscribers = world.relay.office.profiles, world.relay.office.subscribers
    found = await subscribers.find(name)
    chosen, problems = read_choices(found.profile, texts, profiles.names)
    assert problems == {}
    await profiles.change(found, chosen, who="test")


async def post(world: World, server: FakeServer, **more: Any) -> dict[str, Any]:
    """Let alice post a note with more to it."""
    note = server.note(**more)
    receipt = await world.post(server.actor("/users/alice", "Person"), server.create(note))
    assert receipt.code in {"published", "screening"}, receipt
    await world.settle()
    return note


def objects(server: FakeServer) -> list[str]:
    """What arrived: ids of posts, embedded or announced."""
    found = [arrived["object"] for arrived in server.arrivals()]
    return [one if isinstance(one, str) else one["id"] for one in found]


async def skipped(world: World, name: str) -> dict[str, int]:
    subscribers = world.relay.office.subscribers
    details: Any = await subscribers.details(await subscribers.find(name))
    return dict(details["skipped"])


def tags(*names: str) -> list[dict[str, str]]:
    return [{"type": "Hashtag", "name": f"#{name}"} for name in names]


async def test_what_is_marked_reaches_only_profiles_that_take_it(worlds: Worlds) -> None:
    world = await worlds.open(BASE + MARKED)
    origin = await world.subscribe("marked.test")
    for name in ("open.test", "strict.test", "undecided.test"):
        await world.subscribe(name)
    await choose(world, "open.test", profile="open")
    await choose(world, "strict.test", profile="strict")
    note = await post(world, origin)
    assert objects(world.server("open.test")) == [note["id"]]
    assert objects(world.server("strict.test")) == []
    assert objects(world.server("undecided.test")) == []
    assert await skipped(world, "strict.test") == {"profile": 1}


async def test_who_chose_no_profile_has_the_one_that_the_operator_named(worlds: Worlds) -> None:
    config = BASE.replace("subscriptions: open", "subscriptions: open, profile: open")
    world = await worlds.open(config + MARKED)
    origin, other = await world.subscribe("marked.test"), await world.subscribe("o.test")
    note = await post(world, origin)
    assert objects(other) == [note["id"]]


async def test_another_policy_gives_the_profiles_another_meaning(worlds: Worlds) -> None:
    world = await worlds.open(BASE + MARKED)
    origin, other = await world.subscribe("marked.test"), await world.subscribe("o.test")
    await choose(world, "o.test", profile="open")
    await post(world, origin)
    assert len(objects(other)) == 1
    elsewhere = await worlds.open(
        BASE.replace("data: data", "data: other")
        + MARKED.replace("  mode", "  profiles: {open: [relay]}\n  mode")
    )
    world.relay.office.decider.policy = elsewhere.relay.office.decider.policy
    await post(world, origin)
    assert len(objects(other)) == 1
    assert await skipped(world, "o.test") == {"profile": 1}


async def test_languages_hashtags_and_media(world: World) -> None:
    origin = await world.subscribe("a.test")
    wishes = {
        "german.test": {"languages": "de"},
        "art.test": {"hashtags": "#Art, foto"},
        "text.test": {"media": "no"},
        "all.test": {},
    }
    for name, texts in wishes.items():
        await world.subscribe(name)
        await choose(world, name, **texts)
    german = await post(world, origin, contentMap={"de-AT": "Servus"})
    english = await post(world, origin, contentMap={"en": "Hello"}, tag=tags("ART"))
    unknown = await post(world, origin)
    picture = await world.publish(origin, origin.picture(b"no picture at all"))
    assert objects(world.server("all.test"))[:3] == [german["id"], english["id"], unknown["id"]]
    assert objects(world.server("german.test"))[:2] == [german["id"], unknown["id"]]
    assert objects(world.server("art.test")) == [english["id"]]
    assert picture["id"] not in objects(world.server("text.test"))
    assert len(objects(world.server("text.test"))) == 3
    assert await skipped(world, "german.test") == {"language": 1, "profile": 1}
    assert await skipped(world, "art.test") == {"hashtag": 2, "profile": 1}


async def test_what_is_announced_is_chosen_by_what_was_fetched(world: World) -> None:
    peer = await world.subscribe("p.test", dialect="litepub")
    german, english = await world.subscribe("german.test"), await world.subscribe("english.test")
    await choose(world, "german.test", languages="de")
    await choose(world, "english.test", languages="en")
    note = peer.note(contentMap={"de": "Hallo"})
    announce = {"id": peer.url("/a/1"), "type": "Announce", "actor": peer.actor().id, "object": note["id"]}
    await world.post(peer.actor(), {**announce, "to": [PUBLIC]})
    await world.settle()
    assert (objects(german), objects(english)) == ([note["id"]], [])


async def test_a_subscriber_that_only_sends_gets_nothing_but_deletions(world: World) -> None:
    origin, quiet = await world.subscribe("a.test"), await world.subscribe("quiet.test")
    other = await world.subscribe("o.test")
    await choose(world, "quiet.test", direction="push")
    alice = origin.actor("/users/alice", "Person")
    note = origin.note()
    await world.post(alice, signed(origin, origin.create(note)))
    own = await post(world, quiet)
    await world.post(alice, signed(origin, deletion(origin, note)))
    await world.settle()
    assert [a["type"] for a in quiet.arrivals()] == ["Delete"]
    assert objects(other)[:2] == [note["id"], own["id"]]


@pytest.mark.parametrize("brought_by", ["itself", "another"])
async def test_a_subscriber_that_only_receives_is_not_relayed(world: World, brought_by: str) -> None:
    server, other = await world.subscribe("a.test"), await world.subscribe("o.test")
    alice = server.actor("/users/alice", "Person")
    before = server.note()
    await world.post(alice, signed(server, server.create(before)))
    await choose(world, "a.test", direction="receive")
    sender = alice if brought_by == "itself" else other.actor()
    new = signed(server, server.create(server.note()))
    assert (await world.post(sender, new)).code == "ignored-direction"
    note = await post(world, other)
    assert note["id"] in objects(server)
    assert objects(other) == [before["id"]]
    # What became of a post that was relayed before still travels; an edit of one that never was does not.
    edits = [edit(server, one) for one in (before, server.note())]
    codes = [(await world.post(alice, signed(server, one))).code for one in edits]
    assert codes == ["published", "ignored-update"]
    await world.settle()
    await world.post(alice, signed(server, deletion(server, before)))
    await world.settle()
    assert [a["type"] for a in other.arrivals()] == ["Create", "Update", "Delete"]


async def test_a_peer_that_only_receives_announces_nothing(world: World) -> None:
    peer, other = await world.subscribe("p.test", dialect="litepub"), await world.subscribe("o.test")
    await choose(world, "p.test", direction="receive")
    note = world.server("elsewhere.test").note()
    announce = {"id": peer.url("/a/1"), "type": "Announce", "actor": peer.actor().id, "object": note["id"]}
    assert (await world.post(peer.actor(), announce)).code == "ignored-direction"
    assert other.arrivals() == []


def deletion(server: FakeServer, note: dict[str, Any]) -> dict[str, Any]:
    actor = note["attributedTo"]
    tombstone = {"id": note["id"], "type": "Tombstone"}
    return {
        "id": f"{note['id']}#delete",
        "type": "Delete",
        "actor": actor,
        "to": [PUBLIC],
        "object": tombstone,
    }


def edit(server: FakeServer, note: dict[str, Any], **more: Any) -> dict[str, Any]:
    changed = {k: v for k, v in note.items() if k != "@context"} | {"updated": "2026-11-22T00:00:00Z", **more}
    about = {"actor": note["attributedTo"], "to": note["to"], "cc": note["cc"], "object": changed}
    return {"id": f"{note['id']}#edit", "type": "Update", **about}


async def test_edits_follow_their_post_whatever_they_say(world: World) -> None:
    origin = await world.subscribe("a.test")
    german, english = await world.subscribe("german.test"), await world.subscribe("english.test")
    await choose(world, "german.test", languages="de")
    await choose(world, "english.test", languages="en")
    alice = origin.actor("/users/alice", "Person")
    note = origin.note(contentMap={"de": "Hallo"})
    await world.post(alice, signed(origin, origin.create(note)))
    await world.post(alice, signed(origin, edit(origin, note, contentMap={"en": "Hello"})))
    await world.settle()
    await world.post(alice, signed(origin, deletion(origin, note)))
    await world.settle()
    assert [a["type"] for a in german.arrivals()] == ["Create", "Update", "Delete"]
    assert [a["type"] for a in english.arrivals()] == ["Delete"]  # a deletion reaches everybody


async def test_who_had_a_post_gets_its_edits_though_it_wants_others_now(world: World) -> None:
    origin, other = await world.subscribe("a.test"), await world.subscribe("o.test")
    alice = origin.actor("/users/alice", "Person")
    note = origin.note(contentMap={"de": "Hallo"})
    await world.post(alice, signed(origin, origin.create(note)))
    await world.settle()
    await choose(world, "o.test", languages="en", hashtags="art", sample="0.01%", direction="push")
    await world.post(alice, signed(origin, edit(origin, note)))
    await world.settle()
    assert [a["type"] for a in other.arrivals()] == ["Create", "Update"]


async def test_an_edit_never_brings_in_what_a_profile_does_not_take(worlds: Worlds) -> None:
    world = await worlds.open(BASE + EDITED)
    origin = await world.subscribe("a.test")
    strict, wide = await world.subscribe("strict.test"), await world.subscribe("open.test")
    await choose(world, "open.test", profile="open")
    alice = origin.actor("/users/alice", "Person")
    note = origin.note()
    await world.post(alice, signed(origin, origin.create(note)))
    await world.post(alice, signed(origin, edit(origin, note)))
    await world.settle()
    assert [a["type"] for a in strict.arrivals()] == ["Create"]
    assert [a["type"] for a in wide.arrivals()] == ["Create", "Update"]


async def test_a_sample_is_the_same_posts_with_all_that_happens_to_them(world: World) -> None:
    origin, other = await world.subscribe("a.test"), await world.subscribe("o.test")
    await choose(world, "o.test", sample="50%")
    alice = origin.actor("/users/alice", "Person")
    notes = [origin.note() for _ in range(24)]
    for note in notes:
        await world.post(alice, signed(origin, origin.create(note)))
    await world.settle()
    chosen = objects(other)
    assert 4 <= len(chosen) <= 20
    for note in notes:
        await world.post(alice, signed(origin, edit(origin, note)))
    await world.settle()
    assert objects(other) == chosen * 2
    assert await skipped(world, "o.test") == {"sample": 2 * (24 - len(chosen))}


async def test_more_than_the_rate_is_passed_over_and_counted_and_ends_by_itself(world: World) -> None:
    origin, other = await world.subscribe("a.test"), await world.subscribe("o.test")
    everything = await world.subscribe("all.test")
    await choose(world, "o.test", rate="3/minute")
    notes = [await post(world, origin) for _ in range(5)]
    assert objects(other) == [note["id"] for note in notes[:3]]
    assert len(objects(everything)) == 5
    world.clock.forward(60)
    late = await post(world, origin)
    assert objects(other)[3:] == [late["id"]]
    assert await skipped(world, "o.test") == {"rate": 2}


async def test_a_post_that_has_to_be_sent_again_counts_once_towards_the_rate(world: World) -> None:
    origin, other = await world.subscribe("a.test"), await world.subscribe("o.test")
    await choose(world, "o.test", rate="1/hour")
    other.status = 503
    note = await post(world, origin)
    for _ in range(3):
        world.clock.forward(600)
        await world.settle()
    other.status = 202
    world.clock.forward(600)
    await world.settle()
    assert objects(other) == [note["id"]]


async def test_a_subscriber_that_wants_little_keeps_up_with_a_long_log(world: World) -> None:
    """More is passed over than one look ahead: the cursor must still come to the end."""
    origin, other = await world.subscribe("a.test"), await world.subscribe("o.test")
    await choose(world, "o.test", hashtags="rare")
    alice = origin.actor("/users/alice", "Person")
    for number in range(300):
        note = origin.note(tag=tags("rare" if number == 299 else "often"))
        await world.post(alice, origin.create(note))
    await world.settle()
    assert objects(other) == [note["id"]]
    subscribers = world.relay.office.subscribers
    assert (await subscribers.details(await subscribers.find("o.test")))["behind"] == 0


async def test_one_decision_for_each_activity_and_distinct_profile(world: World) -> None:
    origin = await world.subscribe("a.test")
    for number in range(12):
        await world.subscribe(f"s{number}.test")
        await choose(world, f"s{number}.test", languages=("de", "en", "fr")[number % 3])
    selectors = world.relay.fanout.selectors
    before = selectors.decisions
    for _ in range(4):
        await post(world, origin, contentMap={"de": "Hallo"})
    assert selectors.decisions - before == 4 * 3  # its own server gets nothing back, whatever it wants


async def test_counters_and_profiles_survive_a_restart(worlds: Worlds) -> None:
    for _ in range(2):
        async with AsyncExitStack() as stack:
            world = await worlds.open(BASE, stack=stack)
            if not await world.relay.office.subscribers.all():
                await world.subscribe("a.test")
                await world.subscribe("o.test")
                await choose(world, "o.test", languages="de")
            await post(world, world.server("a.test"), contentMap={"de": "Hallo"})
            await post(world, world.server("a.test"), contentMap={"en": "Hello"})
    world = await worlds.open(BASE)
    subscribers = world.relay.office.subscribers
    details: Any = await subscribers.details(await subscribers.find("o.test"))
    assert (details["delivered"], details["skipped"]) == (2, {Skip.LANGUAGE: 2})


async def test_a_straggler_that_is_not_wanted_any_more_is_not_sent(world: World) -> None:
    origin, other = await world.subscribe("a.test"), await world.subscribe("o.test")
    note = origin.note(contentMap={"de": "Hallo"})
    other.refuses[note["id"]] = 500
    await world.post(origin.actor("/users/alice", "Person"), origin.create(note))
    await world.settle()
    for _ in range(4):
        world.clock.forward(300)
        await post(world, origin, contentMap={"en": "Hello"})
    other.refuses.clear()
    await choose(world, "o.test", languages="en")
    world.clock.forward(24 * 3600)
    await world.settle()
    assert note["id"] not in objects(other)
    subscribers = world.relay.office.subscribers
    assert (await subscribers.details(await subscribers.find("o.test")))["stragglers"] == []


async def test_who_is_down_is_asked_for_nothing_and_passes_over_later(world: World) -> None:
    origin, other = await world.subscribe("a.test"), await world.subscribe("o.test")
    await choose(world, "o.test", languages="de")
    other.fault = RemoteError("down")
    wanted = await post(world, origin, contentMap={"de": "Hallo"})
    await post(world, origin, contentMap={"en": "Hello"})
    other.fault = None
    world.clock.forward(3600)
    await world.settle()
    assert objects(other) == [wanted["id"]]


async def test_a_change_is_on_record_and_a_locked_profile_is_the_operators(world: World) -> None:
    await world.subscribe("o.test")
    profiles, subscribers = world.relay.office.profiles, world.relay.office.subscribers
    found = await subscribers.find("o.test")
    chosen, _ = read_choices(found.profile, {"languages": "de"}, profiles.names)
    await profiles.change(found, chosen, who="ann", locked=True, reason="asked by mail")
    found = await subscribers.find("o.test")
    assert (found.profile, found.profile_locked) == (chosen, True)
    async with world.relay.office.store.reading() as tx:
        details = await tx.subscribers.details(found.id)
    assert details["skipped"] == {}


async def test_switching_the_relay_off_and_on_keeps_the_profile_and_what_the_operator_fixed(
    world: World,
) -> None:
    server, profiles = await world.subscribe("m.test"), world.relay.office.profiles
    found = await world.relay.office.subscribers.find("m.test")
    chosen, _ = read_choices(found.profile, {"direction": "receive"}, profiles.names)
    await profiles.change(found, chosen, who="ann", locked=True)
    undo = {
        "id": server.url("/u/1"),
        "type": "Undo",
        "actor": server.actor().id,
        "object": server.url("/follows/1"),
    }
    assert (await world.post(server.actor(), undo)).code == "unfollowed"
    assert (await world.post(server.actor(), follow(server, number=2))).code == "follow-accepted"
    found = await world.relay.office.subscribers.find("m.test")
    assert (found.profile, found.profile_locked) == (chosen, True)
