"""Calls to a matching service for each distinct picture, when posts with it reach N servers through the relay.

    python -m bench.scans

The relay is ours, on SQLite and with its decoders; its scanner asks a service over HTTP that matches nothing and
counts. Pictures are posted twice each, by two servers. A recipient fetches the picture, remembers by digest what it
knows, and calls the service unless some attestation is valid for the bytes that it fetched (mediaattest, in the relay's
header or in the post itself). Three worlds: nobody attests and the relay does not look, as it is today; the relay
attests; the first server attests what it publishes, with the call that it makes for that counted apart.

Then one picture that many servers post at once, each at an address of its own: the calls, and the time until all posts
are decided, of which the fetches and signatures are most.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import mediaattest
from bench.world import save
from relay.adapters.canonical.pool import CanonicalProcesses
from relay.adapters.media.canary import clean_picture
from relay.adapters.media.sandbox import SandboxedDecoder
from relay.adapters.system import SystemClock
from relay.domain.media import ScanOutcome, ScanResult
from relay.domain.subscription import Back, Dialect, State
from tests.flow.conftest import Worlds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.media import Decoded, Digests, Undecodable
    from tests.fakes import FakeServer, Received
    from tests.flow.conftest import World

RECIPIENTS, PICTURES = (1, 10, 1_000), 3
AT_ONCE = (1, 10, 200)
CONFIG = """\
relay: {url: https://relay.test, data: data}
federation: {subscriptions: open}
attestation: {withhold: 0%, trusted: [origin.test]}
"""
CROWD = CONFIG.replace("open}", "open, publish_from: anyone}") + "brake: {mode: off}\n"
BLIND = """\
policy: {version: 1, mode: enforce, on_scanner_error: relay, otherwise: relay}
"""
SERVICE = "https://service.test/lists/1"


class Service:
    """A matching service: it knows nothing, and counts who asked about what."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.calls.append(asked["by"])
        return web.json_response({"match": False})

    async def open(self, stack: AsyncExitStack) -> None:
        app = web.Application()
        app.router.add_post("/match", self.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self._session = await stack.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{port}"))

    async def ask(self, by: str, sha256: str) -> bool:
        async with self._session.post("/match", json={"by": by, "sha256": sha256}) as answer:
            return bool((await answer.json())["match"])


class ServiceScanner:
    """Implements the port `Scanner` by asking the service."""

    name, version, attests, methods = "service", "1", True, ("sha256",)

    def __init__(self, service: Service) -> None:
        self._service = service

    async def scan(
        self, digests: Digests, decoded: Decoded | Undecodable, _content: bytes | None = None
    ) -> ScanResult:
        matched = await self._service.ask("relay", digests.sha256)
        outcome = ScanOutcome.MATCH if matched else ScanOutcome.NO_KNOWN_MATCH
        return ScanResult(outcome, versions={self.name: self.version})


@dataclass
class Recipient:
    """A server that reads what it receives, and checks each picture once."""

    server: FakeServer
    service: Service
    actors: Mapping[str, Mapping[str, Any]]
    known: set[str] = field(default_factory=set)

    async def read(self, received: Received, now: int) -> None:
        post = self._fetch(received.activity["object"])
        beside = mediaattest.parse_header(received.headers.get("media-attestation", ""))
        for medium in json.loads(post)["attachment"]:
            content = self._fetch(medium["url"])
            digest = mediaattest.digest_of(content)
            attestations = [medium.get("attestation"), *map(mediaattest.to_data_url, beside)]
            if digest not in self.known and not any(self._valid(one, digest, now) for one in attestations):
                await self.service.ask("recipients", digest)
            self.known.add(digest)

    def _valid(self, attestation: str | None, digest: str, now: int) -> bool:
        return mediaattest.verify(
            attestation,
            received=digest,
            actors=self.actors,
            trusted_issuers=set(self.actors),
            accepted_lists=None,
            now=now,
        ).valid

    def _fetch(self, url: str) -> bytes:
        server, _, path = url.removeprefix("https://").partition("/")
        return self.server.world.servers[server].documents[f"/{path}"][2]


class Origin:
    """A server that checks and attests its own pictures."""

    def __init__(self, server: FakeServer, service: Service) -> None:
        self.key, self._service = Ed25519PrivateKey.generate(), service
        self.id = server.url("/attester")
        public = mediaattest.IssuerKey(
            f"{self.id}#att-2026-11", self.id, self.key.public_key().public_bytes_raw()
        )
        self.document = {**server.actor("/attester", "Service").document()}
        self.document["assertionMethod"] = [mediaattest.describe_key(public)]
        server.serve("/attester", self.document)

    async def attest(self, content: bytes, now: int) -> dict[str, str]:
        digest = mediaattest.digest_of(content)
        await self._service.ask("origin", digest)
        attestation = mediaattest.issue(
            private_key=self.key,
            kid=f"{self.id}#att-2026-11",
            issuer=self.id,
            digest=digest,
            checks=[mediaattest.Check("sha256", SERVICE)],
            now=now,
            jti=bytes(16),
        )
        return {"hash": digest, "attestation": attestation}


async def subscribe(world: World, count: int) -> list[FakeServer]:
    """Put recipients into the store."""
    servers = [world.server(f"r{number}.test") for number in range(count)]
    async with world.relay.office.store.transaction() as tx:
        head = await tx.fanout.head()
        for server in servers:
            await tx.subscribers.add(
                actor=server.url("/actor"),
                server=server.name,
                inbox=server.url("/inbox"),
                dialect=Dialect.MASTODON,
                state=State.ACCEPTED,
                follow={"id": "f"},
                now=world.clock.now(),
                reason=None,
                back=Back.NONE,
                back_id=None,
                cursor=head,
            )
    return servers


async def calls(
    kind: str, count: int, parts: tuple[SandboxedDecoder, CanonicalProcesses]
) -> dict[str, float]:
    """Calls to the service for each distinct picture, by who made them."""
    service = Service()
    async with AsyncExitStack() as stack:
        await service.open(stack)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        world = await Worlds(folder, stack, *parts).open(CONFIG + (BLIND if kind == "nobody" else ""))
        relay = world.relay
        relay.inspector.scanners = relay.attestor.scanners = (
            [] if kind == "nobody" else [ServiceScanner(service)]
        )
        for name in ("origin.test", "second.test"):
            await world.subscribe(name)
        servers = await subscribe(world, count)
        relay.office.peers.changed()
        origin, now = Origin(world.server("origin.test"), service), int(world.clock.now())
        own = {"relay": json.loads(relay.actor), "origin": origin.document, "nobody": None}[kind]
        actors = {} if own is None else {own["id"]: own}
        for number in range(PICTURES):
            content = clean_picture(f"bench {number}")
            claims = await origin.attest(content, now) if kind == "origin" else {}
            for name in ("origin.test", "second.test"):
                server = world.server(name)
                await world.publish(server, server.picture(content, **claims))
        recipients = [Recipient(server, service, actors) for server in servers]
        arrived = [(one, received) for one in recipients for received in one.server.inbox]
        assert len(arrived) == 2 * PICTURES * count, f"{len(arrived)} deliveries"
        for recipient, received in arrived:
            await recipient.read(received, now)
    return {by: service.calls.count(by) / PICTURES for by in ("origin", "relay", "recipients")}


async def at_once(posts: int, parts: tuple[SandboxedDecoder, CanonicalProcesses]) -> dict[str, float]:
    """Calls for one picture that so many servers post at the same time, and seconds until all posts are decided."""
    service = Service()
    async with AsyncExitStack() as stack:
        await service.open(stack)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        world = await Worlds(folder, stack, *parts).open(CROWD)
        world.relay.inspector.scanners = world.relay.attestor.scanners = [ServiceScanner(service)]
        content = clean_picture("bench: everybody posts this one")
        sent = []
        for number in range(posts):
            server = world.server(f"s{number}.test")
            create = server.create(server.note(server.picture(content, f"/files/{number}.png")))
            sent.append((server.actor("/users/alice", "Person"), create))
        began = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for actor, create in sent:
                tasks.create_task(world.post(actor, create))
            left = posts
            while left > 0:
                left -= await world.relay.screening.run_once()
        return {"calls": len(service.calls), "seconds": time.perf_counter() - began}


async def measure() -> dict[str, dict[str, float]]:
    """Every world at every size."""
    sandbox = SandboxedDecoder(clock=SystemClock(), memory=1 << 30, timeout=30.0, max_pixels=100_000_000)
    found = {}
    async with sandbox, CanonicalProcesses(timeout=30.0) as processes:
        for kind in ("nobody", "relay", "origin"):
            for count in RECIPIENTS:
                found[f"{kind} {count}"] = await calls(kind, count, (sandbox, processes))
        for posts in AT_ONCE:
            found[f"at-once {posts}"] = await at_once(posts, (sandbox, processes))
    return found


def main() -> None:
    began = time.perf_counter()
    found = asyncio.run(measure())
    print(
        f"{'who attests':<12}{'recipients':>11}{'by the origin':>15}{'by the relay':>14}{'by recipients':>15}"
    )
    for name, by in found.items():
        kind, count = name.split()
        if kind == "at-once":
            print(f"{count:>4} posts at once: {by['calls']:g} calls, all decided in {by['seconds']:.1f} s")
            continue
        print(f"{kind:<12}{count:>11}" + f"{by['origin']:>15g}{by['relay']:>14g}{by['recipients']:>15g}")
    print(f"calls for each distinct picture; {time.perf_counter() - began:.0f} s")
    save("scans", dict(found))


if __name__ == "__main__":
    main()
