"""Following other relays: asking, being accepted, being followed back, leaving; and what they may make us relay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from relay.domain.errors import Conflict, Malformed, NotFound, RemoteError, Unauthorized
from relay.domain.subscription import Dialect, UpstreamState
from tests.fakes import PUBLIC

if TYPE_CHECKING:
    from tests.fakes import FakeServer
    from tests.flow.conftest import World

UP = "https://up.test/actor"
OWN = "https://relay.test/actor"


async def follow(world: World, dialect: Dialect = Dialect.LITEPUB) -> dict[str, Any]:
    """Let the relay follow up.test; return its Follow as it arrived."""
    up = world.server("up.test")
    up.actor()
    await world.relay.office.upstreams.follow(UP, dialect, who="test")
    await world.relay.office.upstreams.run_once(world.relay.fetcher)
    await world.settle()
    [asked] = up.arrivals("Follow")
    up.inbox.clear()
    return asked


async def accept(world: World, asked: dict[str, Any], kind: str = "Accept") -> str:
    up = world.server("up.test")
    answer = {"id": f"{UP}/answers/1", "type": kind, "actor": UP, "to": [OWN], "object": asked}
    return (await world.post(up.actor(), answer)).code


async def state(world: World) -> UpstreamState:
    [found] = await world.relay.office.upstreams.all()
    return found.state


def announce(server: FakeServer, object_id: str, number: int = 1) -> dict[str, Any]:
    actor = server.actor().id
    return {
        "id": f"{actor}/announces/{number}",
        "type": "Announce",
        "actor": actor,
        "object": object_id,
        "to": [f"{actor}/followers"],
    }


@pytest.mark.parametrize(("dialect", "followed"), [(Dialect.LITEPUB, UP), (Dialect.MASTODON, PUBLIC)])
async def test_a_relay_is_asked_in_either_dialect(world: World, dialect: Dialect, followed: str) -> None:
    asked = await follow(world, dialect)
    assert (asked["actor"], asked["object"]) == (OWN, followed)
    assert await state(world) is UpstreamState.SENT
    assert await accept(world, asked) == "relay-accepted"
    assert await state(world) is UpstreamState.ACCEPTED


async def test_a_rejection_is_kept_and_may_be_asked_again(world: World) -> None:
    assert await accept(world, await follow(world), "Reject") == "relay-rejected"
    assert await state(world) is UpstreamState.REJECTED
    again = await follow(world)
    assert await accept(world, again) == "relay-accepted"


async def test_an_answer_to_a_follow_that_was_never_sent_counts_for_nothing(world: World) -> None:
    asked = await follow(world)
    assert await accept(world, {**asked, "id": f"{OWN}/other"}) == "ignored-answer"
    stranger = world.server("evil.test").actor()
    forged = {"id": f"{stranger.id}/1", "type": "Accept", "actor": stranger.id, "object": asked}
    assert (await world.post(stranger, forged)).code == "ignored-answer"
    assert await state(world) is UpstreamState.SENT


async def test_a_relay_that_follows_back_needs_no_approval_and_is_not_followed_twice(worlds: Any) -> None:
    world = await worlds.open(
        "relay: {url: https://relay.test, data: data}\nfederation: {subscriptions: approve}\n"
    )
    asked = await follow(world)
    await accept(world, asked)
    up = world.server("up.test")
    back = {"id": f"{UP}/follows/1", "type": "Follow", "actor": UP, "object": OWN, "to": [OWN]}
    assert (await world.post(up.actor(), back)).code == "follow-accepted"
    await world.settle()
    assert [one["type"] for one in up.arrivals()] == ["Accept"]


async def test_what_a_followed_relay_announces_is_relayed_and_others_are_not(world: World) -> None:
    subscriber = await world.subscribe("reader.test")
    up, origin = world.server("up.test"), world.server("origin.test")
    note = origin.note()
    assert (await world.post(up.actor(), announce(up, note["id"]))).code == "ignored-stranger"
    await accept(world, await follow(world))
    assert (await world.post(up.actor(), announce(up, note["id"], 2))).code == "screening"
    await world.settle()
    assert [one["object"] for one in subscriber.arrivals("Announce")] == [note["id"]]
    assert up.inbox == []


async def test_a_post_that_a_relay_passes_on_without_proof_is_fetched_from_its_own_server(
    world: World,
) -> None:
    subscriber = await world.subscribe("reader.test")
    await accept(world, await follow(world))
    up, origin = world.server("up.test"), world.server("origin.test")
    note = origin.note()
    forged = origin.create({**note, "content": "<p>what alice never wrote</p>"})
    assert (await world.post(up.actor(), forged)).code == "screening"
    await world.settle()
    [arrived] = subscriber.arrivals()
    assert (arrived["type"], arrived["object"]) == ("Announce", note["id"])


async def test_a_change_that_a_relay_passes_on_without_proof_is_not_believed(world: World) -> None:
    await accept(world, await follow(world))
    up, origin = world.server("up.test"), world.server("origin.test")
    note = origin.note()
    for kind in ("Update", "Delete"):
        forged = {**origin.create(note), "id": f"{note['id']}/{kind}", "type": kind}
        assert (await world.post(up.actor(), forged)).code == "ignored-unproven"


async def test_strangers_pass_nothing_on(world: World) -> None:
    origin, stranger = world.server("origin.test"), world.server("evil.test").actor()
    with pytest.raises(Unauthorized) as caught:
        await world.post(stranger, origin.create(origin.note()))
    assert caught.value.code == "wrong-actor"


async def test_leaving_tells_the_relay(world: World) -> None:
    asked = await follow(world)
    await accept(world, asked)
    await world.relay.office.upstreams.unfollow("up.test", who="test")
    await world.settle()
    [undo] = world.server("up.test").arrivals("Undo")
    assert undo["object"]["id"] == asked["id"]
    assert await world.relay.office.upstreams.all() == []
    up = world.server("up.test")
    note = world.server("origin.test").note()
    assert (await world.post(up.actor(), announce(up, note["id"]))).code == "ignored-stranger"


async def test_a_relay_that_cannot_be_reached_is_asked_again_later(world: World) -> None:
    upstreams = world.relay.office.upstreams
    await upstreams.follow(UP, Dialect.LITEPUB, who="test")
    await upstreams.run_once(world.relay.fetcher)
    [found] = await upstreams.all()
    assert found.state is UpstreamState.NEW
    assert "no such server" in str(found.error)
    up = world.server("up.test")
    up.actor()
    await upstreams.run_once(world.relay.fetcher)
    assert await state(world) is UpstreamState.NEW
    world.clock.forward(301)
    await upstreams.run_once(world.relay.fetcher)
    await world.settle()
    assert len(up.arrivals("Follow")) == 1


async def test_what_cannot_be_followed(world: World) -> None:
    upstreams = world.relay.office.upstreams
    with pytest.raises(Malformed):
        await upstreams.follow("up.test", Dialect.LITEPUB, who="test")
    with pytest.raises(Conflict):
        await upstreams.follow(OWN, Dialect.LITEPUB, who="test")
    await upstreams.follow(UP, Dialect.LITEPUB, who="test")
    with pytest.raises(Conflict):
        await upstreams.follow(UP, Dialect.MASTODON, who="test")
    with pytest.raises(NotFound):
        await upstreams.unfollow("other.test", who="test")
    await upstreams.unfollow(UP, who="test")
    assert await upstreams.all() == []


async def test_a_command_beside_a_slow_fetch_wins(world: World) -> None:
    upstreams = world.relay.office.upstreams
    await upstreams.follow(UP, Dialect.LITEPUB, who="test")
    world.server("up.test").fault = RemoteError("slow", code="timeout")
    [before] = await upstreams.all()
    await upstreams.unfollow(UP, who="test")
    await upstreams._send(before, world.relay.fetcher)  # the fetch had begun before
    assert await upstreams.all() == []
