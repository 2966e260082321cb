"""Hybrid fan-out: the very bytes where they are proven and taken, our Announce where not, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from relay.domain.errors import RemoteError, Unauthorized
from tests.fakes import PUBLIC
from tests.flow.conftest import BASE
from tests.flow.test_provenance import alice, by_alice, create, proven_by_alice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes import FakeServer
    from tests.flow.conftest import World, Worlds

STRICT = f"{BASE}policy: {{version: 1, rules: [], otherwise: drop}}\n"


async def sent(world: World, activity: Mapping[str, Any]) -> str:
    """Let alice deliver an activity herself; return what the relay made of it."""
    receipt = await world.post(alice(world), activity)
    await world.settle()
    return receipt.code


async def readers(world: World) -> tuple[FakeServer, FakeServer]:
    """A subscriber of each dialect, and alice's server as a third."""
    await world.subscribe("a.example")
    return await world.subscribe("m.test"), await world.subscribe("p.test", dialect="litepub")


def about(world: World, kind: str, thing: object, **more: Any) -> dict[str, Any]:
    """An activity by alice with her Linked Data signature."""
    document = {
        "@context": create(world)["@context"],
        "id": world.server("a.example").url(f"/activities/{kind}"),
        "type": kind,
        "actor": alice(world).id,
        "to": [PUBLIC],
        "object": thing,
        **more,
    }
    return by_alice(world, document)


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).isoformat()


async def test_proven_bytes_travel_as_they_are_and_a_litepub_server_is_told(world: World) -> None:
    mastodon, litepub = await readers(world)
    for signed in (by_alice(world), proven_by_alice(world)):
        assert await sent(world, signed) == "published"
        assert mastodon.inbox.pop().body == json.dumps(signed).encode()
        [announce] = litepub.arrivals()
        assert (announce["type"], announce["object"]) == ("Announce", signed["object"]["id"])
        litepub.inbox.clear()


async def test_bytes_that_say_more_than_was_signed_are_not_passed_on(world: World) -> None:
    mastodon, _ = await readers(world)
    signed = by_alice(world)
    signed["object"]["undeclared"] = "for readers of plain JSON"
    assert await sent(world, signed) == "published"
    [arrived] = mastodon.arrivals()
    assert (arrived["type"], arrived["object"]) == ("Announce", signed["object"]["id"])


async def test_a_server_that_refuses_what_others_signed_gets_our_announce(world: World) -> None:
    mastodon, _ = await readers(world)
    mastodon.refuses["RsaSignature2017"] = 401
    first, second = by_alice(world), by_alice(world)
    await sent(world, first)
    knocks = len(mastodon.knocks)
    await sent(world, second)
    objects = [(one["type"], one["object"]) for one in mastodon.arrivals()]
    assert objects == [("Announce", one["object"]["id"]) for one in (first, second)]
    # Once is enough to know: the second post came as an Announce at once.
    assert len(mastodon.knocks) == knocks + 1


async def test_bytes_whose_signature_expired_on_the_way_are_announced(world: World) -> None:
    mastodon, _ = await readers(world)
    mastodon.fault = RemoteError("down")
    signed = by_alice(world, expires=moment(world.clock.now() + 3600))
    await sent(world, signed)
    mastodon.fault = None
    world.clock.forward(7 * 3600)
    await world.settle()
    [arrived] = mastodon.arrivals()
    assert (arrived["type"], arrived["object"]) == ("Announce", signed["object"]["id"])


async def test_changes_travel_to_whom_they_can_be_said_and_only_when_they_are_proven(world: World) -> None:
    mastodon, litepub = await readers(world)
    note = create(world)["object"]
    changes = [
        about(world, "Update", note),
        about(world, "Move", alice(world).id, target="https://b.example/users/alice"),
        about(world, "Delete", {"id": note["id"], "type": "Tombstone"}),
    ]
    for change in changes:
        plain = {name: value for name, value in change.items() if name != "signature"}
        plain["id"] = f"{change['id']}/plain"
        assert await sent(world, plain) in {"ignored-update", "ignored-move", "withdrawn"}
    assert mastodon.inbox == []
    for change in changes[:2]:
        await sent(world, change)
        assert mastodon.inbox.pop().body == json.dumps(change).encode()
    assert litepub.inbox == []


async def test_deletions_and_moves_are_passed_on_whatever_the_policy(worlds: Worlds) -> None:
    world = await worlds.open(STRICT)
    mastodon, _ = await readers(world)
    signed = by_alice(world)
    assert await sent(world, signed) == "dropped"
    deletion = about(world, "Delete", {"id": signed["object"]["id"], "type": "Tombstone"})
    move = about(world, "Move", alice(world).id, target="https://b.example/users/alice")
    for change in (deletion, move):
        await sent(world, change)
        assert mastodon.inbox.pop().body == json.dumps(change).encode()
    assert mastodon.inbox == []


async def test_what_somebody_else_brings_counts_when_its_actor_proves_it(world: World) -> None:
    mastodon, _ = await readers(world)
    bringer = await world.subscribe("bringer.test")
    signed = by_alice(world)
    await world.post(bringer.actor("/users/bob", "Person"), signed)
    await world.settle()
    assert mastodon.inbox.pop().body == json.dumps(signed).encode()
    assert bringer.inbox == []
    forged = by_alice(world)
    forged["object"]["content"] = "<p>what alice never wrote</p>"
    with pytest.raises(Unauthorized) as caught:
        await world.post(bringer.actor("/users/bob", "Person"), forged)
    assert caught.value.code == "wrong-actor"


async def test_an_old_proof_counts_only_when_its_actor_brings_it(world: World) -> None:
    await readers(world)
    bringer = await world.subscribe("bringer.test")
    signed = by_alice(world)
    world.clock.forward(73 * 3600)
    with pytest.raises(Unauthorized):
        await world.post(bringer.actor("/users/bob", "Person"), signed)
    assert await sent(world, signed) == "published"


async def test_who_brings_a_proven_follow_does_not_subscribe_its_actor(world: World) -> None:
    bringer = await world.subscribe("bringer.test")
    asked = about(world, "Follow", PUBLIC)
    with pytest.raises(Unauthorized):
        await world.post(bringer.actor("/users/bob", "Person"), asked)
    receipt = await world.post(bringer.actor(), asked)
    assert receipt.code == "ignored-unproven"
    assert [one.server for one in await world.relay.office.subscribers.all()] == ["bringer.test"]
