"""What travels to whom: exact bytes to those who can check them, Announces to the others, deletions to everybody."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relay.adapters.media.canary import canary_pictures, clean_picture
from relay.domain.errors import Busy, KeyUnavailable, RemoteError, Unauthorized
from relay.protocol.unproven import Failure
from relay.services.proofs import AT_ONCE
from tests.fakes import PUBLIC
from tests.flow.conftest import BASE, INBOX, Worlds
from tests.flow.test_screen import screened
from tests.unit.protocol.signed_ld import add_proof, base58, sign_ld

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from relay.adapters.canonical.pool import CanonicalProcesses
    from relay.adapters.media.sandbox import SandboxedDecoder
    from relay.protocol.ldsig import Engine, Reading
    from tests.fakes import FakeActor, FakeServer
    from tests.flow.conftest import World

CONTEXT = [
    "https://www.w3.org/ns/activitystreams",
    "https://w3id.org/security/v1",
    {"sensitive": "as:sensitive"},
]
CREATED = "2026-11-21T22:06:56Z"


def author(server: FakeServer) -> FakeActor:
    return server.actor("/users/alice", "Person")


def signed(server: FakeServer, activity: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """The activity with alice's Linked Data signature."""
    document = json.loads(json.dumps(activity))
    if isinstance(document["object"], dict):
        document["object"].pop("@context", None)
    alice = author(server)
    return sign_ld({**document, "@context": CONTEXT}, alice.key, alice.key_id, CREATED, **options)


def change(server: FakeServer, note: Mapping[str, Any], kind: str, number: int = 1) -> dict[str, Any]:
    """An Update or a Delete of a note by alice."""
    post: Any = {"id": note["id"], "type": "Tombstone"} if kind == "Delete" else dict(note)
    return {
        "id": f"{note['id']}#{kind}-{number}",
        "type": kind,
        "actor": author(server).id,
        "to": [PUBLIC],
        "object": post,
    }


async def readers(world: World) -> tuple[FakeServer, FakeServer]:
    """A subscriber of each dialect."""
    return (
        await world.subscribe("mastodon.test"),
        await world.subscribe("pleroma.test", dialect="litepub"),
    )


async def send(world: World, actor: FakeActor, activity: Mapping[str, Any]) -> tuple[str, bytes]:
    """Deliver and settle; return the receipt and the bytes."""
    request = actor.sign(INBOX, activity, world.clock.now())
    receipt = await world.send(request)
    await world.settle()
    return receipt.code, request.body


async def test_a_signed_post_travels_as_it_is_to_mastodon_and_as_an_announce_to_litepub(
    worlds: Worlds,
) -> None:
    world = await screened(worlds)
    mastodon, litepub = await readers(world)
    origin = await world.subscribe("origin.test")
    note = origin.note(origin.picture(clean_picture("forward")))
    code, body = await send(world, author(origin), signed(origin, origin.create(note)))
    assert code == "screening"
    [arrived] = mastodon.inbox
    assert arrived.body == body
    assert "media-attestation" in arrived.headers
    [announce] = litepub.arrivals()
    assert (announce["type"], announce["object"]) == ("Announce", note["id"])
    assert announce["mediaAttestation"]
    assert origin.inbox == []


async def test_an_unsigned_post_is_announced_to_all(world: World) -> None:
    mastodon, litepub = await readers(world)
    origin = await world.subscribe("origin.test")
    note = origin.note()
    await send(world, author(origin), origin.create(note))
    assert [(one["type"], one["object"]) for one in mastodon.arrivals() + litepub.arrivals()] == [
        ("Announce", note["id"])
    ] * 2


async def test_a_post_with_a_signature_that_does_not_fit_is_announced(world: World) -> None:
    mastodon, _ = await readers(world)
    origin = await world.subscribe("origin.test")
    create = signed(origin, origin.create(origin.note()))
    create["object"]["content"] = "<p>changed afterwards</p>"
    await send(world, author(origin), create)
    assert [one["type"] for one in mastodon.arrivals()] == ["Announce"]


async def test_bytes_that_say_more_than_was_signed_are_not_passed_on(world: World) -> None:
    mastodon, _ = await readers(world)
    origin = await world.subscribe("origin.test")
    create = signed(origin, origin.create(origin.note()))
    create["object"]["undeclared"] = "for readers of plain JSON"
    await send(world, author(origin), create)
    assert [one["type"] for one in mastodon.arrivals()] == ["Announce"]


