"""The relay as issuer, verifier and carrier of fep/profile.md: statements that only a running relay can show."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mediaattest import parse_header
from relay.adapters.media.canary import clean_picture, hostile_pictures
from relay.domain.hashlist import HashAlgorithm, ListEntry
from relay.services.attestations import list_id
from tests.flow.conftest import BASE
from tests.flow.test_screen import KNOWN, LOCAL, PLAIN, TRUSTING, Issuer, screened

if TYPE_CHECKING:
    from tests.fakes import Received
    from tests.flow.conftest import World, Worlds

CLAIMS = {"iss", "sub", "iat", "exp", "jti", "res", "chk", "med"}


def parts(jws: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token."""
    texts = jws.split(".")[:2]
    header, claims = (json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) for text in texts)
    return header, claims


async def delivered(world: World, content: bytes) -> Received:
    """What b.test receives of a post of a.test with a picture."""
    world.server("b.test").inbox.clear()
    server = world.server("a.test")
    await world.publish(server, server.picture(content))
    [received] = world.server("b.test").inbox
    return received


async def token(world: World, content: bytes) -> str:
    """The token that travels with a picture."""
    [jws] = parse_header((await delivered(world, content)).headers["media-attestation"])
    return jws


@pytest.mark.parametrize("picture", [70, 71])
async def test_a_token_says_what_it_may_and_nothing_else(worlds: Worlds, picture: int) -> None:
    world = await screened(worlds)
    content = clean_picture(picture)
    _, claims = parts(await token(world, content))
    assert set(claims) <= CLAIMS
    assert set(claims["med"]) == {"type", "size"}
    assert all(set(check) == {"alg", "list"} for check in claims["chk"])
    assert claims["sub"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert claims["iat"] % 3600 == 0
    assert claims["exp"] - claims["iat"] <= 14 * 86400
    text = json.dumps(claims)
    assert text.count("https://") == 1 + len(claims["chk"])  # the issuer, and the ids of lists
    assert "a.test" not in text


async def test_each_token_has_an_id_of_its_own(worlds: Worlds) -> None:
    world = await screened(worlds)
    ids = [parts(await token(world, clean_picture(number)))[1]["jti"] for number in (72, 73, 74)]
    world.clock.forward(8 * 86400)  # past half of its life the same picture gets a new token
    ids.append(parts(await token(world, clean_picture(72)))[1]["jti"])
    assert len(set(ids)) == 4


async def test_one_token_for_each_digest_until_half_of_its_life_is_over(worlds: Worlds) -> None:
    world = await screened(worlds)
    first = await token(world, clean_picture(75))
    world.clock.forward(6 * 86400)
    assert await token(world, clean_picture(75)) == first


async def test_the_id_of_a_list_does_not_tell_what_is_on_it(worlds: Worlds) -> None:
    world = await screened(worlds)
    _, before = parts(await token(world, clean_picture(76)))
    await world.relay.watch.run_once()
    entries = [ListEntry(HashAlgorithm.SHA256, f"{number:064x}", "csam") for number in range(9)]
    assert (await world.relay.office.lists.add("local", "test", entries, who="test")).added == 9
    assert await world.relay.watch.run_once()
    _, after = parts(await token(world, clean_picture(77)))
    assert before["chk"] == after["chk"]


TWO_LISTS = """
scanners:
  - {name: local, kind: list, file: local.csv, category: csam, purpose: a test, country: any}
  - {name: pictures, kind: list, file: pictures.csv, category: csam, purpose: a test, country: any}
  - {name: empty, kind: list, file: empty.csv, category: csam, purpose: a test, country: any}
"""


async def test_a_token_names_the_methods_by_which_each_list_was_asked(worlds: Worlds) -> None:
    header = "algorithm,value,category,source,note\n"
    rows = (f"pdq,{'0f' * 32},,,", f"md5,{'a' * 32},,,", f"pdq,{'f0' * 32},,,")
    (worlds.folder / "pictures.csv").write_text(header + "\n".join(rows) + "\n")
    (worlds.folder / "empty.csv").write_text(header)
    world = await screened(worlds, BASE + TWO_LISTS)
    _, claims = parts(await token(world, clean_picture(84)))
    local, pictures = (list_id("https://relay.test", name) for name in ("local", "pictures"))
    assert [(check["alg"], check["list"]) for check in claims["chk"]] == [
        ("sha256", local),
        ("md5", pictures),
        ("pdq", pictures),
    ]


async def test_eight_checks_name_every_list_before_the_second_method_of_any(worlds: Worlds) -> None:
    names = [f"list-{number}" for number in range(6)]
    rows = f"algorithm,value,category,source,note\nsha256,{'a' * 64},csam,,\nmd5,{'a' * 32},csam,,\n"
    for name in names:
        (worlds.folder / f"{name}.csv").write_text(rows)
    lists = (f"  - {{name: {n}, kind: list, file: {n}.csv, purpose: a test, country: any}}" for n in names)
    world = await screened(worlds, BASE + "scanners:\n" + "\n".join(lists) + "\n")
    _, claims = parts(await token(world, clean_picture(85)))
    assert [check["alg"] for check in claims["chk"]] == ["sha256"] * 6 + ["md5"] * 2
    assert len({check["list"] for check in claims["chk"]}) == 6


async def test_what_was_not_checked_against_the_list_of_now_is_not_said_to_be(worlds: Worlds) -> None:
    world = await screened(worlds)
    content = clean_picture(86)
    await token(world, content)
    world.clock.forward(8 * 86400)  # half of the token's life is over, so a new one would be made
    entries = [ListEntry(HashAlgorithm.PDQ, "0f" * 32, "csam")]
    await world.relay.watch.run_once()
    await world.relay.office.lists.add("local", "test", entries, who="test")
    assert await world.relay.watch.run_once()
    assert await world.relay.attestor.token(hashlib.sha256(content).hexdigest()) is None
    _, claims = parts(await token(world, content))  # the post has it scanned again
    assert [check["alg"] for check in claims["chk"]] == ["sha256", "pdq"]


async def test_a_list_without_entries_is_nothing_that_was_checked(worlds: Worlds) -> None:
    (worlds.folder / "local.csv").write_text("algorithm,value,category,source,note\n")
    world = await worlds.open(BASE + LOCAL)
    for name in ("a.test", "b.test"):
        await world.subscribe(name)
    assert not world.relay.attestor.attests
    assert "media-attestation" not in (await delivered(world, clean_picture(87))).headers


async def test_the_key_of_attestations_signs_nothing_else(worlds: Worlds) -> None:
    world = await screened(worlds)
    received = await delivered(world, clean_picture(78))
    [jws] = parse_header(received.headers["media-attestation"])
    kid = parts(jws)[0]["kid"]
    actor = json.loads(world.relay.actor)
    assert kid in [key["id"] for key in actor["assertionMethod"]]
    assert kid.startswith(f"{actor['id']}#att-")
    assert actor["publicKey"]["id"] != kid
    assert f'keyId="{actor["publicKey"]["id"]}"' in received.headers["signature"]
    assert kid not in received.headers["signature"]


async def test_what_matches_or_cannot_be_checked_is_not_attested(worlds: Worlds) -> None:
    world = await screened(worlds)
    server = world.server("a.test")
    for content in (KNOWN, *hostile_pictures().values()):
        await world.publish(server, server.picture(content))
        assert await world.relay.attestor.look_up(hashlib.sha256(content).hexdigest()) is None
        assert await world.relay.attestor.token(hashlib.sha256(content).hexdigest()) is None
    assert all("media-attestation" not in received.headers for received in world.server("b.test").inbox)


async def test_taking_an_attestation_back_is_told_to_nobody(worlds: Worlds) -> None:
    world = await screened(worlds)
    content = clean_picture(79)
    await token(world, content)
    servers = [world.server(name) for name in ("a.test", "b.test")]
    for server in servers:
        server.inbox.clear()
    async with world.relay.office.store.transaction() as tx:
        assert await tx.media.retract(hashlib.sha256(content).hexdigest(), world.clock.now())
    world.clock.forward(3600)
    await world.settle()
    assert [server.inbox for server in servers] == [[], []]


async def test_that_an_attested_picture_matches_later_is_told_to_nobody(worlds: Worlds) -> None:
    world = await screened(worlds)
    content = clean_picture(88)
    digest = hashlib.sha256(content).hexdigest()
    await token(world, content)
    servers = [world.server(name) for name in ("a.test", "b.test")]
    for server in servers:
        server.inbox.clear()
    await world.relay.watch.run_once()
    entries = [ListEntry(HashAlgorithm.SHA256, digest, "csam")]
    await world.relay.office.lists.add("local", "test", entries, who="test")
    assert await world.relay.watch.run_once()
    again = await world.publish(servers[0], servers[0].picture(content, "/again.png"))
    assert (await world.why(again["id"]))["state"] == "held"
    issued = await world.relay.attestor.look_up(digest)
    assert issued is not None
    assert issued.retracted_at  # 410 for those who ask, and that is all
    for _ in range(3):
        world.clock.forward(86400)
        await world.settle()
        await world.relay.upkeep.run_once()
    assert [server.inbox for server in servers] == [[], []]


async def test_what_came_of_an_attestation_is_told_to_nobody(worlds: Worlds) -> None:
    """V-31: whoever receives the post cannot tell a bad attestation from none, and its sender hears nothing."""
    world = await screened(worlds, PLAIN + TRUSTING)
    issuer, now = Issuer(world.server("issuer.test")), world.clock.now()
    author, reader = world.server("a.test"), world.server("b.test")
    contents = [clean_picture(number) for number in range(89, 94)]
    stranger = Ed25519PrivateKey.generate()
    beside = {
        "missing": {},
        "bad-signature": issuer.attest(contents[1], now, key=stranger),
        "hash-mismatch": issuer.attest(contents[0], now),
        "expired": issuer.attest(contents[3], now - 40 * 86400),
        "untrusted": Issuer(world.server("stranger.test")).attest(contents[4], now),
    }
    shapes = {}
    for content, (state, claims) in zip(contents, beside.items(), strict=True):
        reader.inbox.clear()
        note = await world.publish(author, author.picture(content, **claims))
        told = await world.why(note["id"])
        assert (told["state"], told["media"][0]["attestation"]) == ("published", state)
        [received] = reader.inbox
        _, stated = parts(received.headers["media-attestation"].strip('"'))
        assert stated.keys() == CLAIMS
        assert received.activity["object"] == note["id"]
        shapes[state] = (sorted(received.headers), sorted(received.activity), stated["chk"], stated["res"])
    assert len({str(shape) for shape in shapes.values()}) == 1
    assert not any(world.server(name).inbox for name in ("a.test", "issuer.test", "stranger.test"))


async def test_one_valid_attestation_is_enough(worlds: Worlds) -> None:
    world = await screened(worlds, PLAIN + TRUSTING)
    issuer, content = Issuer(world.server("issuer.test")), clean_picture(80)
    good = issuer.attest(content, world.clock.now())
    forged = issuer.attest(content, world.clock.now(), key=Ed25519PrivateKey.generate())
    expired = issuer.attest(content, world.clock.now() - 40 * 86400)
    texts = ["1234567890", *(one["attestation"] for one in (forged, expired, good))]
    server = world.server("a.test")
    picture = server.picture(content, hash=good["hash"], attestation=texts)
    told = await world.why((await world.publish(server, picture))["id"])
    assert told["media"][0]["attestation"] == "valid"


async def test_a_token_in_the_header_belongs_to_the_medium_that_it_is_about(worlds: Worlds) -> None:
    world = await screened(worlds, PLAIN + TRUSTING)
    issuer, server = Issuer(world.server("issuer.test")), world.server("a.test")
    contents = [clean_picture(number) for number in (81, 82, 83)]
    tokens = [
        issuer.attest(content, world.clock.now())["attestation"] for content in (contents[2], contents[0])
    ]
    value = ", ".join(f'"{text.removeprefix("data:application/jwt,")}"' for text in tokens)
    note = server.note(*(server.picture(content) for content in contents))
    alice = server.actor("/users/alice", "Person")
    await world.post(alice, server.create(note), extra={"media-attestation": value})
    await world.settle()
    states = [medium["attestation"] for medium in (await world.why(note["id"]))["media"]]
    assert states == ["valid", "missing", "valid"]
