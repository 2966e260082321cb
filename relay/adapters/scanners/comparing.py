"""What a batch would change of a list, counted exactly and in bounded memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import numpy as np

from relay.adapters.scanners.columns import WIDTH, Columns, Texts, by_value, columns, last_of_each
from relay.domain.hashlist import Effects, HashAlgorithm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Packs = Callable[[], AsyncIterator[bytes]]

AT_ONCE: Final = 1_000_000
"""Rows in memory at the same time, about 50 bytes each: of more, parts are compared one after the other."""


async def compare(old: Packs, new: Packs, rows: int, *, replaces: bool) -> Effects:
    """Count what `new` does to `old`, `rows` in all; packs are gone through once for each part.

    `replaces`: what is not in `new` goes.
    """
    parts = min(256, -(-rows // AT_ONCE) or 1)
    total = np.zeros(5, np.int64)
    for part in range(parts):
        before = await _gathered(old, part, parts)
        after = await _gathered(new, part, parts)
        for algorithm in before.keys() | after.keys():
            empty = _empty(algorithm)
            sides = before.get(algorithm, empty), after.get(algorithm, empty)
            total += await asyncio.to_thread(_effects, *sides, replaces=replaces)
    return Effects(*total.tolist())


async def _gathered(packs: Packs, part: int, parts: int) -> dict[HashAlgorithm, Columns]:
    texts, found = Texts(categories=False), dict[HashAlgorithm, list[Columns]]()
    async for pack in packs():
        for algorithm, some in columns([pack], texts, part=part, parts=parts):
            found.setdefault(algorithm, []).append(some)
    return {algorithm: Columns.joined(some) for algorithm, some in found.items()}


def _effects(
    before: Columns, after: Columns, *, replaces: bool
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    old, new = before.standing(), last_of_each(after.values)
    values = np.concatenate([before.values[old], after.values[new]])
    texts = np.concatenate([before.texts[old], after.texts[new]])
    gone = np.concatenate([np.zeros(old.size, np.bool_), after.removed[new]])
    order, pairs = by_value(values)  # an old row comes before the new one about its value
    at = np.flatnonzero(pairs)
    was, now = order[at], order[at + 1]
    alone = np.ones(len(values), np.bool_)
    alone[was] = alone[now] = False
    is_new = np.arange(len(values)) >= old.size
    kept = ~gone[now]
    same = texts[was] == texts[now]
    missing = int((alone & ~is_new).sum())
    return np.array(
        [
            (alone & is_new & ~gone).sum(),
            (kept & ~same).sum(),
            (~kept).sum() + (missing if replaces else 0),
            (kept & same).sum() + (0 if replaces else missing),
            len(after) - new.size,
        ],
        np.int64,
    )


def _empty(algorithm: HashAlgorithm) -> Columns:
    return Columns(np.empty((0, WIDTH[algorithm]), np.uint8), np.empty(0, np.bool_), np.empty(0, np.uint64))
