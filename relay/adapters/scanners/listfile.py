"""Reads hash lists: CSV or JSON Lines of ours, and what other systems export. See docs/hash-lists.md.

A list is read item by item, whatever its size, and reading can go on where it was interrupted. A bad line is reported
with its number and does not hide the next: whether a list with errors may be used is for the caller to say. No message
shows what stands in a line: entries are nobody's to read.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from relay.adapters.scanners.jsonitems import JsonItems, NotJson, Readable
from relay.adapters.scanners.listrows import (
    COLUMNS,
    EXPORTED,
    Reading,
    Unused,
    bare_change,
    exported_change,
    item_changes,
    row_change,
)
from relay.domain.hashlist import ListChange

if TYPE_CHECKING:
    from relay.domain.hashlist import ListEntry

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_PLAIN: Final = re.compile(rb"[a-z0-9_]+ +[0-9A-Fa-f]+")
_BARE: Final = re.compile(rb"[0-9A-Fa-f]{16,64}")
_PEEK: Final = 1 << 16


Rows = Iterator[tuple[int, Any, str | None]]
"""Line number and what stands there, or line number and what is wrong with it."""


class Source(Protocol):
    """What a list is read from: a file opened for reading bytes, or what reads like one."""

    def read(self, size: int = ..., /) -> bytes:
        """Read at most so many bytes; none at the end."""

    def readline(self, size: int = ..., /) -> bytes:
        """Read a line; empty at the end."""


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with a line; lines count from 1."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading stands: bytes and lines behind it, and what sort of list it is (empty: not known yet)."""

    offset: int = 0
    line: int = 0
    sort: str = ""


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list as read: entries without duplicates in the order of the file, all errors, and its version.

    `duplicates` counts lines whose algorithm and value stood before. `version` is `list_version(entries)`.
    """

    entries: tuple[ListEntry, ...]
    errors: tuple[LineError, ...]
    duplicates: int
    version: str


class ListReader:
    """Reads a list from a file that stands at `place`; `place` moves on with every item.

    Iterating gives a `ListChange`, a `LineError`, or `Unused` for what is sound and not for us. It never raises.
    """

    def __init__(self, file: Source, reading: Reading, place: Place = Place()) -> None:
        self._file, self._reading, self.place = _Tracked(file, place), reading, place

    def __iter__(self) -> Iterator[ListChange | LineError | Unused]:
        sort = self.place.sort or self._sort()
        if sort == "empty":
            yield LineError(1, "the file is empty")
        elif sort == "header":
            yield LineError(self._file.line, f"the header is not {','.join(COLUMNS)}")
        elif sort.startswith("json/"):
            yield from self._items(sort.removeprefix("json/"))
        else:
            yield from self._rows(sort)

    def _rows(self, sort: str) -> Iterator[ListChange | LineError | Unused]:
        rows, meaning = _SORTS[sort]
        for line, found, wrong in rows(self._file):
            what = wrong or meaning(found, self._reading)
            place = Place(self._file.offset, self._file.line, sort)
            if isinstance(what, list):
                yield from self._told(what, line, place)
            else:
                self.place = place
                yield LineError(line, what) if isinstance(what, str) else what

    def _told(
        self, whats: Sequence[ListChange | Unused | str], line: int, place: Place
    ) -> Iterator[ListChange | LineError | Unused]:
        """All of an item; reading stands behind it with the last, so that none is lost when it goes on there."""
        for number, what in enumerate(whats, 1):
            if number == len(whats):
                self.place = place
            yield LineError(line, what) if isinstance(what, str) else what

    def _sort(self) -> str:
        """Look at the first line that is not blank; headers are read."""
        while (line := self._file.peek()) and not line.removeprefix(_BYTE_ORDER_MARK).strip():
            self._file.readline()
        start = line.removeprefix(_BYTE_ORDER_MARK).strip()
        if not start:
            return "empty"
        if start[:1] in {b"{", b"["}:
            return "jsonl" if _is_line(start, line) else "json/"
        if _PLAIN.fullmatch(start) or _BARE.fullmatch(start.split(b",")[0]):
            return "bare"
        header = tuple(name.strip().lower() for name in start.decode(errors="replace").split(","))
        self._file.readline()
        return "csv" if header == COLUMNS else "exported" if header == EXPORTED else "header"

    def _items(self, state: str) -> Iterator[ListChange | LineError | Unused]:
        items = JsonItems(
            self._file.source(), offset=self._file.offset, line=self._file.line + 1, state=state
        )
        try:
            for item in items:
                place = Place(items.offset, items.line - 1, f"json/{items.state}")
                yield from self._told(item_changes(item, self._reading), items.line, place)
        except NotJson as error:
            yield LineError(items.line, str(error))


class _Tracked:
    """The lines of a file, with how many bytes and lines were read."""

    def __init__(self, file: Source, place: Place) -> None:
        self._file, self.offset, self.line = file, place.offset, place.line
        self._peeked = b""

    def peek(self) -> bytes:
        """The next line, or the beginning of a very long one, without reading it."""
        self._peeked = self._peeked or self._file.readline(_PEEK)
        return self._peeked

    def readline(self) -> bytes:
        line, self._peeked = self._peeked or self._file.readline(), b""
        self.offset += len(line)
        self.line += bool(line)
        return line

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def source(self) -> Readable:
        """What is left, with what was peeked."""
        return _Rest(self._peeked.removeprefix(_BYTE_ORDER_MARK), self._file)


class _Rest:
    def __init__(self, first: bytes, rest: Source) -> None:
        self._first, self._rest = first, rest

    def read(self, size: int, /) -> bytes:
        first, self._first = self._first, b""
        return first or self._rest.read(size)


def _is_line(start: bytes, line: bytes) -> bool:
    """Whether the first line is an item by itself, so that others follow a line each; a page is not an item."""
    try:
        found = orjson.loads(start)
    except orjson.JSONDecodeError:
        # Broken, and yet a line among lines: its neighbours can be read.
        return line.endswith((b"}\n", b"}\r\n")) and b'"data"' not in start
    return isinstance(found, dict) and "data" not in found and len(line) < _PEEK


def _json_rows(file: _Tracked) -> Rows:
    for line in file:
        text = line.removeprefix(_BYTE_ORDER_MARK) if file.line == 1 else line
        if text.strip():
            try:
                value = orjson.loads(text)
            except orjson.JSONDecodeError:
                yield file.line, None, "not JSON"
                continue
            yield file.line, value, None if isinstance(value, dict) else "not a JSON object"


def _bare_rows(file: _Tracked) -> Rows:
    for line in file:
        text = line.removeprefix(_BYTE_ORDER_MARK).decode(errors="replace").strip()
        if text:
            yield file.line, text, None


def _csv_rows(file: _Tracked, width: int = len(COLUMNS)) -> Rows:
    lines = _Decoded(file)
    reader = csv.reader(lines, strict=True)
    while True:
        lines.first, lines.broken = 0, False
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield lines.first, None, f"not CSV: {error}"
            reader = csv.reader(lines, strict=True)
            continue
        if len(row) == width and not lines.broken and (row[0].strip() or any(map(str.strip, row))):
            yield lines.first, row, None
        elif any(field.strip() for field in row):
            wrong = "not UTF-8" if lines.broken else f"{len(row)} fields where {width} belong"
            yield lines.first, None, wrong


class _Decoded:
    """Feeds the CSV reader, which may take several lines for a row: `first` is where the row began."""

    def __init__(self, file: _Tracked) -> None:
        self._file, self.first, self.broken = file, 0, False

    def __iter__(self) -> _Decoded:
        return self

    def __next__(self) -> str:
        line = self._file.readline()
        if not line:
            raise StopIteration
        self.first = self.first or self._file.line
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.broken = True
            return line.decode(errors="replace")


Meaning = Callable[[Any, Reading], ListChange | Unused | str | list[ListChange | Unused | str]]

_SORTS: Final[dict[str, tuple[Callable[[_Tracked], Rows], Meaning]]] = {
    "jsonl": (_json_rows, item_changes),
    "csv": (_csv_rows, row_change),
    "exported": (partial(_csv_rows, width=len(EXPORTED)), exported_change),
    "bare": (_bare_rows, bare_change),
}


def read_list(lines: Iterable[bytes], *, category: str = "") -> ListFile:
    """Read a whole list into memory from its lines, such as a file opened for reading bytes.

    `category` stands in for entries that have none of their own. Never raises for content.
    """
    entries: dict[tuple[str, str], ListEntry] = {}
    errors: list[LineError] = []
    duplicates = 0
    for found in ListReader(_Joined(lines), Reading(category)):
        if isinstance(found, LineError):
            errors.append(found)
        elif isinstance(found, ListChange) and not found.removed:
            entry = found.entry
            duplicates += (entry.algorithm, entry.value) in entries
            entries.setdefault((entry.algorithm, entry.value), entry)
    kept = tuple(entries.values())
    return ListFile(kept, tuple(errors), duplicates, list_version(kept))


class _Joined:
    """Lines as a file."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)

    def readline(self, _limit: int = -1) -> bytes:
        return next(self._lines, b"")

    def read(self, _size: int = -1) -> bytes:
        return next(self._lines, b"")


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
