"""Finds the stored media that new list entries may match, in a process of its own.

A million of them must neither hold up the relay nor fill its memory. The parent sends packs of entries, then pages of
stored facts as they come from the store. The process collects the hashes in a file without a name and holds them
against the entries, `ENTRIES` at a time (`sieve`); very many entries are indexed instead (`bands`). It answers with the
digests of what came near enough. Whether that is a match is decided by the list's own scanner, with all that it knows;
here nothing may be missed, and little may be found in vain.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import orjson

from relay.adapters.scanners import ownprocess
from relay.adapters.scanners.bands import BandIndex, Words
from relay.adapters.scanners.columns import Columns, Texts, by_value, column, columns
from relay.adapters.scanners.hashindex import RADIUS
from relay.adapters.scanners.sieve import ENTRIES, Sieve
from relay.domain.errors import RelayError
from relay.domain.hashlist import HashAlgorithm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from relay.ports.recall import StoredHashes

LARGE: Final = 200_000
"""Entries of which an index is made: from here on it is faster than one sieve after the other."""
AT_ONCE: Final = 1 << 16
"""Hashes that are compared in one step with a sieve."""
ASKED_AT_ONCE: Final = 256
"""Hashes that are looked up in one step in an index."""
_NICE: Final = 10


async def candidates(
    folder: Path,
    *,
    before: AsyncIterator[bytes],
    new: AsyncIterator[bytes],
    pages: AsyncIterator[Sequence[StoredHashes]],
) -> list[str]:
    """The digests (SHA-256, hex) of stored media that an entry of `new` which is not in `before` may match.

    `before` and `new` are packs of entries, `folder` is made when there is none. Raises `RelayError`
    when the process ended early.
    """
    answer, status = await ownprocess.run(__name__, str(folder), before, new, _written(pages))
    if status != 0:
        message = f"stored media could not be compared: the process ended with status {status}"
        raise RelayError(message, code="recall-process")
    found: list[str] = json.loads(answer)
    return found


async def _written(pages: AsyncIterator[Sequence[StoredHashes]]) -> AsyncIterator[bytes]:
    """Pages as lines: the three digests and the frames as they are stored, which is JSON without a line break."""
    async for page in pages:
        yield "\n".join(f"{one.sha256} {one.sha1} {one.md5} {one.frames}" for one in page).encode()


# ---------------------------------------------------------------- in the process


@dataclass(slots=True)
class _Spool:
    """Hashes of one algorithm in a file, and for each of them the number of the media that it is of."""

    file: IO[bytes]
    width: int
    owners: list[npt.NDArray[np.uint32]] = field(default_factory=list)
    count: int = 0

    def add(self, hashes: Sequence[str], owners: npt.NDArray[np.uint32]) -> None:
        self.file.write(bytes.fromhex("".join(hashes)))
        self.owners.append(owners)
        self.count += len(hashes)

    def near(self, entries: Words, radius: int) -> Iterator[npt.NDArray[np.uint32]]:
        """The media that has a hash within the radius of an entry. `entries` are sorted."""
        if not self.count or not len(entries):
            return
        owners = np.concatenate(self.owners)
        self.file.flush()
        with mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            for start in range(0, len(entries), len(entries) if len(entries) > LARGE else ENTRIES):
                some = entries[start : start + ENTRIES] if len(entries) <= LARGE else entries
                for first, found in _near(mapped, self.width, self.count, some, radius):
                    yield owners[first + found]


def _near(
    mapped: mmap.mmap, width: int, count: int, entries: Words, radius: int
) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Blocks of hashes: the number of the first, and which of the block are near an entry."""
    sieve = Sieve(entries, radius) if len(entries) <= ENTRIES else None
    index = BandIndex.tabled(entries, radius) if sieve is None else None
    step = AT_ONCE if index is None else ASKED_AT_ONCE
    for first in range(0, count, step):
        raw = mapped[first * width : min(first + step, count) * width]
        words = np.frombuffer(raw, ">u8").reshape(-1, width // 8).astype(np.uint64)
        if sieve is not None:
            yield first, np.array(sorted({asked for asked, _, _ in sieve.near(words)}), np.int64)
        elif index is not None:
            yield first, np.unique(index.near(words)[0])


def main(folder: str, pipe: IO[bytes]) -> list[str]:
    """Read everything from the pipe; return the digests of what came near."""
    Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    before = dict(columns(ownprocess.received(pipe), Texts(categories=False)))
    new = dict(columns(ownprocess.received(pipe), Texts(categories=False)))
    values = {algorithm: _fresh(before.get(algorithm), some) for algorithm, some in new.items()}
    del before, new
    exact = {
        algorithm: frozenset(row.tobytes().hex() for row in values.get(algorithm, ()))
        for algorithm in (HashAlgorithm.SHA256, HashAlgorithm.SHA1, HashAlgorithm.MD5)
    }
    digests, found = bytearray(), set[int]()
    with (
        tempfile.TemporaryFile(dir=folder) as turned,
        tempfile.TemporaryFile(dir=folder) as phashes,
    ):
        pdq, phash = _Spool(turned, 32), _Spool(phashes, 8)
        for part in ownprocess.received(pipe):
            _take(part.decode(), digests, found, exact, (pdq, phash), values)
        for algorithm, spool in ((HashAlgorithm.PDQ, pdq), (HashAlgorithm.PHASH, phash)):
            entries = _words(values.get(algorithm))
            for owners in spool.near(entries, RADIUS[algorithm]):
                found.update(owners.tolist())
    return [digests[number * 32 : number * 32 + 32].hex() for number in sorted(found)]


def _take(
    page: str,
    digests: bytearray,
    found: set[int],
    exact: dict[HashAlgorithm, frozenset[str]],
    spools: tuple[_Spool, _Spool],
    values: dict[HashAlgorithm, npt.NDArray[np.uint8]],
) -> None:
    """Take a page in: what matches exactly is found at once, hashes are collected."""
    turned, phashes = list[str](), list[str]()
    owners: tuple[list[int], list[int]] = ([], [])
    counts: tuple[list[int], list[int]] = ([], [])
    for line in page.split("\n"):
        sha256, sha1, md5, frames = line.split(" ", 3)
        number = len(digests) // 32
        digests += bytes.fromhex(sha256)
        if (
            sha256 in exact[HashAlgorithm.SHA256]
            or sha1 in exact[HashAlgorithm.SHA1]
            or md5 in exact[HashAlgorithm.MD5]
        ):
            found.add(number)
        if len(frames) < 3:
            continue
        had = len(turned), len(phashes)
        for _, _, turns, small in orjson.loads(frames):
            turned += turns
            phashes.append(small)
        for place, some in enumerate((turned, phashes)):
            owners[place].append(number)
            counts[place].append(len(some) - had[place])
    for place, (spool, some) in enumerate(zip(spools, (turned, phashes), strict=True)):
        algorithm = (HashAlgorithm.PDQ, HashAlgorithm.PHASH)[place]
        if some and algorithm in values:
            spool.add(some, np.repeat(np.array(owners[place], np.uint32), counts[place]))


def _fresh(before: Columns | None, new: Columns) -> npt.NDArray[np.uint8]:
    """The values that stand in `new` and do not stand in `before`, sorted."""
    standing: npt.NDArray[np.uint8] = new.values[new.standing()]
    if before is None:
        return standing
    old = before.values[before.standing()]
    order, repeats = by_value(np.concatenate([old, standing]))
    # Both are without repeats: a value that is in both comes first from `old`, and the next row equals it.
    again = np.append(False, repeats[:-1])
    chosen = order[(order >= len(old)) & ~again] - len(old)
    fresh: npt.NDArray[np.uint8] = standing[chosen]
    return fresh


def _words(values: npt.NDArray[np.uint8] | None) -> Words:
    if values is None or not len(values):
        return np.empty((0, 1), np.uint64)
    return np.stack([column(values, start) for start in range(0, values.shape[1], 8)], axis=1)


if __name__ == "__main__":
    os.nice(_NICE)
    sys.stdout.write(json.dumps(main(sys.argv[1], sys.stdin.buffer)))
