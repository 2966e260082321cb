"""Database work per published activity, for 10, 100 and 1000 subscribers: it must not grow with them.

python -m bench.writes
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import uvloop

from bench.fanout import reached
from bench.world import SinkProcess, bench_relay, publish, save, subscribe

DELIVERIES = 10_000


async def measure(subscribers: int, port: int) -> tuple[float, float, float]:
    """Rows and transactions per activity to publish it, and rows per checkpoint (one a second) to keep the cursors."""
    activities = DELIVERIES // subscribers
    with tempfile.TemporaryDirectory() as folder:
        async with bench_relay(Path(folder)) as relay:
            store = relay.office.store
            await subscribe(relay, [f"s{n}.test" for n in range(subscribers)], port)
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(relay.fanout.run())
                await publish(relay, 0, 1)
                await reached(relay.fanout, subscribers)
                await asyncio.sleep(1.5)
                rows, commits = store.changes, store.commits
                await publish(relay, 1, activities)
                publishing, publishing_commits = store.changes - rows, store.commits - commits
                await reached(relay.fanout, (1 + activities) * subscribers)
                await asyncio.sleep(1.5)
                cursors = store.changes - rows - publishing
                checkpoints = store.commits - commits - publishing_commits
                running.cancel()
            return publishing / activities, publishing_commits / activities, cursors / max(1, checkpoints)


def main() -> None:
    result: dict[str, object] = {}
    heads = ("subscribers", "rows/activity", "transactions/activity", "rows/checkpoint")
    print("{:>12} {:>14} {:>22} {:>16}".format(*heads))
    with SinkProcess() as port:
        for subscribers in (10, 100, 1000):
            rows, commits, cursors = uvloop.run(measure(subscribers, port))
            print(f"{subscribers:>12} {rows:>14.2f} {commits:>22.3f} {cursors:>16.2f}")
            result[str(subscribers)] = {"rows": rows, "transactions": commits, "rows_per_checkpoint": cursors}
    save("writes", result)


if __name__ == "__main__":
    main()
