"""A whole relay on a real database, with a fake fediverse around it."""

from __future__ import annotations

import inspect
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from relay.adapters.canonical.pool import CanonicalProcesses
from relay.adapters.keys import MAIN_KEY, write_private
from relay.adapters.media.sandbox import SandboxedDecoder
from relay.adapters.signing import ThreadSigner
from relay.adapters.system import SystemClock
from relay.config.load import load
from relay.wiring import Outside, Relay, open_relay
from tests.conftest import KINDS
from tests.databases import empty_file
from tests.fakes import START, FakeClock, FakeFediverse, FakeServer, private_pem, rsa_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from relay.ports import Canonicalizer
    from relay.protocol.httpsig import SignedRequest
    from relay.services.receive import Receipt
    from tests.databases import Databases

INBOX = "https://relay.test/inbox"
BASE = """\
relay: {url: https://relay.test, data: data}
federation: {subscriptions: open}
attestation: {withhold: 0%, lookup: public}
"""


@dataclass
class World:
    """A relay, the servers around it, and the clock."""

    relay: Relay
    fediverse: FakeFediverse
    clock: FakeClock

    def server(self, name: str) -> FakeServer:
        return self.fediverse.server(name)

    async def post(self, actor: Any, activity: Mapping[str, Any], **options: Any) -> Receipt:
        """Deliver an activity to the relay's inbox, signed by an actor."""
        return await self.send(actor.sign(INBOX, activity, self.clock.now(), **options))

    async def send(self, request: SignedRequest) -> Receipt:
        return await self.relay.receiver.receive(request)

    async def subscribe(self, name: str, *, dialect: str = "mastodon") -> FakeServer:
        """Let a server follow the relay, and take its Accept out of its inbox."""
        server = self.server(name)
        receipt = await self.post(server.actor(), follow(server, dialect))
        assert receipt.code == "follow-accepted", receipt
        await self.settle()
        assert server.arrivals("Accept")
        server.inbox.clear()
        return server

    async def settle(self) -> None:
        """Let everything that is due happen."""
        for _ in range(3):
            await self.relay.screening.run_once()
            await self.relay.letters.run_once()
            await self.relay.fanout.run_once()

    async def publish(self, server: FakeServer, *media: Mapping[str, Any]) -> dict[str, Any]:
        """Let alice of a server post a note and settle; return the note."""
        note = server.note(*media)
        await self.post(server.actor("/users/alice", "Person"), server.create(note))
        await self.settle()
        return note

    async def why(self, text: str) -> dict[str, Any]:
        [found] = await self.relay.office.explainer.why(text)
        return found


def follow(server: FakeServer, dialect: str = "mastodon", number: int = 1) -> dict[str, Any]:
    """The Follow of a server in either dialect (relays.md B1, B2)."""
    target = "https://www.w3.org/ns/activitystreams#Public"
    if dialect == "litepub":
        target = "https://relay.test/actor"
    return {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": server.url(f"/follows/{number}"),
        "type": "Follow",
        "actor": server.actor().id,
        "object": target,
    }


class Worlds:
    """Opens relays, also a second time on the same folder: that is a restart."""

    def __init__(
        self,
        folder: Path,
        stack: AsyncExitStack,
        decoder: SandboxedDecoder,
        canonicalizer: Canonicalizer,
        database: Databases | None = None,
    ) -> None:
        self.database = database
        self.folder, self._stack, self._decoder, self._canonicalizer = folder, stack, decoder, canonicalizer
        self.clock = FakeClock(START)
        self.fediverse = FakeFediverse(self.clock)

    async def open(self, config: str = BASE, *, stack: AsyncExitStack | None = None) -> World:
        data = self.folder / "data"
        elsewhere = self.database is not None and self.database.kind != "sqlite"
        if not data.exists():
            data.mkdir()
            if not elsewhere:
                empty_file(data / "relay.sqlite")
            write_private(data / MAIN_KEY, private_pem(rsa_key(7)))
        path = self.folder / "config.yaml"
        path.write_text(config)
        setting = {"ASSAY_RELAY__DATABASE": self.database.setting} if elsewhere else {}
        configuration = load(path, setting, self.clock.now()).require()
        outside = Outside(
            self.clock,
            remote=self.fediverse,
            signer=_threads,
            decoder=self._decoder,
            canonicalizer=self._canonicalizer,
        )
        relay = await (stack or self._stack).enter_async_context(open_relay(configuration, outside=outside))
        self.fediverse.relay_key = json.loads(relay.actor)["publicKey"]["publicKeyPem"]
        return World(relay, self.fediverse, self.clock)


def _threads(key_id: str, pem: bytes) -> ThreadSigner:
    return ThreadSigner(key_id=key_id, pem=pem, threads=1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the main paths on every database; they are marked, because all of it would take twice as long."""
    marked = metafunc.definition.get_closest_marker("databases")
    if marked and "database" in metafunc.fixturenames:
        metafunc.parametrize("database", KINDS, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the flow tests on one loop, so that they share decoders: starting two processes takes longer than a test."""
    for item in items:
        if Path(__file__).parent in item.path.parents and inspect.iscoroutinefunction(
            getattr(item, "function", None)
        ):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def decoder() -> AsyncIterator[SandboxedDecoder]:
    sandbox = SandboxedDecoder(
        clock=SystemClock(), memory=1 << 30, timeout=30.0, max_pixels=100_000_000, workers=2
    )
    async with sandbox:
        yield sandbox


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def canonicalizer() -> AsyncIterator[CanonicalProcesses]:
    async with CanonicalProcesses(timeout=30.0) as processes:
        yield processes


@pytest_asyncio.fixture(loop_scope="session")
async def worlds(
    tmp_path: Path, decoder: SandboxedDecoder, canonicalizer: CanonicalProcesses, database: Databases
) -> AsyncIterator[Worlds]:
    async with AsyncExitStack() as stack:
        kept = replace(database, path=tmp_path / "data" / "relay.sqlite")  # where a relay keeps it by itself
        yield Worlds(tmp_path, stack, decoder, canonicalizer, kept)


@pytest_asyncio.fixture(loop_scope="session")
async def world(worlds: Worlds) -> World:
    return await worlds.open()


class Files(SimpleHTTPRequestHandler):
    """The files of the working folder; what ends in .json is ActivityPub."""

    extensions_map = {".json": "application/activity+json", "": "application/octet-stream"}  # noqa: RUF012

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def files() -> Iterator[str]:
    """Another server, on loopback; the value is its origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
