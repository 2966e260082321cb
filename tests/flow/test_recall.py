"""Recalls: what came onto a list after it was relayed, who is told of it, and how it is taken back."""

from __future__ import annotations

import hashlib
import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.media.canary import clean_picture
from relay.domain.errors import Conflict, NotFound, RelayError, RemoteError
from relay.domain.hashlist import HashAlgorithm, ListEntry
from relay.domain.media import Decoded, ScanOutcome
from relay.domain.recall import Cause, NoticeKind, NoticeState, RecallState
from relay.protocol.recall import FLAG_TEXT
from tests.flow.conftest import BASE, follow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.media import ScanResult
    from relay.ports import Scanner
    from relay.services.recalls import RecallDetails
    from tests.fakes import FakeServer
    from tests.flow.conftest import World, Worlds

PICTURE = clean_picture("it comes onto a list after it was relayed")
OTHER = clean_picture("another one")
PURPOSE = 'purpose: "a test", country: any'
LISTS = f"""
scanners:
  - {{name: local, kind: list, category: csam, {PURPOSE}}}
  - {{name: private, kind: list, category: ncii, {PURPOSE}}}
  - {{name: fine, kind: benign, {PURPOSE}}}
"""
WAIT = 15 * 60.0


def entry(content: bytes = PICTURE) -> ListEntry:
    return ListEntry(HashAlgorithm.SHA256, hashlib.sha256(content).hexdigest(), "csam")


async def opened(worlds: Worlds, more: str = "", **options: Any) -> World:
    """A relay with a poster and two subscribers, one in each dialect."""
    world = await worlds.open(BASE + LISTS + more, **options)
    await world.subscribe("a.test")
    await world.subscribe("m.test")
    await world.subscribe("p.test", dialect="litepub")
    return world


async def posted(world: World, content: bytes = PICTURE) -> dict[str, Any]:
    """Let a.test post a picture and everybody get it."""
    server = world.server("a.test")
    return await world.publish(server, server.picture(content))


async def listed(world: World, *entries: ListEntry, name: str = "local") -> int:
    """Put entries on a list, and look as the running relay does; return the number of the batch."""
    await world.relay.office.lists.add(name, "test", entries or [entry()], who="ann")
    await looked(world)
    return (await world.relay.office.lists.batches(name))[0].number


async def looked(world: World) -> None:
    await world.relay.watch.run_once()
    await world.relay.rematching.run_once()


async def waited(world: World, seconds: float = WAIT) -> None:
    """Let time pass, what is due happen, and letters go out."""
    world.clock.forward(seconds)
    await looked(world)
    await letters(world)


async def letters(world: World) -> None:
    while await world.relay.letters.run_once():
        pass


async def only(world: World) -> RecallDetails:
    [found] = await world.relay.office.recalls.all()
    return await world.relay.office.recalls.show(found.recall.id)


def came(server: FakeServer, *kinds: str) -> list[dict[str, Any]]:
    return [one for one in server.arrivals() if one["type"] in kinds]


def cleared(world: World) -> None:
    for name in ("a.test", "m.test", "p.test"):
        world.server(name).inbox.clear()


# -------------------------------------------------------------------- the way of a recall


async def test_what_comes_onto_a_list_late_stops_at_once_and_is_told_after_a_while(worlds: Worlds) -> None:
    world = await opened(worlds)
    note = await posted(world)
    token = (await world.relay.office.explainer.why(note["id"]))[0]
    assert token["state"] == "published"
    announces = {name: came(world.server(name), "Announce") for name in ("m.test", "p.test")}
    cleared(world)
    await listed(world)
    found = await only(world)
    assert found.recall.state is RecallState.DUE
    assert (found.counts.files, found.counts.posts, found.counts.servers) == (1, 1, 2)
    digest = entry().value
    async with world.relay.office.store.reading() as tx:
        facts, issued = await tx.media.facts(digest), await tx.media.issued(digest)
    assert facts is not None
    assert facts.result.outcome is ScanOutcome.MATCH
    assert issued is None or issued.retracted_at is not None
    assert not world.server("m.test").inbox
    await waited(world)
    for name in ("m.test", "p.test"):
        server = world.server(name)
        undo, flag = came(server, "Undo", "Flag")
        assert undo["object"]["id"] == announces[name][0]["id"]
        assert undo["object"]["object"] == note["id"]
        assert flag["object"] == ["https://a.test/users/alice", note["id"]]
        assert flag["actor"] == "https://relay.test/actor"
        assert flag["to"] == [server.actor().id]
        assert flag["content"] == FLAG_TEXT
    assert not came(world.server("a.test"), "Undo", "Flag")  # it never got it from us
    found = await only(world)
    assert found.recall.state is RecallState.SENT
    assert {one.state for one in found.notices} == {NoticeState.DELIVERED}
    assert len(found.notices) == 4


