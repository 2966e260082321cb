"""Moves what is in a database file to PostgreSQL, whole and exact.

Rows are copied table by table in batches. Each batch is one transaction, together with how far the copy has come, so
after kill -9 it goes on with the next batch. It only does if the rows that are there already are still those of the
file, which their digest tells: two states of the file are never mixed. At the end everything is read back, and until
its digests are those of the file no relay runs on the copy (`upgrading.refuse_unfinished`).

While it lasts nobody writes to the file, no relay runs on either database, and memory holds one batch.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import errors

from relay.adapters.sql.connecting import COPY, RELAYS, SESSION, check_encoding, conninfo_of
from relay.adapters.sql.contents import ROWID, Digest, Seen, Table, digest_of, quoted, reading
from relay.adapters.sql.lockfile import LockFile
from relay.adapters.sql.schema import newest
from relay.adapters.sql.sqlite import SqliteStore
from relay.adapters.sql.upgrading import migrate, opened
from relay.domain.errors import Conflict, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from relay.adapters.sql.contents import Contents, Row

    Connection = psycopg.Connection[Any]
    Shown = Callable[[int, int], None]

_ROWS: Final = 5_000
_BYTES: Final = 4 << 20
"""A batch ends with the row that reaches either."""
_OWN: Final = ("schema_migrations", COPY)
_COLUMNS: Final = b"""\
SELECT c.relname, a.attname, t.typname, CASE WHEN a.attidentity <> '' THEN
  pg_get_serial_sequence(quote_ident(c.relname), a.attname) END
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """What of a table was copied: rows, bytes of their values, and texts by column whose U+0000 is U+FFFD now."""

    name: str
    rows: int
    size: int
    replaced: dict[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `kept` rows had been copied before; `at` is when the copy was finished, None for none."""

    tables: list[Moved]
    kept: int = 0
    at: float | None = None
    new: bool = True
    """Whether it was finished just now."""


@dataclass(slots=True)
class _Progress:
    """How far a copy has come; the document that the target keeps. `tables`: last row, rows and digest of each."""

    schema: int
    begun_at: float
    finished_at: float | None = None
    tables: dict[str, tuple[int, int, str]] = field(default_factory=dict)


def survey(path: Path, address: str) -> Outcome:
    """Read the whole file and look whether PostgreSQL would take it; change nothing.

    Raises what `move` would raise, but that a relay runs on the file.
    """
    with _target(address) as connection:
        target = _Target(connection, address)
        before = target.progress()
        if before is None:
            target.refuse_what_is_there()
    with reading(path, alone=False) as contents:
        _refuse_newer(contents)
        moved = []
        for table in contents.tables():
            seen = Seen()
            rows = sum(1 for _ in contents.rows(table, seen))
            moved.append(Moved(table.name, rows, seen.size, seen.replaced))
    kept = 0 if before is None else sum(rows for _, rows, _ in before.tables.values())
    return Outcome(moved, kept, None if before is None else before.finished_at, new=False)


def move(
    path: Path,
    address: str,
    now: Callable[[], float],
    copying: Shown,
    verifying: Shown,
    *,
    anew: bool = False,
) -> Outcome:
    """Copy what is in the file to an empty database, or go on with that; return what is there then.

    `copying` and `verifying` are told how many rows are done, of how many. `anew` forgets an interrupted copy.
    Raises `Conflict` when a relay runs on either side, when the target has something else, or when the file is not
    what it was; `Refused` for what cannot be moved; `Unavailable` when PostgreSQL goes away, after which it can go on.
    """
    lock = LockFile(path)
    if lock.is_taken():
        message = f"a relay runs on {path}: stop it first, and what it keeps stands still"
        raise Conflict(message, code="already-running")
    lock.take()
    try:
        with reading(path, alone=False) as contents:
            _refuse_newer(contents)
        asyncio.run(_bring_up_to_date(path))
        with reading(path, alone=True) as contents, _target(address) as connection:
            target = _Target(connection, address)
            target.keep_others_away()
            return _move(contents, target, now, copying, verifying, anew=anew)
    finally:
        lock.release()


def _move(
    contents: Contents,
    target: _Target,
    now: Callable[[], float],
    copying: Shown,
    verifying: Shown,
    *,
    anew: bool,
) -> Outcome:
    progress = target.begin(now(), anew=anew)
    tables = target.agreed(contents.tables())
    total = sum(table.rows for table in tables)
    moved, done, kept = [], 0, sum(rows for _, rows, _ in progress.tables.values())
    for table in tables:
        seen = Seen()
        digest = _copied_before(contents, table, progress, seen)
        done += digest.rows
        if progress.finished_at is not None and digest.rows != table.rows:
            raise _changed(table)
        rows = contents.rows(table, seen)
        while batch := _batch(rows, seen):
            for row in batch:
                digest.add(row)
            progress.tables[table.name] = (seen.last or 0, digest.rows, f"{digest.total:064x}")
            target.write(table, batch, progress)
            done += len(batch)
            copying(done, total)
        moved.append(Moved(table.name, digest.rows, seen.size, seen.replaced))
    if progress.finished_at is not None:
        return Outcome(moved, kept, progress.finished_at, new=False)
    target.verify(tables, progress, verifying)
    progress.finished_at = now()
    target.finish(tables, progress)
    return Outcome(moved, kept, progress.finished_at)


def _copied_before(contents: Contents, table: Table, progress: _Progress, seen: Seen) -> Digest:
    """Return what was copied of a table before, after comparing it with the file, and let `seen` stand behind it."""
    if table.name not in progress.tables:
        return Digest()
    last, count, total = progress.tables[table.name]
    digest = digest_of(islice(contents.rows(table, seen), count))
    if (seen.last, digest.rows, f"{digest.total:064x}") != (last, count, total):
        raise _changed(table)
    return digest


def _batch(rows: Iterator[Row], seen: Seen) -> list[Row]:
    before, batch = seen.size, []
    for row in rows:
        batch.append(row)
        if len(batch) == _ROWS or seen.size - before > _BYTES:
            break
    return batch


def _changed(table: Table) -> Conflict:
    message = (
        f"the database has an earlier copy, and the file is not what it was then (table {table.name}), or it is"
        " another file. An unfinished copy is made again from the start with --anew; a finished one may be in use:"
        " give the file an empty database"
    )
    return Conflict(message, code="source-changed")


def _refuse_newer(contents: Contents) -> None:
    if contents.version > newest():
        message = (
            f"a newer version of the relay wrote the file (schema {contents.version}): move it with that one"
        )
        raise Refused(message, code="newer-database")


async def _bring_up_to_date(path: Path) -> None:
    async with SqliteStore(path):
        pass  # opening it applies the migrations


async def _make_tables(address: str) -> None:
    async with opened(address) as connection:
        await migrate(connection)


@contextmanager
def _target(address: str) -> Iterator[Connection]:
    """Open the other database. Whatever it has to say about the copy is an error of ours."""
    try:
        with psycopg.connect(conninfo_of(address), autocommit=True) as connection:
            connection.execute(SESSION)
            connection.execute(b"SET statement_timeout = 0")
            check_encoding(connection.info)
            yield connection
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        message = (
            f"PostgreSQL does not answer: {str(error).strip()}. What was copied stays: give the command again"
        )
        raise Unavailable(message) from error
    except psycopg.Error as error:
        raise Refused(f"PostgreSQL refuses it: {str(error).strip()}", code="unfit-value") from error


class _Target:
    """The database that is copied to."""

    def __init__(self, connection: Connection, address: str) -> None:
        self._connection, self._address = connection, address

    def keep_others_away(self) -> None:
        """Raise `Conflict` when a relay or another copy is at work; else none begins until the connection ends."""
        for _ in range(40):  # a copy that was killed a moment ago may still hold it
            if self._one(f"SELECT pg_try_advisory_lock({RELAYS})"):
                return
            self._one("SELECT pg_sleep(0.25)")
        message = "a relay runs on that database, or something else is being copied to it"
        raise Conflict(message, code="already-running")

    def progress(self) -> _Progress | None:
        """Return how far a copy has come; None when there was none."""
        if self._one(f"SELECT to_regclass('{COPY}')") is None:
            return None
        found = json.loads(self._one(f"SELECT document FROM {COPY}"))  # noqa: S608 - a name of ours
        return _Progress(**found | {"tables": {name: tuple(one) for name, one in found["tables"].items()}})

    def refuse_what_is_there(self) -> None:
        """Raise `Conflict` when the database is not empty."""
        for table in self._columns():
            if self._one(f"SELECT EXISTS (SELECT 1 FROM {quoted(table)})"):  # noqa: S608
                message = (
                    f"that database is not empty: its table {table} has rows. Make one of its own: createdb"
                )
                raise Conflict(message, code="not-empty")

    def begin(self, now: float, *, anew: bool) -> _Progress:
        """Make the tables, or go on with what an earlier attempt left."""
        found = self.progress()
        if found is not None and anew and found.finished_at is None:
            names = ", ".join(quoted(name) for name in self._columns())
            with self._connection.transaction():
                self._do(f"TRUNCATE {names}")
                self._do(f"DROP TABLE {COPY}")
            found = None
        if found is None:
            self.refuse_what_is_there()
            asyncio.run(_make_tables(self._address))
            found = _Progress(newest(), now)
            with self._connection.transaction():
                self._do(f"CREATE TABLE {COPY} (document TEXT NOT NULL)")
                self._connection.execute(f"INSERT INTO {COPY} VALUES (%s)".encode(), (_text(found),))  # noqa: S608
        if found.schema != newest() and found.finished_at is None:
            message = "another version of the relay began that copy: go on with that one, or begin --anew"
            raise Conflict(message, code="source-changed")
        return found

    def agreed(self, tables: list[Table]) -> list[Table]:
        """Return the tables of the file with the columns of PostgreSQL. Raises `Refused` where they differ."""
        here = self._columns()
        if set(here) != {table.name for table in tables}:
            names = ", ".join(sorted(set(here) ^ {table.name for table in tables}))
            raise Refused(f"only one of the two databases has the tables {names}", code="other-schema")
        for table in tables:
            if {name: kind for name, kind in here[table.name].items() if name != ROWID} != table.columns:
                raise Refused(f"the table {table.name} differs in the two databases", code="other-schema")
        return [replace(table, columns=here[table.name]) for table in tables]

    def write(self, table: Table, rows: list[Row], progress: _Progress) -> None:
        """Make rows durable, together with how far the copy has come."""
        copy = f"COPY {quoted(table.name)} ({_names(table)}) FROM STDIN (FORMAT BINARY)"
        with self._connection.transaction(), self._connection.cursor() as cursor:
            try:
                with cursor.copy(copy.encode()) as into:
                    into.set_types(list(table.columns.values()))
                    for row in rows:
                        into.write_row(row)
            except (errors.IntegrityError, errors.DataError) as error:
                message = f"PostgreSQL does not take a row of {table.name}: {str(error).strip()}"
                raise Refused(message, code="unfit-value") from error
            self._note(progress)

    def verify(self, tables: list[Table], progress: _Progress, verifying: Shown) -> None:
        """Read everything back. Raises `Refused` where it is not what the file has."""
        total, done = sum(table.rows for table in tables), 0
        for table in tables:
            with self._connection.cursor() as cursor:
                select = f"COPY (SELECT {_names(table)} FROM {quoted(table.name)}) TO STDOUT (FORMAT BINARY)"  # noqa: S608
                with cursor.copy(select.encode()) as out:
                    out.set_types(list(table.columns.values()))
                    digest = digest_of(_counted(out.rows(), done, total, verifying))
            done += digest.rows
            _, rows, text = progress.tables.get(table.name, (0, 0, "0" * 64))
            if (digest.rows, f"{digest.total:064x}") != (rows, text):
                message = f"{table.name} is not in PostgreSQL as it is in the file: drop that database and begin again"
                raise Refused(message, code="not-verified")

    def finish(self, tables: list[Table], progress: _Progress) -> None:
        """Let numbers go on after the largest that was ever given, and relays run."""
        numbers = {table.name: table.last_number for table in tables}
        with self._connection.transaction():
            for name, _, _, sequence in self._connection.execute(_COLUMNS).fetchall():
                if sequence is not None:
                    last = numbers[name]
                    self._connection.execute(b"SELECT setval(%s, %s, %s)", (sequence, max(last, 1), last > 0))
            self._note(progress)

    def _note(self, progress: _Progress) -> None:
        self._connection.execute(f"UPDATE {COPY} SET document = %s".encode(), (_text(progress),))  # noqa: S608

    def _columns(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for table, column, kind, _ in self._connection.execute(_COLUMNS).fetchall():
            if table not in _OWN:
                found.setdefault(table, {})[column] = kind
        return found

    def _one(self, query: str) -> Any:
        row = self._connection.execute(query.encode()).fetchone()
        return None if row is None else row[0]

    def _do(self, statement: str) -> None:
        self._connection.execute(statement.encode())


def _names(table: Table) -> str:
    return ", ".join(quoted(name) for name in table.columns)


def _text(progress: _Progress) -> str:
    return json.dumps(asdict(progress))


def _counted(rows: Iterator[Row], before: int, total: int, show: Shown) -> Iterator[Row]:
    done = before
    for done, row in enumerate(rows, before + 1):
        yield row
        if done % _ROWS == 0:
            show(done, total)
    show(done, total)
