"""Resident memory after 10,000 activities, with 10 healthy subscribers and 200 dead ones; idle, and with 5,000 healthy.

python -m bench.memory
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

import uvloop

from bench.fanout import reached
from bench.world import SinkProcess, bench_relay, publish, resident_megabytes, save, subscribe

HEALTHY, DEAD, MANY, ACTIVITIES, STEP = 10, 200, 5_000, 10_000, 2_000


async def measure(port: int) -> dict[str, float]:
    """Megabytes at the start, after each step, and the deliveries per second to the healthy ones."""
    with tempfile.TemporaryDirectory() as folder:
        async with bench_relay(Path(folder)) as relay:
            idle = resident_megabytes()
            await subscribe(relay, [f"s{n}.test" for n in range(HEALTHY)], port)
            await subscribe(relay, [f"dead{n}.test" for n in range(DEAD)], 1)  # nobody listens there
            found = {"idle": idle}
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(relay.fanout.run())
                began = time.perf_counter()
                for done in range(0, ACTIVITIES, STEP):
                    await publish(relay, done, STEP)
                    await reached(relay.fanout, (done + STEP) * HEALTHY)
                    found[f"after {done + STEP}"] = resident_megabytes()
                found["deliveries/s"] = ACTIVITIES * HEALTHY / (time.perf_counter() - began)
                running.cancel()
            return found


async def many(port: int) -> float:
    """Megabytes with 5,000 subscribers that all were sent something."""
    with tempfile.TemporaryDirectory() as folder:
        async with bench_relay(Path(folder)) as relay:
            await subscribe(relay, [f"s{n}.test" for n in range(MANY)], port)
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(relay.fanout.run())
                await publish(relay, 0, 2)
                await reached(relay.fanout, 2 * MANY)
                found = resident_megabytes()
                running.cancel()
            return found


def main() -> None:
    with SinkProcess() as port:
        result = uvloop.run(measure(port))
        result[f"{MANY} subscribers"] = uvloop.run(many(port))
    for name, value in result.items():
        print(f"{name:>14} {value:>10,.1f}{'' if '/s' in name else ' MB'}")
    save("memory", dict(result))


if __name__ == "__main__":
    main()
