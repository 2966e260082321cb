"""What stands of a list, entry by entry, for writing it to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relay.adapters.scanners.columns import Texts, columns
from relay.domain.hashlist import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relay.domain.hashlist import ListEntry


def standing(packs: Sequence[bytes]) -> Iterator[ListEntry]:
    """The entries in the order in which they came last: of several changes about one value the last counts."""
    stands = {}
    for algorithm, changes in columns(packs, Texts(categories=False)):
        mask = np.zeros(len(changes), np.bool_)
        mask[changes.standing()] = True
        stands[algorithm] = iter(mask.tolist())
    for content in packs:
        for change in unpack(content):
            if next(stands[change.entry.algorithm]):
                yield change.entry