async def test_nothing_that_is_told_shows_the_entry_or_the_file(worlds: Worlds) -> None:
    world = await opened(worlds)
    await posted(world)
    cleared(world)
    await listed(world)
    await waited(world)
    async with world.relay.office.store.reading() as tx:
        facts = await tx.media.facts(entry().value)
    assert facts is not None
    assert isinstance(facts.decoded, Decoded)
    secrets = [facts.digests.sha256, facts.digests.sha1, facts.digests.md5, facts.decoded.frames[0].pdq.hex()]
    for name in ("m.test", "p.test"):
        told = json.dumps(world.server(name).arrivals())
        assert "Flag" in told
        for word in (*secrets, "csam", "local", "match", "distance", "sha256"):
            assert word not in told, word


async def test_it_is_never_relayed_again(worlds: Worlds) -> None:
    world = await opened(worlds)
    await posted(world)
    await listed(world)
    again = await posted(world)
    assert (await world.why(again["id"]))["state"] == "held"


async def test_who_is_behind_does_not_get_it_any_more(worlds: Worlds) -> None:
    world = await opened(worlds)
    server = world.server("m.test")
    server.fault = RemoteError("down", code="unreachable")
    note = await posted(world)
    other = await posted(world, OTHER)
    cleared(world)
    await listed(world)
    found = await only(world)
    assert found.counts.servers == 1  # the one that is down got nothing
    server.fault = None
    world.clock.forward(3600)
    await world.settle()
    assert [one["object"] for one in came(server, "Announce")] == [other["id"]]
    await waited(world)
    assert not came(server, "Flag", "Undo")
    assert came(world.server("p.test"), "Flag")[0]["object"][-1] == note["id"]


async def test_who_left_is_told_too(worlds: Worlds) -> None:
    world = await opened(worlds)
    await posted(world)
    server = world.server("m.test")
    undo = {"id": server.url("/undo/1"), "type": "Undo", "actor": server.actor().id, "object": follow(server)}
    receipt = await world.post(server.actor(), {"@context": "https://www.w3.org/ns/activitystreams", **undo})
    assert receipt.code == "unfollowed"
    await posted(world, OTHER)
    cleared(world)
    await listed(world)
    await waited(world)
    assert len(came(server, "Flag")) == 1
    await listed(world, entry(OTHER))
    await waited(world)
    assert len(came(server, "Flag")) == 1  # what came after it left it never got
    assert len(came(world.server("p.test"), "Flag")) == 2


async def test_who_came_later_is_not_told(worlds: Worlds) -> None:
    world = await opened(worlds)
    await posted(world)
    late = await world.subscribe("late.test")
    await listed(world)
    await waited(world)
    assert not came(late, "Flag", "Undo")


async def test_who_wants_no_media_is_not_told(worlds: Worlds) -> None:
    world = await opened(worlds)
    subscriber = await world.relay.office.subscribers.find("m.test")
    profile = subscriber.profile.__class__(media=False)
    await world.relay.office.profiles.change(subscriber, profile, who="ann")
    await world.settle()
    await posted(world)
    await listed(world)
    await waited(world)
    assert not came(world.server("m.test"), "Flag", "Undo")
    assert came(world.server("p.test"), "Flag")


async def test_a_second_entry_for_the_same_file_repeats_nothing(worlds: Worlds) -> None:
    world = await opened(worlds)
    await posted(world)
    cleared(world)
    await listed(world)
    await waited(world)
    md5 = ListEntry(HashAlgorithm.MD5, hashlib.md5(PICTURE, usedforsecurity=False).hexdigest(), "csam")
    await listed(world, md5)
    await waited(world)
    assert len(await world.relay.office.recalls.all()) == 1
    assert len(came(world.server("m.test"), "Flag")) == 1


