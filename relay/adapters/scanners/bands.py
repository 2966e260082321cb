"""Finds every stored hash within a radius of a query, exactly: no approximate index has a place here.

Pigeonhole: cut the bits into bands and allow each band `flips` differing bits. Were every band to differ in more,
the two hashes would differ in the sum of all `flips + 1` bits at least. Choose the bands so that this sum exceeds
the radius, and any hash within it agrees with the query in some band up to its flips. One table per band lists the
hashes by the band's value; a query reads the lists of all values within the flips and measures what it finds there.

For PDQ (256 bits, radius 31): ten bands with two flips and one with one, 10 * 3 + 2 = 32. Wide bands make short
lists, so the width grows with the number of hashes, up to 23 bits. Measured at 10 million (bench/index.py): 16 bands
of 16 bits with one flip need 8 ms for a query, these 1 ms.

The tables are compressed rows. Hashes are sorted, so that the first band's list is the hashes themselves; for the
others `order` holds hash numbers sorted by band value. Where the list of value v begins is `base[v >> 6] +
within[v]`: two bytes a value where it can be, against four. 10 million hashes take 0.91 GB with all tables.
All of it are plain arrays, in memory or mapped from a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Words = npt.NDArray[np.uint64]
"""Hashes in rows: shape (hashes, bits / 64), the most significant word first."""
Numbers = npt.NDArray[np.int64]

DIRECT: Final = 4096
"""Up to this many hashes are compared one by one, which is as fast and needs no tables."""

WIDEST: Final = 23
"""Bits of a band at most: wider tables would outgrow the hashes."""
_NARROWEST: Final = 10
_GROUP: Final = 6
"""Values of a band whose beginnings share a base, as a power of two."""
_MOST_CANDIDATES: Final = 2
"""When the tables offer more than one in so many of all hashes, comparing with all is faster."""
_AT_ONCE: Final = 1 << 18
"""Hashes compared in one step."""


@dataclass(frozen=True, slots=True)
class Band:
    """A run of bits, counted from the most significant, and how many of them may differ."""

    first: int
    bits: int
    flips: int


def plan(bits: int, radius: int, count: int) -> tuple[Band, ...]:
    """Cut `bits` into bands for `count` hashes, so that the promise holds for `radius`."""
    twos, rest = divmod(radius + 1, 3)
    flips = [2] * twos + ([rest - 1] if rest else [])
    width = max(_NARROWEST, min(count.bit_length(), WIDEST, bits // len(flips)))
    return tuple(Band(place * width, width, most) for place, most in enumerate(flips))


def keys(words: Words, band: Band) -> npt.NDArray[np.uint32]:
    """The band's value of each hash."""
    word, start = divmod(band.first, 64)
    found = words[:, word] << np.uint64(start)
    if start + band.bits > 64:
        found = found | (words[:, word + 1] >> np.uint64(64 - start))
    shifted: Words = found >> np.uint64(64 - band.bits)
    return shifted.astype(np.uint32)


