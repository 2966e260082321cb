"""Too much, too slow, too large, from too many: what strangers can cost the relay has an end (rows 13, 14, 38)."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import sqlite3
from contextlib import AsyncExitStack, closing
from typing import TYPE_CHECKING

import aiohttp
import pytest

from relay.adapters.media.canary import clean_picture
from relay.cli.serving import listening, public_app
from relay.config.settings import database_path
from relay.domain.errors import KeyUnavailable, Malformed, Refused, Unauthorized
from relay.protocol.httpsig import SignedRequest, body_digest, http_date
from relay.services import subscribers, upkeep
from relay.services.fetch import LARGEST_KEPT, Fetcher
from relay.services.intake import Intake
from relay.services.optouts import OptOuts
from tests.contract.test_sharing import until
from tests.flow.conftest import INBOX, follow

if TYPE_CHECKING:
    from tests.fakes import FakeActor
    from tests.flow.conftest import World

SHORT = 0.2
"""Seconds that are long for a loopback and short for a person."""
HEAD = b"POST /inbox HTTP/1.1\r\nHost: relay.test\r\nContent-Type: application/activity+json\r\n"


def rows(world: World, table: str) -> int:
    """How many rows a table has."""
    path = database_path(world.relay.office.settings)
    assert path is not None
    with closing(sqlite3.connect(path)) as connection:
        [(number,)] = connection.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
    return int(number)


async def answer(port: int, *parts: bytes) -> bytes:
    """Send bytes over a connection of their own; return everything that comes until the relay closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        while part := await reader.read(1 << 16):
            received += part
    except ConnectionResetError:
        assert received  # the relay answered and did not wait for the rest
    finally:
        writer.close()
    return received


def accepts(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def status(received: bytes) -> int:
    return int(received.split(b" ", 2)[1])


# ---------------------------------------------------------------- over HTTP


async def test_who_asks_while_the_relay_stops_is_answered_and_told_to_go_elsewhere(world: World) -> None:
    """A server or a proxy that keeps connections must not lose a post to each update of the relay."""
    asked = b"GET /actor HTTP/1.1\r\nHost: relay.test\r\n\r\n"
    async with AsyncExitStack() as relay, asyncio.TaskGroup() as tasks:
        port = await relay.enter_async_context(listening(public_app(world.relay), "127.0.0.1", 0, drain=30.0))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        assert (status(head), b"Connection: close" in head) == (200, False)
        length = re.search(rb"Content-Length: (\d+)", head)
        assert length is not None
        await reader.readexactly(int(length[1]))
        stopping = tasks.create_task(relay.aclose())
        await until(lambda: not accepts(port))
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        assert (status(head), b"Connection: close" in head) == (200, True)
        assert await reader.read()
        await stopping  # long before the thirty seconds are over: nobody is there any more
        writer.close()


async def test_a_full_intake_is_answered_503_and_loses_nothing(world: World) -> None:
    server = await world.subscribe("m.test")
    alice = server.actor("/users/alice", "Person")
    await world.post(alice, server.create(server.note()))  # from here on its key is known
    world.relay.receiver._posts._intake = Intake(world.relay.office.store, most=1)
    creates = [server.create(server.note(server.picture(clean_picture("x")))) for _ in range(3)]
    requests = [alice.sign(INBOX, create, world.clock.now()) for create in creates]
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers={"Host": "relay.test"}) as session,
    ):

        async def post(request: SignedRequest) -> tuple[int, str | None]:
            headers = {name: value for name, value in request.headers if name != "host"}
            async with session.post("/inbox", data=request.body, headers=headers) as found:
                return found.status, found.headers.get("Retry-After")

        async with (
            asyncio.TaskGroup() as tasks,
            world.relay.office.store.transaction(),  # the disk is slow: nobody else can write
        ):
            posts = [tasks.create_task(post(request)) for request in requests]
            refused, _ = await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
            assert [one.result() for one in refused] == [(503, "30")]
        assert sorted(one.result()[0] for one in posts) == [202, 202, 503]
        [again] = [request for request, one in zip(requests, posts, strict=True) if one in refused]
        assert await post(again) == (202, None)


