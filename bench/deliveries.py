"""What one POST of 3 KB costs: our own client beside aiohttp's, on kept connections, over http and TLS.

    python -m bench.deliveries [--posts 6000]

Processor time of the client's process alone, in microseconds for each POST; medians of five runs that take turns. The
floor is a socket that is written to and read from without a word of HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import uvloop
from yarl import URL

from bench.world import Loopback, SinkProcess, own_cpu, save
from relay.adapters.deliveries import Deliveries, Pool
from relay.adapters.guard import AddressPolicy
from relay.adapters.remote import client_tls
from relay.cli.demo.certificates import make_authority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Post = Callable[[int], Awaitable[None]]

RUNS, HOSTS, AT_ONCE = 5, 50, 64
BODY = b"x" * 3_000
HEADERS = {
    "Date": "Sun, 22 Nov 2026 12:00:00 GMT",
    "Digest": "SHA-256=" + "x" * 44,
    "Content-Type": "application/activity+json",
    "Signature": "x" * 480,
}


def headers(number: int, port: int) -> dict[str, str]:
    return {"Host": f"h{number % HOSTS}.hosts.test:{port}", **HEADERS}


@asynccontextmanager
async def aiohttps(scheme: str, port: int, ca_file: Path) -> AsyncIterator[Post]:
    connector = aiohttp.TCPConnector(
        limit=512, limit_per_host=8, ssl=client_tls(ca_file), resolver=Loopback()
    )
    timeout = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def post(number: int) -> None:
            url = URL(f"{scheme}://h{number % HOSTS}.hosts.test:{port}/inbox")
            async with session.post(url, data=BODY, headers=headers(number, port)) as response:
                await response.read()

        yield post


@asynccontextmanager
async def own(scheme: str, port: int, ca_file: Path) -> AsyncIterator[Post]:
    deliveries = Deliveries(
        addresses=AddressPolicy(allowed_private=(ip_network("127.0.0.0/8"),)),
        tls=client_tls(ca_file),
        resolver=Loopback(),
        pool=Pool(total=512, per_host=8, idle=30.0),
        user_agent="Assay/bench",
        patience=2.0,
    )
    urls = [URL(f"{scheme}://h{number}.hosts.test:{port}/inbox") for number in range(HOSTS)]

    async def post(number: int) -> None:
        await deliveries.post(urls[number % HOSTS], headers=headers(number, port), body=BODY, timeout=15.0)

    try:
        yield post
    finally:
        deliveries.close()


@asynccontextmanager
async def bare(scheme: str, port: int, ca_file: Path) -> AsyncIterator[Post]:
    tls = client_tls(ca_file) if scheme == "https" else None
    request = b"POST /inbox HTTP/1.1\r\nContent-Length: 3000\r\n\r\n" + BODY
    free: list[asyncio.Transport] = []

    class Bare(asyncio.Protocol):
        waiting: asyncio.Future[None]

        def data_received(self, data: bytes) -> None:
            self.waiting.set_result(None)

    loop = asyncio.get_running_loop()

    async def post(number: int) -> None:
        transport = free.pop() if free else None
        if transport is None:
            name = f"h{number % HOSTS}.hosts.test" if tls else None
            transport, _ = await loop.create_connection(
                Bare, "127.0.0.1", port, ssl=tls, server_hostname=name
            )
        protocol = transport.get_protocol()
        protocol.waiting = loop.create_future()  # type: ignore[union-attr]
        transport.write(request)
        await protocol.waiting  # type: ignore[union-attr]
        free.append(transport)

    yield post
    for transport in free:
        transport.abort()


async def measure(open_client: Callable[[], object], posts: int) -> float:
    """Microseconds of processor time for a POST."""
    async with open_client() as post:  # type: ignore[attr-defined]

        async def work(numbers: range) -> None:
            for number in numbers:
                await post(number)

        async def all_of(count: int) -> None:
            async with asyncio.TaskGroup() as tasks:
                for worker in range(AT_ONCE):
                    tasks.create_task(work(range(worker, count, AT_ONCE)))

        await all_of(1_000)  # connections open
        began = own_cpu()
        await all_of(posts)
        return (own_cpu() - began) / posts * 1e6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--posts", type=int, default=6_000)
    posts = parser.parse_args().posts
    result: dict[str, object] = {}
    print(f"{'':>8} {'floor us':>9} {'own us':>8} {'aiohttp us':>11} {'aiohttp / own':>14}")
    with tempfile.TemporaryDirectory() as folder:
        authority = make_authority(Path(folder), ["*.hosts.test"], time.time())
        for scheme in ("http", "https"):
            found: dict[str, list[float]] = {"floor": [], "own": [], "aiohttp": []}
            clients = {"floor": bare, "own": own, "aiohttp": aiohttps}
            with SinkProcess(Path(folder) / "*.hosts.test.pem" if scheme == "https" else None) as port:
                for run in range(RUNS):
                    for name in list(clients)[:: 1 if run % 2 else -1]:
                        opened = partial(clients[name], scheme, port, authority.ca_file)
                        found[name].append(uvloop.run(measure(opened, posts)))
            floor, ours, theirs = (statistics.median(runs) for runs in found.values())
            print(f"{scheme:>8} {floor:>9.0f} {ours:>8.0f} {theirs:>11.0f} {theirs / ours:>14.1f}")
            result[scheme] = {"floor_us": floor, "own_us": ours, "aiohttp_us": theirs}
    save("deliveries", result)


if __name__ == "__main__":
    main()
