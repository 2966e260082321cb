"""A whole relay on real SQLite, with a fake fediverse around it."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from relay.config.load import load
from relay.wiring import Outside, Relay, open_relay
from tests.fakes import START, FakeClock, FakeFediverse, FakeServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from relay.protocol.httpsig import SignedRequest
    from relay.services.receive import Receipt

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

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder, self._stack = folder, stack
        self.clock = FakeClock(START)
        self.fediverse = FakeFediverse(self.clock)

    async def open(self, config: str = BASE, *, stack: AsyncExitStack | None = None) -> World:
        (self.folder / "data").mkdir(exist_ok=True)
        path = self.folder / "config.yaml"
        path.write_text(config)
        configuration = load(path, {}, self.clock.now()).require()
        outside = Outside(self.clock, remote=self.fediverse)
        relay = await (stack or self._stack).enter_async_context(open_relay(configuration, outside=outside))
        self.fediverse.relay_key = json.loads(relay.actor)["publicKey"]["publicKeyPem"]
        return World(relay, self.fediverse, self.clock)


@pytest.fixture
async def worlds(tmp_path: Path) -> AsyncIterator[Worlds]:
    async with AsyncExitStack() as stack:
        yield Worlds(tmp_path, stack)


@pytest.fixture
async def world(worlds: Worlds) -> World:
    return await worlds.open()
