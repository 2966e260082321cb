"""Deliveries while the relay's clock or a subscriber's is wrong: what is refused for that is not lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from relay.domain.remote import Posted
from relay.domain.scheme import Scheme
from relay.protocol.httpsig import Target, body_digest
from relay.services.signing import Message, Signing
from tests.fakes import rsa_key
from tests.flow.bedside import metrics, shown, told
from tests.flow.test_forward import author, change, readers, send, signed
from tests.flow.test_health import later

if TYPE_CHECKING:
    from tests.flow.conftest import World

HOUR = 3600.0


@pytest.mark.parametrize("refusal", [400, 401, 403])
@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
async def test_what_is_refused_for_its_date_arrives_when_the_clocks_are_right(
    world: World, kind: str, refusal: int
) -> None:
    mastodon, _ = await readers(world)
    origin = await world.subscribe("origin.test")
    mastodon.ahead, mastodon.refusal = -7 * HOUR, refusal
    note = origin.note()
    activity = origin.create(note) if kind == "Create" else change(origin, note, kind)
    _, body = await send(world, author(origin), signed(origin, activity))
    found = await shown(world, "mastodon.test")
    assert (found["condition"], found["behind"], found["refused"]) == ("resting", 1, 0)
    assert found["failures"]["error"] == f"status {refusal}: its clock is 7 hours behind ours"
    assert "its clock is 7 hours behind ours" in await told(world, "show", "mastodon.test")
    assert (await metrics(world))['deliveries_retried_total{outcome="clock"}'] == 1
    mastodon.ahead = 0.0
    await later(world, 15)
    assert [one.body for one in mastodon.inbox[-1:]] == [body]
    assert (await shown(world, "mastodon.test"))["condition"] == "well"


@pytest.mark.parametrize("refusal", [400, 401, 403])
async def test_an_announce_arrives_then_too(world: World, refusal: int) -> None:
    _, pleroma = await readers(world)
    origin = await world.subscribe("origin.test")
    pleroma.ahead, pleroma.refusal = 7 * HOUR, refusal
    note = await world.publish(origin)
    assert pleroma.arrivals("Announce") == []
    pleroma.ahead = 0.0
    await later(world, 15)
    assert [one["object"] for one in pleroma.arrivals("Announce")] == [note["id"]]


async def test_nothing_is_concluded_about_the_way_of_signing(world: World) -> None:
    server = await world.subscribe("n.test")
    origin = await world.subscribe("a.test")
    server.schemes, server.ahead = frozenset({Scheme.RFC9421}), HOUR
    server.knocks.clear()
    await world.publish(origin)
    server.ahead = 0.0
    await later(world, 15)
    assert server.knocks == [Scheme.DRAFT, Scheme.RFC9421] * 2
    assert len(server.arrivals("Announce")) == 1


async def test_a_server_that_refuses_what_others_signed_while_its_clock_is_wrong(world: World) -> None:
    """It takes our signatures, so the clock is not the reason: Announces arrive, a deletion is given up in the end."""
    mastodon, _ = await readers(world)
    mastodon.ahead, mastodon.tolerance = HOUR, 2 * HOUR
    mastodon.refuses["RsaSignature2017"] = 403
    origin = await world.subscribe("origin.test")
    note = origin.note()
    for activity in (origin.create(note), change(origin, note, "Delete")):
        await send(world, author(origin), signed(origin, activity))
    assert [one["object"] for one in mastodon.arrivals("Announce")] == [note["id"]]
    for _ in range(12):
        await later(world, 4 * HOUR)
        await world.publish(origin)
    assert len(mastodon.arrivals("Announce")) == 13
    found = await shown(world, "mastodon.test")
    assert (found["condition"], found["behind"], found["stragglers"]) == ("well", 0, [])
    assert json.dumps(mastodon.arrivals()).count("Delete") == 0


async def test_what_counts_is_the_time_of_the_signature(world: World) -> None:
    """The relay's clock was set right when the answer came."""
    server = world.server("b.test")
    server.status = 401

    class Signer:
        key_id = "https://relay.test/actor#main-key"

        async def sign_many(self, messages: list[bytes]) -> list[bytes]:
            return [rsa_key(7).sign(one, PKCS1v15(), SHA256()) for one in messages]

    signing = Signing(Signer(), world.fediverse, world.clock)
    [signed_before] = await signing.sign([Message(Target.of(server.url("/inbox")), body_digest(b"{}"), None)])
    refused = Posted(401, date=world.clock.now() + 7 * HOUR)
    world.clock.forward(7 * HOUR)
    assert (await signing.send(signed_before, b"{}", 10.0, refused)).misdated
    assert not (await signing.post(server.url("/inbox"), b"{}", 10.0)).misdated
