"""What the benchmarks share: a relay in a temporary folder, subscribers on loopback, the limit of RSA signing.

Subscribers are names that all resolve to one sink, a process that answers 202 and counts. Every figure is a ratio to a
limit measured in the same run: these machines are noisy, and nothing else can be compared.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import resource
import socket
import ssl
import statistics
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from relay.adapters.system import SystemClock, settle
from relay.config.load import load
from relay.domain.facts import Facts
from relay.domain.intake import Incoming, Settled
from relay.domain.log import Proof, Proven
from relay.domain.rates import Rate
from relay.domain.subscriber_profile import SubscriberProfile
from relay.domain.subscription import Back, Dialect, State
from relay.domain.traits import Traits
from relay.services.decide import Subject
from relay.wiring import Outside, Relay, open_relay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONFIG = """\
relay: {url: "http://relay.test", data: data}
federation: {subscriptions: open, private_addresses: [127.0.0.0/8], allow_http: true, rate: unlimited}
"""


ROOT = Path(__file__).resolve().parent.parent


class Loopback(AbstractResolver):
    """Every name is this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)
        ]

    async def close(self) -> None:
        pass


@asynccontextmanager
async def bench_relay(
    folder: Path, config: str = CONFIG, ca_file: Path | None = None
) -> AsyncIterator[Relay]:
    """A relay on a folder of its own, prepared as `assay serve` does it; nothing runs yet."""
    (folder / "data").mkdir(exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(config)
    configuration = load(path, {}, time.time()).require()
    outside = Outside(SystemClock(), resolver=Loopback(), ca_file=ca_file)
    async with open_relay(configuration, outside=outside) as relay:
        settle()
        yield relay


async def subscribe(relay: Relay, names: list[str], port: int, scheme: str = "http") -> None:
    """Put subscribers into the store, at the head of the log."""
    async with relay.office.store.transaction() as tx:
        head = await tx.fanout.head()
        for name in names:
            await tx.subscribers.add(
                actor=f"{scheme}://{name}:{port}/actor",
                server=f"{name}:{port}",
                inbox=f"{scheme}://{name}:{port}/inbox",
                dialect=Dialect.MASTODON,
                state=State.ACCEPTED,
                follow={"id": "f"},
                now=time.time(),
                reason=None,
                back=Back.NONE,
                back_id=None,
                cursor=head,
            )


async def choose(relay: Relay, profiles: int) -> None:
    """Give the subscribers so many distinct profiles in turn, each of which wants every post of the benchmark."""
    async with relay.office.store.transaction() as tx:
        for number, one in enumerate(await tx.subscribers.all() if profiles else []):
            languages = frozenset({"en", f"a{chr(97 + number % profiles)}"})
            profile = SubscriberProfile(languages=languages, rate=Rate(1_000_000, 60))
            await tx.subscribers.set_profile(one.id, profile, since=0, locked=False)


def published(relay: Relay, number: int, padding: int = 2_500) -> tuple[Incoming, Settled]:
    """A text post of about 3 KB as it stands in the store, decided and rendered as the inbox does it.

    It is proven, so that the 3 KB are what travels, and not our Announce of them.
    """
    object_id = f"http://origin.test/notes/{number}"
    now = time.time()
    facts = Facts(from_hosts=frozenset({"origin.test"}))
    decision = relay.office.decider.decision(facts, now)
    body = json.dumps({"id": object_id, "content": "x" * padding}).encode()
    traits = Traits("Create", languages=("en",), hashtags=("art", "cats"))
    proven = Proven(Proof.LINKED_DATA)
    subject = Subject(object_id, facts.from_hosts, "Create", body, proven, traits)
    settled = relay.office.decider.settle(subject, decision, facts, None, ())
    keys = (f"post {object_id}",)
    return Incoming(
        f"{object_id}/a", "Create", "http://origin.test/u", "origin.test", object_id, body, now, (), keys
    ), settled


async def publish(relay: Relay, first: int, count: int) -> None:
    """Append to the log, fifty to a transaction, as group commit does."""
    for start in range(first, first + count, 50):
        batch = [published(relay, n) for n in range(start, min(start + 50, first + count))]
        async with relay.office.store.transaction() as tx:
            await tx.activities.receive(batch)
        relay.office.signals.changed()


def _sign_flat_out(seconds: float, counts: Any) -> None:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    padding, sha256, message = PKCS1v15(), SHA256(), b"x" * 300
    key.sign(message, padding, sha256)
    done, used, end = 0, time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < end:
        for _ in range(16):
            key.sign(message, padding, sha256)
        done += 16
    counts.put((done / seconds, (time.process_time() - used) / done))


class RsaLimit(NamedTuple):
    """What signing alone comes to: signatures per second of all cores, processor seconds for each."""

    rate: float
    seconds: float


def rsa_limit(seconds: float = 2.0) -> RsaLimit:
    """RSA-2048 on all cores, each in a process of its own."""
    context = multiprocessing.get_context("fork")
    counts = context.Queue()
    workers = [
        context.Process(target=_sign_flat_out, args=(seconds, counts)) for _ in range(os.cpu_count() or 2)
    ]
    for worker in workers:
        worker.start()
    found = [counts.get() for _ in workers]
    for worker in workers:
        worker.join()
    return RsaLimit(sum(rate for rate, _ in found), statistics.mean(each for _, each in found))


class Sink(asyncio.Protocol):
    """Answers every request with 202, with as little work as a server can do, and says when the last came."""

    ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
    count, last = 0, 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport: Any = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            Sink.count += 1
            Sink.last = time.time()
            self._transport.write(self.ANSWER)


def serve_sink(certificate: str = "") -> None:
    """Run the sink until the input closes; print its port. `certificate`: PEM with key, for TLS."""
    import uvloop

    async def main() -> None:
        loop = asyncio.get_running_loop()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
        if tls is not None:
            tls.load_cert_chain(certificate)
        server = await loop.create_server(Sink, "127.0.0.1", 0, backlog=4096, ssl=tls)
        print(server.sockets[0].getsockname()[1], flush=True)
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(Sink.count, Sink.last, flush=True)
        server.close()

    uvloop.run(main())


class SinkProcess:
    """The sink in a process of its own, over TLS if it gets a certificate."""

    def __init__(self, certificate: Path | None = None) -> None:
        self._certificate = certificate or ""

    def __enter__(self) -> int:
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"from bench.world import serve_sink; serve_sink({str(self._certificate)!r})",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        return int(self._line())

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def _line(self) -> bytes:
        assert self._process.stdout
        return self._process.stdout.readline()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def arrived(self) -> tuple[int, float]:
        """How many requests came so far, and when the last did, in seconds since 1970."""
        assert self._process.stdin
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        count, last = self._line().split()
        return int(count), float(last)


def own_cpu() -> float:
    """Processor seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cpu_of(pid: int) -> float:
    """Processor seconds of a process so far; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children_of(pid: int) -> list[int]:
    """The processes that a process started and that live."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def resident_megabytes() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def results(name: str) -> Path:
    """A file among the results."""
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    return folder / name


def save(name: str, result: dict[str, object]) -> None:
    """Write a result beside the others."""
    results(f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
