"""Reads hash lists: CSV with the header `algorithm,value,category,source,note`, or JSON Lines of the same.

A list is read line by line, whatever its size. A bad line is reported with its number and does not hide the
next: whether a list with errors may be used is for the caller to say.
"""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from relay.domain.hashlist import HEX_LENGTH, HashAlgorithm, ListEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COLUMNS: Final = ("algorithm", "value", "category", "source", "note")

_HEX: Final = re.compile(r"[0-9a-f]+")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with a line; lines count from 1."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list as read: entries without duplicates in the order of the file, all errors, and its version.

    `duplicates` counts lines whose algorithm and value stood before. `version` is `list_version(entries)`.
    """

    entries: tuple[ListEntry, ...]
    errors: tuple[LineError, ...]
    duplicates: int
    version: str


def read_list(lines: Iterable[bytes], *, category: str = "") -> ListFile:
    """Read a list from its lines, such as a file opened for reading bytes.

    `category` stands in for entries that have none of their own. Never raises for content.
    """
    entries: dict[tuple[str, str], ListEntry] = {}
    errors: list[LineError] = []
    duplicates = 0
    for line, found in _rows(lines):
        entry = found if isinstance(found, str) else _entry(found, category)
        if isinstance(entry, str):
            errors.append(LineError(line, entry))
        elif (entry.algorithm, entry.value) in entries:
            duplicates += 1
        else:
            entries[entry.algorithm, entry.value] = entry
    kept = tuple(entries.values())
    return ListFile(kept, tuple(errors), duplicates, list_version(kept))


def list_version(entries: Iterable[ListEntry]) -> str:
    """SHA-256, in hex, over the sorted entries: the same for the same entries in any order and format."""
    state = hashlib.sha256()
    for entry in sorted(entries):
        fields = (entry.algorithm, entry.value, entry.category, entry.source, entry.note)
        state.update(orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE))
    return state.hexdigest()


def write_csv(entries: Iterable[ListEntry]) -> Iterator[str]:
    """The entries as lines of CSV that `read_list` reads, header first, ends of lines included."""
    yield ",".join(COLUMNS) + "\n"
    for entry in entries:
        fields = (entry.algorithm, entry.value, entry.category, entry.source, entry.note)
        yield ",".join(_quoted(field) for field in fields) + "\n"


def _quoted(field: str) -> str:
    return '"' + field.replace('"', '""') + '"' if re.search(r'[",\r\n]', field) else field


def _rows(lines: Iterable[bytes]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Line number and fields, or line number and what is wrong; blank lines are nothing."""
    numbered = _without_mark(lines)
    first = next((item for item in numbered if item[1].strip()), None)
    if first is None:
        yield 1, "the file is empty"
    elif first[1].lstrip().startswith(b"{"):
        yield from _json_rows(first, numbered)
    else:
        yield from _csv_rows(first, numbered)


def _without_mark(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, start=1):
        yield number, line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line


def _json_rows(
    first: tuple[int, bytes], rest: Iterator[tuple[int, bytes]]
) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, line in _chain(first, rest):
        if not line.strip():
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            yield number, "not JSON"
            continue
        yield number, value if isinstance(value, dict) else "not a JSON object"


def _chain(first: tuple[int, bytes], rest: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    yield first
    yield from rest


class _Lines:
    """Feeds the CSV reader, which may take several lines for a row, and remembers where it is."""

    def __init__(self, source: Iterator[tuple[int, bytes]]) -> None:
        self._source = source
        self.taken: list[int] = []
        self.broken = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        number, line = next(self._source)
        self.taken.append(number)
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.broken = True
            return line.decode(errors="replace")


def _csv_rows(
    first: tuple[int, bytes], rest: Iterator[tuple[int, bytes]]
) -> Iterator[tuple[int, dict[str, Any] | str]]:
    header = tuple(name.strip().lower() for name in first[1].decode(errors="replace").split(","))
    if header != COLUMNS:
        yield first[0], f"the header is not {','.join(COLUMNS)}"
        return
    lines = _Lines(rest)
    reader = csv.reader(lines, strict=True)
    while True:
        lines.taken.clear()
        lines.broken = False
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield lines.taken[0], f"not CSV: {error}"
            reader = csv.reader(lines, strict=True)
            continue
        if any(field.strip() for field in row):
            yield lines.taken[0], _fields(row, broken=lines.broken)


def _fields(row: list[str], *, broken: bool) -> dict[str, Any] | str:
    if broken:
        return "not UTF-8"
    if len(row) != len(COLUMNS):
        return f"{len(row)} fields where {len(COLUMNS)} belong"
    return dict(zip(COLUMNS, row, strict=True))


def _entry(fields: dict[str, Any], category: str) -> ListEntry | str:
    """A valid entry, or what is wrong."""
    unknown = fields.keys() - set(COLUMNS)
    if unknown:
        return f"unknown field {min(unknown)!r}"
    for name, value in fields.items():
        if not isinstance(value, str):
            return f"{name} is not a string"
    algorithm = fields.get("algorithm", "").strip().lower()
    if algorithm not in HEX_LENGTH:
        return f"unknown algorithm {algorithm!r}" if algorithm else "no algorithm"
    value = fields.get("value", "").strip().lower()
    length = HEX_LENGTH[HashAlgorithm(algorithm)]
    if len(value) != length or not _HEX.fullmatch(value):
        return f"a {algorithm} value has {length} hexadecimal digits"
    named = fields.get("category", "").strip() or category
    if not named:
        return "no category"
    source, note = (fields.get(name, "").strip() for name in ("source", "note"))
    return ListEntry(HashAlgorithm(algorithm), value, named, source, note)
