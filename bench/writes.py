"""Database work per published activity, for 10, 100 and 1000 subscribers: it must not grow with them.

The bytes are those that reached the disk of all kinds, as the system counts them for the process.

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


def written() -> int:
    """Bytes that this process had written to a disk."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


async def measure(subscribers: int, port: int) -> tuple[float, float, float, float]:
    """Rows, transactions and bytes per activity to publish it, and rows per checkpoint (one a second)."""
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
                rows, commits, size = store.changes, store.commits, written()
                await publish(relay, 1, activities)
                publishing, publishing_commits = store.changes - rows, store.commits - commits
                await reached(relay.fanout, (1 + activities) * subscribers)
                await asyncio.sleep(1.5)
                size = written() - size
                cursors = store.changes - rows - publishing
                checkpoints = store.commits - commits - publishing_commits
                running.cancel()
            each = (publishing / activities, publishing_commits / activities, size / activities)
            return *each, cursors / max(1, checkpoints)


def main() -> None:
    result: dict[str, object] = {}
    heads = ("subscribers", "rows/activity", "transactions/activity", "bytes/activity", "rows/checkpoint")
    print("{:>12} {:>14} {:>22} {:>15} {:>16}".format(*heads))
    with SinkProcess() as port:
        for subscribers in (10, 100, 1000):
            rows, commits, size, cursors = uvloop.run(measure(subscribers, port))
            print(f"{subscribers:>12} {rows:>14.2f} {commits:>22.3f} {size:>15,.0f} {cursors:>16.2f}")
            result[str(subscribers)] = {
                "rows": rows,
                "transactions": commits,
                "bytes": size,
                "rows_per_checkpoint": cursors,
            }
    save("writes", result)


if __name__ == "__main__":
    main()
