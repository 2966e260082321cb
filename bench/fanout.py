"""Deliveries per second to loopback subscribers, beside what RSA-2048 signing on all cores allows.

    python -m bench.fanout [SUBSCRIBERS ...] [--tls] [--dead N] [--profiles N] [--rounds N] [--deliveries N] [--flame]

Without numbers: 50, 500 and 5,000 over http, and 500 over TLS. Bodies are 3 KB. Each round measures the signing limit
before and after. Three shares stand beside each other, because the sink takes its part of the same cores:

- `share`: deliveries per second of the signatures per second that all cores could make;
- `beside`: the same, of what the cores have left beside the sink;
- `cpu`: processor time of the signatures, of all that the relay's processes used. It does not depend on what else the
  machine does, which the other two do.

`loop us` is the processor time of the relay's own process for a delivery, `all us` with its signing processes.
With `--dead` so many subscribers more are dead. With `--profiles` as many distinct profiles all want every post.
`--flame` draws where the time of the loop goes, into bench/results/fanout.svg.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import uvloop

from bench.flame import draw, sampling
from bench.world import (
    SinkProcess,
    bench_relay,
    children_of,
    choose,
    cpu_of,
    own_cpu,
    publish,
    resident_megabytes,
    rsa_limit,
    save,
    subscribe,
)
from relay.cli.demo.certificates import make_authority

CORES = os.cpu_count() or 2
LEAST = 10
"""Activities in a round: with fewer it would be over before any of the dead is tried a second time."""


@dataclass(frozen=True)
class Case:
    """What is measured."""

    subscribers: int
    scheme: str = "http"
    dead: int = 0
    profiles: int = 0

    @property
    def name(self) -> str:
        """As the table calls it."""
        more = [f"{self.dead} dead"] if self.dead else []
        more += [f"{self.profiles} profiles"] if self.profiles else []
        return ", ".join([f"{self.subscribers} {self.scheme}", *more])


@dataclass(frozen=True)
class Found:
    """Per second; of the limit; of the limit beside the sink; by processor time; microseconds; per activity; MB."""

    rate: float
    share: float
    beside: float
    cpu: float
    loop_us: float
    all_us: float
    sink_us: float
    rows: float
    commits: float
    megabytes: float


async def deliver(case: Case, sink: SinkProcess, port: int, ca_file: Path | None, deliveries: int) -> Found:
    """One run. The shares are still to be divided by the limit: `share` and `beside` are rates, `cpu` is 1."""
    with tempfile.TemporaryDirectory() as folder:
        async with bench_relay(Path(folder), ca_file=ca_file) as relay:
            await subscribe(relay, [f"s{n}.hosts.test" for n in range(case.subscribers)], port, case.scheme)
            await subscribe(relay, [f"dead{n}.hosts.test" for n in range(case.dead)], 1)  # nobody is there
            await choose(relay, case.profiles)
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(relay.fanout.run())
                await publish(relay, 0, 2)  # connections open, caches fill
                await reached(relay.fanout, 2 * case.subscribers)
                count = max(2, deliveries // case.subscribers)
                signers = [pid for pid in children_of(os.getpid()) if pid != sink.pid]
                store = relay.office.store
                began, rows, commits = time.perf_counter(), store.changes, store.commits
                loop, others, sunk = own_cpu(), sum(map(cpu_of, signers)), cpu_of(sink.pid)
                await publish(relay, 2, count)
                await reached(relay.fanout, (2 + count) * case.subscribers)
                seconds, done = time.perf_counter() - began, count * case.subscribers
                loop, others = own_cpu() - loop, sum(map(cpu_of, signers)) - others
                sunk = cpu_of(sink.pid) - sunk
                rows, commits = store.changes - rows, store.commits - commits
                running.cancel()
    left = 1 - min(0.9, sunk / (CORES * seconds))
    return Found(
        rate=done / seconds,
        share=done / seconds,
        beside=done / seconds / left,
        cpu=done / (loop + others),
        loop_us=loop / done * 1e6,
        all_us=(loop + others) / done * 1e6,
        sink_us=sunk / done * 1e6,
        rows=rows / count,
        commits=commits / count,
        megabytes=resident_megabytes(),
    )


async def reached(fanout: object, deliveries: int) -> None:
    while fanout.delivered < deliveries:  # type: ignore[attr-defined]
        await asyncio.sleep(0.005)


def measure(case: Case, deliveries: int) -> Found:
    """One run between two measurements of the limit."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tls = case.scheme == "https"
        ca_file = make_authority(folder, ["*.hosts.test"], time.time()).ca_file if tls else None
        before = rsa_limit(1.0)
        sink = SinkProcess(folder / "*.hosts.test.pem" if tls else None)
        with sink as port:
            found = uvloop.run(deliver(case, sink, port, ca_file, deliveries))
        after = rsa_limit(1.0)
    limit, each = (before.rate + after.rate) / 2, (before.seconds + after.seconds) / 2
    return replace(found, share=found.share / limit, beside=found.beside / limit, cpu=found.cpu * each)


def apart(case: Case, deliveries: int) -> Found:
    """The same in a process of its own: what another round left in memory is none of this one's."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(measure, case, deliveries).result()


def medians(rounds: list[Found]) -> Found:
    return Found(*(statistics.median(column) for column in zip(*map(astuple, rounds), strict=True)))


def flame(case: Case, deliveries: int) -> Path:
    """Draw where the loop's time goes."""
    with sampling() as stacks:
        measure(case, deliveries)
    return draw(stacks, "fanout", within=("FanOut", "Landings", "Exchange", "Deliveries"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("subscribers", type=int, nargs="*")
    for option, usual in (("dead", 0), ("profiles", 0), ("rounds", 3), ("deliveries", 10_000)):
        parser.add_argument(f"--{option}", type=int, default=usual)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--flame", action="store_true")
    chosen = parser.parse_args()
    scheme = "https" if chosen.tls else "http"
    cases = [Case(n, scheme, chosen.dead, chosen.profiles) for n in chosen.subscribers]
    usual = [Case(50), Case(500), Case(500, "https"), Case(4_000), Case(4_000, dead=1_000), Case(5_000)]
    cases = cases or usual
    rounds: dict[Case, list[Found]] = {case: [] for case in cases}
    for turn in range(chosen.rounds):
        for case in cases[:: 1 if turn % 2 else -1]:  # none is always first
            rounds[case].append(apart(case, max(chosen.deliveries, LEAST * case.subscribers)))
    print(
        f"{'subscribers':>22} {'deliveries/s':>13} {'share':>6} {'beside':>7} {'cpu':>5} "
        f"{'loop us':>8} {'all us':>7} {'sink us':>8} {'rows':>6} {'commits':>8} {'MB':>5}"
    )
    result: dict[str, object] = {}
    for case, several in rounds.items():
        one = medians(several)
        print(
            f"{case.name:>22} {one.rate:>13,.0f} {one.share:>6.0%} {one.beside:>7.0%} {one.cpu:>5.0%} "
            f"{one.loop_us:>8.0f} {one.all_us:>7.0f} {one.sink_us:>8.0f} {one.rows:>6.1f} {one.commits:>8.2f} "
            f"{one.megabytes:>5.0f}"
        )
        result[case.name] = vars(one)
    save("fanout", result)
    if chosen.flame or not chosen.subscribers:
        print(f"where the time of the loop goes: {flame(Case(500), chosen.deliveries)}")


if __name__ == "__main__":
    main()
