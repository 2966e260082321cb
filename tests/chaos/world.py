"""A relay as a process of its own, and servers on loopback that talk to it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import psycopg
from aiohttp import web

from tests.fakes import ACTIVITY, PUBLIC, pem_of, rsa_key, sign_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

CONFIG = """\
relay: {{url: "http://127.0.0.1:{port}", listen: "127.0.0.1:{port}", data: data}}
admin: {{listen: "127.0.0.1:{admin}"}}
federation: {{subscriptions: open, private_addresses: [127.0.0.0/8], allow_http: true}}
media: {{decoders: 1}}
"""


@dataclass
class Server:
    """A real server: an instance actor, alice, and an inbox that notes when what arrived."""

    number: int
    port: int = 0
    host: str = "127.0.0.1"
    arrived: list[tuple[float, str]] = field(default_factory=list)
    accepted: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def url(self, path: str) -> str:
        return f"http://{self.host}:{self.port}{path}"

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{name}", self.actor)
        app.router.add_post("/inbox", self.inbox)
        return app

    async def actor(self, request: web.Request) -> web.Response:
        actor = self.url(request.path)
        key = {"id": f"{actor}#main-key", "owner": actor, "publicKeyPem": pem_of(rsa_key(self.number))}
        document = {"id": actor, "type": "Application", "inbox": self.url("/inbox"), "publicKey": key}
        return web.Response(text=json.dumps(document), content_type=ACTIVITY)

    async def inbox(self, request: web.Request) -> web.Response:
        activity = json.loads(await request.read())
        if activity["type"] == "Accept":
            self.accepted.set()
        if activity["type"] == "Announce":
            self.arrived.append((time.monotonic(), activity["object"]))
            async with self.changed:
                self.changed.notify_all()
        return web.Response(status=202)

    def has(self, notes: Sequence[str]) -> Callable[[], bool]:
        """Return what tells whether all of these arrived, also those that are added to them."""
        return lambda: {one for _, one in self.arrived} >= set(notes)

    async def post(
        self, session: aiohttp.ClientSession, relay: str, name: str, activity: dict[str, Any]
    ) -> int:
        """Deliver an activity to the relay; 0 when there was no answer."""
        actor, body = self.url(f"/{name}"), json.dumps({**activity, "actor": self.url(f"/{name}")}).encode()
        signed = sign_request(
            rsa_key(self.number),
            f"{actor}#main-key",
            f"{relay}/inbox",
            body,
            time.time(),
        )
        try:
            async with session.post(f"{relay}/inbox", data=body, headers=dict(signed.headers)) as answer:
                return answer.status
        except (aiohttp.ClientError, OSError):
            return 0


@asynccontextmanager
async def relay_process(
    config: Path, port: int, *words: str, env: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The real relay as a process of its own, up when this yields, dead when it is left. `env`: of another version."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relay", "--config", str(config), "serve", *words,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, cwd=config.parent, env=env,
    )  # fmt: skip
    try:
        async with asyncio.timeout(90):
            while True:  # until it listens
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    await writer.wait_closed()
                    break
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def follow(session: aiohttp.ClientSession, relay: str, *servers: Server) -> None:
    for server in servers:
        asked = {"id": server.url("/follow"), "type": "Follow", "object": PUBLIC}
        assert await server.post(session, relay, "actor", asked) == 202
        async with asyncio.timeout(20):
            await server.accepted.wait()


def create(note: str) -> dict[str, Any]:
    return {
        "id": f"{note}/activity",
        "type": "Create",
        "to": [PUBLIC],
        "object": {"id": note, "type": "Note", "to": [PUBLIC]},
    }


@asynccontextmanager
async def worker(config: Path, *inside: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that only works, started by the command `inside` if there is one."""
    process = await asyncio.create_subprocess_exec(
        *inside, sys.executable, "-m", "relay", "--config", str(config), "serve", "--role", "worker",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, cwd=config.parent,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def holders(address: str, count: int) -> set[str]:
    """Wait until all shares are held by so many processes; return their names."""
    while True:
        try:
            with psycopg.connect(address) as connection:
                rows = connection.execute(b"SELECT DISTINCT owner FROM shares").fetchall()
        except psycopg.errors.UndefinedTable:
            rows = []
        names = {owner for (owner,) in rows}
        if len(names) == count and None not in names:
            return names
        await asyncio.sleep(0.1)