async def test_lists_of_another_purpose_have_recalls_of_their_own_and_nobody_is_told_twice(
    worlds: Worlds,
) -> None:
    world = await opened(worlds)
    await posted(world)
    cleared(world)
    await listed(world)
    await waited(world)
    await listed(world, name="private")
    await waited(world)
    ncii, csam = await world.relay.office.recalls.all()
    assert (csam.recall.purpose, ncii.recall.purpose) == ("abuse", "ncii")
    assert ncii.recall.state is csam.recall.state is RecallState.SENT
    assert len(came(world.server("m.test"), "Flag")) == 1


# -------------------------------------------------------------------- asking first


async def test_an_undone_import_takes_it_back_before_anybody_was_told(worlds: Worlds) -> None:
    world = await opened(worlds)
    note = await posted(world)
    cleared(world)
    batch = await listed(world)
    await world.relay.office.lists.undo(batch, who="ann")
    await looked(world)
    assert (await only(world)).recall.state is RecallState.UNDONE
    await waited(world)
    assert not world.server("m.test").inbox
    assert not world.server("p.test").inbox
    async with world.relay.office.store.reading() as tx:
        facts, entries = await tx.media.facts(entry().value), await tx.fanout.entries(0, 100)
    assert facts is not None
    assert facts.result.outcome is ScanOutcome.NO_KNOWN_MATCH
    assert note["id"] in {one.object_id for one in entries}
    again = await posted(world)
    assert (await world.why(again["id"]))["state"] == "published"


async def test_undone_after_it_was_told_is_told_too(worlds: Worlds) -> None:
    world = await opened(worlds)
    await posted(world)
    batch = await listed(world)
    await waited(world)
    cleared(world)
    await world.relay.office.lists.undo(batch, who="ann")
    await waited(world, 60)
    [withdrawn] = world.server("m.test").arrivals()
    assert (withdrawn["type"], withdrawn["object"]["type"]) == ("Undo", "Flag")
    found = await only(world)
    assert found.recall.state is RecallState.UNDONE
    assert [one.kind for one in found.notices].count(NoticeKind.WITHDRAWAL) == 2


async def test_in_ask_nothing_is_told_before_a_person_says_so(worlds: Worlds) -> None:
    world = await opened(worlds, "recall: {mode: ask}\n")
    await posted(world)
    cleared(world)
    await listed(world)
    await waited(world, 30 * WAIT)
    found = await only(world)
    assert (found.recall.state, found.recall.cause) == (RecallState.WAITING, Cause.MODE)
    assert not came(world.server("m.test"), "Flag")
    await world.relay.office.recalls.send(found.recall.id, who="ann", note="looked at it")
    await letters(world)
    assert len(came(world.server("m.test"), "Flag")) == 1
    assert (await only(world)).recall.who == "ann"
    with pytest.raises(Conflict):
        await world.relay.office.recalls.send(found.recall.id, who="ann")
    with pytest.raises(NotFound):
        await world.relay.office.recalls.send(77, who="ann")


async def near(content: bytes, world: World, distance: int) -> ListEntry:
    facts = await world.relay.inspector.facts(content)
    assert isinstance(facts.decoded, Decoded)
    value = int.from_bytes(facts.decoded.frames[0].dihedral[3]) ^ ((1 << distance) - 1)
    return ListEntry(HashAlgorithm.PDQ, f"{value:064x}", "csam")


@pytest.mark.parametrize(
    ("distance", "state"),
    [(10, RecallState.DUE), (11, RecallState.WAITING), (31, RecallState.WAITING), (32, None)],
)
async def test_what_only_resembles_an_entry_waits_for_a_person(
    worlds: Worlds, distance: int, state: RecallState | None
) -> None:
    world = await opened(worlds)
    await posted(world)
    await listed(world, await near(PICTURE, world, distance))
    assert [one.recall.state for one in await world.relay.office.recalls.all()] == ([state] if state else [])


