"""Seconds to hold everything that was relayed against new list entries, from the store to the answer.

    python -m bench.recall [--facts 1000000] [--entries 10000]

A database of so many stored pictures, eight hashes each as they are kept, and a list that grew by so many entries. One
in a thousand pictures is near an entry, at every distance up to 31 and at 32, which must not be found. What is measured
is what the relay does: pages read from SQLite, sent to a process, compared there. The floor is
reading alone. `busy` is the longest time for which the loop of the relay answered nobody meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.world import save
from relay.adapters.scanners.rematch import candidates
from relay.adapters.sql.sqlite import SqliteStore
from relay.domain.hashlist import PACK, HashAlgorithm, ListChange, ListEntry, pack
from relay.services.rematching import PAGE, stored_pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BUDGET = 60.0
TURNS = 8
EVERY = 1_000


async def fill(path: Path, facts: int, entries: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]) -> set[str]:
    """Write stored pictures; return the digests of those that are near an entry."""
    random = np.random.default_rng(3)
    expected = set[str]()
    async with SqliteStore(path):
        pass  # the tables
    import sqlite3

    with contextlib.closing(sqlite3.connect(path)) as connection:
        for start in range(0, facts, 10_000):
            some = min(10_000, facts - start)
            hashes = random.integers(0, 1 << 64, (some, TURNS, 4), dtype=np.uint64)
            digests = [random.bytes(32).hex() for _ in range(some)]
            for place in range(0, some, EVERY):
                number = (start + place) // EVERY
                distance = number % 33
                flips = np.zeros(4, np.uint64)
                for bit in random.choice(256, distance, replace=False).tolist():
                    flips[bit // 64] ^= np.uint64(1 << bit % 64)
                hashes[place, number % TURNS] = entries[number % len(entries)] ^ flips
                if distance < 32:
                    expected.add(digests[place])
            raw = hashes.astype(">u8").tobytes().hex()
            rows = []
            for place, digest in enumerate(digests):
                own = raw[place * 512 : place * 512 + 512]
                turns = '","'.join(own[at : at + 64] for at in range(0, 512, 64))
                frames = f'[["{own[:64]}",90,["{turns}"],"{own[:16]}"]]'
                rows.append((digest, digest[:40], digest[:32], frames))
            connection.executemany(
                "INSERT INTO media (digest, sha1, md5, size, media_type, width, height, frames, outcome, matches, "
                "versions, first_seen_at, scanned_at) "
                "VALUES (?, ?, ?, 1, 'image/png', 1, 1, ?, 'no-known-match', '[]', '{}', 0, 0)",
                rows,
            )
            connection.commit()
    return expected


async def _packs(some: list[bytes]) -> AsyncIterator[bytes]:
    for one in some:
        yield one


async def _watch(gaps: list[float]) -> None:
    """Note how late the loop wakes."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.01)
        gaps.append(time.perf_counter() - began - 0.01)


async def measure(facts: int, count: int) -> dict[str, float]:
    """Measure once."""
    random = np.random.default_rng(2)
    entries = random.integers(0, 1 << 64, (count, 4), dtype=np.uint64)
    values = entries.astype(">u8").tobytes().hex()
    changes = [
        ListChange(ListEntry(HashAlgorithm.PDQ, values[at : at + 64], "csam"))
        for at in range(0, len(values), 64)
    ]
    packs = [pack(changes[start : start + PACK]) for start in range(0, count, PACK)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "relay.sqlite"
        expected = await fill(path, facts, entries)
        async with SqliteStore(path) as store:
            began = time.process_time()
            async for _ in stored_pages(store):
                pass
            floor = time.process_time() - began
            gaps: list[float] = []
            watch = asyncio.ensure_future(_watch(gaps))
            began, used = time.perf_counter(), time.process_time()
            children = resource.getrusage(resource.RUSAGE_CHILDREN)
            found = await candidates(
                Path(folder), before=_packs([]), new=_packs(packs), pages=stored_pages(store)
            )
            seconds, own = time.perf_counter() - began, time.process_time() - used
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            watch.cancel()
        theirs = after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime
        return {
            "facts": facts,
            "entries": count,
            "page": PAGE,
            "seconds": seconds,
            "cpu_floor": floor,
            "cpu_relay": own,
            "cpu_process": theirs,
            "process_mib": after.ru_maxrss / 1024,
            "busy_ms": max(gaps) * 1e3,
            "recall": len(expected & set(found)) / len(expected),
            "invented": len(set(found) - expected),
        }


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--facts", type=int, default=1_000_000)
    parser.add_argument("--entries", type=int, default=10_000)
    wanted = parser.parse_args()
    found = asyncio.run(measure(wanted.facts, wanted.entries))
    for name, value in found.items():
        print(f"  {name:<14}{value:>14,.1f}")
    scaled = found["seconds"] * 1e10 / (wanted.facts * wanted.entries)
    print(f"  budget {BUDGET:.0f} s for a million against ten thousand; scaled to that: {scaled:.1f} s")
    save("recall", {**found})


if __name__ == "__main__":
    main()
