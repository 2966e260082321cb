"""Deliveries per second to loopback subscribers, as a share of what RSA-2048 signing on all cores allows.

    python -m bench.fanout [SUBSCRIBERS ...]      default: 50 500

Each round measures the signing limit before and after; the share is of their mean. The sink runs on the same cores.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from bench.world import SinkProcess, bench_relay, own_cpu, publish, rsa_limit, save, subscribe

DELIVERIES = 15_000
ROUNDS = 3


async def deliver(subscribers: int, port: int) -> tuple[float, float]:
    """Deliveries per second, and processor milliseconds per delivery of the relay's own process."""
    with tempfile.TemporaryDirectory() as folder:
        async with bench_relay(Path(folder)) as relay:
            await subscribe(relay, [f"s{n}.test" for n in range(subscribers)], port)
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(relay.fanout.run())
                await publish(relay, 0, 4)  # connections open, caches fill
                await reached(relay.fanout, 4 * subscribers)
                count = max(1, DELIVERIES // subscribers)
                began, cpu = time.perf_counter(), own_cpu()
                await publish(relay, 4, count)
                await reached(relay.fanout, (4 + count) * subscribers)
                seconds, used = time.perf_counter() - began, own_cpu() - cpu
                running.cancel()
            return count * subscribers / seconds, used / (count * subscribers) * 1000


async def reached(fanout: object, deliveries: int) -> None:
    while fanout.delivered < deliveries:  # type: ignore[attr-defined]
        await asyncio.sleep(0.005)


def main() -> None:
    result: dict[str, object] = {}
    print(f"{'subscribers':>12} {'deliveries/s':>13} {'RSA limit/s':>12} {'share':>7} {'loop CPU ms':>12}")
    for subscribers in [int(text) for text in sys.argv[1:]] or [50, 500]:
        rows = []
        for _ in range(ROUNDS):
            before = rsa_limit()
            with SinkProcess() as port:
                rate, cpu = uvloop.run(deliver(subscribers, port))
            limit = (before + rsa_limit()) / 2
            rows.append((rate / limit, rate, limit, cpu))
        share, rate, limit, cpu = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{subscribers:>12} {rate:>13,.0f} {limit:>12,.0f} {share:>6.0%} {cpu:>12.3f}")
        result[str(subscribers)] = {"rate": rate, "limit": limit, "share": share, "loop_cpu_ms": cpu}
    save("fanout", result)


if __name__ == "__main__":
    main()