async def test_benign_lists_are_heard_before_and_after(worlds: Worlds) -> None:
    world = await opened(worlds)
    await posted(world)
    benign = ListEntry(HashAlgorithm.SHA256, entry().value, "meme")
    batch = await listed(world, benign, name="fine")
    await listed(world, await near(PICTURE, world, 20))
    assert await world.relay.office.recalls.all() == []
    await world.relay.office.lists.undo(batch, who="ann")
    await looked(world)
    assert (await only(world)).recall.cause is Cause.NEAR
    await listed(world, benign, name="fine")
    assert (await only(world)).recall.state is RecallState.UNDONE


async def test_an_entry_that_matches_very_much_waits_for_a_person(worlds: Worlds) -> None:
    world = await opened(worlds, "recall: {flood: 2}\n")
    for _ in range(3):
        await posted(world)
    cleared(world)
    await listed(world)
    await waited(world, 10 * WAIT)
    found = await only(world)
    assert (found.recall.state, found.recall.cause) == (RecallState.WAITING, Cause.FLOOD)
    assert found.counts.posts == 3
    assert not came(world.server("m.test"), "Flag")


async def test_an_import_that_hits_very_much_waits_as_a_whole(worlds: Worlds) -> None:
    world = await opened(worlds, "recall: {flood: 2}\n")
    pictures = [clean_picture(700 + number) for number in range(3)]
    for content in pictures:
        await posted(world, content)
    cleared(world)
    await listed(world, *map(entry, pictures))
    assert {one.recall.state for one in await world.relay.office.recalls.all()} == {RecallState.DUE}
    await waited(world)
    found = await world.relay.office.recalls.all()
    assert {(one.recall.state, one.recall.cause) for one in found} == {(RecallState.WAITING, Cause.FLOOD)}
    assert not came(world.server("m.test"), "Flag", "Undo")


async def test_what_is_held_for_something_else_is_not_released_with_a_recalled_file(worlds: Worlds) -> None:
    rule = "{name: Warned, when: {sensitive: yes}, then: quarantine, reason: sensitive}"
    world = await opened(worlds, f"policy: {{version: 1, rules: [{rule}], otherwise: relay}}\n")
    await posted(world)
    server = world.server("a.test")
    note = server.note(server.picture(PICTURE), sensitive=True)
    await world.post(server.actor("/users/alice", "Person"), server.create(note))
    await world.settle()
    await listed(world)
    [hold] = await world.relay.office.holds.all()
    with pytest.raises(Conflict):
        await world.relay.office.holds.release(hold.id, who="ann", note=None)
    await world.relay.office.recalls.dismiss(1, who="ann", note="a meme")
    await world.relay.office.holds.release(hold.id, who="ann", note=None)
    assert (await world.why(note["id"]))["state"] == "published"


async def test_what_is_stopped_keeps_its_place_in_the_log(worlds: Worlds) -> None:
    world = await opened(worlds)
    note = await posted(world)
    async with world.relay.office.store.reading() as tx:
        [before] = await tx.fanout.entries(0, 9)
    await listed(world)
    async with world.relay.office.store.reading() as tx:
        assert await tx.fanout.entries(0, 9) == []
        assert [one.position for one in await tx.fanout.entries(0, 9, stopped=True)] == [before.position]
        assert (await tx.fanout.first(note["id"])) is not None


async def test_off_compares_nothing_and_on_makes_up_for_it(worlds: Worlds) -> None:
    async with AsyncExitStack() as stack:
        world = await opened(worlds, "recall: {mode: 'off'}\n", stack=stack)
        await posted(world)
        await listed(world)
        assert await world.relay.office.recalls.all() == []
    again = await worlds.open(BASE + LISTS)
    await looked(again)
    assert (await only(again)).recall.state is RecallState.DUE


async def test_without_notify_only_our_announces_are_undone(worlds: Worlds) -> None:
    world = await opened(worlds, "recall: {notify: false}\n")
    await posted(world)
    cleared(world)
    await listed(world)
    await waited(world)
    assert [one["type"] for one in world.server("p.test").arrivals()] == ["Undo"]


# -------------------------------------------------------------------- wrong


