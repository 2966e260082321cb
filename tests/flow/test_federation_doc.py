"""The exchanges that FEDERATION.md shows are those that happen."""

from __future__ import annotations

import pytest

from tests.flow.conftest import BASE, Worlds
from tests.unit.protocol.test_federation_doc import SAMPLES

INBOX = "https://relay.example/inbox"


@pytest.mark.parametrize(
    ("asked", "answers"),
    [("follow-mastodon", ["accept"]), ("follow-litepub", [None, "follow-back"])],
)
async def test_a_follow_as_shown_is_answered_as_shown(
    worlds: Worlds, asked: str, answers: list[str | None]
) -> None:
    world = await worlds.open(BASE.replace("relay.test", "relay.example"))
    follow = SAMPLES[asked]
    host, path = follow["actor"].removeprefix("https://").split("/", 1)
    follower = world.server(host).actor(f"/{path}")
    await world.send(follower.sign(INBOX, follow, world.clock.now()))
    await world.settle()
    arrived = follower.server.arrivals()
    assert arrived[0]["object"] == {name: follow[name] for name in ("id", "type", "actor", "object")}
    for answer, name in zip(arrived, answers, strict=True):
        if name is not None:
            assert {**answer, "id": SAMPLES[name]["id"]} == SAMPLES[name]


async def test_an_undo_as_shown_ends_the_subscription(worlds: Worlds) -> None:
    world = await worlds.open(BASE.replace("relay.test", "relay.example"))
    actor = world.server("m.example").actor()
    for name, code in (("follow-mastodon", "follow-accepted"), ("undo-mastodon", "unfollowed")):
        receipt = await world.send(actor.sign(INBOX, SAMPLES[name], world.clock.now()))
        assert receipt.code == code
    assert await world.relay.office.subscribers.all() == []


async def test_an_announce_as_shown_is_sent(worlds: Worlds) -> None:
    world = await worlds.open(BASE.replace("relay.test", "relay.example"))
    for name, path in (("follow-litepub", "/relay"), ("follow-mastodon", "/actor")):
        server = world.server(SAMPLES[name]["actor"].split("/")[2])
        await world.send(server.actor(path).sign(INBOX, SAMPLES[name], world.clock.now()))
    origin, reader = world.server("m.example"), world.server("p.example")
    create = origin.create(origin.note())
    alice = origin.actor("/users/alice", "Person")
    await world.send(alice.sign(INBOX, create, world.clock.now()))
    await world.settle()
    [announce] = reader.arrivals("Announce")
    shown = {name: value for name, value in SAMPLES["announce"].items() if name != "mediaAttestation"}
    shown["@context"] = shown["@context"][0]  # nothing to attest in a text
    assert {**announce, "id": shown["id"], "published": shown["published"]} == shown
