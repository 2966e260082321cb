"""What somebody learns who posts pictures and asks why: that they were relayed, or, hours later, that they were not."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.media.canary import canary_pictures, clean_picture, hostile_pictures
from relay.domain.errors import RemoteError
from relay.domain.hashlist import HashAlgorithm, ListEntry
from relay.domain.media import Decoded
from relay.services import misses
from tests.flow.askers import asking
from tests.flow.conftest import BASE
from tests.flow.test_screen import KNOWN, LOCAL, PLAIN, Issuer, screened
from tests.flow.test_why import BUSY, posted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flow.askers import Asker, Told
    from tests.flow.conftest import World, Worlds

HOUR = 3600.0
LATE = 12 * HOUR
NEAR = clean_picture("close to what is on the list")
TRUST = "attestation: {withhold: 0%, lookup: public, trusted: [issuer.test]}\n"
POLICY = """\
policy:
  version: 1
  always:
    - {name: Known match, when: {match: known}, then: quarantine, reason: known-match}
  rules:
    - {name: Near match, when: {match: [near, ncii, classifier]}, then: quarantine, reason: possible-match}
    - {name: Test match, when: {match: test}, then: quarantine, reason: test-match}
    - {name: Bad attestation, when: {attestation: [bad-signature, hash-mismatch]}, then: drop, reason: bad-attestation}
    - {name: Warned, when: {media: any, sensitive: yes}, then: quarantine, reason: sensitive}
    - {name: Loud, when: {media: any, hashtags: [loud]}, then: drop, reason: loud}
    - {name: Later, when: {media: any, hashtags: [later]}, then: defer 20 hours, reason: rate}
    - {name: Text only, when: {media: none}, then: relay}
    - {name: We scanned it, when: {scan: clean}, then: relay-and-attest}
  otherwise: quarantine