async def test_a_dismissed_recall_lets_go_for_good_and_corrects_what_was_told(worlds: Worlds) -> None:
    world = await opened(worlds)
    await posted(world)
    await listed(world)
    await waited(world)
    cleared(world)
    await world.relay.office.recalls.dismiss(1, who="ann", note="a meme")
    await letters(world)
    [told] = world.server("p.test").arrivals()
    assert (told["type"], told["object"]["type"], told["object"]["object"][-1][:15]) == (
        "Undo",
        "Flag",
        "https://a.test/",
    )
    again = await posted(world)
    assert (await world.why(again["id"]))["state"] == "published"
    md5 = ListEntry(HashAlgorithm.MD5, hashlib.md5(PICTURE, usedforsecurity=False).hexdigest(), "csam")
    await listed(world, md5)
    assert (await only(world)).recall.state is RecallState.DISMISSED  # and no other was opened
    with pytest.raises(Conflict):
        await world.relay.office.recalls.dismiss(1, who="ann", note="")


async def test_what_did_not_arrive_yet_is_cancelled_when_it_was_wrong(worlds: Worlds) -> None:
    world = await opened(worlds)
    await posted(world)
    cleared(world)
    await listed(world)
    world.clock.forward(WAIT)
    await looked(world)
    await world.relay.office.recalls.dismiss(1, who="ann", note="")
    await letters(world)
    assert not world.server("m.test").inbox
    assert {one.state for one in (await only(world)).notices} == {NoticeState.CANCELLED}


async def test_attestations_are_retracted_and_stand_again(worlds: Worlds) -> None:
    world = await opened(worlds, "policy: {version: 1, rules: [], otherwise: relay-and-attest}\n")
    await listed(world, entry(OTHER))  # an empty list attests nothing
    await posted(world)
    digest = entry().value

    async def retracted() -> float | None:
        async with world.relay.office.store.reading() as tx:
            issued = await tx.media.issued(digest)
        assert issued is not None
        assert issued.jws is not None
        return issued.retracted_at

    assert await retracted() is None
    await listed(world)
    assert await retracted() is not None
    await world.relay.office.recalls.dismiss(1, who="ann", note="")
    assert await retracted() is None


# -------------------------------------------------------------------- answers


async def test_answers_are_kept_when_they_come_from_who_was_told(worlds: Worlds) -> None:
    world = await opened(worlds)
    note = await posted(world)
    await listed(world)
    await waited(world)
    flags = {name: came(world.server(name), "Flag")[0]["id"] for name in ("m.test", "p.test")}

    async def answer(name: str, document: str, kind: str = "Accept") -> str:
        server = world.server(name)
        activity = {
            "@context": "https://www.w3.org/ns/activitystreams",
            "id": server.url(f"/{kind}/{document[-4:]}"),
            "type": kind,
            "actor": server.actor().id,
            "object": document,
        }
        return (await world.post(server.actor(), activity)).code

    assert await answer("p.test", flags["m.test"]) == "ignored-answer"  # of somebody else
    assert await answer("m.test", flags["m.test"]) == "recall-answered"
    assert await answer("p.test", flags["p.test"], "Reject") == "recall-answered"
    found = await only(world)
    assert found.counts.answered == 2
    said = {one.server: one.answer for one in found.notices if one.kind is NoticeKind.FLAG}
    assert said == {"m.test": "accepted", "p.test": "rejected"}
    server = world.server("a.test")
    alice = server.actor("/users/alice", "Person")
    delete = {"id": server.url("/d/1"), "type": "Delete", "actor": alice.id, "object": note["id"]}
    await world.post(alice, {"@context": "https://www.w3.org/ns/activitystreams", **delete})
    found = await only(world)
    assert found.counts.deleted == 1
    assert found.posts[0].deleted_at is not None


async def test_refusals_are_tried_for_a_week_and_then_given_up(worlds: Worlds) -> None:
    world = await opened(worlds)
    await posted(world)
    await listed(world)
    world.server("m.test").status = 404
    await waited(world)
    states = {one.server: one.state for one in (await only(world)).notices}
    assert states == {"m.test": NoticeState.REFUSED, "p.test": NoticeState.DELIVERED}
    for _ in range(40):
        world.clock.forward(6 * 3600)
        await letters(world)
    found = await only(world)
    states = {one.server: one.state for one in found.notices}
    assert states["m.test"] is NoticeState.GIVEN_UP
    assert {one.error for one in found.notices if one.server == "m.test"} == {"status 404"}


