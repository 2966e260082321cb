"""Deliveries per second to loopback subscribers, as a share of what RSA-2048 signing on all cores allows.

    python -m bench.fanout [SUBSCRIBERS ...] [--profiles N]      default: 50 500, without profiles

Each round measures the signing limit before and after; the share is of their mean. The sink runs on the same cores.
With `--profiles` each round runs twice, without and with so many distinct profiles that all want every post, and the
last columns are rows and commits that the store wrote for an activity: they must not grow with the subscribers.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import uvloop

from bench.world import SinkProcess, bench_relay, choose, own_cpu, publish, rsa_limit, save, subscribe

DELIVERIES = 15_000
ROUNDS = 3


async def deliver(subscribers: int, profiles: int, port: int) -> tuple[float, float, float, float]:
    """Deliveries per second, milliseconds of the relay's own process for each, rows and commits for an activity."""
    with tempfile.TemporaryDirectory() as folder:
        async with bench_relay(Path(folder)) as relay:
            await subscribe(relay, [f"s{n}.test" for n in range(subscribers)], port)
            await choose(relay, profiles)
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(relay.fanout.run())
                await publish(relay, 0, 4)  # connections open, caches fill
                await reached(relay.fanout, 4 * subscribers)
                count = max(1, DELIVERIES // subscribers)
                began, cpu = time.perf_counter(), own_cpu()
                rows, commits = relay.office.store.changes, relay.office.store.commits
                await publish(relay, 4, count)
                await reached(relay.fanout, (4 + count) * subscribers)
                seconds, used = time.perf_counter() - began, own_cpu() - cpu
                rows, commits = relay.office.store.changes - rows, relay.office.store.commits - commits
                running.cancel()
            deliveries = count * subscribers
            return deliveries / seconds, used / deliveries * 1000, rows / count, commits / count


async def reached(fanout: object, deliveries: int) -> None:
    while fanout.delivered < deliveries:  # type: ignore[attr-defined]
        await asyncio.sleep(0.005)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("subscribers", type=int, nargs="*", default=[50, 500])
    parser.add_argument("--profiles", type=int, default=0)
    chosen = parser.parse_args()
    result: dict[str, object] = {}
    print(
        f"{'subscribers':>12} {'profiles':>9} {'deliveries/s':>13} {'RSA limit/s':>12} {'share':>7} "
        f"{'loop CPU ms':>12} {'rows':>6} {'commits':>8}"
    )
    for subscribers in chosen.subscribers or [50, 500]:
        kinds = [0, chosen.profiles] if chosen.profiles else [0]
        found: dict[int, list[tuple[float, ...]]] = {profiles: [] for profiles in kinds}
        for turn in range(ROUNDS):
            for profiles in kinds[:: 1 if turn % 2 else -1]:  # neither is always first
                before = rsa_limit()
                with SinkProcess() as port:
                    rate, *rest = uvloop.run(deliver(subscribers, profiles, port))
                limit = (before + rsa_limit()) / 2
                found[profiles].append((rate / limit, rate, limit, *rest))
        for profiles, rounds in found.items():
            share, rate, limit, cpu, rows, commits = (
                statistics.median(column) for column in zip(*rounds, strict=True)
            )
            print(
                f"{subscribers:>12} {profiles:>9} {rate:>13,.0f} {limit:>12,.0f} {share:>6.0%} "
                f"{cpu:>12.3f} {rows:>6.1f} {commits:>8.2f}"
            )
            name = f"{subscribers}" + (f"-{profiles}-profiles" if profiles else "")
            result[name] = {
                "rate": rate,
                "limit": limit,
                "share": share,
                "loop_cpu_ms": cpu,
                "rows_per_activity": rows,
                "commits_per_activity": commits,
            }
    save("fanout", result)


if __name__ == "__main__":
    main()