"""


async def near(world: World, content: bytes, distance: int) -> None:
    """Put what is so many bits from a picture onto the list."""
    facts = await world.relay.inspector.facts(content)
    assert isinstance(facts.decoded, Decoded)
    pdq = int.from_bytes(facts.decoded.frames[0].pdq) ^ ((1 << distance) - 1)
    entry = ListEntry(HashAlgorithm.PDQ, pdq.to_bytes(32).hex(), "csam")
    await world.relay.office.lists.add("local", "test", [entry], who="test")
    assert await world.relay.watch.run_once()


async def probed(worlds: Worlds) -> World:
    """A relay under that policy, with a list that holds one picture and nearly another."""
    world = await screened(worlds, PLAIN + LOCAL + TRUST + POLICY + BUSY)
    await world.relay.watch.run_once()
    await near(world, NEAR, 20)
    return world


def picture(content: bytes) -> Callable[[World], dict[str, Any]]:
    return lambda world: world.server("a.test").note(world.server("a.test").picture(content))


def tagged(tag: str, number: int) -> Callable[[World], dict[str, Any]]:
    """A clean picture with a hashtag."""

    def note(world: World) -> dict[str, Any]:
        server = world.server("a.test")
        tags = [{"type": "Hashtag", "name": f"#{tag}"}]
        return server.note(server.picture(clean_picture(number)), tag=tags)

    return note


def warned(world: World) -> dict[str, Any]:
    server = world.server("a.test")
    return server.note(server.picture(clean_picture(503)), sensitive=True)


def unreachable(world: World) -> dict[str, Any]:
    server, cdn = world.server("a.test"), world.server("cdn.test")
    cdn.fault = RemoteError("down")
    return server.note({"type": "Document", "mediaType": "image/png", "url": cdn.url("/1.png")})


CASES: dict[str, Callable[[World], dict[str, Any]]] = {
    "known match": picture(KNOWN),
    "near match": picture(NEAR),
    "test match": picture(next(iter(canary_pictures().values()))),
    "held by another rule": warned,
    "dropped by another rule": tagged("loud", 501),
    "deferred by another rule": tagged("later", 502),
    "unscannable": picture(min(hostile_pictures().values(), key=len)),
    "scanner has to wait": unreachable,
}


async def answers(asker: Asker, world: World, url: str) -> tuple[Told, ...]:
    """What everybody is told: anybody, the server that posted it, another subscriber, a person."""
    page = {"Accept": "text/html"}
    server, reader = world.server("a.test").actor(), world.server("b.test").actor()
    return (
        await asker.ask(url),
        await asker.ask(url, by=server),
        await asker.ask(url, by=reader),
        await asker.ask(url, **page),
        await asker.ask(url, by=server, **page),
    )


def shapes(told: tuple[Told, ...], world: World, note: dict[str, Any]) -> list[object]:
    """What was told, without what the poster wrote himself."""
    media = [one["url"] for one in note["attachment"]]
    escaped = [note["id"].replace(":", "%3A").replace("/", "%2F")]
    return [one.shape(note["id"], *media, *escaped) for one in told]


async def test_every_way_not_to_be_relayed_looks_alike_early_and_late(worlds: Worlds) -> None:
    world = await probed(worlds)
    server, early, late = world.server("a.test"), {}, {}
    notes = {name: make(world) for name, make in CASES.items()}
    async with asking(world) as asker:
        for name, note in notes.items():
            # Before it was looked at ...
            await world.post(server.actor("/users/alice", "Person"), server.create(note))
            unseen = shapes(await answers(asker, world, note["id"]), world, note)
            await world.settle()
            # ... and after.
            early[name] = shapes(await answers(asker, world, note["id"]), world, note)
            assert early[name] == unseen, name
        states = {(await world.why(note["id"]))["state"] for note in notes.values()}
        assert states == {"held", "dropped", "deferred"}
        world.clock.forward(LATE + HOUR)
        for name, note in notes.items():
            late[name] = shapes(await answers(asker, world, note["id"]), world, note)
    assert [name for name in CASES if early[name] != early["known match"]] == []
    assert [name for name in CASES if late[name] != late["known match"]] == []
    assert late["known match"] != early["known match"]
    for word in (b"match", b"csam", b"local", b"held", b"person", b"distance"):
        assert not any(word in body for _, _, body in late["known match"]), word


async def test_a_forged_attestation_tells_a_match_from_nothing_either(worlds: Worlds) -> None:
    """Else a poster would add one to each variant, and be told of it where nothing matched."""
    world = await probed(worlds)
    server, issuer = world.server("a.test"), Issuer(world.server("issuer.test"))
    found = {}
    async with asking(world) as asker:
        for name, content in (("match", KNOWN), ("near", NEAR), ("clean", clean_picture(510))):
            forged = issuer.attest(clean_picture(511), world.clock.now())
            note = server.note(server.picture(content, **forged))
            await posted(world, server, note)
            found[name] = [(await answers(asker, world, note["id"])), note]
        reasons = {(await world.why(note["id"]))["decisions"][0]["reason"] for _, note in found.values()}
        assert reasons == {"known-match", "possible-match", "bad-attestation"}
        world.clock.forward(LATE)
        told = {name: shapes(early, world, note) for name, (early, note) in found.items()}
        assert told["match"] == told["near"] == told["clean"]
        told = {
            name: shapes(await answers(asker, world, note["id"]), world, note)
            for name, (_, note) in found.items()
        }
        assert told["match"] == told["near"] == told["clean"]
        [medium] = (await asker.ask(found["match"][1]["id"], by=server.actor())).document["media"]
        assert medium["attestation"] == "hash-mismatch"  # which the poster wrote himself


async def drop(world: World, hold: int) -> None:
    await world.relay.office.holds.drop(hold, who="ann", note="seen")


async def nothing(world: World, hold: int) -> None:
    pass


@pytest.mark.parametrize("decide", [drop, nothing])
async def test_what_a_person_does_with_a_hold_is_not_seen(
    worlds: Worlds, decide: Callable[[World, int], Awaitable[None]]
) -> None:
    world = await probed(worlds)
    server = world.server("a.test")
    note = server.note(server.picture(KNOWN))
    await posted(world, server, note)
    async with asking(world) as asker:
        before = shapes(await answers(asker, world, note["id"]), world, note)
        [hold] = await world.relay.office.holds.all()
        await decide(world, hold.id)
        assert shapes(await answers(asker, world, note["id"]), world, note) == before
        world.clock.forward(LATE)
        told = (await asker.ask(note["id"], by=server.actor())).document
    assert (told["reason"], told["rule"]) == ("not-relayed", None)


async def test_in_observe_what_matches_is_told_of_like_all_that_is_relayed(worlds: Worlds) -> None:
    observing = POLICY.replace("version: 1", "version: 1\n  mode: observe")
    world = await screened(worlds, PLAIN + LOCAL + TRUST + observing + BUSY)
    await world.relay.watch.run_once()
    await near(world, NEAR, 20)
    server, found = world.server("a.test"), {}
    async with asking(world) as asker:
        for name, content in (("near", NEAR), ("clean", clean_picture(520))):
            note = server.note(server.picture(content))
            await posted(world, server, note)
            assert (await world.why(note["id"]))["state"] == "published"
            found[name] = shapes(await answers(asker, world, note["id"]), world, note)
    assert found["near"] == found["clean"]


async def test_the_time_at_which_it_is_told_depends_on_the_post_alone(worlds: Worlds) -> None:
    """Asking again tells nothing, nor does a restart, nor when it was decided, nor what."""
    world = await probed(worlds)
    server = world.server("a.test")

    async def told_after(note: dict[str, Any]) -> float:
        start = world.clock.now()
        while (await world.relay.office.explainer.why(note["id"]))[0]["public"]["state"] == "waiting":
            world.clock.forward(60)
        return world.clock.now() - start

    times = []
    for number, content in enumerate((KNOWN, NEAR, clean_picture(530), KNOWN, NEAR, clean_picture(531))):
        note = server.note(server.picture(content), sensitive=True)
        await world.post(server.actor("/users/alice", "Person"), server.create(note))
        world.clock.forward(HOUR * (number % 3))  # the relay is slow now and then
        await world.settle()
        [told] = await world.relay.office.explainer.why(note["id"])
        times.append(told["told_at"] - told["received_at"])
        assert abs(await told_after(note) + HOUR * (number % 3) - times[-1]) < 120
    assert all(6 * HOUR <= one <= 12 * HOUR for one in times)
    assert len({round(one) for one in times}) == len(times)


async def test_a_restart_draws_no_other_times(worlds: Worlds) -> None:
    found = []
    config = BASE + BUSY
    async with AsyncExitStack() as stack:
        world = await worlds.open(config, stack=stack)
        server = await world.subscribe("a.test")
        note = server.note(server.picture(next(iter(canary_pictures().values()))))
        await posted(world, server, note)
        found += await world.relay.office.explainer.why(note["id"])
    again = await worlds.open(config)
    found += await again.relay.office.explainer.why(note["id"])
    assert found[0]["told_at"] == found[1]["told_at"] is not None


async def test_every_answer_waits_the_same(worlds: Worlds) -> None:
    world = await probed(worlds)
    server = world.server("a.test")
    urls = [
        await posted(world, server, server.note(server.picture(content)))
        for content in (KNOWN, clean_picture(540))
    ]
    waited = {}
    async with asking(world) as asker:
        for url in (*urls, "https://a.test/unknown"):
            drawn, world.clock.slept = iter(range(10**6)), []
            world.clock.chance = lambda drawn=drawn: next(drawn) * 0.618 % 1.0  # type: ignore[misc]
            for _ in range(50):
                await asker.ask(url)
            waited[url] = world.clock.slept
    first, *others = waited.values()
    assert len(first) == 50
    assert all(one == first for one in others)
    spread = Counter(int((one - misses.SHORTEST) / misses.SPREAD * 5) for one in first)
    assert set(spread) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("told", [False, True])
async def test_a_recall_is_not_seen_from_outside(worlds: Worlds, *, told: bool) -> None:
    """Before servers are told and after: what is recalled is told of like what is not, to whoever asks."""
    world = await screened(worlds, PLAIN + LOCAL + TRUST + POLICY + BUSY)
    await world.relay.watch.run_once()
    await world.relay.rematching.run_once()
    server, notes = world.server("a.test"), {}
    for number, name in ((540, "recalled"), (541, "clean")):
        notes[name] = server.note(server.picture(clean_picture(number)))
        await posted(world, server, notes[name])
    digest = hashlib.sha256(clean_picture(540)).hexdigest()
    async with asking(world) as asker:
        before = {
            name: shapes(await answers(asker, world, note["id"]), world, note) for name, note in notes.items()
        }
        entry = ListEntry(HashAlgorithm.SHA256, digest, "csam")
        await world.relay.office.lists.add("local", "test", [entry], who="test")
        await world.relay.watch.run_once()
        await world.relay.rematching.run_once()
        assert (await world.relay.office.recalls.show(1)).counts.posts == 1
        if told:
            await world.relay.office.recalls.send(1, who="ann")
            await world.settle()
        early = {
            name: shapes(await answers(asker, world, note["id"]), world, note) for name, note in notes.items()
        }
        world.clock.forward(LATE)
        late = {
            name: shapes(await answers(asker, world, note["id"]), world, note) for name, note in notes.items()
        }
    assert before["recalled"] == before["clean"]
    assert early["recalled"] == early["clean"] == before["clean"]
    assert late["recalled"] == late["clean"]
