"""Queries of the index of hash lists a second: a million and ten million PDQ hashes, radius 31, exact.

    python -m bench.index [--entries 1000000 10000000] [--peers]

A query is one picture: eight hashes, for its rotations and mirrors. Beside the index, in the same run and on the same
hashes: comparing with all in numpy, which is the truth that recall is counted against, and with `--peers` the exact
indexes of faiss and that of threatexchange (pip install faiss-cpu threatexchange). Those that take gigabytes or minutes
at ten million are left out there. The hashes of every eighth picture are near entries, up to 32 bits
away. Processor time of one core; medians of five runs that take turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.world import save
from relay.adapters.scanners import snapshot
from relay.adapters.scanners.bands import BandIndex, Words
from relay.adapters.scanners.columns import Columns
from relay.adapters.scanners.hashindex import HashIndex, built
from relay.adapters.scanners.sieve import Sieve
from relay.domain.hashlist import HashAlgorithm
from relay.domain.media import PDQ_RADIUS

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS, PICTURES, TURNS = 5, 24, 8
DISTANCES = (2, 0, 10, 20, 30, 31, 31, 32)
ALL_PICTURES = 2
"""Pictures that are compared with all entries in a run: that takes long."""

MOST_OF_PEERS = 1_000_000
"""Entries up to which the hash tables of others are measured: at ten million they take 3 to 5 GB and minutes."""

Pairs = set[tuple[int, int]]


@dataclass
class Peer:
    """Something that finds near hashes: `find` gives numbers of queries and the first words of hashes found."""

    find: Callable[[Words], Pairs]
    build: float
    size: int
    pictures: int = PICTURES
    times: list[float] = field(default_factory=list)
    found: Pairs = field(default_factory=set)


def hashes(count: int) -> Words:
    """Random hashes; a thousand of them are crowded together, as pictures of one series are."""
    random = np.random.default_rng(count)
    words = random.integers(0, 1 << 64, (count, 4), dtype=np.uint64)
    words[:1_000, :3] = words[0, :3]
    return words


def queries(words: Words) -> Words:
    """Pictures, eight hashes each; of every eighth picture one hash is near an entry."""
    random = np.random.default_rng(1)
    asked = random.integers(0, 1 << 64, (PICTURES * TURNS, 4), dtype=np.uint64)
    for place in range(0, PICTURES, 8):
        for turn in range(TURNS):
            bits = random.choice(256, DISTANCES[turn], replace=False)
            flips = np.zeros(4, np.uint64)
            for bit in bits.tolist():
                flips[bit // 64] ^= np.uint64(1 << bit % 64)
            near = int(random.integers(0, len(words))) if turn else 0
            asked[place * TURNS + turn] = words[near] ^ flips
    return asked


def ours(words: Words, folder: Path) -> Peer:
    """The index as the relay uses it: built, written to a snapshot, mapped."""
    began = time.perf_counter()
    values = words.astype(">u8").view(np.uint8).reshape(len(words), 32)
    changes = Columns(values, np.zeros(len(words), np.bool_), np.zeros(len(words), np.uint16))
    path = folder / "bench.index"
    size = snapshot.write(path, ["bench"], built([(HashAlgorithm.PDQ, changes)]), lambda: ["csam"])
    took = time.perf_counter() - began
    there = snapshot.read(path)
    assert there is not None
    return Peer(lambda asked: _found(there.index, asked), took, size)


def _found(index: HashIndex, asked: Words) -> Pairs:
    raw = asked.astype(">u8").tobytes()
    split = [raw[start : start + 32] for start in range(0, len(raw), 32)]
    hits = index.near(HashAlgorithm.PDQ, split)
    return {(hit.query, int.from_bytes(hit.value[24:])) for hit in hits}


def everything(words: Words) -> Peer:
    """Comparing with all, in numpy."""
    index = BandIndex(words, PDQ_RADIUS, {}, bands=())

    def find(asked: Words) -> Pairs:
        query, rows, _ = index.near(asked)
        return set(zip(query.tolist(), words[rows, 3].tolist(), strict=True))

    return Peer(find, 0.0, words.nbytes, ALL_PICTURES)


def faiss_peers(words: Words) -> dict[str, Peer]:
    """The exact indexes of faiss that fit; its radius is exclusive."""
    import faiss

    faiss.omp_set_num_threads(1)
    raw = words.view(np.uint8).reshape(len(words), 32)
    kinds: dict[str, Callable[[], Any]] = {
        "faiss flat": lambda: faiss.IndexBinaryFlat(256),
    }
    if len(words) <= MOST_OF_PEERS:
        kinds["faiss MultiHash 16x16"] = lambda: _flipping(faiss.IndexBinaryMultiHash(256, 16, 16), 1)
        kinds["faiss MultiHash 11x23"] = lambda: _flipping(faiss.IndexBinaryMultiHash(256, 11, 23), 2)
    found = {}
    for name, make in kinds.items():
        before, began = _resident(), time.perf_counter()
        index = make()
        index.add(raw)
        took = time.perf_counter() - began
        found[name] = Peer(
            _finder(index, words), took, _resident() - before, PICTURES if "Multi" in name else 4
        )
    return found


def _flipping(index: Any, flips: int) -> Any:
    index.nflip = flips
    return index


def _finder(index: Any, words: Words) -> Callable[[Words], Pairs]:
    def find(asked: Words) -> Pairs:
        limits, _, rows = index.range_search(asked.view(np.uint8).reshape(len(asked), 32), PDQ_RADIUS + 1)
        query = np.repeat(np.arange(len(asked)), np.diff(limits.astype(np.int64)))
        return set(zip(query.tolist(), words[rows, 3].tolist(), strict=True))

    return find


def threatexchange_peer(words: Words) -> Peer:
    """The index that threatexchange matches PDQ with; it takes hexadecimal."""
    from threatexchange.signal_type.pdq.pdq_faiss_matcher import PDQMultiHashIndex

    def texts(some: Words) -> list[str]:
        return [row.tobytes().hex() for row in some]

    def find(asked: Words) -> Pairs:
        lists = index.search(texts(asked), PDQ_RADIUS, return_as_ids=True)
        return {(query, int(words[row, 3])) for query, rows in enumerate(lists) for row in rows}

    before, began = _resident(), time.perf_counter()
    index = PDQMultiHashIndex()
    index.add(texts(words), range(len(words)))
    return Peer(find, time.perf_counter() - began, _resident() - before)


def _resident() -> int:
    with Path("/proc/self/statm").open(encoding="ascii") as status:
        return int(status.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(count: int, *, with_peers: bool) -> dict[str, dict[str, float]]:
    """Everybody at one size, in turns."""
    words = hashes(count)
    asked = queries(words)
    with tempfile.TemporaryDirectory() as folder:
        peers = {"assay": ours(words, Path(folder)), "numpy, all": everything(words)}
        if with_peers:
            peers |= faiss_peers(words)
            if len(words) <= MOST_OF_PEERS:
                peers["threatexchange"] = threatexchange_peer(words)
        for run in range(RUNS):
            for peer in peers.values():
                some = asked[: peer.pictures * TURNS] if run else asked[: ALL_PICTURES * TURNS]
                began = time.process_time()
                for start in range(0, len(some), TURNS):
                    found = peer.find(some[start : start + TURNS])
                    if start < ALL_PICTURES * TURNS:
                        peer.found |= {(start + query, word) for query, word in found}
                peer.times.append((time.process_time() - began) / (len(some) // TURNS))
        truth = peers["numpy, all"].found
        assert truth
        return {
            name: {
                "pictures_per_second": 1 / statistics.median(peer.times),
                "ms_per_hash": statistics.median(peer.times) / TURNS * 1e3,
                "build_seconds": peer.build,
                "bytes_per_entry": peer.size / count,
                "recall": len(truth & peer.found) / len(truth),
                "invented": len(peer.found - truth),
                "ratio_to_all": statistics.median(peers["numpy, all"].times) / statistics.median(peer.times),
            }
            for name, peer in peers.items()
        }


def recall() -> float:
    """Seconds of one core to hold a million stored pictures, eight hashes each, against ten thousand new entries.

    Measured on an eighth of them.
    """
    random = np.random.default_rng(2)
    entries, stored = (
        random.integers(0, 1 << 64, (count, 4), dtype=np.uint64) for count in (10_000, 1_000_000)
    )
    stored[::1_000] = entries[:1_000]
    began = time.process_time()
    sieve = Sieve(entries, PDQ_RADIUS)
    made = time.process_time()
    assert sum(1 for _ in sieve.near(stored)) == 1_000
    return made - began + TURNS * (time.process_time() - made)


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--peers", action="store_true", help="also measure faiss and threatexchange")
    wanted = parser.parse_args()
    results: dict[str, object] = {}
    for count in wanted.entries:
        results[str(count)] = found = measure(count, with_peers=wanted.peers)
        print(f"{count:,} PDQ hashes, radius 31, eight queries a picture, one core; budget 1 ms a hash, 1 GB")
        columns = ("pictures/s", "ms a hash", "build s", "MB", "recall", "x all")
        print(f"  {'':<24}" + "".join(f"{column:>12}" for column in columns))
        for name, row in found.items():
            numbers = (
                f"{row['pictures_per_second']:,.1f}",
                f"{row['ms_per_hash']:.3f}",
                f"{row['build_seconds']:.1f}",
                f"{row['bytes_per_entry'] * count / 1e6:,.0f}",
                f"{row['recall']:.1%}",
                f"{row['ratio_to_all']:.1f}",
            )
            print(f"  {name:<24}" + "".join(f"{number:>12}" for number in numbers))
    seconds = recall()
    print(f"1,000,000 stored pictures against 10,000 new entries: {seconds:.0f} s of one core; budget 60")
    save("index", {**results, "recall_seconds": seconds})


if __name__ == "__main__":
    main()
