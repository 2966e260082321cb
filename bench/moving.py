"""Rows and megabytes a second that `assay migrate --to` copies and reads back, and the memory that it takes.

    python -m bench.moving [ROWS]

ROWS (100,000 by default) are posts as a relay keeps them: activity, decision, history, dedupe, log.
"""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from relay.adapters.sql.moving import move
from relay.adapters.sql.sqlite import SqliteStore
from tests import databases

_BODY = b"x" * 3000
_FACTS = '{"media": ["image"], "from": ["social.example"], "language": "en", "software": "mastodon"}'


async def _make(path: Path) -> None:
    async with SqliteStore(path):
        pass


def fill(path: Path, posts: int) -> None:
    """Write what so many posts leave behind."""
    asyncio.run(_make(path))
    with closing(sqlite3.connect(path)) as db, db:
        for n in range(posts):
            url = f"https://social.example/users/ann/statuses/{n}"
            db.execute("INSERT INTO seen VALUES (?, ?)", (url, n + 0.25))
            db.execute(
                "INSERT INTO activities (activity_id, kind, actor, server, object_id, body, received_at, tokens,"
                " state, due_at) VALUES (?, 'Create', 'https://social.example/users/ann', 'social.example', ?, ?, ?,"
                " '[]', 'published', 0)",
                (f"{url}/activity", url, _BODY, n + 0.25),
            )
            db.execute(
                "INSERT INTO decisions (seq, at, verb, effective, rule, reason, policy, facts, trace)"
                " VALUES (?, ?, 'relay', 'relay', 'Text only', '', 'abc', ?, '[]')",
                (n, n + 0.5, _FACTS),
            )
            db.execute(
                "INSERT INTO history (object_id, actor, server, kind, received_at, decided_at, verb, enforced, rule,"
                " reason, policy, facts)"
                " VALUES (?, 'a', 'social.example', 'Create', ?, ?, 'relay', 1, 'r', '', 'p', ?)",
                (url, n + 0.25, n + 0.5, _FACTS),
            )
            db.execute(
                "INSERT INTO log (seq, object_id, origins, body, digest, published_at) VALUES (?, ?, '[]', ?, 'd', ?)",
                (n, url, _BODY[:700], n + 0.5),
            )


def main() -> None:
    posts = int(sys.argv[1]) // 5 if len(sys.argv) > 1 else 20_000
    server = databases.serving()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "relay.sqlite"
        fill(path, posts)
        address = next(server).database("moving")
        half = []

        def verifying(_done: int, _total: int) -> None:
            half.append(time.monotonic())

        begun = time.monotonic()
        outcome = move(path, address, time.time, lambda *_: None, verifying)
        ended = time.monotonic()
        rows, size = sum(one.rows for one in outcome.tables), sum(one.size for one in outcome.tables) / 1e6
        took = ended - begun
        print(f"{rows:,} rows, {size:,.0f} MB of values, file {path.stat().st_size / 1e6:,.0f} MB")
        print(f"all of it  {took:6.1f} s   {rows / took:8,.0f} rows/s   {size / took:6.1f} MB/s")
        print(f"copying    {half[0] - begun:6.1f} s")
        print(f"reading    {ended - half[0]:6.1f} s")
        print(f"memory     {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:6.0f} MiB at most")
    next(server, None)


if __name__ == "__main__":
    main()
