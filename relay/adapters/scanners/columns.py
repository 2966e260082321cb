"""Packed list entries as columns, and what stands of them when later ones take precedence.

Columns are read without a loop over entries, so that millions of them are a matter of seconds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from relay.domain.errors import TooLarge
from relay.domain.hashlist import HEX_LENGTH, RECORD, HashAlgorithm, split_pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Bytes = npt.NDArray[np.uint8]

WIDTH: Final = {algorithm: length // 2 for algorithm, length in HEX_LENGTH.items()}
"""Bytes of a value."""

_RECORD: Final = np.dtype([("algorithm", "u1"), ("removed", "u1"), ("text", "<u2"), ("value", "u1", (32,))])
assert _RECORD.itemsize == RECORD.size  # noqa: S101 - two descriptions of one layout


@dataclass(frozen=True, slots=True)
class Columns:
    """Changes of one algorithm in the order in which they came.

    `values`: shape (changes, bytes of a value); `texts`: a number for what is said about each value.
    """

    values: Bytes
    removed: npt.NDArray[np.bool_]
    texts: npt.NDArray[np.unsignedinteger[Any]]

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def joined(cls, some: list[Columns]) -> Columns:
        """Several columns one after the other."""
        return cls(
            np.concatenate([one.values for one in some]),
            np.concatenate([one.removed for one in some]),
            np.concatenate([one.texts for one in some]),
        )

    def standing(self) -> npt.NDArray[np.int64]:
        """Numbers of the changes that count: for each value the last, unless it removed it. In order of value."""
        order = last_of_each(self.values)
        return order[~self.removed[order]]


class Texts:
    """Numbers for texts. `categories`: numbers categories 0, 1, 2 ...; else a digest of all that is said."""

    def __init__(self, *, categories: bool) -> None:
        self._known: dict[str, int] | None = {} if categories else None
        self.type: type[np.unsignedinteger[Any]] = np.uint16 if categories else np.uint64

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories by number."""
        return tuple(self._known or ())

    def number(self, text: tuple[str, str, str]) -> int:
        """The number of (category, source, note). Raises `TooLarge` for the 65,536th category."""
        if self._known is None:
            return int.from_bytes(hashlib.blake2b("\0".join(text).encode(), digest_size=8).digest())
        number = self._known.setdefault(text[0], len(self._known))
        if number > np.iinfo(np.uint16).max:
            raise TooLarge("a list has more than 65,536 categories", code="too-many-categories")
        return number


def columns(
    packs: Iterable[bytes], texts: Texts, *, part: int = 0, parts: int = 1
) -> Iterator[tuple[HashAlgorithm, Columns]]:
    """The changes of all packs by algorithm. Of `parts` only number `part`: values are divided by their first byte.

    All packs are read at once. Raises `Malformed` for what is no pack.
    """
    found: dict[HashAlgorithm, list[Columns]] = {}
    for packed in packs:
        said, raw = split_pack(packed)
        records = np.frombuffer(raw, _RECORD)
        numbers = np.array([texts.number(text) for text in said], texts.type)
        if parts > 1:
            records = records[records["value"][:, 0] % parts == part]
        for place in np.unique(records["algorithm"]):
            algorithm = tuple(HashAlgorithm)[place]
            own = records[records["algorithm"] == place]
            values = np.ascontiguousarray(own["value"][:, : WIDTH[algorithm]])
            found.setdefault(algorithm, []).append(
                Columns(values, own["removed"].astype(np.bool_), numbers[own["text"]])
            )
    return _taken(found)


def _taken(found: dict[HashAlgorithm, list[Columns]]) -> Iterator[tuple[HashAlgorithm, Columns]]:
    """One algorithm after the other, and each only once: they may be large."""
    for algorithm in sorted(found, key=list(HashAlgorithm).index):
        yield algorithm, Columns.joined(found.pop(algorithm))


def last_of_each(values: Bytes) -> npt.NDArray[np.int64]:
    """For each different value the number of its last row, in order of value."""
    order, repeats = by_value(values)
    return order[~repeats]


def by_value(values: Bytes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Numbers of all rows in order of value, equal ones as they came; and whether the next row is equal."""
    if not len(values):
        return np.empty(0, np.int64), np.empty(0, np.bool_)
    words = [column(values, start) for start in range(0, values.shape[1], 8)]
    order = np.argsort(words[0], kind="stable")
    # Few values share their first eight bytes: only those are compared in full.
    head = words[0][order]
    same = head[1:] == head[:-1]
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    if tied.size:
        rows = order[tied]
        order[tied] = rows[np.lexsort((rows, *(word[rows] for word in reversed(words))))]
    equal = np.ones(len(order) - 1, np.bool_)
    for word in words:
        in_order = word[order]
        equal &= in_order[1:] == in_order[:-1]
    return order, np.append(equal, False)


def column(values: Bytes, start: int) -> npt.NDArray[np.uint64]:
    """Eight bytes of each value as one number that sorts like them; what is missing is zero."""
    part = values[:, start : start + 8]
    if part.shape[1] < 8:
        part = np.pad(part, ((0, 0), (0, 8 - part.shape[1])))
    found: npt.NDArray[Any] = np.ascontiguousarray(part).view(">u8")
    return found.ravel().astype(np.uint64)
