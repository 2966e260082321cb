"""Looks digests and perceptual hashes up in a list of any size: arrays in memory, or mapped from a snapshot.

Digests are sorted; finding one is a binary search over their first eight bytes. Perceptual hashes have the tables of
`bands`. An index never changes; what came since is laid over it (`Layered`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from relay.adapters.scanners.bands import DIRECT, BandIndex, as_words, plan, tables
from relay.adapters.scanners.columns import WIDTH, Bytes, Columns, Texts, column, columns, last_of_each
from relay.domain.hashlist import PACK, PHASH_RADIUS, HashAlgorithm, ListChange, pack
from relay.domain.media import PDQ_RADIUS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from relay.domain.hashlist import ListEntry

Arrays = dict[str, npt.NDArray[Any]]

RADIUS: Final = {HashAlgorithm.PDQ: PDQ_RADIUS, HashAlgorithm.PHASH: PHASH_RADIUS}
"""Perceptual hashes, and within how many bits two match; the other algorithms are digests."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that was found: number of the query, its category, distance in bits, and its value."""

    query: int
    category: str
    distance: int
    value: bytes


class Lookup(Protocol):
    """What a list scanner asks."""

    @property
    def algorithms(self) -> frozenset[HashAlgorithm]:
        """The algorithms that occur."""

    @property
    def sizes(self) -> Mapping[HashAlgorithm, int]:
        """Entries by algorithm."""

    def exact(self, algorithm: HashAlgorithm, value: bytes) -> str | None:
        """The category of an entry with this very value, or None."""

    def near(self, algorithm: HashAlgorithm, queries: Sequence[bytes]) -> list[Hit]:
        """Every entry within the radius of a query."""


class HashIndex:
    """Implements `Lookup` on arrays as `built` makes them."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], categories: Sequence[str]) -> None:
        self._arrays, self._categories = arrays, tuple(categories)
        self._bands = {
            algorithm: _banded(algorithm, arrays) for algorithm in RADIUS if f"{algorithm}/words" in arrays
        }

    @property
    def algorithms(self) -> frozenset[HashAlgorithm]:
        """The algorithms that occur."""
        return frozenset(self.sizes)

    @property
    def sizes(self) -> dict[HashAlgorithm, int]:
        """Entries by algorithm."""
        return {
            algorithm: len(self._arrays[f"{algorithm}/category"])
            for algorithm in HashAlgorithm
            if f"{algorithm}/category" in self._arrays
        }

    def exact(self, algorithm: HashAlgorithm, value: bytes) -> str | None:
        """The category of an entry with this very value."""
        row = self._row(algorithm, np.frombuffer(value, np.uint8))
        return None if row is None else self._category(algorithm, row)

    def near(self, algorithm: HashAlgorithm, queries: Sequence[bytes]) -> list[Hit]:
        """Every entry within the radius."""
        bands = self._bands.get(algorithm)
        if bands is None or not queries:
            return []
        asked, rows, gaps = bands.near(as_words(queries, WIDTH[algorithm]))
        return [
            Hit(int(query), self._category(algorithm, row), int(gap), self._value(algorithm, row))
            for query, row, gap in zip(asked, rows, gaps, strict=True)
        ]

    def _category(self, algorithm: HashAlgorithm, row: int) -> str:
        return self._categories[int(self._arrays[f"{algorithm}/category"][row])]

    def _value(self, algorithm: HashAlgorithm, row: int) -> bytes:
        value: bytes = self._bands[algorithm].words[row].astype(">u8").tobytes()
        return value

    def holds(self, algorithm: HashAlgorithm, values: Bytes) -> npt.NDArray[np.bool_]:
        """Which of the values are entries. `values`: shape (values, bytes of a value)."""
        heads, rest = self._sorted(algorithm)
        found = np.zeros(len(values), np.bool_)
        if not len(heads):
            return found
        wanted, others = _split(algorithm, values)
        first = np.minimum(np.searchsorted(heads, wanted), len(heads) - 1)
        begins = heads.take(first) == wanted
        found |= begins & (rest.take(first, axis=0) == others).all(axis=1)
        for place in np.flatnonzero(begins & ~found):  # several entries begin alike: rare
            found[place] = _place(heads, rest, wanted[place], others[place]) is not None
        return found

    def _row(self, algorithm: HashAlgorithm, value: Bytes) -> int | None:
        wanted, others = _split(algorithm, value[None])
        return _place(*self._sorted(algorithm), wanted[0], others[0])

    def _sorted(self, algorithm: HashAlgorithm) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """The first eight bytes of all entries, which are sorted, and what tells apart those that begin alike."""
        if algorithm in self._bands:
            words = self._bands[algorithm].words
            return np.ascontiguousarray(words[:, 0]), words
        width = WIDTH[algorithm] // 8 if algorithm in RADIUS else WIDTH[algorithm] - 8
        nothing = np.empty((0, width), np.uint8)
        return self._arrays.get(f"{algorithm}/head", nothing[:, 0]), self._arrays.get(
            f"{algorithm}/rest", nothing
        )


def _place(
    heads: npt.NDArray[Any], rest: npt.NDArray[Any], wanted: np.uint64, other: npt.NDArray[Any]
) -> int | None:
    """The row that begins with `wanted` and goes on with `other`."""
    first, last = np.searchsorted(heads, wanted, "left"), np.searchsorted(heads, wanted, "right")
    same = np.flatnonzero((rest[first:last] == other).all(axis=1))
    return int(first + same[0]) if same.size else None


def _split(algorithm: HashAlgorithm, values: Bytes) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Values as `HashIndex._sorted` keeps them."""
    if algorithm in RADIUS:
        words = np.ascontiguousarray(values).view(">u8").astype(np.uint64)
        return words[:, 0], words
    return column(values, 0), values[:, 8:]


