"""Screening: what the relay finds out about media, what the policy makes of it, and what is attested."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from mediaattest import (
    Check,
    IssuerKey,
    describe_key,
    issue,
    parse_header,
    to_data_url,
    verify,
)
from mediaattest.jws import decode_part
from relay.adapters.media.canary import (
    canary_pictures,
    clean_picture,
    encoded,
    hostile_pictures,
    photograph,
)
from relay.adapters.media.pdq import hash_pixels
from relay.adapters.media.samples import clip, sound
from relay.domain import strictjson
from relay.domain.errors import RemoteError
from relay.domain.hashlist import Effects, HashAlgorithm, ListEntry
from relay.domain.lab.testing import TEST_LIST
from relay.domain.log import HoldState
from relay.services.screen import LEASE
from tests.conftest import KINDS
from tests.flow.conftest import BASE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests import databases
    from tests.fakes import FakeServer
    from tests.flow.conftest import World, Worlds

KNOWN = clean_picture("this one stands for known material")
LOCAL = """
scanners:
  - {name: local, kind: list, file: local.csv, category: csam, purpose: a test, country: any}
  - {name: canary, kind: list, builtin: canary}
"""
TRUSTING = LOCAL + "attestation: {withhold: 0%, lookup: public, trusted: [issuer.test]}\n"
PLAIN = "\n".join(line for line in BASE.splitlines() if not line.startswith("attestation")) + "\n"


async def screened(worlds: Worlds, config: str = BASE + LOCAL) -> World:
    """A relay whose list `local` holds one picture, by digest."""
    digest = hashlib.sha256(KNOWN).hexdigest()
    (worlds.folder / "local.csv").write_text(
        f"algorithm,value,category,source,note\nsha256,{digest},csam,test,\n"
    )
    world = await worlds.open(config)
    for name in ("a.test", "b.test"):
        await world.subscribe(name)
    return world


@pytest.mark.databases
async def test_a_clean_picture_is_attested_and_the_attestation_verifies(worlds: Worlds) -> None:
    world = await screened(worlds)
    server, content = world.server("a.test"), clean_picture(1)
    await world.publish(server, server.picture(content))
    [received] = world.server("b.test").inbox
    [token] = parse_header(received.headers["media-attestation"])
    assert received.activity["mediaAttestation"] == [to_data_url(token)]
    import json

    actor = json.loads(world.relay.actor)
    checked = verify(
        to_data_url(token),
        received=content,
        actors={actor["id"]: actor},
        trusted_issuers={actor["id"]},
        accepted_lists=None,
        now=int(world.clock.now()),
    )
    assert checked.valid, checked
    issued = await world.relay.attestor.look_up(hashlib.sha256(content).hexdigest())
    assert issued is not None
    assert issued.jws == token


@pytest.mark.databases
async def test_a_known_picture_is_held_before_anyone_receives_it(worlds: Worlds) -> None:
    world = await screened(worlds)
    server = world.server("a.test")
    note = await world.publish(server, server.picture(KNOWN))
    told = await world.why(note["id"])
    assert (told["state"], told["decisions"][0]["reason"]) == ("held", "known-match")
    assert world.server("b.test").arrivals() == []
    assert not await world.relay.attestor.look_up(hashlib.sha256(KNOWN).hexdigest())


@pytest.mark.parametrize("database", KINDS[1:], indirect=True)
async def test_a_database_that_goes_away_says_nothing_about_a_picture(
    worlds: Worlds, postgres: databases.Server
) -> None:
    world = await screened(worlds)
    server, media = world.server("a.test"), world.server("media.test")
    note = server.note(media.picture(clean_picture(2)))
    await world.post(server.actor("/users/alice", "Person"), server.create(note))
    media.meanwhile = lambda: postgres.close("clean")
    try:
        with pytest.raises(ExceptionGroup):
            await world.relay.screening.run_once()
    finally:
        postgres.reopen("clean")
    media.meanwhile = None
    world.clock.forward(LEASE)
    await world.settle()
    told = await world.why(note["id"])
    assert (told["state"], told["media"][0]["outcome"]) == ("published", "no-known-match")
    assert len(world.server("b.test").inbox) == 1


async def test_a_known_picture_is_held_even_in_observe(worlds: Worlds) -> None:
    rules = "[{name: All, when: {type: Create}, then: relay}]"
    policy = f"policy: {{version: 1, mode: observe, rules: {rules}, otherwise: relay}}\n"
    world = await screened(worlds, BASE + LOCAL + policy)
    server = world.server("a.test")
    note = await world.publish(server, server.picture(KNOWN))
    assert (await world.why(note["id"]))["state"] == "held"


async def test_every_canary_is_caught_as_a_test(worlds: Worlds) -> None:
    world = await screened(worlds)
    server = world.server("a.test")
    for name, content in canary_pictures().items():
        note = await world.publish(server, server.picture(content))
        told = await world.why(note["id"])
        assert (name, told["state"], told["decisions"][0]["reason"]) == (name, "held", "test-match")
        assert told["media"][0]["outcome"] == "vendor-test-match"


async def test_row_40_hostile_files_are_unscannable_and_harm_nobody(worlds: Worlds) -> None:
    world = await screened(worlds)
    server = world.server("a.test")
    for name, content in hostile_pictures().items():
        note = await world.publish(server, server.picture(content))
        told = await world.why(note["id"])
        assert (name, told["media"][0]["outcome"]) == (name, "unscannable")
        assert told["decisions"][0]["reason"] == "unsupported-type"
    assert all("media-attestation" not in r.headers for r in world.server("b.test").inbox)
    good = await world.publish(server, server.picture(clean_picture(2)))
    assert (await world.why(good["id"]))["state"] == "published"


async def test_videos_are_looked_at_attested_and_held_like_pictures(worlds: Worlds) -> None:
    world = await screened(worlds)
    scenes = [photograph(f"clean scene {number}", 320, 240) for number in range(3)]
    known = photograph("known scene", 320, 240)
    await world.relay.watch.run_once()
    listed = ListEntry(HashAlgorithm.PDQ, hash_pixels(known).hash.hex(), "csam")
    assert (await world.relay.office.lists.add("local", "test", [listed], who="test")).added == 1
    assert await world.relay.watch.run_once()
    server, receiver = world.server("a.test"), world.server("b.test")

    async def post(name: str, content: bytes, media_type: str) -> dict[str, Any]:
        note = await world.publish(server, server.picture(content, f"/media/{name}", mediaType=media_type))
        return await world.why(note["id"])

    assert (await post("clean.mp4", clip(scenes, "mp4", "libx264"), "video/mp4"))["state"] == "published"
    [token] = parse_header(receiver.inbox[-1].headers["media-attestation"])
    stated = strictjson.loads(decode_part(token.split(".")[1]))
    assert {check["alg"] for check in stated["chk"]} == {"sha256", "vpdq"}

    told = await post("known.webm", clip([*scenes, known], "webm", "libvpx"), "video/webm")
    assert (told["state"], told["decisions"][0]["reason"]) == ("held", "known-match")
    [match] = told["media"][0]["matches"]
    assert (match["algorithm"], match["frames"], match["of"]) == ("pdq", 1, 4)
    assert told["media"][0]["type"] == "video/webm"

    cover = encoded(Image.fromarray(known), "JPEG")
    told = await post("cover.mp3", sound("mp3", "libmp3lame", covers=[cover]), "audio/mpeg")
    assert told["state"] == "held"
    told = await post("plain.mp3", sound("mp3", "libmp3lame"), "audio/mpeg")
    assert (told["media"][0]["outcome"], told["media"][0]["reason"]) == ("unscannable", "sound-only")
    assert told["decisions"][0]["reason"] == "unsupported-type"


async def test_a_known_picture_does_not_pass_with_another_file_behind_it(worlds: Worlds) -> None:
    """It was unscannable once, and so marked and passed on; lists of digests do not know it either."""
    world = await screened(worlds)
    server = world.server("a.test")
    for name, content in (
        ("double", canary_pictures()["canary.jpg"] + b"PK\x03\x04" + bytes(64)),
        ("cut", canary_pictures()["canary.jpg"][:-400]),
    ):
        note = await world.publish(server, server.picture(content))
        assert (name, (await world.why(note["id"]))["state"]) == (name, "held")


@pytest.mark.databases
async def test_one_scan_per_distinct_digest_however_often_it_comes(worlds: Worlds) -> None:
    world = await screened(worlds)
    content = clean_picture(3)
    posts, before = [], world.relay.decoder.stats.decoded
    for name in ("a.test", "b.test"):
        server = world.server(name)
        for number in range(10):
            note = server.note(server.picture(content, f"/media/{number}.png"))
            posts.append((server.actor("/users/alice", "Person"), server.create(note)))
    async with asyncio.TaskGroup() as tasks:
        for actor, create in posts:
            tasks.create_task(world.post(actor, create))
    await world.settle()
    assert world.relay.decoder.stats.decoded - before == 1
    states = {(await world.why(create["object"]["id"]))["state"] for _, create in posts}
    assert states == {"published"}
    assert len(world.server("a.test").arrivals("Announce")) == 10


async def test_a_list_that_grows_is_used_at_once_without_decoding_again(worlds: Worlds) -> None:
    world = await screened(worlds)
    server, content = world.server("a.test"), clean_picture(4)
    before = world.relay.decoder.stats.decoded
    first = await world.publish(server, server.picture(content, "/1.png"))
    assert (await world.why(first["id"]))["state"] == "published"
    await world.relay.watch.run_once()
    facts = await world.relay.inspector.facts(content)
    pdq = facts.decoded.frames[0].pdq.hex()  # type: ignore[union-attr] # it is a picture
    entry = ListEntry(HashAlgorithm.PDQ, pdq, "csam")
    assert await world.relay.office.lists.add("local", "test", [entry], who="test") == Effects(added=1)
    assert await world.relay.watch.run_once()
    second = await world.publish(server, server.picture(content, "/2.png"))
    assert (await world.why(second["id"]))["state"] == "held"
    assert world.relay.decoder.stats.decoded - before == 1


@pytest.mark.databases
async def test_media_that_cannot_be_had_now_is_deferred_and_never_called_clean(worlds: Worlds) -> None:
    world = await screened(worlds)
    server = world.server("a.test")
    picture = server.picture(clean_picture(5))
    cdn = world.server("cdn.test")
    cdn.fault = RemoteError("down")
    picture["url"] = cdn.url("/x.png")
    note = await world.publish(server, picture)
    told = await world.why(note["id"])
    assert told["state"] == "deferred"
    assert told["decisions"][0]["facts"]["scan"] == "unavailable"
    cdn.fault = None
    cdn.serve("/x.png", clean_picture(5), "image/png")
    world.clock.forward(700)
    await world.settle()
    assert (await world.why(note["id"]))["state"] == "published"


async def test_media_that_never_can_be_had_is_unscannable(worlds: Worlds) -> None:
    world = await screened(worlds)
    server = world.server("a.test")
    gone = {"type": "Image", "mediaType": "image/png", "url": server.url("/nothing.png")}
    told = await world.why((await world.publish(server, gone))["id"])
    assert (told["media"][0]["outcome"], told["media"][0]["reason"]) == ("unscannable", "status")


class Issuer:
    """An attester that is not the relay: a server with an Ed25519 key."""

    def __init__(self, server: FakeServer) -> None:
        self.key, self.actor = Ed25519PrivateKey.generate(), server.actor("/attester", "Service")
        kid = f"{self.actor.id}#att-2026-11"
        public = IssuerKey(kid, self.actor.id, self.key.public_key().public_bytes_raw())
        server.serve("/attester", {**self.actor.document(), "assertionMethod": [describe_key(public)]})
        self.kid = kid

    def attest(
        self, content: bytes, now: float, *, key: Ed25519PrivateKey | None = None, lists: Sequence[str] = ()
    ) -> dict[str, str]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        attestation = issue(
            private_key=key or self.key,
            kid=self.kid,
            issuer=self.actor.id,
            digest=digest,
            checks=[Check("pdq", name) for name in lists or (f"https://{self.actor.server.name}/lists/1",)],
            now=int(now),
            jti=bytes(16),
        )
        return {"hash": digest, "attestation": attestation}


async def attested(worlds: Worlds) -> tuple[World, Issuer]:
    world = await screened(worlds, PLAIN + TRUSTING)
    return world, Issuer(world.server("issuer.test"))


async def test_a_trusted_attestation_saves_the_scan_not_the_digest(worlds: Worlds) -> None:
    world, issuer = await attested(worlds)
    server, content = world.server("a.test"), clean_picture(6)
    before = world.relay.decoder.stats.decoded
    picture = server.picture(content, **issuer.attest(content, world.clock.now()))
    told = await world.why((await world.publish(server, picture))["id"])
    [medium] = told["media"]
    assert (medium["attestation"], medium["outcome"]) == ("valid", "not-attempted")
    assert medium["digest"] == hashlib.sha256(content).hexdigest()
    assert told["decisions"][0]["rule"] == "Trusted attestation"
    assert world.relay.decoder.stats.decoded == before
    [received] = world.server("b.test").inbox
    assert "media-attestation" not in received.headers  # we did not check it, so we say nothing


async def test_row_42_a_good_attestation_on_other_bytes_is_none_and_we_scan(worlds: Worlds) -> None:
    world, issuer = await attested(worlds)
    server = world.server("a.test")
    other = issuer.attest(clean_picture(7), world.clock.now())
    note = await world.publish(server, server.picture(clean_picture(8), **other))
    told = await world.why(note["id"])
    assert told["media"][0]["attestation"] == "hash-mismatch"
    assert (told["state"], told["media"][0]["outcome"]) == ("published", "no-known-match")


async def test_a_good_attestation_on_a_known_picture_does_not_get_it_through(worlds: Worlds) -> None:
    world, issuer = await attested(worlds)
    server = world.server("a.test")
    other = issuer.attest(clean_picture(7), world.clock.now())
    told = await world.why((await world.publish(server, server.picture(KNOWN, **other)))["id"])
    assert (told["state"], told["decisions"][0]["reason"]) == ("held", "known-match")


async def test_a_forged_attestation_costs_a_clean_post_nothing(worlds: Worlds) -> None:
    """Profile V-33: otherwise whoever carries a post could have it held by adding a bad token."""
    world, issuer = await attested(worlds)
    server, content = world.server("a.test"), clean_picture(9)
    forged = issuer.attest(content, world.clock.now(), key=Ed25519PrivateKey.generate())
    told = await world.why((await world.publish(server, server.picture(content, **forged)))["id"])
    assert (told["state"], told["media"][0]["attestation"]) == ("published", "bad-signature")
    [received] = world.server("b.test").inbox
    [token] = parse_header(received.headers["media-attestation"])
    assert to_data_url(token) != forged["attestation"]  # ours, after our own scan


async def test_a_test_attestation_is_refused_even_from_a_trusted_issuer(worlds: Worlds) -> None:
    world, issuer = await attested(worlds)
    server = world.server("a.test")
    for number, (lists, state) in enumerate(
        (
            ([TEST_LIST], "untrusted"),
            ([TEST_LIST, "https://w3id.org/assay/lab#another"], "untrusted"),
            ([TEST_LIST, "https://issuer.test/lists/1"], "valid"),
        )
    ):
        content = clean_picture(300 + number)
        picture = server.picture(content, **issuer.attest(content, world.clock.now(), lists=lists))
        told = await world.why((await world.publish(server, picture))["id"])
        assert (lists, told["media"][0]["attestation"]) == (lists, state)


async def test_an_attestation_by_somebody_unknown_is_worth_nothing(worlds: Worlds) -> None:
    world, _ = await attested(worlds)
    stranger = Issuer(world.server("stranger.test"))
    server, content = world.server("a.test"), clean_picture(10)
    picture = server.picture(content, **stranger.attest(content, world.clock.now()))
    told = await world.why((await world.publish(server, picture))["id"])
    assert told["media"][0]["attestation"] == "untrusted"
    assert told["media"][0]["outcome"] == "no-known-match"
    assert not any(url.startswith("https://stranger.test") for url in world.fediverse.fetched)


async def test_a_header_token_beside_the_post_counts_and_a_bad_header_is_ignored(worlds: Worlds) -> None:
    """protocol.md 5.3 row 43."""
    world, issuer = await attested(worlds)
    server = world.server("a.test")
    alice = server.actor("/users/alice", "Person")
    for number, (header, state) in enumerate((("token", "valid"), ('"a", , "b"', "missing"))):
        content = clean_picture(100 + number)
        claims = issuer.attest(content, world.clock.now())
        value = (
            f'"{claims["attestation"].removeprefix("data:application/jwt,")}"'
            if header == "token"
            else header
        )
        note = server.note(server.picture(content))
        await world.post(alice, server.create(note), extra={"media-attestation": value})
        await world.settle()
        told = await world.why(note["id"])
        assert told["media"][0]["attestation"] == state


async def test_a_share_of_clean_items_is_withheld(worlds: Worlds) -> None:
    world = await screened(worlds, PLAIN + LOCAL + "attestation: {withhold: 100%, lookup: public}\n")
    server, content = world.server("a.test"), clean_picture(11)
    await world.publish(server, server.picture(content))
    [received] = world.server("b.test").inbox
    assert "media-attestation" not in received.headers
    issued = await world.relay.attestor.look_up(hashlib.sha256(content).hexdigest())
    assert issued is not None
    assert issued.jws is None


@pytest.mark.databases
async def test_a_hold_is_released_or_dropped_once(worlds: Worlds) -> None:
    world = await screened(worlds)
    server, holds = world.server("a.test"), world.relay.office.holds
    first = await world.publish(server, server.picture(KNOWN, "/1.png"))
    await world.publish(server, server.picture(KNOWN, "/2.png"))
    dropped, released = await holds.all()
    await holds.drop(dropped.id, who="test", note=None)
    await holds.release(released.id, who="test", note="a test picture")
    await world.settle()
    assert [a["object"] for a in world.server("b.test").arrivals()] == [first["id"]]
    assert await holds.all() == []
    from relay.domain.errors import Conflict

    with pytest.raises(Conflict):
        await holds.release(released.id, who="test", note=None)
    [kept] = await holds.all(HoldState.RELEASED)
    assert (kept.decided_by, kept.note) == ("test", "a test picture")


@pytest.mark.databases
async def test_an_update_by_the_origin_is_screened_instead_of_what_was_held(worlds: Worlds) -> None:
    world = await screened(worlds)
    server = world.server("a.test")
    note = await world.publish(server, server.picture(KNOWN))
    alice = server.actor("/users/alice", "Person")
    changed = {**note, "attachment": [server.picture(clean_picture(12))], "updated": "2026-11-22T00:00:00Z"}
    update = {**server.create(changed), "type": "Update", "id": server.url("/u/1")}
    assert (await world.post(alice, update)).code == "renewed"
    await world.settle()
    told = await world.why(note["id"])
    assert told["state"] == "published"
    assert [a["object"] for a in world.server("b.test").arrivals()] == [note["id"]]


async def test_what_its_author_hides_while_it_waits_is_not_relayed(worlds: Worlds) -> None:
    world = await screened(worlds)
    server = world.server("a.test")
    note = await world.publish(server, server.picture(KNOWN))
    alice = server.actor("/users/alice", "Person")
    followers = {"to": [server.url("/users/alice/followers")], "cc": []}
    changed = {**note, "attachment": [server.picture(clean_picture(12))], **followers}
    update = {**server.create(changed), "type": "Update", "id": server.url("/u/1"), **followers}
    assert (await world.post(alice, update)).code == "renewed"
    await world.settle()
    told = await world.why(note["id"])
    assert (told["state"], told["decisions"][-1]["reason"]) == ("dropped", "object-not-public")
    assert world.server("b.test").arrivals() == []
    assert await world.relay.office.holds.all() == []


@pytest.mark.databases
async def test_a_delete_by_the_origin_withdraws_the_hold(worlds: Worlds) -> None:
    world = await screened(worlds)
    server = world.server("a.test")
    note = await world.publish(server, server.picture(KNOWN))
    alice = server.actor("/users/alice", "Person")
    delete = {"id": server.url("/d/1"), "type": "Delete", "actor": alice.id, "object": note["id"]}
    await world.post(alice, delete)
    assert await world.relay.office.holds.all() == []
    told = await world.why(note["id"])
    assert (told["state"], told["media"]) == ("withdrawn", [])


async def test_an_announced_object_is_fetched_screened_and_checked_for_its_author(worlds: Worlds) -> None:
    world = await screened(worlds)
    peer = await world.subscribe("p.test", dialect="litepub")
    cases: dict[str, tuple[dict[str, Any], str]] = {
        "known": (peer.note(peer.picture(KNOWN)), "known-match"),
        "clean": (peer.note(peer.picture(clean_picture(13))), "no-known-match"),
        "private": (peer.note(public=False), "object-not-public"),
        "gone": ({"id": peer.url("/notes/gone")}, "object-status"),
        "foreign": (peer.note(attributedTo="https://a.test/users/alice"), "object-wrong-author"),
    }
    for name, (note, _) in cases.items():
        announce = {
            "id": peer.url(f"/x/{name}"),
            "type": "Announce",
            "actor": peer.actor().id,
            "object": note["id"],
        }
        assert (await world.post(peer.actor(), announce)).code == "screening"
    await world.settle()
    for note, reason in cases.values():
        assert (await world.why(note["id"]))["decisions"][0]["reason"] == reason
    assert [a["object"] for a in world.server("b.test").arrivals()] == [cases["clean"][0]["id"]]


class Told(logging.Handler):
    """Hears when something is logged as an exception."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def emit(self, record: logging.LogRecord) -> None:
        if not self.heard.done():
            self.heard.set_result(record.getMessage())


async def test_a_bug_that_one_post_brings_out_ends_nothing_and_the_post_falls_due_again(
    worlds: Worlds,
) -> None:
    world = await screened(worlds)
    server, files = world.server("a.test"), world.server("files.test")
    note = server.note(files.picture(clean_picture(1)))
    files.fault = ArithmeticError("a bug")
    log, told = logging.getLogger("relay.services.leased"), Told()
    log.addHandler(told)
    try:
        async with asyncio.TaskGroup() as tasks:
            worker = tasks.create_task(world.relay.screening.run())
            await world.post(server.actor("/users/alice", "Person"), server.create(note))
            assert re.fullmatch(r"screening activity \d+ failed", await told.heard)
            worker.cancel()
    finally:
        log.removeHandler(told)
    files.fault = None
    assert await world.relay.screening.run_once() == 0  # it is on lease
    world.clock.time += LEASE
    assert await world.relay.screening.run_once() == 1
    await world.settle()
    assert len(world.server("b.test").arrivals()) == 1
