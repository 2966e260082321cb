"""Words that are proven beside words that are not: what the policy has no say in, and what nobody may add."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from relay.domain.errors import Unauthorized
from tests.fakes import PUBLIC
from tests.flow.conftest import BASE
from tests.flow.test_provenance import alice, by_alice, create

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


async def reader(world: World) -> FakeServer:
    """A subscriber beside alice's server, which is one too."""
    await world.subscribe("a.example")
    return await world.subscribe("m.test")


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


async def test_bytes_that_say_more_than_was_signed_are_not_passed_on(world: World) -> None:
    mastodon = await reader(world)
    signed = by_alice(world)
    signed["object"]["undeclared"] = "for readers of plain JSON"
    assert await sent(world, signed) == "published"
    [arrived] = mastodon.arrivals()
    assert (arrived["type"], arrived["object"]) == ("Announce", signed["object"]["id"])


async def test_deletions_and_moves_are_passed_on_whatever_the_policy(worlds: Worlds) -> None:
    world = await worlds.open(STRICT)
    mastodon = await reader(world)
    signed = by_alice(world)
    assert await sent(world, signed) == "dropped"
    deletion = about(world, "Delete", {"id": signed["object"]["id"], "type": "Tombstone"})
    move = about(world, "Move", alice(world).id, target="https://b.example/users/alice")
    for change in (deletion, move):
        await sent(world, change)
        assert mastodon.inbox.pop().body == json.dumps(change).encode()
    assert mastodon.inbox == []


async def test_what_somebody_else_brings_counts_when_its_actor_proves_it(world: World) -> None:
    mastodon = await reader(world)
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
