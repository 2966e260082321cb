"""What the file of the embedded database holds, row by row, as PostgreSQL would hold it.

The tables and their columns are those that the file itself tells: no list of them has to be kept. Whatever a column
of PostgreSQL could not hold exactly is an error, with one exception: U+0000 in a text becomes U+FFFD, as in all that a
relay on PostgreSQL writes, and is counted.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from relay.domain.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    Row = tuple[Any, ...]

ROWID: Final = "rowid"
"""The number that SQLite gives each row by itself. On PostgreSQL it is a column where a query asks for it."""
_KINDS: Final = {
    "TEXT": "text",
    "BLOB": "bytea",
    "INTEGER": "int4",
    "BIGINT": "int8",
    "DOUBLE PRECISION": "float8",
    "BOOLEAN": "bool",
}
_PYTHON: Final = {"text": str, "bytea": bytes, "int4": int, "int8": int, "float8": float, "bool": int}
_RANGES: Final = {"int4": 31, "int8": 63}
_NUL, _REPLACEMENT = "\0", "\N{REPLACEMENT CHARACTER}"
_BUSY: Final = 10.0
"""Seconds to wait for a command that writes."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `columns`: PostgreSQL's names of types by column. `last_number`: the largest that was ever given."""

    name: str
    columns: Mapping[str, str]
    rows: int = 0
    last_number: int = 0


@dataclass(slots=True)
class Digest:
    """Stands for a set of rows, in whichever order they come; alike for both databases.

    It is the sum, modulo 2^256, of BLAKE2b of each row: of Python's own words for its values, and of bytes their number
    and themselves.
    """

    rows: int = 0
    total: int = 0

    def add(self, row: Row) -> None:
        """Take in a row."""
        hashed = blake2b(digest_size=32)
        for value in row:
            if type(value) is bytes:
                hashed.update(b"%d:" % len(value))
                hashed.update(value)
            else:
                hashed.update(repr(value).encode("utf-8", "backslashreplace"))
            hashed.update(b",")
        self.rows += 1
        self.total = (self.total + int.from_bytes(hashed.digest(), "big")) % (1 << 256)


@dataclass(slots=True)
class Seen:
    """What was met in the rows of a table: bytes of values, texts that were changed by column, and the last row."""

    size: int = 0
    replaced: dict[str, int] = field(default_factory=dict)
    last: int | None = None


class Contents:
    """An open database file, in one consistent state."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @property
    def version(self) -> int:
        """The newest migration that was applied."""
        found: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        return found

    def tables(self) -> list[Table]:
        """Return every table, with how many rows it has. Raises `Refused` for one that PostgreSQL could not have."""
        names = self._all(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
        counts = self._all("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")
        numbered = dict(self._all("SELECT name, seq FROM sqlite_sequence")) if counts else {}
        return [self._table(name, numbered.get(name)) for (name,) in sorted(names)]

    def rows(self, table: Table, seen: Seen) -> Iterator[Row]:
        """Yield the rows of a table in their order, from after `seen.last` on, as values of its columns.

        Raises `Refused` for a value that its column on PostgreSQL cannot hold.
        """
        names = ", ".join(quoted(name) for name in table.columns)
        query = f"SELECT {ROWID}, {names} FROM {quoted(table.name)} WHERE {ROWID} > ? ORDER BY {ROWID}"  # noqa: S608
        kinds = list(table.columns.items())
        try:
            for number, *values in self._connection.execute(
                query, (-(1 << 63) if seen.last is None else seen.last,)
            ):
                for place, (name, kind) in enumerate(kinds):
                    value = values[place]
                    if value is None:
                        continue
                    fits = type(value) is _PYTHON[kind]
                    if not fits:
                        raise _unfit(table, name, number, f"{type(value).__name__}, which is no {kind}")
                    if kind == "text":
                        seen.size += len(value)
                        if _NUL in value:
                            values[place] = value.replace(_NUL, _REPLACEMENT)
                            seen.replaced[name] = seen.replaced.get(name, 0) + 1
                    elif kind == "bytea":
                        seen.size += len(value)
                    else:
                        seen.size += 8
                        values[place] = _number(table, name, number, kind, value)
                seen.last = number
                yield tuple(values)
        except sqlite3.OperationalError as error:
            message = f"{table.name} cannot be read after row {seen.last}: {error}"
            raise Refused(message, code="unreadable") from error

    def _table(self, name: str, last: int | None) -> Table:
        columns: dict[str, str] = {}
        described = self._all(f"PRAGMA table_info({quoted(name)})")
        sole_key = sum(bool(key) for *_, key in described) == 1
        for _, column, declared, _, _, key in described:
            numbers = bool(key) and sole_key and declared == "INTEGER"
            kind = "int8" if numbers else _KINDS.get(re.sub(r"\s+", " ", declared.upper()))
            if kind is None:
                raise Refused(
                    f"the column {name}.{column} is of no known type: {declared}", code="other-schema"
                )
            columns[column] = kind
        [(count, largest)] = self._all(f"SELECT count(*), max({ROWID}) FROM {quoted(name)}")  # noqa: S608
        return Table(name, columns, count, max(last or 0, largest or 0))

    def _all(self, query: str) -> list[Any]:
        return self._connection.execute(query).fetchall()


def quoted(name: str) -> str:
    """Return a name for SQL of either database."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def reading(path: Path, *, alone: bool) -> Iterator[Contents]:
    """Open a database file. `alone` keeps everybody else from writing meanwhile."""
    connection = sqlite3.connect(
        f"file:{_escaped(path)}?mode=rw", uri=True, isolation_level=None, timeout=_BUSY
    )
    try:
        connection.execute("BEGIN IMMEDIATE" if alone else "BEGIN")
        yield Contents(connection)
    finally:
        connection.close()


def digest_of(rows: Iterable[Row]) -> Digest:
    """Return what stands for rows."""
    digest = Digest()
    for row in rows:
        digest.add(row)
    return digest


def _number(table: Table, name: str, row: int, kind: str, value: float) -> float | bool:
    if kind == "bool":
        if value not in {0, 1}:
            raise _unfit(table, name, row, f"{value}, which is neither 0 nor 1")
        return bool(value)
    bits = _RANGES.get(kind)
    if bits is not None and not -(1 << bits) <= value < 1 << bits:
        raise _unfit(table, name, row, f"{value}, which is too large for its column")
    return value


def _unfit(table: Table, name: str, row: int, what: str) -> Refused:
    return Refused(f"row {row} of {table.name} has in {name} {what}", code="unfit-value")


def _escaped(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path.resolve()))