def tables(words: Words, bands: Sequence[Band]) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Build the tables of sorted hashes, array by array: name and content."""
    count = len(words)
    for place, band in enumerate(bands):
        values = keys(words, band)
        if place:
            # Sorting value and number as one integer is several times faster than sorting numbers by value.
            both = (values.astype(np.uint64) << np.uint64(32)) | np.arange(count, dtype=np.uint64)
            both.sort()
            yield f"order{place}", both.astype(np.uint32)
            del both
        size = 1 << band.bits
        begins = np.zeros(size, np.int64)
        np.cumsum(np.bincount(values, minlength=size)[:-1], out=begins[1:])
        base = begins[:: 1 << _GROUP]
        within = begins - np.repeat(base, 1 << _GROUP)
        narrow = within.max() <= np.iinfo(np.uint16).max
        yield f"base{place}", np.append(base, count).astype(np.uint32)
        yield f"within{place}", np.append(within, 0).astype(np.uint16 if narrow else np.uint32)


class BandIndex:
    """Sorted hashes with their tables; without tables they are compared one by one.

    `arrays` holds what `tables` built. Safe to use from several threads.
    """

    def __init__(
        self, words: Words, radius: int, arrays: Mapping[str, npt.NDArray[Any]], *, bands: Sequence[Band]
    ) -> None:
        self.words, self._radius = words, radius
        self._bands = [
            (band, masks(band), arrays.get(f"order{at}"), arrays[f"base{at}"], arrays[f"within{at}"])
            for at, band in enumerate(bands)
        ]

    @classmethod
    def of(cls, words: Words, radius: int) -> BandIndex:
        """Index sorted hashes in memory; few are given no tables."""
        if len(words) <= DIRECT:
            return cls(words, radius, {}, bands=())
        return cls.tabled(words, radius)

    @classmethod
    def tabled(cls, words: Words, radius: int) -> BandIndex:
        """Index sorted hashes in memory, with tables however few they are."""
        bands = plan(words.shape[1] * 64, radius, len(words))
        return cls(words, radius, dict(tables(words, bands)), bands=bands)

    def __len__(self) -> int:
        return len(self.words)

    def near(self, queries: Words) -> tuple[Numbers, Numbers, Numbers]:
        """Every pair within the radius: number of the query, number of the hash, distance; in that order."""
        if not len(self.words) or not len(queries):
            return _NOTHING, _NOTHING, _NOTHING
        if not self._bands:
            return self._compared(queries)
        asked, numbers = [], []
        left = len(self.words) * len(queries) // _MOST_CANDIDATES
        for band, changes, order, base, within in self._bands:
            places = (keys(queries, band)[:, None] ^ changes).ravel()
            ends = places + np.uint32(1)
            begins = base.take(places >> _GROUP).astype(np.int64) + within.take(places)
            lengths = base.take(ends >> _GROUP).astype(np.int64) + within.take(ends) - begins
            found = np.flatnonzero(lengths)
            lengths = lengths[found]
            stops = np.cumsum(lengths)
            total = int(stops[-1]) if stops.size else 0
            left -= total
            if left < 0:
                return self._compared(queries)  # crowded: many hashes share a band
            # All lists in one go: positions 0, 1, 2 ... shifted by where each list begins.
            rows = np.repeat(begins[found] - (stops - lengths), lengths) + np.arange(total)
            numbers.append(rows if order is None else order.take(rows).astype(np.int64))
            asked.append(np.repeat(found // len(changes), lengths))
        return self._measured(queries, np.concatenate(asked), np.concatenate(numbers))

    def _measured(self, queries: Words, asked: Numbers, numbers: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        # `take` fetches rows twice as fast as an index does, and this is where the time goes.
        gaps = distances(self.words.take(numbers, axis=0), queries.take(asked, axis=0))
        near = np.flatnonzero(gaps <= self._radius)
        pairs = np.unique(asked[near] * len(self.words) + numbers[near])  # several bands may offer a hash
        asked, numbers = np.divmod(pairs, len(self.words))
        return asked, numbers, distances(self.words[numbers], queries[asked])

    def _compared(self, queries: Words) -> tuple[Numbers, Numbers, Numbers]:
        found: list[tuple[Numbers, Numbers, Numbers]] = []
        for asked, query in enumerate(queries):
            for start in range(0, len(self.words), _AT_ONCE):
                gaps = distances(self.words[start : start + _AT_ONCE], query[None])
                near = np.flatnonzero(gaps <= self._radius)
                found.append((np.full(near.size, asked), near + start, gaps[near]))
        return (
            np.concatenate([one[0] for one in found]),
            np.concatenate([one[1] for one in found]),
            np.concatenate([one[2] for one in found]),
        )


_NOTHING: Final[Numbers] = np.empty(0, np.int64)


def distances(some: Words, others: Words) -> Numbers:
    """Differing bits, row by row."""
    bits = np.bitwise_count(some ^ others)
    total: Numbers = bits[:, 0].astype(np.int64)
    for column in range(1, bits.shape[1]):  # adding columns is seven times faster than `sum` along rows
        total += bits[:, column]
    return total


def masks(band: Band) -> npt.NDArray[np.uint32]:
    """What to change a value by to get every value within the flips."""
    found = [
        sum(1 << bit for bit in chosen)
        for most in range(band.flips + 1)
        for chosen in combinations(range(band.bits), most)
    ]
    return np.array(found, np.uint32)


def as_words(hashes: Sequence[bytes], width: int) -> Words:
    """Hashes of `width` bytes each as words."""
    return np.frombuffer(b"".join(hashes), ">u8").reshape(-1, width // 8).astype(np.uint64)