async def test_deletions_and_moves_are_passed_on_whatever_the_policy(worlds: Worlds) -> None:
    world = await worlds.open(BASE + "policy: {version: 1, rules: [], otherwise: drop}\n")
    mastodon, _ = await readers(world)
    origin = await world.subscribe("origin.test")
    note, alice = origin.note(), author(origin).id
    assert (await send(world, author(origin), signed(origin, origin.create(note))))[0] == "dropped"
    move = {"id": f"{alice}#move", "type": "Move", "actor": alice, "object": alice, "to": [PUBLIC]}
    for activity in (change(origin, note, "Delete"), {**move, "target": "https://new.test/users/alice"}):
        _, body = await send(world, author(origin), signed(origin, activity))
        assert mastodon.inbox.pop().body == body
    assert mastodon.inbox == []


@pytest.mark.parametrize("kind", ["Update", "Delete"])
async def test_a_signed_change_travels_as_it_is_and_cannot_be_announced(world: World, kind: str) -> None:
    mastodon, litepub = await readers(world)
    origin = await world.subscribe("origin.test")
    note = origin.note()
    await send(world, author(origin), signed(origin, origin.create(note)))
    code, body = await send(world, author(origin), signed(origin, change(origin, note, kind)))
    assert code == ("published" if kind == "Update" else "withdrawn")
    assert [one["type"] for one in mastodon.arrivals()] == ["Create", kind]
    assert mastodon.inbox[-1].body == body
    assert [one["type"] for one in litepub.arrivals()] == ["Announce"]


@pytest.mark.parametrize("kind", ["Update", "Delete"])
async def test_an_unsigned_change_travels_nowhere(world: World, kind: str) -> None:
    mastodon, litepub = await readers(world)
    origin = await world.subscribe("origin.test")
    note = origin.note()
    await send(world, author(origin), origin.create(note))
    await send(world, author(origin), change(origin, note, kind))
    assert [one["type"] for one in mastodon.arrivals() + litepub.arrivals()] == ["Announce"] * 2


async def test_a_move_travels_as_it_is(world: World) -> None:
    mastodon, litepub = await readers(world)
    origin = await world.subscribe("origin.test")
    alice = author(origin).id
    move = {"id": f"{alice}#move", "type": "Move", "actor": alice, "object": alice, "to": [PUBLIC]}
    move["target"] = "https://new.test/users/alice"
    assert (await send(world, author(origin), signed(origin, move)))[0] == "published"
    assert [one["type"] for one in mastodon.arrivals()] == ["Move"]
    assert litepub.arrivals() == []
    assert (await send(world, author(origin), {**move, "id": f"{alice}#again"}))[0] == "ignored-move"


async def test_each_version_of_a_change_travels_once(world: World) -> None:
    mastodon, _ = await readers(world)
    origin = await world.subscribe("origin.test")
    note = origin.note()
    for number, updated in enumerate(
        ["2026-11-22T00:00:01Z", "2026-11-22T00:00:02Z", "2026-11-22T00:00:02Z"]
    ):
        update = change(origin, {**note, "updated": updated}, "Update", number)
        await send(world, author(origin), signed(origin, update))
    assert [one["object"]["updated"][-3:] for one in mastodon.arrivals("Update")] == ["01Z", "02Z"]


async def test_a_change_of_what_waits_is_screened_and_announced(world: World) -> None:
    mastodon, _ = await readers(world)
    origin = await world.subscribe("origin.test")
    note = origin.note(origin.picture(clean_picture("first")))
    request = author(origin).sign(INBOX, signed(origin, origin.create(note)), world.clock.now())
    await world.send(request)
    changed = origin.note(origin.picture(clean_picture("second")), id=note["id"])
    update = signed(origin, change(origin, changed, "Update"))
    assert (await send(world, author(origin), update))[0] == "renewed"
    assert [one["type"] for one in mastodon.arrivals()] == ["Announce"]
    assert changed["attachment"][0]["url"] in {item["url"] for item in (await world.why(note["id"]))["media"]}