async def test_row_13_a_body_that_drips_is_cut(world: World) -> None:
    async with listening(public_app(world.relay, body_timeout=SHORT), "127.0.0.1", 0, idle=SHORT) as port:
        received = await answer(port, HEAD + b"Content-Length: 1000\r\n\r\n", b'{"type":')
        assert status(received) == 408
        received = await answer(port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\n{}\r\n")
        assert status(received) == 408


async def test_row_13_a_head_that_never_ends_holds_nobody_up(world: World) -> None:
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0, idle=SHORT) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers={"Host": "relay.test"}) as session,
        asyncio.TaskGroup() as tasks,
    ):
        slow = [tasks.create_task(answer(port, HEAD)) for _ in range(50)]
        silent = [tasks.create_task(answer(port)) for _ in range(50)]
        async with session.get("/actor") as found:
            assert found.status == 200
        assert set(await asyncio.gather(*slow, *silent)) == {b""}
        second = HEAD + b"Content-Length: 2\r\n\r\n{}"
        assert (await answer(port, second + HEAD)).count(b"HTTP/1.1 ") == 1  # nor does a second one


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        (b"Content-Length: 1048577\r\n\r\n", b"", 413),
        (b"Content-Length: 99999999999999\r\n\r\n", b"{", 413),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"100001\r\n" + bytes(0x100001), 413),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"8000\r\n%b\r\n" % bytes(0x8000) * 33, 413),
        (b"Content-Length: 2\r\n\r\n", b"{}" + bytes(99), 400),
        (b"Content-Length: -1\r\n\r\n", b"", 400),
        (b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", b"{}", 400),
        (b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n", 400),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\n", 400),
        (b"X: " + b"x" * (1 << 16), b"", 400),
    ],
    ids=[
        "honest",
        "absurd",
        "one-chunk",
        "chunks",
        "understated",
        "negative",
        "two",
        "both",
        "no-size",
        "head",
    ],
)
async def test_row_13_a_length_honest_lying_or_missing(
    world: World, head: bytes, body: bytes, expected: int
) -> None:
    """None of them ends its body: the answer comes before it is read."""
    async with listening(public_app(world.relay), "127.0.0.1", 0, idle=1.0) as port:
        assert status(await answer(port, HEAD + head, body)) == expected


async def test_row_13_a_packed_body_counts_unpacked(world: World) -> None:
    packed = gzip.compress(bytes(64 << 20))
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    async with listening(public_app(world.relay), "127.0.0.1", 0, idle=SHORT) as port:
        assert status(await answer(port, HEAD + head, packed)) in {400, 413}


# ---------------------------------------------------------------- strangers


def unverified(world: World, actor: str) -> SignedRequest:
    """A request that looks signed by an actor, which costs whoever makes it nothing."""
    body = json.dumps({"id": f"{actor}/1", "type": "Like", "actor": actor, "object": actor}).encode()
    names = "(request-target) host date digest"
    headers = (
        ("host", "relay.test"),
        ("date", http_date(world.clock.now())),
        ("digest", body_digest(body)),
        ("signature", f'keyId="{actor}#main-key",headers="{names}",signature="AAAA"'),
    )
    return SignedRequest("POST", "/inbox", headers, body)


TABLES = (
    "keys",
    "actors",
    "servers",
    "seen",
    "activities",
    "hosts",
    "letters",
    "audit",
    "opt_outs",
    "subscriptions",
)


@pytest.mark.slow
async def test_row_38_ten_thousand_dead_key_hosts_leave_no_row_and_bounded_memory(world: World) -> None:
    before = {table: rows(world, table) for table in TABLES}
    for number in range(10_100):
        with pytest.raises(KeyUnavailable):
            await world.send(unverified(world, f"https://dead-{number}.example/actor"))
    assert {table: rows(world, table) for table in TABLES} == before
    relay = world.relay
    keys = relay.authenticator._keys
    assert len(relay.fetcher._failures) == 10_000
    assert (len(keys._keys), len(keys._looked), len(relay.authenticator._acted)) == (0, 0, 0)
    assert not keys._flights._running
    assert not relay.fetcher._flights._running
    assert len(relay.moderation.limits) == 0
    assert not relay.fanout._places.peers


async def test_row_14_a_failure_that_is_remembered_holds_on_to_nothing(world: World) -> None:
    """An exception keeps every frame that it passed, with what was fetched, and more each time that it is raised."""
    server = world.server("odd.test")
    actor = server.url("/actor")
    server.serve("/actor", b"{" + b" " * 1_000_000)
    for _ in range(20):
        with pytest.raises(Unauthorized):
            await world.send(unverified(world, actor))
    assert world.fediverse.fetched == [actor]
    [(_, failure)] = world.relay.fetcher._failures._values.values()
    assert (failure.__traceback__, failure.__cause__, failure.__context__) == (None, None, None)
    assert (failure.code, failure.temporary) == ("bad-document", False)


async def stored(fetcher: Fetcher, actor: FakeActor) -> bool:
    """Whether an actor stays stored after it was asked for."""
    await fetcher.actor(actor.id)
    async with fetcher._store.reading() as tx:
        return await tx.subscribers.actor(actor.id) is not None


async def test_row_38_any_number_of_actors_on_one_live_host_leave_bounded_rows(world: World) -> None:
    server = await world.subscribe("m.test")
    keys = world.relay.authenticator._keys
    keys._fetcher._most, keys._fetcher._trim_every = 20, 10
    for number in range(65):
        person = server.actor(f"/users/{number}", "Person")
        like = {"id": f"{person.id}/1", "type": "Like", "actor": person.id, "object": person.id}
        assert (await world.post(person, like)).code == "ignored-type"
        world.clock.forward(1)
        assert max(rows(world, "keys"), rows(world, "actors")) <= 31
    async with world.relay.office.store.reading() as tx:
        assert await tx.subscribers.key(server.actor().key_id) is not None  # a subscriber's stays
        assert await tx.subscribers.key(f"{server.url('/users/64')}#main-key") is not None


