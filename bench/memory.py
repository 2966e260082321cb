"""Resident memory after 10,000 activities, with 10 healthy subscribers and 200 dead ones, or as many as are named.

Besides: idle, and with 5,000 healthy ones that all were sent something.

python -m bench.memory [--healthy 4000 --dead 1000 --activities 10]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

import uvloop

from bench.fanout import reached
from bench.world import SinkProcess, bench_relay, publish, resident_megabytes, save, subscribe

STEPS, MANY = 5, 5_000


async def measure(port: int, healthy: int, dead: int, activities: int) -> dict[str, float]:
    """Megabytes of an idle relay, with subscribers, after each step, and the deliveries per second to the healthy."""
    step = activities // STEPS
    with tempfile.TemporaryDirectory() as folder:
        async with bench_relay(Path(folder)) as relay:
            found = {"idle": resident_megabytes()}
            await subscribe(relay, [f"s{n}.test" for n in range(healthy)], port)
            await subscribe(relay, [f"dead{n}.test" for n in range(dead)], 1)  # nobody listens there
            await relay.fanout.look()
            found["start"] = resident_megabytes()
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(relay.fanout.run())
                began = time.perf_counter()
                for done in (step * number for number in range(STEPS if step else 0)):
                    await publish(relay, done, step)
                    await reached(relay.fanout, (done + step) * healthy)
                    found[f"after {done + step}"] = resident_megabytes()
                found["deliveries/s"] = step * STEPS * healthy / (time.perf_counter() - began)
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
    reader = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    reader.add_argument("--healthy", type=int, default=10)
    reader.add_argument("--dead", type=int, default=200)
    reader.add_argument("--activities", type=int, default=10_000)
    asked = reader.parse_args()
    with SinkProcess() as port:
        result = uvloop.run(measure(port, asked.healthy, asked.dead, asked.activities))
        result[f"{MANY} subscribers"] = uvloop.run(many(port))
    for name, value in result.items():
        print(f"{name:>14} {value:>10,.1f}{'' if '/s' in name else ' MB'}")
    save("memory", dict(result))


if __name__ == "__main__":
    main()