async def test_a_change_that_brings_a_known_picture_is_held(world: World) -> None:
    mastodon, _ = await readers(world)
    origin = await world.subscribe("origin.test")
    note = origin.note()
    await send(world, author(origin), signed(origin, origin.create(note)))
    bad = {**note, "attachment": [origin.picture(next(iter(canary_pictures().values())))]}
    assert (await send(world, author(origin), signed(origin, change(origin, bad, "Update"))))[
        0
    ] == "screening"
    assert [one["type"] for one in mastodon.arrivals()] == ["Create"]


async def test_a_deletion_keeps_the_post_out_that_comes_by_another_way_later(world: World) -> None:
    mastodon, _ = await readers(world)
    origin, peer = await world.subscribe("origin.test"), await world.subscribe("peer.test", dialect="litepub")
    note = origin.note()
    await send(world, author(origin), change(origin, note, "Delete"))
    announce = {"id": "https://peer.test/a/1", "type": "Announce", "actor": peer.actor().id}
    code, _ = await send(world, peer.actor(), {**announce, "object": note["id"], "to": [PUBLIC]})
    assert code == "ignored-repeat"
    assert mastodon.arrivals() == []


async def test_an_account_that_deletes_itself_takes_everything_with_it(world: World) -> None:
    mastodon, _ = await readers(world)
    origin = await world.subscribe("origin.test")
    mastodon.fault = RemoteError("down", code="unreachable")
    for _ in range(2):
        await send(world, author(origin), signed(origin, origin.create(origin.note())))
    alice = author(origin).id
    gone = {"id": f"{alice}#delete", "type": "Delete", "actor": alice, "object": alice, "to": [PUBLIC]}
    code, body = await send(world, author(origin), signed(origin, gone))
    assert code == "withdrawn"
    mastodon.fault = None
    world.clock.forward(7 * 3600)
    await world.settle()
    assert [one.body for one in mastodon.inbox] == [body]


@pytest.mark.databases
@pytest.mark.parametrize("whole", [False, True], ids=["a post", "an account"])
async def test_a_deletion_that_comes_twice_still_reaches_who_was_away(world: World, *, whole: bool) -> None:
    """Senders that got no answer send again, and relays that take part bring what came already."""
    mastodon, _ = await readers(world)
    origin = await world.subscribe("origin.test")
    mastodon.fault = RemoteError("down", code="unreachable")
    note, alice = origin.note(), author(origin).id
    await send(world, author(origin), signed(origin, origin.create(note)))
    account = {"id": f"{alice}#delete", "type": "Delete", "actor": alice, "object": alice, "to": [PUBLIC]}
    gone = signed(origin, account if whole else change(origin, note, "Delete"))
    for _ in range(2):
        world.clock.forward(1)  # else it would be the same signature
        assert (await send(world, author(origin), gone))[0] == "withdrawn"
    mastodon.fault = None
    world.clock.forward(7 * 3600)
    await world.settle()
    assert [(one["type"], one["id"]) for one in mastodon.arrivals()] == [("Delete", gone["id"])]


async def test_one_account_cannot_delete_another_of_its_server(world: World) -> None:
    origin = await world.subscribe("origin.test")
    note = origin.note(origin.picture(clean_picture("kept")))
    await world.post(author(origin), origin.create(note))
    bob, alice = origin.actor("/users/bob", "Person"), author(origin).id
    await world.post(bob, {"id": f"{bob.id}#1", "type": "Delete", "actor": bob.id, "object": alice})
    await world.settle()
    assert (await world.why(note["id"]))["state"] == "published"


async def test_what_a_server_cannot_check_is_announced_to_it_from_then_on(world: World) -> None:
    """activities.next answers 403 to forwarded activities (real-servers.md 9)."""
    mastodon, _ = await readers(world)
    mastodon.refuses["RsaSignature2017"] = 403
    origin = await world.subscribe("origin.test")
    notes = [origin.note() for _ in range(3)]
    for note in notes:
        await send(world, author(origin), signed(origin, origin.create(note)))
    assert [(one["type"], one["object"]) for one in mastodon.arrivals()] == [
        ("Announce", note["id"]) for note in notes
    ]
    assert mastodon.refused == 2  # the bytes once, signed in both ways; then it is known


