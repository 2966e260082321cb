"""Hash lists while the relay runs: they grow, something on them is benign, an entry matches everywhere."""

from __future__ import annotations

import hashlib
import logging
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from relay.adapters.media.canary import clean_picture
from relay.adapters.media.pictures import Limits, hash_picture
from relay.domain.alerts import AlertKind
from relay.domain.errors import Malformed
from relay.domain.hashlist import HashAlgorithm, ListEntry
from relay.domain.media import Decoded
from tests.flow.conftest import BASE

if TYPE_CHECKING:
    from tests.flow.conftest import World, Worlds

PICTURE = clean_picture("it comes onto a list later")
PURPOSE = 'purpose: "a test", country: any'
LISTS = f"""
scanners:
  - {{name: local, kind: list, category: csam, {PURPOSE}}}
  - {{name: fine, kind: benign, {PURPOSE}}}
"""
DROPS = """
policy:
  version: 1
  mode: enforce
  rules: [{name: Drop it, when: {scan: match}, then: drop, reason: our-own}]
  otherwise: relay
"""
MODS = "alerts: {channels: [{name: mods, kind: webhook, url: 'http://127.0.0.1:9/mods'}]}\n"
SHA256 = ListEntry(HashAlgorithm.SHA256, hashlib.sha256(PICTURE).hexdigest(), "csam")


async def opened(worlds: Worlds, more: str = "") -> World:
    world = await worlds.open(BASE + LISTS + more)
    for name in ("a.test", "b.test"):
        await world.subscribe(name)
    return world


async def posted(world: World, content: bytes = PICTURE) -> tuple[str, str]:
    """Post a picture; return the state and what its scan said."""
    server = world.server("a.test")
    note = await world.publish(server, server.picture(content))
    told = await world.why(note["id"])
    return told["state"], told["media"][0]["outcome"]


async def test_a_list_that_grows_is_in_force_at_the_next_look(worlds: Worlds) -> None:
    world = await opened(worlds)
    lists, watch = world.relay.office.lists, world.relay.watch
    assert await posted(world) == ("published", "no-known-match")
    assert not await watch.run_once()
    await lists.add("local", "f", [SHA256], who="me")
    assert await watch.run_once()
    assert await posted(world) == ("held", "match")
    assert not await watch.run_once()
    [batch] = await lists.batches()
    await lists.undo(batch.number, who="me")
    assert await watch.run_once()
    assert await posted(world) == ("published", "no-known-match")


async def test_what_is_imported_between_the_start_and_the_first_look_is_not_missed(worlds: Worlds) -> None:
    world = await opened(worlds)
    await world.relay.office.lists.add("local", "f", [SHA256], who="me")
    assert await world.relay.watch.run_once()
    assert await posted(world) == ("held", "match")


async def test_lists_that_cannot_be_built_stay_and_it_is_said(
    worlds: Worlds, caplog: pytest.LogCaptureFixture
) -> None:
    world = await opened(worlds)
    office = world.relay.office
    await office.lists.add("local", "f", [SHA256], who="me")
    assert await world.relay.watch.run_once()
    async with office.store.transaction() as tx:
        number = await tx.hash_lists.open(name="local", source="g", who="me", at=0.0, replaces=True)
        await tx.hash_lists.add(number, 0, 1, b"no pack")
        await tx.hash_lists.finish(number, at=0.0, added=1, changed=0, removed=0, digest="x")
    with pytest.raises(Malformed):
        await world.relay.watch.run_once()
    assert await posted(world) == ("held", "match")  # as before, never open


async def test_a_benign_list_lets_pass_what_only_resembles_an_entry(worlds: Worlds) -> None:
    world = await opened(worlds)
    lists, watch = world.relay.office.lists, world.relay.watch
    decoded = hash_picture(PICTURE, Limits(10_000_000))
    assert isinstance(decoded, Decoded)
    near = int.from_bytes(decoded.frames[0].pdq) ^ ((1 << 20) - 1)
    await lists.add("local", "f", [ListEntry(HashAlgorithm.PDQ, f"{near:064x}", "csam")], who="me")
    await watch.run_once()
    assert await posted(world) == ("held", "match")
    await lists.add("fine", "f", [ListEntry(HashAlgorithm.SHA256, SHA256.value, "meme")], who="me")
    await watch.run_once()
    assert await posted(world) == ("published", "no-known-match")
    await lists.add("local", "g", [SHA256], who="me")
    await watch.run_once()
    assert await posted(world) == ("held", "match")


async def test_what_an_entry_that_floods_matches_is_held_instead_of_dropped(
    worlds: Worlds, caplog: pytest.LogCaptureFixture
) -> None:
    world = await opened(worlds, DROPS + MODS + "hash_lists: {flood: 3 per hour}\n")
    await world.relay.office.lists.add("local", "f", [SHA256], who="me")
    await world.relay.watch.run_once()
    with caplog.at_level(logging.ERROR):
        states = [(await posted(world))[0] for _ in range(6)]
    assert states == ["dropped"] * 3 + ["held"] * 3
    told = [record.getMessage() for record in caplog.records if "flood" in record.name]
    assert len(told) == 1
    assert "matched in 4 posts, more than 3 per hour" in told[0]
    assert SHA256.value not in told[0]
    [busy] = await world.relay.office.flood.busiest()
    assert (busy.list, busy.posts) == ("local", 6)
    floods = [one for one in await world.relay.office.alerts.recent(50) if one.kind is AlertKind.FLOOD]
    assert [(one.count, one.title) for one in floods] == [(1, "An entry of a hash list matches everywhere")]
    world.clock.forward(3_601)
    assert await world.relay.office.flood.busiest() == []
    assert (await posted(world))[0] == "dropped"


async def test_a_flood_is_told_once_also_after_a_restart(worlds: Worlds) -> None:
    config = DROPS + MODS + "hash_lists: {flood: 1 per hour}\n"
    async with AsyncExitStack() as stack:
        world = await worlds.open(BASE + LISTS + config, stack=stack)
        await world.subscribe("a.test")
        await world.relay.office.lists.add("local", "f", [SHA256], who="me")
        await world.relay.watch.run_once()
        assert [(await posted(world))[0] for _ in range(2)] == ["dropped", "held"]
    world = await worlds.open(BASE + LISTS + config)
    assert (await posted(world))[0] == "held"
    told = [one for one in await world.relay.office.alerts.recent(50) if one.kind is AlertKind.FLOOD]
    assert [one.count for one in told] == [1]


async def test_held_for_a_flood_looks_outside_like_any_other_hold(worlds: Worlds) -> None:
    world = await opened(worlds, DROPS + "hash_lists: {flood: 1 per hour}\n")
    await world.relay.office.lists.add("local", "f", [SHA256], who="me")
    await world.relay.watch.run_once()
    server, told = world.server("a.test"), []
    for _ in range(2):
        note = await world.publish(server, server.picture(PICTURE))
        why = await world.why(note["id"])
        told.append((why["decisions"][0]["rule"], why["decisions"][0]["reason"]))
    assert told[0] == told[1]


async def test_without_a_limit_nothing_is_counted(worlds: Worlds) -> None:
    world = await opened(worlds, DROPS + "hash_lists: {flood: unlimited}\n")
    await world.relay.office.lists.add("local", "f", [SHA256], who="me")
    await world.relay.watch.run_once()
    assert [(await posted(world))[0] for _ in range(2)] == ["dropped"] * 2
    assert await world.relay.office.flood.busiest() == []
