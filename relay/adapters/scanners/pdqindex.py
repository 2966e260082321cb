"""Finds every stored hash within 31 bits of a query, exactly: no approximate index has a place here.

Pigeonhole: 256 bits are 16 chunks of 16. If every chunk of two hashes differed in two bits or more, they
would be 32 apart; so within 31 some chunk differs in at most one. One table per chunk lists the hashes by
that chunk's value. A query reads 17 lists of each table (the value itself and its 16 neighbours) and
measures what it finds there.

The tables are compressed rows: `order` holds hash numbers sorted by chunk value, `starts` where each
value's list begins. 1 million hashes take 86 MB; below `DIRECT` hashes, comparing with all is as fast and
needs no tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from relay.domain.media import PDQ_RADIUS

if TYPE_CHECKING:
    from collections.abc import Sequence

Words = npt.NDArray[np.uint64]

DIRECT: Final = 4096
"""Up to this many hashes are compared one by one."""

_CHUNKS: Final = 16
_VALUES: Final = 1 << 16
_FLIPS: Final = np.array([0, *(1 << bit for bit in range(16))], np.uint16)


class PdqIndex:
    """Stored hashes of 32 bytes each. `tables` None lets their number decide whether to build tables."""

    def __init__(self, hashes: Sequence[bytes], *, tables: bool | None = None) -> None:
        self._words: Words = np.frombuffer(b"".join(hashes), np.uint64).reshape(-1, 4)
        self._tables = _Tables(self._words) if (len(hashes) > DIRECT if tables is None else tables) else None

    def __len__(self) -> int:
        return len(self._words)

    def near(self, query: bytes, radius: int = PDQ_RADIUS) -> list[tuple[int, int]]:
        """Number and distance of every stored hash within `radius` bits of `query`, in order of number.

        Raises ValueError for a radius over 31, which the tables cannot promise.
        """
        if radius > PDQ_RADIUS:
            raise ValueError(f"the index is exact up to {PDQ_RADIUS} bits")
        wanted: Words = np.frombuffer(query, np.uint64)
        if self._tables is None:
            return _within(self._words, wanted, radius)
        numbers = self._tables.candidates(wanted)
        found = _within(self._words[numbers], wanted, radius)
        return sorted({(int(numbers[at]), gap) for at, gap in found})


def _within(words: Words, wanted: Words, radius: int) -> list[tuple[int, int]]:
    distances = np.bitwise_count(words ^ wanted).sum(axis=1, dtype=np.int64)
    found = np.flatnonzero(distances <= radius)
    return [(int(at), int(distances[at])) for at in found]


class _Tables:
    """The 16 tables, one under the other: table t's lists of value v start at `starts[t * 65536 + v]`."""

    def __init__(self, words: Words) -> None:
        chunks = words.view(np.uint16)
        count = len(words)
        self._order = np.empty(_CHUNKS * count, np.uint32)
        self._starts = np.empty(_CHUNKS * _VALUES + 1, np.int64)
        for table in range(_CHUNKS):
            values = chunks[:, table]
            rows = slice(table * count, (table + 1) * count)
            self._order[rows] = np.argsort(values, kind="stable")
            ends = np.cumsum(np.bincount(values, minlength=_VALUES))
            first = table * _VALUES
            self._starts[first] = table * count
            self._starts[first + 1 : first + _VALUES + 1] = table * count + ends

    def candidates(self, wanted: Words) -> npt.NDArray[np.uint32]:
        """Numbers of all hashes of which a chunk differs from the query's in one bit or less; some repeat."""
        keys = (wanted.view(np.uint16)[:, None] ^ _FLIPS).astype(np.int64)
        places = (keys + np.arange(_CHUNKS)[:, None] * _VALUES).ravel()
        begins = self._starts[places]
        lengths = self._starts[places + 1] - begins
        # All lists in one go: positions 0, 1, 2 ... shifted by where each list begins.
        shifts = np.repeat(begins - (np.cumsum(lengths) - lengths), lengths)
        rows = shifts + np.arange(shifts.size)
        return self._order[rows]