async def test_a_deletion_that_a_server_does_not_take_holds_nothing_up(world: World) -> None:
    mastodon, _ = await readers(world)
    mastodon.refuses["RsaSignature2017"] = 403
    origin = await world.subscribe("origin.test")
    for kind in ("Update", "Delete"):
        await send(world, author(origin), signed(origin, change(origin, origin.note(), kind)))
    note = await world.publish(origin)
    assert [one["object"] for one in mastodon.arrivals()] == [note["id"]]
    found = await world.relay.office.subscribers.find("mastodon.test")
    details = await world.relay.office.subscribers.details(found)
    assert (details["refused"], details["failed"], details["stragglers"]) == (2, 0, [])


async def test_a_deletion_outlives_what_it_deletes(world: World) -> None:
    """The fan-out may have read the deletion from the log before it hears that the post is to be forgotten."""
    mastodon, _ = await readers(world)
    mastodon.hang = asyncio.Event()
    origin = await world.subscribe("origin.test")
    note = origin.note()
    delivering = None
    async with asyncio.TaskGroup() as tasks:
        await world.post(author(origin), signed(origin, origin.create(note)))
        delivering = tasks.create_task(world.relay.fanout.run_once())
        await asyncio.sleep(0)  # noqa: TID251 - lets the delivery begin
        await world.post(author(origin), signed(origin, change(origin, note, "Delete")))
        await world.relay.fanout.look()
        mastodon.hang.set()
    await world.settle()
    assert delivering.done()
    assert [one["type"] for one in mastodon.arrivals()][-1] == "Delete"


async def test_row_29_after_its_expiry_a_signed_post_is_announced_and_a_deletion_is_not_sent(
    world: World,
) -> None:
    mastodon, _ = await readers(world)
    origin = await world.subscribe("origin.test")
    mastodon.fault = RemoteError("down", code="unreachable")
    notes = [origin.note() for _ in range(2)]
    for note in notes:
        create = signed(origin, origin.create(note), expires="2026-11-23T22:06:56Z")
        await send(world, author(origin), create)
    other = change(origin, {"id": origin.url("/notes/old")}, "Delete")
    await send(world, author(origin), signed(origin, other, expires="2026-11-23T22:06:56Z"))
    mastodon.fault = None
    world.clock.forward(49 * 3600)
    await world.settle()
    assert [(one["type"], one["object"]) for one in mastodon.arrivals()] == [
        ("Announce", note["id"]) for note in notes
    ]


async def test_an_integrity_proof_alone_is_announced_to_software_that_does_not_check_it(world: World) -> None:
    old, new, unknown = [await world.subscribe(f"{name}.test") for name in ("old", "new", "unknown")]
    for server, version in ((old, "4.6.2"), (new, "4.7.0")):
        nodeinfo = {"version": "2.1", "software": {"name": "mastodon", "version": version}}
        link = {"rel": "http://nodeinfo.diaspora.software/ns/schema/2.1", "href": server.url("/nodeinfo/2.1")}
        server.serve("/nodeinfo/2.1", nodeinfo, "application/json")
        server.serve("/.well-known/nodeinfo", {"links": [link]}, "application/json")
    world.clock.forward(8 * 24 * 3600)
    await world.relay.moderation.software.run_once()
    origin = await world.subscribe("origin.test")
    note = origin.note()
    await send(world, author(origin), proven_by(world, origin, origin.create(note)))
    kinds = [[one["type"] for one in server.arrivals()] for server in (old, new, unknown)]
    assert kinds == [["Announce"], ["Create"], ["Create"]]
    await send(world, author(origin), proven_by(world, origin, change(origin, note, "Delete")))
    assert [one["type"] for one in old.arrivals()] == ["Announce", "Delete"]


