"""ActivityRelay 0.3.5 from PyPI beside this relay: a burst of posts to both, by turns.

    python -m bench.peer [--subscribers 50] [--posts 20] [--rounds 3]

Each is sent a burst of signed posts at its inbox and delivers to the same sink; what has not arrived when nothing has
come for ten seconds is lost. This relay gets twenty times as many posts, so that both work for about as long. The key
of the other is made anew as RSA-2048, which it would not do by itself: with its own of 4096 bits it signs sixteen times
slower. It delivers Announces; this relay the 3 KB, for they are proven.
The processor time is that of all processes of each, with everything that the burst caused, for one delivery.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from subprocess import DEVNULL
from typing import TYPE_CHECKING, Any, NamedTuple

import uvloop
from aiohttp import web

from bench.inbound import requests
from bench.world import ROOT, SinkProcess, bench_relay, children_of, cpu_of, own_cpu, save, subscribe
from relay.adapters.keys import temporary_pair
from relay.cli.demo.loopback import free_ports
from relay.cli.serving import listening, public_app
from relay.domain.intake import StoredKey
from tests.fakes import ACTIVITY, pem_of, rsa_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

MORE = 20
"""How many times as many posts this relay gets."""
ANSWERS = 90.0
"""Seconds for all answers to a burst. ActivityRelay now and then gives none: that round is left out."""
QUIET, FIRST = 10.0, 60.0
"""Seconds without an arrival after which no more is expected, and seconds more before the first."""
PROGRAM = ROOT / ".interop/python/bin/activityrelay"
CONFIG = """\
listen: 127.0.0.1
port: {port}
domain: relay.test
workers: 1
database_type: sqlite
cache_type: database
sqlite_path: relay.sqlite3
"""


class Found(NamedTuple):
    """Deliveries per second, microseconds of processor time for each, share that never came."""

    rate: float
    cpu_us: float
    lost: float


async def burst(
    port: int, posts: list[bytes], sink: SinkProcess, used: Callable[[], float], due: int
) -> Found:
    """Send all posts over eight connections, and wait until nothing more comes."""
    before, began, cpu = sink.arrived()[0], time.time(), used()

    async def send(some: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for one in some:
            writer.write(one)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 202 " in head.split(b"\r\n", 1)[0], head
            sizes = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            await reader.readexactly(int(sizes[0].split(b":")[1]) if sizes else 0)
        writer.close()

    async with asyncio.timeout(ANSWERS):
        await asyncio.gather(*(send(posts[n::8]) for n in range(8)))
    count, last = sink.arrived()
    while count - before < due and time.time() - (last or began + FIRST) < QUIET:
        await asyncio.sleep(0.1)
        count, last = sink.arrived()
    done = max(1, count - before)
    return Found(done / (last - began), (used() - cpu) / done * 1e6, 1 - done / due)


@asynccontextmanager
async def origin() -> AsyncIterator[str]:
    """The server of who posts; the value is its name."""
    app = web.Application()

    async def actor(request: web.Request) -> web.Response:
        url = f"http://{request.host}/users/alice"
        key = {"id": f"{url}#main-key", "owner": url, "publicKeyPem": pem_of(rsa_key(0))}
        document = {"id": url, "type": "Person", "inbox": f"{url}/inbox", "publicKey": key}
        document["preferredUsername"] = "alice"
        return web.json_response(document, content_type=ACTIVITY)

    app.router.add_get("/users/alice", actor)
    async with listening(app, "127.0.0.1", 0) as port:
        yield f"127.0.0.1:{port}"


@contextmanager
def activityrelay(port: int, server: str, inboxes: list[str]) -> Iterator[int]:
    """It, in a folder of its own, with these subscribers and the origin `server`; the value is its process."""
    with tempfile.TemporaryDirectory() as name:
        folder, settings = Path(name), Path(name) / "relay.yaml"
        settings.write_text(CONFIG.format(port=port))
        command = [str(PROGRAM), "-c", str(settings)]
        # Its package is called relay, as ours is.
        alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        quiet: dict[str, Any] = {"cwd": folder, "env": alone, "stdout": DEVNULL, "stderr": DEVNULL}
        key = temporary_pair()[0]
        subprocess.run([*command, "config", "set", "--", "private-key", key], check=True, **quiet)
        rows = [(f"s{n}.test", f"http://s{n}.test/actor", inbox) for n, inbox in enumerate(inboxes)]
        rows.append((server, f"http://{server}/users/alice", f"http://{server}/users/alice/inbox"))
        with closing(sqlite3.connect(folder / "relay.sqlite3")) as database, database:
            database.executemany(
                "INSERT INTO inboxes (domain, actor, inbox, followid, software, accepted, created)"
                " VALUES (?, ?, ?, 'f', 'mastodon', 1, 0)",
                rows,
            )
        process = subprocess.Popen([*command, "run"], **quiet)
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait()


async def theirs(sink: SinkProcess, to: int, subscribers: int, posts: int) -> Found:
    """ActivityRelay."""
    inboxes = [f"http://127.0.0.1:{to}/inbox/{n}" for n in range(subscribers)]
    async with origin() as server:
        [port] = free_ports(1)
        with activityrelay(port, server, inboxes) as pid:
            await _listens(port)
            await asyncio.sleep(3)  # its worker opens the database, too

            def used() -> float:
                return cpu_of(pid) + sum(map(cpu_of, children_of(pid)))

            made = requests(server, time.time(), inside=True, count=posts)
            return await burst(port, made, sink, used, posts * subscribers)


async def ours(sink: SinkProcess, to: int, subscribers: int, posts: int) -> Found:
    """This relay; its processor time has that of the sender in it."""
    with tempfile.TemporaryDirectory() as name:
        async with bench_relay(Path(name)) as relay, origin() as server:
            await subscribe(relay, [f"s{n}.test" for n in range(subscribers)], to)
            await subscribe(relay, ["127.0.0.1"], int(server.rsplit(":", 1)[1]))
            actor = f"http://{server}/users/alice"
            async with relay.office.store.transaction() as tx:
                await tx.subscribers.save_key(
                    StoredKey(f"{actor}#main-key", actor, pem_of(rsa_key(0)), time.time())
                )
            made = requests(server, time.time(), inside=True, count=posts)
            children = [pid for pid in children_of(os.getpid()) if pid != sink.pid]
            async with asyncio.TaskGroup() as tasks, listening(public_app(relay), "127.0.0.1", 0) as port:
                running = [tasks.create_task(relay.fanout.run()), tasks.create_task(relay.screening.run())]

                def used() -> float:
                    return own_cpu() + sum(map(cpu_of, children))

                found = await burst(port, made, sink, used, posts * subscribers)
                for one in running:
                    one.cancel()
            return found


async def _listens(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return


def row(name: str, found: Found) -> str:
    """A line of the table."""
    return f"{name:>20} {found.rate:>13,.0f} {found.cpu_us:>8.0f} {found.lost:>6.1%}"


def main() -> None:
    parser = argparse.ArgumentParser()
    for option, usual in (("subscribers", 50), ("posts", 20), ("rounds", 3)):
        parser.add_argument(f"--{option}", type=int, default=usual)
    chosen = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tools"))
    from peers import fetch

    missing = {} if PROGRAM.exists() else fetch("python")
    if missing:
        print(f"NOT RUN: {missing['python']}")
        return
    rounds: dict[str, list[Found]] = {"ActivityRelay 0.3.5": [], "this relay": []}
    turns = list(zip(rounds, (theirs, ours), (chosen.posts, MORE * chosen.posts), strict=True))
    for turn in range(chosen.rounds):
        for name, run, posts in turns[:: 1 if turn % 2 else -1]:
            sink = SinkProcess()
            try:
                with sink as to:
                    one = uvloop.run(run(sink, to, chosen.subscribers, posts))
            except (TimeoutError, ConnectionError):
                print(f"{name:>20} did not answer: left out of round {turn + 1}", flush=True)
                continue
            rounds[name].append(one)
            print(f"{row(name, one)}  round {turn + 1}", flush=True)
    if not all(rounds.values()):
        print("NOT RUN: nothing to compare")
        return
    found = {name: Found(*map(statistics.median, zip(*some, strict=True))) for name, some in rounds.items()}
    print(f"{'':>20} {'deliveries/s':>13} {'cpu us':>8} {'lost':>6}")
    for name, one in found.items():
        print(row(name, one))
    peer, own = found.values()
    times, cheaper = own.rate / peer.rate, peer.cpu_us / own.cpu_us
    print(f"{times:.1f} times the deliveries per second, {cheaper:.1f} times less processor time for each")
    result = {name: one._asdict() for name, one in found.items()}
    save("peer", {**result, "times": times, "cheaper": cheaper})


if __name__ == "__main__":
    main()
