"""Blocklists that others keep, as the relay finds them: growing, broken, gone, taken over."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from relay.domain.blocklist import BatchState
from relay.domain.errors import Conflict, NotFound, Refused, RemoteError
from relay.domain.subscription import Command, State
from tests.flow.conftest import BASE, follow

if TYPE_CHECKING:
    from relay.services.blocklists import Outcome
    from tests.fakes import FakeServer
    from tests.flow.conftest import World, Worlds

HEADER = "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n"
CSV = "{name: dni, url: 'https://lists.test/dni.csv', format: mastodon-csv}"
FIRES = "{name: fires, url: 'https://fires.test/datasets/1', format: fires}"
DATASET = "https://fires.test/datasets/1"


def listing(*lists: str, more: str = "") -> str:
    return BASE.replace("subscriptions: open", f"subscriptions: open, blocklists: [{', '.join(lists)}]{more}")


def publish(world: World, *lines: str, path: str = "/dni.csv") -> FakeServer:
    """Let lists.test serve a list."""
    server = world.server("lists.test")
    server.serve(path, (HEADER + "".join(f"{line}\n" for line in lines)).encode(), "text/csv")
    return server


async def refresh(world: World, name: str = "dni") -> Outcome:
    """Refresh a list now, and let the running relay notice."""
    outcome = await world.relay.office.blocklists.refresh(name, world.relay.sources)
    await world.relay.enforcement.run_once()
    return outcome


async def state(world: World, name: str = "m.test") -> tuple[State, str | None]:
    found = await world.relay.office.subscribers.find(name)
    return found.state, found.reason


async def test_a_listed_server_is_suspended_refused_and_resumes_when_the_list_takes_it_back(
    worlds: Worlds,
) -> None:
    world = await worlds.open(listing(CSV))
    server, other = await world.subscribe("m.test"), await world.subscribe("o.test")
    publish(world, "m.test,suspend,true,true,spam,false", "quiet.test,silence,false,false,,false")
    await world.relay.schedule.run_once()
    await world.relay.enforcement.run_once()
    assert await state(world) == (State.SUSPENDED, "blocked by dni")
    with pytest.raises(Refused):
        await world.post(server.actor("/users/alice", "Person"), server.create(server.note()))
    await world.publish(other)
    assert server.inbox == []
    publish(world)
    assert (await refresh(world)).lost == 2
    assert await state(world) == (State.ACCEPTED, None)
    await world.publish(other)
    assert [a["type"] for a in server.arrivals()] == ["Accept", "Announce"]


async def test_what_an_operator_suspended_stays_suspended(worlds: Worlds) -> None:
    world = await worlds.open(listing(CSV))
    await world.subscribe("m.test")
    publish(world, "m.test,suspend,,,,")
    await refresh(world)
    subscribers = world.relay.office.subscribers
    with pytest.raises(Conflict, match="resumes by itself"):
        await subscribers.command("m.test", Command.RESUME, who="test", reason=None)
    await subscribers.command("m.test", Command.SUSPEND, who="test", reason="for good")
    publish(world)
    await refresh(world)
    assert await state(world) == (State.SUSPENDED, "for good")


async def test_a_pending_subscriber_waits_again_after_a_block(worlds: Worlds) -> None:
    world = await worlds.open(listing(CSV).replace("subscriptions: open", "subscriptions: approve"))
    server = world.server("m.test")
    await world.post(server.actor(), follow(server))
    publish(world, "m.test,suspend,,,,")
    await refresh(world)
    assert await state(world) == (State.SUSPENDED, "blocked by dni")
    publish(world)
    await refresh(world)
    assert await state(world) == (State.PENDING, "waiting for approval")
    assert server.arrivals() == []


async def test_an_allowed_server_is_blocked_by_no_list_but_by_the_operator(worlds: Worlds) -> None:
    world = await worlds.open(listing(CSV, more=", allow: [m.test, '*.good.test'], block: [bad.test]"))
    publish(world, "m.test,suspend,,,,", "good.test,suspend,,,,")
    await refresh(world)
    blocks = world.relay.blocks
    assert [blocks.blocked(name) for name in ("m.test", "x.good.test", "good.test", "x.bad.test")] == [
        False,
        False,
        True,
        True,
    ]
    verdict = blocks.verdict("m.test")
    assert (verdict.allowed_by, verdict.reason, [one.list for one in verdict.listings]) == (
        "m.test",
        None,
        ["dni"],
    )


async def test_a_list_that_names_the_relay_does_not_stop_it(worlds: Worlds) -> None:
    world = await worlds.open(listing(CSV))
    publish(world, "relay.test,suspend,,,,")
    await refresh(world)
    assert not world.relay.blocks.blocked("relay.test")


async def test_a_list_that_observes_only_counts(worlds: Worlds) -> None:
    world = await worlds.open(listing(CSV.replace("}", ", action: observe}")))
    server = await world.subscribe("m.test")
    publish(world, "m.test,suspend,,,,")
    await refresh(world)
    assert (await state(world))[0] is State.ACCEPTED
    await world.publish(server)
    assert world.relay.tally.counts["blocklist_observed", "dni"] == 1
    world.clock.forward(61)
    await world.relay.enforcement.run_once()
    [(_, found, sizes, _)] = await world.relay.office.blocklists.states()
    assert (found.observed, sizes) == (1, {"block": 1})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<!DOCTYPE html>\n<html><body>\n<p>Not found</p>\n</body></html>", "bad-list"),
        (b"name,reason\na.test,spam\n", "bad-list"),
        (b"", "bad-list"),
        (b"\xff\xfe\x00", "bad-list"),
        (b"a.test\n" * 3_000_000, "too-large"),
    ],
)
async def test_a_broken_list_changes_nothing_and_is_seen(worlds: Worlds, body: bytes, code: str) -> None:
    world = await worlds.open(listing(CSV))
    publish(world, "m.test,suspend,,,,")
    await refresh(world)
    world.server("lists.test").serve("/dni.csv", body, "text/csv")
    outcome = await refresh(world)
    assert (outcome.error or "").startswith(code)
    assert world.relay.blocks.blocked("m.test")
    [(_, found, _, _)] = await world.relay.office.blocklists.states()
    assert (found.failures, found.error) == (1, outcome.error)


async def test_a_server_that_is_down_is_asked_less_and_less_often(worlds: Worlds) -> None:
    world = await worlds.open(listing(CSV))
    server = publish(world)
    server.fault = RemoteError("down")
    attempts = []
    for _ in range(24 * 6):
        if await world.relay.schedule.run_once():
            attempts.append(world.clock.now())
        world.clock.forward(600)
    pauses = [later - sooner for sooner, later in pairwise(attempts)]
    assert 5 <= len(attempts) <= 12
    assert pauses == sorted(pauses)
    server.fault = None
    world.clock.forward(12 * 3600)
    [outcome] = await world.relay.schedule.run_once()
    assert outcome.error is None


async def test_an_unchanged_list_is_not_read_again(worlds: Worlds) -> None:
    world = await worlds.open(listing(CSV))
    publish(world, "m.test,suspend,,,,").etags = True
    assert (await refresh(world)).gained == 1
    again = await refresh(world)
    assert (again.batch, again.error) == (None, None)
    publish(world, "m.test,suspend,,,,", "n.test,suspend,,,,")
    assert (await refresh(world)).gained == 1


async def test_a_list_is_found_after_a_redirect(worlds: Worlds) -> None:
    world = await worlds.open(listing(CSV))
    publish(world, "m.test,suspend,,,,", path="/moved.csv")
    world.server("lists.test").redirects["/dni.csv"] = "https://lists.test/moved.csv"
    assert (await refresh(world)).gained == 1


@pytest.mark.parametrize("kept", [5, 200])
async def test_a_list_that_suddenly_shrinks_or_grows_waits_for_a_person(worlds: Worlds, kept: int) -> None:
    world = await worlds.open(listing(CSV))
    publish(world, *(f"s{n}.test,suspend,,,," for n in range(60)))
    assert (await refresh(world)).gained == 60
    publish(world, *(f"s{n}.test,suspend,,,," for n in range(kept)))
    outcome = await refresh(world)
    assert outcome.pending
    assert world.relay.blocks.blocked("s59.test")
    assert not world.relay.blocks.blocked("s199.test")
    blocklists = world.relay.office.blocklists
    assert (await refresh(world)).batch is None  # the same again is not another batch
    [(_, _, _, pending)] = await blocklists.states()
    assert pending == 1
    assert outcome.batch is not None
    await blocklists.accept(outcome.batch, who="test")
    await world.relay.enforcement.run_once()
    assert world.relay.blocks.blocked("s199.test") is (kept == 200)
    assert world.relay.blocks.blocked("s59.test") is (kept == 200)
    with pytest.raises(Conflict):
        await blocklists.accept(outcome.batch, who="test")


async def test_a_newer_difference_takes_the_place_of_one_that_waits(worlds: Worlds) -> None:
    world = await worlds.open(listing(CSV))
    publish(world, *(f"s{n}.test,suspend,,,," for n in range(60)))
    await refresh(world)
    publish(world)
    first = await refresh(world)
    publish(world, *(f"s{n}.test,suspend,,,," for n in range(59)))
    second = await refresh(world)
    assert (first.pending, second.pending, second.lost) == (True, False, 1)
    blocklists = world.relay.office.blocklists
    assert first.batch is not None
    assert (await blocklists.batch(first.batch)).state is BatchState.REPLACED


async def test_a_batch_is_undone_and_stays_undone_until_the_source_changes_its_mind(worlds: Worlds) -> None:
    world = await worlds.open(listing(CSV))
    blocks, blocklists = world.relay.blocks, world.relay.office.blocklists
    publish(world, "m.test,suspend,,,,", "n.test,suspend,,,,")
    outcome = await refresh(world)
    assert outcome.batch is not None
    undone = await blocklists.undo(outcome.batch, who="test")
    assert (undone.state, undone.decided_by) == (BatchState.UNDONE, "test")
    await world.relay.enforcement.run_once()
    assert not blocks.blocked("m.test")
    assert (await refresh(world)).batch is None
    publish(world, "n.test,suspend,,,,")
    assert (await refresh(world)).batch is None
    publish(world, "m.test,suspend,,,,", "n.test,suspend,,,,")
    assert (await refresh(world)).gained == 1
    assert (blocks.blocked("m.test"), blocks.blocked("n.test")) == (True, False)
    await blocklists.accept(outcome.batch, who="test")
    await world.relay.enforcement.run_once()
    assert blocks.blocked("n.test")
    with pytest.raises(NotFound):
        await blocklists.undo(99, who="test")


async def test_a_rejected_batch_is_not_offered_again(worlds: Worlds) -> None:
    world = await worlds.open(listing(CSV))
    publish(world, *(f"s{n}.test,suspend,,,," for n in range(60)))
    await refresh(world)
    publish(world)
    outcome = await refresh(world)
    assert outcome.batch is not None
    await world.relay.office.blocklists.reject(outcome.batch, who="test")
    assert (await refresh(world)).batch is None
    assert world.relay.blocks.blocked("s1.test")


async def test_a_preview_writes_nothing(worlds: Worlds) -> None:
    world = await worlds.open(listing(CSV))
    publish(world, "m.test,suspend,,,,", "b*d.test,suspend,,,,true", "not a name,suspend,,,,")
    seen = await world.relay.office.blocklists.preview("dni", world.relay.sources)
    assert ([one.server for one in seen.changes], seen.obfuscated, seen.unusable) == (["m.test"], 1, 1)
    assert await world.relay.office.blocklists.batches() == []
    assert not world.relay.blocks.blocked("m.test")
    with pytest.raises(NotFound):
        await world.relay.office.blocklists.preview("other", world.relay.sources)


async def test_a_file_is_read_and_one_that_is_gone_changes_nothing(worlds: Worlds) -> None:
    (worlds.folder / "own.csv").write_text("m.test\nsub.n.test\n")
    world = await worlds.open(listing("{file: own.csv, format: mastodon-csv}"))
    assert (await refresh(world, "own")).gained == 2
    (worlds.folder / "own.csv").unlink()
    assert ((await refresh(world, "own")).error or "").startswith("no-file")
    (worlds.folder / "own.csv").write_text("x" * (17 << 20))
    assert ((await refresh(world, "own")).error or "").startswith("too-large")
    assert world.relay.blocks.blocked("a.sub.n.test")


async def test_what_is_in_force_survives_a_restart_and_ends_with_the_configuration(worlds: Worlds) -> None:
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:
        world = await worlds.open(listing(CSV), stack=stack)
        await world.subscribe("m.test")
        publish(world, "m.test,suspend,,,,")
        await refresh(world)
    async with AsyncExitStack() as stack:
        world = await worlds.open(listing(CSV), stack=stack)
        assert world.relay.blocks.blocked("m.test")
        await world.relay.enforcement.run_once()
        assert (await state(world))[0] is State.SUSPENDED
    world = await worlds.open(BASE)
    assert not world.relay.blocks.blocked("m.test")
    await world.relay.enforcement.run_once()
    assert (await state(world))[0] is State.ACCEPTED


async def test_the_operators_own_block_suspends_too(worlds: Worlds) -> None:
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:
        await (await worlds.open(BASE, stack=stack)).subscribe("m.test")
    world = await worlds.open(BASE.replace("subscriptions: open", "subscriptions: open, block: [m.test]"))
    assert await world.relay.enforcement.run_once()
    assert await state(world) == (State.SUSPENDED, "blocked by federation.block")
    assert not await world.relay.enforcement.run_once()  # nothing changed since


async def test_another_address_under_the_same_name_starts_anew(worlds: Worlds) -> None:
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:
        world = await worlds.open(listing(CSV), stack=stack)
        publish(world, "m.test,suspend,,,,").etags = True
        await world.relay.schedule.run_once()
    world = await worlds.open(listing(CSV.replace("dni.csv", "other.csv")))
    publish(world, "n.test,suspend,,,,", path="/other.csv")
    [outcome] = await world.relay.schedule.run_once()
    assert (outcome.gained, outcome.lost) == (1, 1)


# -------------------------------------------------------------------- FIRES


def change(
    number: int, server: str, kind: str = "Recommendation", policy: str | None = "drop"
) -> dict[str, Any]:
    found = {
        "id": f"{DATASET}/changes/{number}",
        "type": kind,
        "published": "2026-01-01T00:00:00Z",
        "entityKind": "domain",
        "entityKey": server,
    }
    return found if policy is None else {**found, "recommendedPolicy": policy}


class Dataset:
    """A FIRES server with one dataset, in the manner of the reference server."""

    def __init__(self, server: FakeServer) -> None:
        self.server, self.changes = server, list[dict[str, Any]]()
        endpoints = {"changes": f"{DATASET}/changes", "snapshot": f"{DATASET}/snapshot"}
        server.serve("/datasets/1", {"id": DATASET, "type": "Dataset", "name": "DNI", "endpoints": endpoints})
        self.say()

    def say(self, *changes: dict[str, Any], page: int = 2) -> None:
        """Add changes and serve everything as it is now."""
        self.changes += changes
        latest = {one.get("entityKey", one["id"]): one for one in self.changes}
        snapshot: dict[str, Any] = {
            "id": f"{DATASET}/snapshot",
            "type": "OrderedCollection",
            "totalItems": len(latest),
            "orderedItems": list(reversed(latest.values())),
        }
        if self.changes:
            snapshot["changes"] = self._since(len(self.changes))
        self.server.serve("/datasets/1/snapshot", snapshot)
        collection = {"id": f"{DATASET}/changes", "type": "OrderedCollection", "first": self._since(0)}
        self.server.serve("/datasets/1/changes", collection)
        for start in range(len(self.changes) + 1):
            items = self.changes[start : start + page]
            document = {"id": self._since(start), "type": "OrderedCollectionPage", "orderedItems": items}
            if items:
                document["next"] = self._since(start + len(items))
            self.server.serve(f"/datasets/1/changes?since={start}", document)

    @staticmethod
    def _since(number: int) -> str:
        return f"{DATASET}/changes?since={number}"


async def test_a_fires_dataset_is_taken_whole_and_then_followed(worlds: Worlds) -> None:
    world = await worlds.open(listing(FIRES))
    dataset = Dataset(world.server("fires.test"))
    dataset.say(
        change(1, "a.test"),
        change(2, "b.test", policy="reject"),
        change(3, "c.test", policy="filter"),
        change(4, "d.test", "Advisory", None),
        change(5, "e.test", policy=None),
        change(6, "f.test", policy="accept"),
        {**change(7, "alice"), "entityKind": "actor"},
    )
    assert (await refresh(world, "fires")).gained == 5
    blocks = world.relay.blocks
    blocked = [name for name in "abcdef" if blocks.blocked(f"{name}.test")]
    assert blocked == ["a", "b"]
    assert [one.severity for one in (await world.relay.office.blocklists.entries())["fires"].values()]

    world.fediverse.fetched.clear()
    assert (await refresh(world, "fires")).batch is None
    assert world.fediverse.fetched == [f"{DATASET}/changes?since=7"]

    dataset.say(
        change(8, "g.test"),
        change(9, "a.test", "Retraction", None),
        {"id": f"{DATASET}/changes/2", "type": "Tombstone"},
    )
    outcome = await refresh(world, "fires")
    assert (outcome.gained, outcome.lost) == (1, 2)
    assert [name for name in "abcdefg" if blocks.blocked(f"{name}.test")] == ["g"]
    assert f"{DATASET}/snapshot" not in world.fediverse.fetched


async def test_a_feed_that_is_gone_falls_back_on_the_snapshot(worlds: Worlds) -> None:
    world = await worlds.open(listing(FIRES))
    server = world.server("fires.test")
    dataset = Dataset(server)
    dataset.say(change(1, "a.test"))
    await refresh(world, "fires")
    dataset.say(change(2, "b.test"))
    server.serve("/datasets/1/changes?since=1", b"gone", status=410)
    assert (await refresh(world, "fires")).gained == 1
    assert world.relay.blocks.blocked("b.test")


async def test_an_empty_dataset_and_a_server_that_is_down(worlds: Worlds) -> None:
    world = await worlds.open(listing(FIRES))
    server = world.server("fires.test")
    dataset = Dataset(server)
    assert (await refresh(world, "fires")).error is None
    dataset.say(change(1, "a.test"), change(2, "b.test"), change(3, "c.test"))
    assert (await refresh(world, "fires")).gained == 3
    server.fault = RemoteError("down")
    assert (await refresh(world, "fires")).error == "unreachable: down"
    assert world.relay.blocks.blocked("a.test")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"type":"Note"}', b'{"type":"Dataset"}'])
async def test_what_is_no_dataset_is_an_error(worlds: Worlds, body: bytes) -> None:
    world = await worlds.open(listing(FIRES))
    world.server("fires.test").serve("/datasets/1", body)
    assert ((await refresh(world, "fires")).error or "").startswith("bad-list")


async def test_a_dataset_that_leads_elsewhere_is_an_error(worlds: Worlds) -> None:
    world = await worlds.open(listing(FIRES))
    endpoints = {"changes": "https://evil.test/c", "snapshot": "https://evil.test/s"}
    world.server("fires.test").serve("/datasets/1", {"type": "Dataset", "endpoints": endpoints})
    assert ((await refresh(world, "fires")).error or "").startswith("bad-list")