def built(found: Iterable[tuple[HashAlgorithm, Columns]]) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """The arrays of an index, one after the other, from changes of which the last counts."""
    for algorithm, changes in found:
        rows = changes.standing()
        if not rows.size:
            continue
        yield f"{algorithm}/category", changes.texts[rows].astype(np.uint16)
        if algorithm not in RADIUS:
            yield f"{algorithm}/head", column(changes.values, 0)[rows]
            yield f"{algorithm}/rest", changes.values[rows, 8:]
            continue
        words = np.empty((rows.size, WIDTH[algorithm] // 8), np.uint64)
        for place in range(words.shape[1]):
            words[:, place] = column(changes.values, 8 * place)[rows]
        del changes, rows  # the tables want the room
        yield f"{algorithm}/words", words
        if len(words) > DIRECT:
            bands = plan(words.shape[1] * 64, RADIUS[algorithm], len(words))
            for name, array in tables(words, bands):
                yield f"{algorithm}/{name}", array


def _banded(algorithm: HashAlgorithm, arrays: Mapping[str, npt.NDArray[Any]]) -> BandIndex:
    words, prefix = arrays[f"{algorithm}/words"], f"{algorithm}/"
    bands = plan(words.shape[1] * 64, RADIUS[algorithm], len(words)) if f"{prefix}base0" in arrays else ()
    own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    return BandIndex(words, RADIUS[algorithm], own, bands=bands)


def index_of(packs: Iterable[bytes]) -> HashIndex:
    """An index in memory."""
    texts = Texts(categories=True)
    arrays = dict(built(columns(packs, texts)))
    return HashIndex(arrays, texts.categories)


def index_of_entries(entries: Collection[ListEntry]) -> HashIndex:
    """An index of some entries in memory; of several about one value the last counts."""
    return index_of(packed(map(ListChange, entries)))


def packed(changes: Iterable[ListChange]) -> Iterator[bytes]:
    """Changes in packs."""
    source = iter(changes)
    while some := list(islice(source, PACK)):
        yield pack(some)


class Layered:
    """Implements `Lookup`: an index, and over it what changed since, removals included."""

    def __init__(self, base: HashIndex, packs: Sequence[bytes]) -> None:
        self._base, self._over = base, index_of(packs)
        self._hidden: set[tuple[HashAlgorithm, bytes]] = set()
        self._covered: dict[HashAlgorithm, int] = {}
        for algorithm, changes in columns(packs, Texts(categories=True)):
            values = changes.values[last_of_each(changes.values)]
            self._hidden.update((algorithm, value.tobytes()) for value in values)
            self._covered[algorithm] = int(base.holds(algorithm, values).sum())

    @property
    def algorithms(self) -> frozenset[HashAlgorithm]:
        """The algorithms that occur."""
        return frozenset(algorithm for algorithm, count in self.sizes.items() if count)

    @property
    def sizes(self) -> dict[HashAlgorithm, int]:
        """Entries by algorithm."""
        over, base = self._over.sizes, self._base.sizes
        return {
            algorithm: base.get(algorithm, 0) - self._covered.get(algorithm, 0) + over.get(algorithm, 0)
            for algorithm in HashAlgorithm
            if algorithm in base or algorithm in over
        }

    def exact(self, algorithm: HashAlgorithm, value: bytes) -> str | None:
        """The category of an entry with this very value."""
        found = self._over.exact(algorithm, value)
        return found if found or (algorithm, value) in self._hidden else self._base.exact(algorithm, value)

    def near(self, algorithm: HashAlgorithm, queries: Sequence[bytes]) -> list[Hit]:
        """Every entry within the radius."""
        below = self._base.near(algorithm, queries)
        standing = [hit for hit in below if (algorithm, hit.value) not in self._hidden]
        return [*standing, *self._over.near(algorithm, queries)]
