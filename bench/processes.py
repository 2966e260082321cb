"""Deliveries per second by several worker processes on one PostgreSQL, as a share of what RSA signing allows.

    python -m bench.processes [PROCESSES ...] [--subscribers N] [--deliveries N]

By default 1, 2 and 3 processes deliver 5,000 times to 500 subscribers.

It starts a PostgreSQL of its own; sink, database and workers share the cores. Each row is a database of its own.
`loop` is what the process of a worker itself uses for one delivery, `all` what it uses together with the processes that
sign for it; both in milliseconds, for each worker. The limit, on all cores, is measured before and after each row.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import uvloop

from bench.postgres import create, postgres, transactions
from bench.world import SinkProcess, bench_relay, publish, rsa_limit, save, subscribe
from relay.domain.shares import COUNT
from relay.wiring.processes import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relay.wiring import Relay

CONFIG = """\
relay: {{url: "http://relay.test", data: data, database: "{address}"}}
federation: {{subscriptions: open, private_addresses: [127.0.0.0/8], allow_http: true, rate: unlimited}}
media: {{decoders: 1}}
"""
TICKS = os.sysconf("SC_CLK_TCK")


def work(folder: str, address: str) -> None:
    """Be a worker: say how many deliveries were made, for each line that is read, until the input ends."""

    async def main() -> None:
        async with (
            bench_relay(Path(folder), CONFIG.format(address=address)) as relay,
            asyncio.TaskGroup() as tasks,
        ):
            working = tasks.create_task(relay.work(Role.WORKER))
            loop = asyncio.get_running_loop()
            while await loop.run_in_executor(None, sys.stdin.readline):
                print(relay.fanout.delivered, flush=True)
            working.cancel()

    uvloop.run(main())


@dataclass
class Worker:
    """A worker process, and what it used so far."""

    process: subprocess.Popen[str]
    delivered: int = 0
    loop: float = 0.0
    all: float = 0.0

    def look(self) -> None:
        """Ask it how far it is."""
        answer, question = _pipes(self.process)
        question.write("\n")
        question.flush()
        self.delivered = int(answer.readline())
        tree = _tree(self.process.pid)
        self.loop, self.all = _used(self.process.pid), sum(map(_used, tree))


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdout
    assert process.stdin
    return process.stdout, process.stdin


def _tree(pid: int) -> list[int]:
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return [pid, *(one for child in children for one in _tree(child))]


def _used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def worker(folder: str, address: str) -> Iterator[Worker]:
    """Run a worker in a process."""
    program = f"from bench.processes import work; work({folder!r}, {address!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    try:
        yield Worker(process)
    finally:
        process.communicate()


async def parted(relay: Relay, processes: int) -> None:
    """Wait until so many processes hold even parts."""
    while True:
        async with relay.office.store.reading() as tx:
            owners = list((await tx.shares.owners()).values())
        parts = [owners.count(one) for one in set(owners)]
        if None not in owners and len(parts) == processes and max(parts) - min(parts) <= 1:
            return
        await asyncio.sleep(0.2)


async def reached(workers: Sequence[Worker], deliveries: int) -> None:
    while True:
        for one in workers:
            one.look()
        if sum(one.delivered for one in workers) >= deliveries:
            return
        await asyncio.sleep(0.05)


async def measure(
    processes: int, subscribers: int, deliveries: int, port: int, address: str
) -> dict[str, object]:
    """Deliveries per second, transactions per second, and what each worker made and used."""
    count = max(1, deliveries // subscribers)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        async with bench_relay(Path(folder), CONFIG.format(address=address)) as relay:
            await subscribe(relay, [f"s{n}.test" for n in range(subscribers)], port)
            workers = [stack.enter_context(worker(folder, address)) for _ in range(processes)]
            await parted(relay, processes)
            await publish(relay, 0, 2)  # connections open, caches fill
            await reached(workers, 2 * subscribers)
            before = [(one.delivered, one.loop, one.all) for one in workers]
            commits, began = transactions(address), time.perf_counter()
            await publish(relay, 2, count)
            await reached(workers, (2 + count) * subscribers)
            seconds, commits = time.perf_counter() - began, transactions(address) - commits
    used = [
        (one.delivered - then, (one.loop - loop) * 1000, (one.all - all_) * 1000)
        for one, (then, loop, all_) in zip(workers, before, strict=True)
    ]
    return {
        "rate": count * subscribers / seconds,
        "transactions": commits / seconds,
        "workers": [
            {"delivered": made, "loop_cpu_ms": loop / made, "cpu_ms": all_ / made}
            for made, loop, all_ in used
            if made
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("processes", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--subscribers", type=int, default=500)
    parser.add_argument("--deliveries", type=int, default=5_000)
    chosen = parser.parse_args()
    result: dict[str, object] = {"cores": os.cpu_count(), "shares": COUNT}
    heads = ("processes", "deliveries/s", "RSA limit/s", "share", "transactions/s")
    print("{:>10} {:>13} {:>12} {:>7} {:>15}   delivered, loop ms, all ms".format(*heads))
    with postgres() as address:
        for processes in chosen.processes:
            limit = rsa_limit().rate
            with SinkProcess() as port:
                database = create(address, f"with_{processes}")
                found = uvloop.run(measure(processes, chosen.subscribers, chosen.deliveries, port, database))
            limit = (limit + rsa_limit().rate) / 2
            share = found["rate"] / limit  # type: ignore[operator]
            workers = " | ".join(
                "{delivered:,} {loop_cpu_ms:.2f} {cpu_ms:.2f}".format(**one)
                for one in found["workers"]  # type: ignore[attr-defined]
            )
            print(
                f"{processes:>10} {found['rate']:>13,.0f} {limit:>12,.0f} {share:>6.0%} "
                f"{found['transactions']:>15,.0f}   {workers}"
            )
            result[str(processes)] = {**found, "limit": limit, "share": share}
    save("processes", result)


if __name__ == "__main__":
    main()
