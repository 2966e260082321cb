"""Activities accepted and durable per second, text only, over HTTP on loopback: plain, and with a signature inside.

    python -m bench.inbound

The senders are processes on the same cores; their requests are signed beforehand. The limit beside it is what the
same server answers when it only reads and digests the body. What carries a Linked Data signature is verified before
the answer, so that it can be passed on as it is.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

from bench.world import SinkProcess, bench_relay, save, subscribe
from relay.cli.serving import listening, public_app
from relay.domain.intake import StoredKey
from tests.fakes import PUBLIC, pem_of, rsa_key, sign_request
from tests.unit.protocol.signed_ld import sign_ld

COUNT, CONNECTIONS, ROUNDS = 4_000, 32, 3
CONTEXT = ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"]
PROFILE = b"{}"
"""What is known of the author: he does not say that he minds."""


def create(server: str, number: int) -> dict[str, Any]:
    """A Create of about 3 KB, without media and signatures."""
    actor, note = f"http://{server}/users/alice", f"http://{server}/notes/{number}"
    return {
        "@context": CONTEXT,
        "id": f"{note}/activity",
        "type": "Create",
        "actor": actor,
        "to": [PUBLIC],
        "object": {
            "id": note,
            "type": "Note",
            "attributedTo": actor,
            "to": [PUBLIC],
            "content": "x" * 2_600,
        },
    }


def requests(server: str, now: float, *, inside: bool, count: int = COUNT) -> list[bytes]:
    """Signed Creates of about 3 KB, as bytes on the wire; `inside`: with a Linked Data signature, too."""
    actor, key = f"http://{server}/users/alice", rsa_key(0)
    made = []
    for number in range(count):
        activity = create(server, number)
        if inside:
            activity = sign_ld(activity, key, f"{actor}#main-key")
        body = json.dumps(activity).encode()
        signed = sign_request(key, f"{actor}#main-key", "http://relay.test/inbox", body, now)
        head = "".join(f"{name}: {value}\r\n" for name, value in signed.headers)
        made.append(f"POST /inbox HTTP/1.1\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    return made


def send(folder: str, port: int) -> None:
    """Send what lies in the folder over some connections; print the seconds and the answers that were 202."""

    async def connection(items: list[bytes]) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        accepted = 0
        for item in items:
            writer.write(item)
            head = await reader.readuntil(b"\r\n\r\n")
            accepted += b" 202 " in head.split(b"\r\n", 1)[0]
            length = next(
                (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), b":0"
            )
            await reader.readexactly(int(length.split(b":")[1]))
        writer.close()
        return accepted

    async def main() -> None:
        items = [path.read_bytes() for path in sorted(Path(folder).glob("*.http"))]
        began = time.perf_counter()
        accepted = await asyncio.gather(*(connection(items[n::CONNECTIONS]) for n in range(CONNECTIONS)))
        print(time.perf_counter() - began, sum(accepted))

    uvloop.run(main())


async def answer_rate(app: web.Application, folder: Path) -> float:
    async with listening(app, "127.0.0.1", 0) as port:
        sender = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            f"from bench.inbound import send; send({str(folder)!r}, {port})",
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
        )
        out, _ = await sender.communicate()
    seconds, accepted = map(float, out.split())
    assert accepted == COUNT, f"only {accepted} of {COUNT} were accepted"
    return COUNT / seconds


async def accepted_rate(port: int, folder: Path, *, inside: bool) -> float:
    """Accepted per second. The requests stay in the folder."""
    folder.mkdir()
    server = f"origin.test:{port}"
    for number, item in enumerate(requests(server, time.time(), inside=inside)):
        (folder / f"{number:06}.http").write_bytes(item)
    with tempfile.TemporaryDirectory() as data:
        async with bench_relay(Path(data)) as relay:
            await subscribe(relay, ["origin.test"], port)
            actor = f"http://{server}/users/alice"
            key = StoredKey(f"{actor}#main-key", actor, pem_of(rsa_key(0)), time.time())
            async with relay.office.store.transaction() as tx:
                await tx.subscribers.save_key(key)
                await tx.subscribers.save_actor(actor, PROFILE, time.time())
            rate = await answer_rate(public_app(relay), folder)
            async with relay.office.store.reading() as tx:
                entries = await tx.fanout.entries(0, COUNT)
            assert [entry.forward is not None for entry in entries] == [inside] * COUNT
    return rate


async def measure(port: int) -> tuple[float, float, float]:
    """Accepted per second, the same with signatures inside, and the server doing nothing but read and digest."""
    with tempfile.TemporaryDirectory() as name:
        plain, inside = Path(name) / "plain", Path(name) / "inside"
        rates = await accepted_rate(port, plain, inside=False), await accepted_rate(port, inside, inside=True)
        bare = web.Application()
        bare.router.add_post("/inbox", _digest)
        return *rates, await answer_rate(bare, plain)


async def _digest(request: web.Request) -> web.Response:
    hashlib.sha256(await request.read()).digest()
    return web.Response(status=202)


def main() -> None:
    rows = []
    with SinkProcess() as port:
        for _ in range(ROUNDS):
            plain, inside, bare = uvloop.run(measure(port))
            rows.append((plain, inside, bare, plain / bare, inside / plain))
    plain, inside, bare, share, verified = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"accepted and durable {plain:,.0f}/s; the server alone {bare:,.0f}/s; share {share:.0%}")
    print(f"with a Linked Data signature that is verified {inside:,.0f}/s: {verified:.0%} of that")
    save(
        "inbound",
        {"accepted": plain, "bare": bare, "share": share, "verified": inside, "verified share": verified},
    )


if __name__ == "__main__":
    main()