def proven_by(world: World, server: FakeServer, activity: Mapping[str, Any]) -> dict[str, Any]:
    """The activity with alice's integrity proof; her Multikey is served."""
    key = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
    alice = author(server)
    multikey = {
        "id": f"{alice.id}#ed25519",
        "type": "Multikey",
        "controller": alice.id,
        "publicKeyMultibase": base58(b"\xed\x01" + key.public_key().public_bytes_raw()),
    }
    server.serve(alice.path, {**alice.document(), "assertionMethod": [multikey]})
    document = json.loads(json.dumps({**activity, "@context": CONTEXT}))
    if isinstance(document["object"], dict):
        document["object"].pop("@context", None)
    created = datetime.fromtimestamp(world.clock.now() - 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return add_proof(document, key, multikey["id"], created)


# ---------------------------------------------------------------- what others bring


async def test_what_another_server_passes_on_with_proof_is_relayed_as_it_is(world: World) -> None:
    mastodon, litepub = await readers(world)
    peer, origin = await world.subscribe("peer.test"), world.server("origin.test")
    note = origin.note()
    code, body = await send(world, peer.actor(), signed(origin, origin.create(note)))
    assert code == "published"
    assert [one.body for one in mastodon.inbox] == [body]
    assert [one["object"] for one in litepub.arrivals()] == [note["id"]]
    assert peer.inbox == []
    code, body = await send(world, peer.actor(), signed(origin, change(origin, note, "Delete")))
    assert code == "withdrawn"
    assert mastodon.inbox[-1].body == body


async def test_a_stranger_brings_nothing_even_with_proof(world: World) -> None:
    origin, stranger = world.server("origin.test"), world.server("stranger.test")
    create = signed(origin, origin.create(origin.note()))
    with pytest.raises(Unauthorized):
        await world.post(stranger.actor(), create)


async def test_a_person_of_a_subscriber_brings_only_what_is_proven(world: World) -> None:
    peer, origin = await world.subscribe("peer.test"), world.server("origin.test")
    bob, create = peer.actor("/users/bob", "Person"), signed(origin, origin.create(origin.note()))
    forged = {**create, "object": {**create["object"], "content": "<p>what alice never wrote</p>"}}
    with pytest.raises(Unauthorized) as caught:
        await world.post(bob, forged)
    assert caught.value.code == "wrong-actor"
    assert (await send(world, bob, create))[0] == "published"


@pytest.mark.parametrize(("age", "code"), [(71, "published"), (74, "ignored-unproven")])
async def test_an_old_proof_counts_only_as_long_as_repeats_are_remembered(
    world: World, age: int, code: str
) -> None:
    peer, origin = await world.subscribe("peer.test"), world.server("origin.test")
    update = signed(origin, change(origin, origin.note(), "Update"))
    made = 1_795_298_816  # CREATED
    world.clock.time = made + age * 3600
    assert (await send(world, peer.actor(), update))[0] == code


async def test_a_key_that_cannot_be_had_for_now_is_no_reason_to_refuse_for_good(world: World) -> None:
    peer, origin = await world.subscribe("peer.test"), world.server("origin.test")
    create = signed(origin, origin.create(origin.note()))
    origin.fault = RemoteError("down", code="unreachable")
    with pytest.raises(KeyUnavailable):
        await world.post(peer.actor(), create)
    origin.fault = None
    world.clock.forward(61)
    assert (await send(world, peer.actor(), create))[0] == "published"


async def test_nobody_can_subscribe_or_leave_with_a_proof_that_others_bring(world: World) -> None:
    victim, peer = await world.subscribe("victim.test"), await world.subscribe("peer.test")
    actor = victim.actor()
    follow = {"id": "https://victim.test/f/1", "type": "Follow", "actor": actor.id, "object": PUBLIC}
    undo = {"id": "https://victim.test/u/1", "type": "Undo", "actor": actor.id, "object": follow}
    stolen = sign_ld({**undo, "@context": CONTEXT}, actor.key, actor.key_id, CREATED)
    assert (await world.post(peer.actor(), stolen)).code == "ignored-unproven"
    assert await world.relay.office.peers.serves("victim.test")


async def test_a_hold_of_a_signed_post_is_released_as_it_came(worlds: Worlds) -> None:
    world = await worlds.open(BASE + "policy: {version: 1, mode: enforce, otherwise: quarantine}\n")
    mastodon, litepub = await readers(world)
    origin = await world.subscribe("origin.test")
    note = origin.note()
    code, body = await send(world, author(origin), signed(origin, origin.create(note)))
    assert code == "held"
    [hold] = await world.relay.office.holds.all()
    await world.relay.office.holds.release(hold.id, who="test", note=None)
    await world.settle()
    assert [one.body for one in mastodon.inbox] == [body]
    assert [one["object"] for one in litepub.arrivals()] == [note["id"]]


class Stuck:
    """Port `Canonicalizer` whose processes are killed before they answer."""

    async def read(self, _body: bytes, _engine: Engine) -> Reading | Failure:
        return Failure.TOO_SLOW


async def test_a_proof_that_could_not_be_looked_at_is_asked_for_again_and_not_called_wrong(
    tmp_path: Path, decoder: SandboxedDecoder
) -> None:
    async with AsyncExitStack() as stack:
        world = await Worlds(tmp_path, stack, decoder, Stuck()).open()
        mastodon, _ = await readers(world)
        origin, peer = await world.subscribe("origin.test"), await world.subscribe("peer.test")
        with pytest.raises(Busy):
            await world.post(peer.actor(), signed(origin, origin.create(origin.note())))
        assert (await send(world, author(origin), signed(origin, origin.create(origin.note()))))[
            0
        ] == "published"
        assert [one["type"] for one in mastodon.arrivals()] == ["Announce"]


class Killed:
    """Port `Canonicalizer` whose processes are killed for as long as `down`."""

    def __init__(self, processes: CanonicalProcesses) -> None:
        self._processes, self.down = processes, False

    async def read(self, body: bytes, engine: Engine) -> Reading | Failure:
        return Failure.CRASHED if self.down else await self._processes.read(body, engine)


@pytest.mark.parametrize("kind", ["Update", "Delete", "Move"])
async def test_what_cannot_be_announced_is_not_answered_202_while_its_proof_cannot_be_looked_at(
    tmp_path: Path, decoder: SandboxedDecoder, canonicalizer: CanonicalProcesses, kind: str
) -> None:
    killed = Killed(canonicalizer)
    async with AsyncExitStack() as stack:
        world = await Worlds(tmp_path, stack, decoder, killed).open()
        mastodon, _ = await readers(world)
        origin = await world.subscribe("origin.test")
        note, alice = origin.note(), author(origin).id
        await send(world, author(origin), signed(origin, origin.create(note)))
        mastodon.inbox.clear()
        what = change(origin, note, kind)
        if kind == "Move":
            what |= {"object": alice, "target": "https://new.test/users/alice"}
        document = signed(origin, what)
        killed.down = True
        with pytest.raises(Busy):
            await world.post(author(origin), document)
        await world.settle()
        assert mastodon.inbox == []
        async with world.relay.office.store.reading() as tx:
            found = (await tx.activities.about(note["id"]))[-1]
        assert (found["published_at"] is None) is (kind == "Delete"), "our copy goes at once"
        killed.down = False
        _, body = await send(world, author(origin), document)
        assert [one.body for one in mastodon.inbox] == [body]


class Slow:
    """Port `Canonicalizer` with processes that have all hands full until `done`."""

    def __init__(self, processes: CanonicalProcesses) -> None:
        self._processes, self.done, self.full = processes, asyncio.Event(), asyncio.Event()
        self._waiting = 0

    async def read(self, body: bytes, engine: Engine) -> Reading | Failure:
        self._waiting += 1
        if self._waiting == AT_ONCE:
            self.full.set()
        await self.done.wait()
        return await self._processes.read(body, engine)


async def test_under_load_proofs_are_left_alone_and_what_others_bring_has_to_wait(
    tmp_path: Path, decoder: SandboxedDecoder, canonicalizer: CanonicalProcesses
) -> None:
    slow = Slow(canonicalizer)
    async with AsyncExitStack() as stack:
        world = await Worlds(tmp_path, stack, decoder, slow).open()
        mastodon, _ = await readers(world)
        origin, peer = await world.subscribe("origin.test"), await world.subscribe("peer.test")
        creates = [signed(origin, origin.create(origin.note())) for _ in range(AT_ONCE + 2)]
        async with asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(world.post(author(origin), one)) for one in creates[:AT_ONCE]]
            await slow.full.wait()
            assert (await world.post(author(origin), creates[-2])).code == "published"
            with pytest.raises(Busy):
                await world.post(peer.actor(), creates[-1])
            slow.done.set()
        assert {one.result().code for one in waiting} == {"published"}
        assert (await world.post(peer.actor(), creates[-1])).code == "published"
        await world.settle()
        kinds = [one["type"] for one in mastodon.arrivals()]
        assert (kinds.count("Announce"), kinds.count("Create")) == (1, AT_ONCE + 1)
