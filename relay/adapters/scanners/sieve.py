"""Matches very many stored hashes against a few new entries, exactly: what was relayed before its picture was listed.

The bands of `bands`, turned around: here the entries are few and the queries millions, so each entry is put under
every value of a band that is within the flips, once, and a stored hash looks up its own values only. Ten thousand
entries take 200 MB; of more, several sieves are made. Measured (bench/index.py): a million pictures, eight hashes each,
against ten thousand entries in half a minute of one core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from relay.adapters.scanners.bands import Band, Words, distances, keys, masks, plan

if TYPE_CHECKING:
    from collections.abc import Iterator

Places = npt.NDArray[np.uint32]

ENTRIES: Final = 10_000
"""Entries of one sieve at most."""
AT_ONCE: Final = 1 << 16
"""Stored hashes looked at in one step."""

_SPREAD: Final = 1 << 20
"""Bands are as wide as for so many hashes: each entry stands under hundreds of values."""


class Sieve:
    """A few entries, to hold millions of hashes against. `entries`: at most `ENTRIES` hashes."""

    def __init__(self, entries: Words, radius: int) -> None:
        self._entries, self._radius = entries, radius
        bands = plan(entries.shape[1] * 64, radius, _SPREAD)
        self._tables = [(band, *_spread(entries, band)) for band in bands]

    def near(self, hashes: Words) -> Iterator[tuple[int, int, int]]:
        """Every pair within the radius: number of the hash, number of the entry, distance. Each pair once."""
        for start in range(0, len(hashes), AT_ONCE):
            yield from self._near(hashes[start : start + AT_ONCE], start)

    def _near(self, some: Words, start: int) -> Iterator[tuple[int, int, int]]:
        found = [np.empty(0, np.int64)]
        for band, begins, order in self._tables:
            values = keys(some, band)
            firsts = begins.take(values).astype(np.int64)
            lengths = begins.take(values + np.uint32(1)) - firsts
            stops = np.cumsum(lengths)
            rows = np.repeat(firsts - (stops - lengths), lengths) + np.arange(int(stops[-1]))
            asked = np.repeat(np.arange(len(some)), lengths)
            numbers = order.take(rows).astype(np.int64)
            gaps = distances(some.take(asked, axis=0), self._entries.take(numbers, axis=0))
            near = np.flatnonzero(gaps <= self._radius)
            found.append(asked[near] * len(self._entries) + numbers[near])
        asked, numbers = np.divmod(np.unique(np.concatenate(found)), max(1, len(self._entries)))
        gaps = distances(some.take(asked, axis=0), self._entries.take(numbers, axis=0))
        yield from zip((asked + start).tolist(), numbers.tolist(), gaps.tolist(), strict=True)


def _spread(entries: Words, band: Band) -> tuple[Places, Places]:
    """Where the list of each value begins, and all lists: every entry under every value within the flips."""
    changed = masks(band)
    values = (keys(entries, band)[:, None] ^ changed).ravel()
    both = (values.astype(np.uint64) << np.uint64(32)) | np.repeat(
        np.arange(len(entries), dtype=np.uint64), len(changed)
    )
    both.sort()
    begins: Places = np.zeros((1 << band.bits) + 1, np.uint32)
    begins[1:] = np.cumsum(np.bincount(values, minlength=1 << band.bits))
    return begins, both.astype(np.uint32)
