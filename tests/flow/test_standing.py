"""What the relay knows about servers: what they run, since when, how much they send; and the rules that use it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.media.canary import clean_picture
from relay.domain.errors import RemoteError, TooMany
from relay.domain.subscription import Command, State
from tests.flow.conftest import BASE, follow

if TYPE_CHECKING:
    from tests.fakes import FakeServer
    from tests.flow.conftest import World, Worlds

DAY = 86_400.0
LOCAL = """
scanners:
  - {name: local, kind: list, file: local.csv, category: csam, purpose: a test, country: any}
"""


def federation(more: str, *, mode: str = "open") -> str:
    return BASE.replace("subscriptions: open", f"subscriptions: {mode}, {more}")


def runs(server: FakeServer, name: str, version: str = "1.0") -> None:
    """Let a server say what it runs."""
    link = {"rel": "http://nodeinfo.diaspora.software/ns/schema/2.1", "href": server.url("/nodeinfo/2.1")}
    server.serve("/.well-known/nodeinfo", {"links": [link]}, "application/json")
    document = {"version": "2.1", "software": {"name": name, "version": version}}
    server.serve("/nodeinfo/2.1", document, "application/json")


async def checked(world: World) -> None:
    """Let the relay ask who is due, and act on it."""
    await world.relay.software.run_once()
    await world.relay.enforcement.run_once()
    await world.settle()


async def state(world: World, name: str = "m.test") -> tuple[State, str | None]:
    found = await world.relay.office.subscribers.find(name)
    return found.state, found.reason


# -------------------------------------------------------------------- software


async def test_banned_software_is_suspended_after_its_follow_and_resumes_when_it_is_replaced(
    worlds: Worlds,
) -> None:
    world = await worlds.open(federation("block_software: [badrelay, spamd/1.*]"))
    server, other = world.server("m.test"), await world.subscribe("o.test")
    runs(server, "SpamD", "1.4.2")
    world.fediverse.fetched.clear()
    assert (await world.post(server.actor(), follow(server))).code == "follow-accepted"
    assert not any("nodeinfo" in url for url in world.fediverse.fetched)  # never before the answer
    await checked(world)
    assert await state(world) == (State.SUSPENDED, "runs spamd 1.4.2, not accepted here")
    server.inbox.clear()
    await world.publish(other)
    assert server.inbox == []

    runs(server, "spamd", "2.0")
    await checked(world)
    assert (await state(world))[0] is State.SUSPENDED  # asked once a week only
    world.clock.forward(8 * DAY)
    await checked(world)
    assert await state(world) == (State.ACCEPTED, None)


async def test_banned_software_that_waits_for_approval_is_rejected_with_the_reason(worlds: Worlds) -> None:
    world = await worlds.open(federation("block_software: [badrelay]", mode="approve"))
    server = world.server("m.test")
    runs(server, "badrelay")
    await world.post(server.actor(), follow(server))
    await checked(world)
    assert await state(world) == (State.REJECTED, "runs badrelay 1.0, not accepted here")
    assert [a["type"] for a in server.arrivals()] == ["Reject"]
    await world.relay.office.subscribers.command("m.test", Command.APPROVE, who="test", reason=None)
    await checked(world)
    assert (await state(world))[0] is State.SUSPENDED  # the ban holds until the configuration says otherwise


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"/.well-known/nodeinfo": b"<html>"},
        {"/.well-known/nodeinfo": b'{"links":[]}'},
        {"/.well-known/nodeinfo": b'{"links":[{"rel":1,"href":2}, 3]}'},
        {
            "/.well-known/nodeinfo": json.dumps(
                {
                    "links": [
                        {"rel": "http://nodeinfo.diaspora.software/ns/schema/2.0", "href": "https://x.test/"}
                    ]
                }
            ).encode()
        },
    ],
)
async def test_a_server_that_does_not_say_what_it_runs_is_not_refused(
    worlds: Worlds, broken: dict[str, bytes]
) -> None:
    world = await worlds.open(federation("block_software: [badrelay]"))
    server = await world.subscribe("m.test")
    for path, body in broken.items():
        server.serve(path, body, "application/json")
    await checked(world)
    assert await state(world) == (State.ACCEPTED, None)
    async with world.relay.office.store.reading() as tx:
        known = await tx.servers.known("m.test")
    assert known is not None
    assert known.error
    assert await world.relay.software.run_once() == 0
    world.clock.forward(2 * 3600)
    assert await world.relay.software.run_once() == 1


async def test_a_server_that_cannot_be_asked_any_more_keeps_what_it_ran(worlds: Worlds) -> None:
    world = await worlds.open(federation("block_software: [badrelay]"))
    server = await world.subscribe("m.test")
    runs(server, "badrelay")
    await checked(world)
    server.fault = RemoteError("down")
    world.clock.forward(8 * DAY)
    await checked(world)
    assert (await state(world))[0] is State.SUSPENDED


# -------------------------------------------------------------------- rates


async def test_more_than_the_rate_is_told_to_come_back_and_the_limit_ends_by_itself(worlds: Worlds) -> None:
    world = await worlds.open(federation("rate: 3 per minute"))
    server = await world.subscribe("m.test")  # its Follow is the first
    alice = server.actor("/users/alice", "Person")
    notes = [server.note() for _ in range(4)]
    for note in notes[:2]:
        assert (await world.post(alice, server.create(note))).code == "published"
    with pytest.raises(TooMany) as error:
        await world.post(alice, server.create(notes[2]))
    assert (error.value.code, error.value.retry_after) == ("rate-limited", 20)
    assert world.relay.tally.counts["inbox", "rate-limited"] == 1
    delete = {"id": server.url("/d/1"), "type": "Delete", "actor": alice.id, "object": notes[0]["id"]}
    assert (await world.post(alice, delete)).code == "withdrawn"
    other = await world.subscribe("o.test")
    assert (
        await world.post(other.actor("/users/alice", "Person"), other.create(other.note()))
    ).code == "published"
    world.clock.forward(21)
    assert (await world.post(alice, server.create(notes[2]))).code == "published"


async def test_ten_thousand_servers_leave_bounded_memory(world: World) -> None:
    limits = world.relay.limits
    for number in range(30_000):
        limits.check(f"s{number}.test", "Create")
    assert len(limits) <= 10_000


# -------------------------------------------------------------------- rules


def rules(*lines: str, otherwise: str = "relay") -> str:
    listed = "".join(f"    - {line}\n" for line in lines)
    return f"policy:\n  version: 1\n  mode: enforce\n  rules:\n{listed}  otherwise: {otherwise}\n"


PROBATION = rules(
    "{name: Probation, when: {subscribed for: less than 14 days, media: any}, then: quarantine, reason: probation}"
)


async def test_probation_holds_pictures_and_ends_by_itself(worlds: Worlds) -> None:
    world = await worlds.open(BASE + PROBATION)
    server, other = await world.subscribe("m.test"), await world.subscribe("o.test")
    world.clock.forward(DAY)
    note = await world.publish(server, server.picture(clean_picture(1)))
    told = await world.why(note["id"])
    decision = told["decisions"][0]
    assert (told["state"], decision["reason"], decision["rule"]) == ("held", "probation", "Probation")
    assert decision["facts"]["subscribed for"] == DAY
    assert (await world.why((await world.publish(server))["id"]))["state"] == "published"
    world.clock.forward(13 * DAY)
    later = await world.publish(server, server.picture(clean_picture(2)))
    assert (await world.why(later["id"]))["state"] == "published"
    assert len(other.arrivals("Announce")) == 2


async def test_a_stranger_is_on_probation(worlds: Worlds) -> None:
    world = await worlds.open(federation("publish_from: anyone") + PROBATION)
    server = world.server("m.test")
    for _ in range(2):
        note = await world.publish(server, server.picture(clean_picture(3)))
        assert (await world.why(note["id"]))["state"] == "held"
        world.clock.forward(30 * DAY)


async def test_a_flood_is_deferred_and_comes_through_later(worlds: Worlds) -> None:
    flood = "{name: Flood, when: {posts from server: more than 5 per minute}, then: defer 10 minutes, reason: rate}"
    world = await worlds.open(BASE + rules(flood))
    server = await world.subscribe("m.test")
    alice = server.actor("/users/alice", "Person")
    codes = [(await world.post(alice, server.create(server.note()))).code for _ in range(7)]
    assert codes == ["published"] * 5 + ["deferred"] * 2
    world.clock.forward(601)
    await world.settle()
    async with world.relay.office.store.reading() as tx:
        assert await tx.activities.waiting() == 0
        assert await tx.fanout.head() == 7


async def test_rules_by_software_and_by_first_sight(worlds: Worlds) -> None:
    world = await worlds.open(
        BASE
        + rules(
            "{name: Bots, when: {software: [botnet]}, then: drop, reason: software}",
            "{name: New, when: {first seen: less than 2 days}, then: drop, reason: new}",
        )
    )
    server = await world.subscribe("m.test")
    runs(server, "botnet")

    async def reason() -> Any:
        return (await world.why((await world.publish(server))["id"]))["decisions"][0]["reason"]

    assert await reason() == "new"
    world.clock.forward(3 * DAY)
    assert await reason() == "allowed"
    await checked(world)
    world.clock.forward(61)
    assert await reason() == "software"


async def test_a_server_that_was_forgotten_is_new_again(worlds: Worlds) -> None:
    world = await worlds.open(federation("publish_from: anyone"))
    server = world.server("m.test")
    await world.publish(server)
    world.clock.forward(200 * DAY)
    await world.relay.upkeep.run_once()
    async with world.relay.office.store.reading() as tx:
        assert await tx.servers.known("m.test") is None
    await world.publish(server)
    async with world.relay.office.store.reading() as tx:
        assert await tx.servers.known("m.test") is not None