async def test_row_38_large_actors_and_keys_are_not_kept(world: World) -> None:
    server = world.server("m.test")
    small, large = server.actor("/users/small", "Person"), server.actor("/users/large", "Person")
    server.serve("/users/large", {**large.document(), "summary": "x" * LARGEST_KEPT})
    assert await stored(world.relay.fetcher, small)
    assert not await stored(world.relay.fetcher, large)
    padded = server.actor("/users/padded", "Person")
    document = padded.document()
    document["publicKey"]["publicKeyPem"] += "\n" * 100_000
    server.serve("/users/padded", document)
    with pytest.raises(Unauthorized):
        await world.post(padded, follow(server) | {"actor": padded.id})
    assert rows(world, "keys") == 0


async def test_row_38_one_server_has_a_bounded_number_of_subscriptions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every post is sent to each of them, so they are also a way to make the relay send a lot."""
    assert subscribers.MOST_OF_ONE_SERVER == 50
    monkeypatch.setattr(subscribers, "MOST_OF_ONE_SERVER", 3)
    server = world.server("m.test")
    for number in range(3):
        actor = server.actor(f"/actor{number}")
        assert (await world.post(actor, follow(server) | {"actor": actor.id})).code == "follow-accepted"
    more = server.actor("/actor3")
    with pytest.raises(Refused) as error:
        await world.post(more, follow(server) | {"actor": more.id})
    assert error.value.code == "too-many-subscriptions"
    assert (
        await world.post(server.actor("/actor0"), follow(server) | {"actor": server.url("/actor0")})
    ).seq is None
    assert (await world.subscribe("n.test")).name == "n.test"


async def test_row_38_one_server_has_a_bounded_number_of_opt_outs(world: World) -> None:
    relay = world.relay
    relay.receiver._opt_outs = OptOuts(
        store=relay.office.store,
        clock=world.clock,
        blocks=relay.blocks,
        signals=relay.office.signals,
        subscribers=relay.office.subscribers,
        identity=relay.office.identity,
        most=2,
    )
    server = world.server("m.test")

    async def block(number: int) -> str:
        person = server.actor(f"/users/{number}", "Person")
        found = {
            "id": f"{person.id}/b",
            "type": "Block",
            "actor": person.id,
            "object": "https://relay.test/actor",
        }
        return (await world.post(person, found | {"id": f"{person.id}/{world.clock.new_id()}"})).code

    assert [await block(number) for number in (0, 1, 0)] == ["opted-out"] * 3
    with pytest.raises(Refused) as error:
        await block(2)
    assert error.value.code == "too-many-opt-outs"
    assert len(relay.blocks._opted_out) == rows(world, "opt_outs") == 2


async def test_row_38_subscribers_that_left_leave_nothing_in_the_fan_out(world: World) -> None:
    servers = [await world.subscribe(f"s{number}.test") for number in range(20)]
    for server in servers[1:]:
        server.status = 500
    await world.publish(servers[0])
    assert len(world.relay.fanout._places.peers) == 20
    assert rows(world, "hosts") == 19
    for server in servers[1:]:
        undo = {"id": server.url("/u"), "type": "Undo", "actor": server.actor().id, "object": follow(server)}
        assert (await world.post(server.actor(), undo)).code == "unfollowed"
    await world.settle()
    await world.relay.upkeep.run_once()
    assert list(world.relay.fanout._places.peers) == ["s0.test"]
    assert rows(world, "hosts") == 0
    assert (len(world.relay.fanout._tracks), len(world.relay.fanout._line)) == (1, 0)


async def test_row_38_upkeep_bounds_what_strangers_wrote(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "SERVERS_MOST", 5)
    monkeypatch.setattr(upkeep, "AUDIT_MOST", 7)
    subscriber = await world.subscribe("m.test")
    async with world.relay.office.store.transaction() as tx:
        await tx.subscribers.audit(at=1.0, who="operator", action="x", subject="x", detail="")
        for number in range(30):
            who = f"https://{number}.test/actor"
            await tx.subscribers.audit(at=2.0, who=who, action="follow", subject=who, detail="")
            await tx.servers.seen(f"{number}.test", world.clock.now() + number)
        await tx.servers.seen(subscriber.name, world.clock.now() - 1)
    of_others = 2  # the relay's own first version of its policy, and what the operator did
    await world.relay.upkeep.run_once()
    assert (rows(world, "servers"), rows(world, "audit")) == (6, 7 + of_others)
    async with world.relay.office.store.reading() as tx:
        kept = await tx.servers.all({"m.test", "24.test", "25.test", "29.test"})
    assert sorted(kept) == ["25.test", "29.test", "m.test"]


async def test_a_body_of_a_megabyte_that_is_no_activity_is_refused(world: World) -> None:
    with pytest.raises(Malformed):
        await world.send(SignedRequest("POST", "/inbox", (), b"[" * (1 << 20)))