async def test_software_that_wants_to_know_is_told_in_its_own_form(worlds: Worlds) -> None:
    world = await opened(worlds)
    subscriber = await world.relay.office.subscribers.find("m.test")
    profile = subscriber.profile.__class__(recalls=True)
    await world.relay.office.profiles.change(subscriber, profile, who="ann")
    note = await posted(world)
    cleared(world)
    await listed(world)
    await waited(world)
    [told] = came(world.server("m.test"), "MediaRecall")
    assert told["object"] == [note["id"]]
    assert told["recalledMedia"] == [note["attachment"][0]["url"]]
    assert not came(world.server("p.test"), "MediaRecall")
    cleared(world)
    await world.relay.office.recalls.dismiss(1, who="ann", note="")
    await letters(world)
    undone = [one["object"]["type"] for one in world.server("m.test").arrivals()]
    assert undone == ["Flag", "MediaRecall"]


# -------------------------------------------------------------------- interrupted


class Dying:
    """A scanner that fails once it was asked about one file."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner, self.asked = scanner, 0
        self.name, self.version = scanner.name, scanner.version
        self.attests, self.methods = scanner.attests, scanner.methods

    async def scan(self, *about: Any) -> ScanResult:
        self.asked += 1
        if self.asked > 1:
            raise RelayError("the power went off")
        return await self._scanner.scan(*about)


async def test_a_relay_that_dies_while_it_compares_does_it_again(worlds: Worlds) -> None:
    async with AsyncExitStack() as stack:
        world = await opened(worlds, stack=stack)
        await posted(world)
        await posted(world, OTHER)
        await world.relay.office.lists.add("local", "t", [entry(), entry(OTHER)], who="ann")
        await world.relay.watch.run_once()
        world.relay.inspector.scanners = [Dying(one) for one in world.relay.inspector.scanners]
        with pytest.raises(RelayError):
            await world.relay.rematching.run_once()
        assert len(await world.relay.office.recalls.all()) == 1
    again = await worlds.open(BASE + LISTS)
    await looked(again)
    assert len(await again.relay.office.recalls.all()) == 2
    cleared(again)
    await waited(again)
    assert len(came(again.server("m.test"), "Flag")) == 2


async def test_a_list_of_the_configuration_counts_and_a_restart_repeats_nothing(
    worlds: Worlds,
) -> None:
    async with AsyncExitStack() as stack:
        world = await opened(worlds, stack=stack)
        await posted(world)
    path = worlds.folder / "more.csv"
    path.write_text(f"algorithm,value,category,source,note\nsha256,{entry().value},csam,,\n")
    more = f"  - {{name: more, kind: list, file: {path}, {PURPOSE}}}\n"
    for _ in range(2):
        async with AsyncExitStack() as stack:
            world = await worlds.open(BASE + LISTS + more, stack=stack)
            await waited(world)
            await waited(world)
            assert len(await world.relay.office.recalls.all()) == 1
    assert len(came(world.server("m.test"), "Flag")) == 1


async def test_what_was_relayed_on_an_attestation_is_found_by_its_digest(worlds: Worlds) -> None:
    from tests.flow.test_screen import Issuer

    config = BASE.replace("lookup: public", "lookup: public, trusted: [issuer.test]")
    world = await worlds.open(config + LISTS)
    await world.subscribe("a.test")
    await world.subscribe("m.test")
    server, issuer = world.server("a.test"), Issuer(world.server("issuer.test"))
    attested: Mapping[str, str] = issuer.attest(PICTURE, world.clock.now())
    note = await world.publish(server, server.picture(PICTURE, **attested))
    assert (await world.why(note["id"]))["media"][0]["outcome"] == "not-attempted"
    await listed(world)
    assert (await only(world)).counts.posts == 1
    again = await world.publish(server, server.picture(PICTURE, **attested))
    assert (await world.why(again["id"]))["state"] == "held"
