"""Status lists: ours, as anybody fetches them, and those of the issuers that we trust."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp

from mediaattest import Attestation, Status, StatusList, read_status_list, verify, write_status_list
from mediaattest import issue as make
from mediaattest.jws import decode_part
from mediaattest.model import Check, StatusReference
from relay.adapters.media.canary import clean_picture
from relay.cli.serving import listening, public_app
from relay.services import status_lists
from relay.services.status_lists import FAILED_FOR, MEDIA_TYPE, SIZE, TTL
from tests.flow.submitters import digest_of, serving
from tests.flow.test_keys import attest
from tests.flow.test_screen import PLAIN, TRUSTING, Issuer, screened

if TYPE_CHECKING:
    import pytest

    from tests.flow.conftest import World, Worlds

LIST = "/status-lists/1"


async def fetch(world: World, path: str = LIST) -> tuple[int, str, dict[str, str]]:
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
        session.get(path) as answer,
    ):
        return answer.status, await answer.text(), dict(answer.headers)


async def ours(world: World, number: int = 1) -> StatusList:
    """Our list, as a verifier reads it."""
    status, token, _ = await fetch(world, f"/status-lists/{number}")
    assert status == 200
    actor = json.loads(world.relay.actor)
    uri = f"https://relay.test/status-lists/{number}"
    found = read_status_list(token, uri=uri, issuer=actor["id"], actor=actor, now=int(world.clock.now()))
    assert found is not None
    return found


def stated(world: World, token: str) -> Attestation:
    """What one of our attestations says."""
    actor = json.loads(world.relay.actor)
    found = verify(
        f"data:application/jwt,{token}",
        received=json_of(token)["sub"],
        actors={actor["id"]: actor},
        trusted_issuers={actor["id"]},
        accepted_lists=None,
        now=int(world.clock.now()),
    )
    assert found.attestation is not None, found
    return found.attestation


def json_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(decode_part(token.split(".")[1]) or b"")
    return found


async def place(world: World, content: bytes) -> StatusReference:
    """Where the status of our attestation of a file stands."""
    reference = stated(world, await attest(world, content)).status
    assert reference is not None
    return reference


async def test_a_retracted_attestation_is_a_bit_in_a_list(worlds: Worlds) -> None:
    world = await serving(worlds, ", status_list: true")
    first, second = [await place(world, clean_picture(number)) for number in (500, 501)]
    assert first.uri == second.uri == f"https://relay.test{LIST}"
    assert first.index != second.index
    now = int(world.clock.now())
    found = await ours(world)
    assert len(found.statuses) * 8 == SIZE
    assert (found.ttl, found.status(first.index, now=now)) == (TTL, Status.STANDING)
    async with world.relay.office.store.transaction() as tx:
        await tx.media.retract(digest_of(clean_picture(500)), world.clock.now())
    world.clock.forward(301)
    found = await ours(world)
    seen = [found.status(one.index, now=now + 301) for one in (first, second)]
    assert seen == [Status.REVOKED, Status.STANDING]
    assert sum(found.statuses) == 1 << first.index % 8  # and no other


async def test_a_list_is_for_everybody_and_may_be_kept(worlds: Worlds) -> None:
    world = await serving(worlds, ", status_list: true")
    await place(world, clean_picture(502))
    status, token, headers = await fetch(world)
    assert status == 200
    assert headers["Content-Type"].startswith(MEDIA_TYPE)
    assert headers["Cache-Control"] == "public, max-age=300"
    assert (await fetch(world))[1] == token
    for path in ("/status-lists/2", "/status-lists/0", "/status-lists/x", "/status-lists/9999999999"):
        assert (await fetch(world, path))[0] == 404


async def test_without_the_setting_attestations_name_no_list(worlds: Worlds) -> None:
    world = await serving(worlds)
    content = clean_picture(503)
    assert stated(world, short := await attest(world, content)).status is None
    assert (await fetch(world))[0] == 404
    world = await serving_again(world, content)
    long = await attest(world, content)
    assert len(long) > len(short)


async def serving_again(world: World, content: bytes) -> World:
    """Switch the lists on, and let the attestation of a file be made anew."""
    world.relay.attestor.rules = replace(world.relay.attestor.rules, status_list=True)
    async with world.relay.office.store.transaction() as tx:
        await tx.media.retract(digest_of(content), world.clock.now())
    return world


async def test_a_list_that_is_half_full_is_followed_by_the_next_and_indexes_are_freed(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_lists, "FULL", 2)
    world = await serving(worlds, ", status_list: true")
    places = [await place(world, clean_picture(number)) for number in range(504, 507)]
    assert [one.uri[-1] for one in places] == ["1", "1", "2"]
    world.clock.forward(15 * 24 * 3600)
    await world.relay.upkeep.run_once()
    assert (await fetch(world))[0] == 404


async def test_an_index_that_is_taken_is_drawn_again(worlds: Worlds) -> None:
    world = await serving(worlds, ", status_list: true")
    first = await place(world, clean_picture(507))
    async with world.relay.office.store.transaction() as tx:
        assert not await tx.status_indexes.take(1, first.index, digest="x", key="k", expires_at=1.0)
        assert await tx.status_indexes.newest() == (1, 1)
        assert await tx.status_indexes.retracted(2) is None


async def test_revoking_a_key_retracts_what_it_signed_in_the_list_too(worlds: Worlds) -> None:
    world = await serving(worlds, ", status_list: true")
    reference = await place(world, clean_picture(508))
    await world.relay.office.keys.revoke("att-2026-11", who="test", note=None)
    await world.relay.key_watch.run_once()
    found = await ours(world)
    assert found.status(reference.index, now=int(world.clock.now())) is Status.REVOKED


# -------------------------------------------------------------------- lists of others


class ListedIssuer(Issuer):
    """An issuer whose attestations name a status list."""

    def publish(self, now: float, revoked: tuple[int, ...] = (), **changed: Any) -> str:
        usual: dict[str, Any] = {
            "private_key": self.key,
            "kid": self.kid,
            "issuer": self.actor.id,
            "uri": self.actor.server.url("/lists/7"),
            "size": 1024,
            "revoked": revoked,
            "now": int(now),
            "lifetime": 7200,
            "ttl": 600,
        }
        token = write_status_list(**(usual | changed))
        return self.actor.server.serve("/lists/7", token.encode(), MEDIA_TYPE)

    def listed(self, content: bytes, now: float, index: int, uri: str | None = None) -> dict[str, str]:
        digest = f"sha256:{digest_of(content)}"
        attestation = make(
            private_key=self.key,
            kid=self.kid,
            issuer=self.actor.id,
            digest=digest,
            checks=[Check("pdq", "https://issuer.test/lists/1")],
            now=int(now),
            jti=bytes(16),
            status=StatusReference(uri or self.actor.server.url("/lists/7"), index),
        )
        return {"hash": digest, "attestation": attestation}


class Trusting:
    """A relay that trusts an issuer with a list, and a server that posts what that issuer attested."""

    def __init__(self, world: World) -> None:
        self.world, self.issuer = world, ListedIssuer(world.server("issuer.test"))
        self._numbers = iter(range(520, 600))

    async def post(self, index: int, uri: str | None = None) -> str:
        """Post a new picture with an attestation at an index; return what became of the attestation."""
        world, server, content = self.world, self.world.server("a.test"), clean_picture(next(self._numbers))
        properties = self.issuer.listed(content, world.clock.now(), index, uri)
        note = await world.publish(server, server.picture(content, **properties))
        state: str = (await world.why(note["id"]))["media"][0]["attestation"]
        return state

    def fetches(self) -> int:
        return self.world.fediverse.fetched.count("https://issuer.test/lists/7")


async def trusting(worlds: Worlds) -> Trusting:
    return Trusting(await screened(worlds, PLAIN + TRUSTING))


async def test_a_list_is_fetched_as_a_whole_and_never_for_one_file(worlds: Worlds) -> None:
    relay = await trusting(worlds)
    world = relay.world
    relay.issuer.publish(world.clock.now(), (5,))
    assert await relay.post(5) == "missing"  # not known yet: the relay scans for itself
    assert relay.fetches() == 0
    assert await world.relay.status_lists.run_once() == 1
    states = [await relay.post(index) for index in (5, 6, 7, 5, 1023)]
    assert states == ["revoked", "valid", "valid", "revoked", "valid"]
    assert relay.fetches() == 1
    assert await world.relay.status_lists.run_once() == 0
    relay.issuer.publish(world.clock.now(), (5, 6))
    world.clock.forward(601)
    assert await world.relay.status_lists.run_once() == 1
    assert await relay.post(6) == "revoked"


async def test_a_list_that_cannot_be_had_or_has_ended_means_our_own_scan(worlds: Worlds) -> None:
    relay = await trusting(worlds)
    world = relay.world
    assert await relay.post(1) == "missing"
    await world.relay.status_lists.run_once()
    assert await relay.post(1) == "missing"
    relay.issuer.publish(world.clock.now())
    world.clock.forward(FAILED_FOR)
    await world.relay.status_lists.run_once()
    assert await relay.post(1) == "valid"
    world.server("issuer.test").serve("/lists/7", b"nonsense", MEDIA_TYPE)
    world.clock.forward(3600)
    await world.relay.status_lists.run_once()
    assert await relay.post(1) == "valid"  # what was read last holds until it ends
    world.clock.forward(3600)
    assert await relay.post(1) == "missing"


async def test_row_12_a_list_elsewhere_is_never_fetched(worlds: Worlds) -> None:
    relay = await trusting(worlds)
    for uri in ("https://victim.test/x", "https://127.0.0.1/x", "https://issuer.test:8443/lists/7"):
        assert await relay.post(1, uri) == "missing"
    assert await relay.world.relay.status_lists.run_once() == 0


async def test_row_38_many_lists_are_bounded_and_forgotten(worlds: Worlds) -> None:
    relay = await trusting(worlds)
    for number in range(4):
        await relay.post(1, f"https://issuer.test/many/{number}")
    lists = relay.world.relay.status_lists
    assert len(lists._lists) == 4
    for number in range(200):
        reference = StatusReference(f"https://issuer.test/more/{number}", 1)
        named = Attestation(relay.issuer.actor.id, "sha256:00", 1, 2, bytes(16), (), status=reference)
        assert lists.status(named) is Status.UNAVAILABLE
    assert len(lists._lists) == status_lists.MOST
    relay.world.clock.forward(status_lists.KEPT)
    assert await lists.run_once() == 0
