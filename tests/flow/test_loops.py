"""Relays that follow each other: each subscriber gets a post once from each relay it chose, and nothing circulates.

Two and three whole relays on databases of their own, joined by the fake fediverse, which hands what one delivers to
the inbox of the other.
"""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from relay.domain.errors import RelayError
from relay.domain.remote import Fetched, Headers, Posted
from relay.domain.subscription import Dialect
from relay.protocol.httpsig import SignedRequest
from relay.web.problems import status_of
from tests.fakes import ACTIVITY, FakeClock, FakeFediverse, made
from tests.flow.conftest import World, Worlds
from tests.unit.protocol.signed_ld import sign_ld

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relay.adapters.canonical.pool import CanonicalProcesses
    from relay.adapters.media.sandbox import SandboxedDecoder
    from tests.fakes import FakeServer


class Network(FakeFediverse):
    """A fediverse in which some servers are relays of ours."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.relays: dict[str, World] = {}
        self.between: list[tuple[str, str]] = []
        """What relays sent to each other: receiver and kind."""

    async def get(self, url: str, **options: Any) -> Fetched:
        relay = self.relays.get(urlsplit(url).netloc)
        if relay is None:
            return await super().get(url, **options)
        assert urlsplit(url).path == "/actor"
        return Fetched(url, ACTIVITY, relay.relay.actor)

    def post_now(self, url: str, **options: Any) -> bool:
        return urlsplit(url).netloc not in self.relays and super().post_now(url, **options)

    async def post(self, url: str, *, headers: Headers, body: bytes, timeout: float) -> Posted:
        host = urlsplit(url).netloc
        if host not in self.relays:
            return await super().post(url, headers=headers, body=body, timeout=timeout)
        self.between.append((host, json.loads(body)["type"]))
        named = tuple((name.lower(), value) for name, value in (await made(headers)).items())
        try:
            await self.relays[host].send(SignedRequest("POST", urlsplit(url).path, named, body))
        except RelayError as error:
            return Posted(status_of(error), None)
        return Posted(202, None)


class Ring:
    """Relays a, b, c … each with a subscriber of each dialect."""

    def __init__(
        self,
        folder: Path,
        stack: AsyncExitStack,
        decoder: SandboxedDecoder,
        canonicalizer: CanonicalProcesses,
    ) -> None:
        self._folder, self._stack = folder, stack
        self._decoder, self._canonicalizer = decoder, canonicalizer
        self.network = Network(FakeClock())
        self.readers: list[FakeServer] = []

    async def open(self, *names: str, dialect: Dialect = Dialect.LITEPUB) -> list[World]:
        """Open relays of which each follows all others."""
        for name in names:
            folder = self._folder / name
            folder.mkdir()
            worlds = Worlds(folder, self._stack, self._decoder, self._canonicalizer)
            worlds.clock, worlds.fediverse = self.network.clock, self.network
            world = await worlds.open(BASE.format(name=name))
            self.network.relay_key = None
            self.network.relays[f"{name}.test"] = world
        for name in names:
            for other in names:
                if name != other:
                    upstreams = self.world(name).relay.office.upstreams
                    await upstreams.follow(f"https://{other}.test/actor", dialect, who="test")
                    await self.settle()
        return [self.world(name) for name in names]

    def world(self, name: str) -> World:
        return self.network.relays[f"{name}.test"]

    async def reader(self, name: str, *relays: str, dialect: str = "mastodon") -> FakeServer:
        """A server that subscribes to relays, and can publish to them."""
        server = self.network.server(name)
        for relay in relays:
            followed = PUBLIC if dialect == "mastodon" else f"https://{relay}.test/actor"
            actor = server.actor().id
            asked = {"id": f"{actor}#{relay}", "type": "Follow", "actor": actor, "object": followed}
            await self.send(server, "/actor", asked, relay)
        await self.settle()
        server.inbox.clear()
        return server

    async def send(self, server: FakeServer, path: str, activity: dict[str, Any], relay: str) -> None:
        actor = server.actor(path, "Person" if path != "/actor" else "Application")
        inbox = f"https://{relay}.test/inbox"
        await self.world(relay).send(actor.sign(inbox, activity, self.network.clock.now()))

    async def settle(self) -> None:
        for _ in range(6):
            for world in self.network.relays.values():
                await world.relay.office.upstreams.run_once(world.relay.fetcher)
                await world.settle()
            self.network.clock.forward(2.0)


PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
BASE = """\
relay: {{url: https://{name}.test, data: data}}
federation: {{subscriptions: open}}
attestation: {{withhold: 0%}}
"""


@pytest_asyncio.fixture(loop_scope="session")
async def ring(
    tmp_path: Path, decoder: SandboxedDecoder, canonicalizer: CanonicalProcesses
) -> AsyncIterator[Ring]:
    async with AsyncExitStack() as stack:
        yield Ring(tmp_path, stack, decoder, canonicalizer)


def post(server: FakeServer, *, signed: bool) -> dict[str, Any]:
    """A Create by alice of a server, with her Linked Data signature if wanted."""
    create = server.create(server.note())
    if not signed:
        return create
    alice = server.actor("/users/alice", "Person")
    created = "2026-11-21T22:06:56Z"
    del create["object"]["@context"]
    return sign_ld({**create, "@context": CONTEXT}, alice.key, alice.key_id, created)


CONTEXT = ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"]


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c")])
async def test_each_reader_gets_a_post_once_from_each_relay_it_chose(
    ring: Ring, names: tuple[str, ...], dialect: Dialect, *, signed: bool
) -> None:
    await ring.open(*names, dialect=dialect)
    readers = [await ring.reader(f"reader-{name}.test", name) for name in names]
    both = await ring.reader("both.test", *names[:2], dialect="litepub")
    author = await ring.reader("author.test", *names[:2])
    create = post(author, signed=signed)
    for relay in names[:2]:
        await ring.send(author, "/users/alice", create, relay)
    await ring.settle()
    note = create["object"]["id"]
    for reader in readers:
        assert seen(reader) == [note]
    # The bytes travel as they are unless it is Announces that connect the relays.
    forwarding = len(names) if dialect is Dialect.MASTODON else 2
    kinds = ["Create"] * forwarding + ["Announce"] * (len(names) - forwarding)
    assert [reader.arrivals()[0]["type"] for reader in readers] == (
        kinds if signed else ["Announce"] * len(names)
    )
    assert seen(both) == [note] * 2
    assert author.inbox == []
    await quiet(ring)


async def test_what_was_relayed_is_remembered_as_long_as_the_log_is_kept(ring: Ring) -> None:
    await ring.open("a", "b")
    reader = await ring.reader("reader.test", "b")
    author = await ring.reader("author.test", "a")
    other = await ring.reader("other.test", "b")
    create = post(author, signed=False)
    note = create["object"]["id"]
    await ring.send(author, "/users/alice", create, "a")
    await ring.settle()
    for hours, copies in ((71, 1), (2, 2)):
        ring.network.clock.forward(hours * 3600)
        for world in ring.network.relays.values():
            await world.relay.upkeep.run_once()
        await ring.send(other, "/actor", announce(other, note, hours), "b")
        await ring.settle()
        assert seen(reader) == [note] * copies


async def test_relays_in_a_circle_that_one_leaves_go_on(ring: Ring) -> None:
    a, _, _ = await ring.open("a", "b", "c")
    readers = [await ring.reader(f"reader-{name}.test", name) for name in ("b", "c")]
    author = await ring.reader("author.test", "a")
    await a.relay.office.upstreams.unfollow("b.test", who="test")
    await ring.settle()
    create = post(author, signed=False)
    await ring.send(author, "/users/alice", create, "a")
    await ring.settle()
    assert [seen(reader) for reader in readers] == [[create["object"]["id"]]] * 2
    await quiet(ring)


def announce(server: FakeServer, note: str, number: int) -> dict[str, Any]:
    actor = server.actor().id
    return {"id": f"{actor}/{number}", "type": "Announce", "actor": actor, "object": note, "to": [PUBLIC]}


def seen(server: FakeServer) -> list[str]:
    """The objects of the posts that arrived at a server, as often as they did."""
    objects = [one["object"] for one in server.arrivals() if one["type"] in {"Create", "Announce"}]
    return [one["id"] if isinstance(one, dict) else one for one in objects]


async def quiet(ring: Ring) -> None:
    """Nothing is on its way between relays any more, however long one waits."""
    before = len(ring.network.between)
    ring.network.clock.forward(7 * 3600)
    await ring.settle()
    assert len(ring.network.between) == before
