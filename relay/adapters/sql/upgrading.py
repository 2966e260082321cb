"""The schema of a PostgreSQL database that several versions of the relay may use at the same time.

Each migration is noted with the oldest version that runs on it as well (`schema.compatible_from`). An older process
goes on beside a newer one as long as it may; a process that may not says so and ends, and a migration that would take
the ground from under a running process is not applied.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import AsyncConnection, Error, InterfaceError, OperationalError, errors

from relay.adapters.sql import dialect
from relay.adapters.sql.connecting import (
    COPY,
    RELAYS,
    SESSION,
    VERSIONS,
    WRITE,
    check_encoding,
    conninfo_of,
    holders,
)
from relay.adapters.sql.schema import compatible_from, migrations, newest, statements
from relay.domain.errors import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_TRIES: Final = 60
"""Times that a migration is tried while others read what it changes."""
_PATIENCE: Final = b"SET LOCAL lock_timeout = '2s'"
"""How long it waits for a table each time: writers and new readers wait behind it."""
_PAUSE: Final = b"SELECT pg_sleep(1)"
_MADE: Final = b"""\
CREATE TABLE IF NOT EXISTS schema_migrations (
  number INTEGER PRIMARY KEY, compatible_from INTEGER NOT NULL DEFAULT 0
)
"""
_ADDED: Final = (
    b"ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS compatible_from INTEGER NOT NULL DEFAULT 0"
)
_APPLIED: Final = b"SELECT number, (to_jsonb(m) ->> 'compatible_from')::int FROM schema_migrations m"
"""Also where an older version made the table."""
_SERVING: Final = f"""\
SELECT r.pid, coalesce(max(v.objid::bigint), 0) FROM ({holders(RELAYS)}) r LEFT JOIN pg_locks v
ON v.pid = r.pid AND v.locktype = 'advisory' AND v.granted AND v.objsubid = 2 AND v.classid = {VERSIONS}
GROUP BY r.pid ORDER BY r.pid
""".encode()  # noqa: S608 - numbers of ours


@dataclass(frozen=True, slots=True)
class Schema:
    """What was applied to a database. `compatible_from`: the oldest version that may run on it."""

    applied: frozenset[int]
    compatible_from: int

    @property
    def pending(self) -> int:
        """How many migrations of this version are to be applied."""
        return sum(number not in self.applied for number, _ in migrations())


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[AsyncConnection[Any]]:
    """Open a connection to look at the schema, or to change it. Raises `Unavailable`, `Refused`."""
    try:
        async with await AsyncConnection.connect(conninfo_of(address), autocommit=True) as connection:
            await connection.execute(SESSION)
            check_encoding(connection.info)
            yield connection
    except (OperationalError, InterfaceError) as error:
        raise Unavailable(f"the database cannot be reached: {str(error).strip()}") from error
    except Error as error:
        raise Refused(f"the database refuses it: {str(error).strip()}", code="no-database") from error


def presence() -> bytes:
    """Return the statement by which a session says that a relay of this version runs."""
    mine = f"SELECT pg_advisory_lock_shared({RELAYS}), pg_advisory_lock_shared({VERSIONS}, {newest()})"
    return mine.encode()


async def serving(connection: AsyncConnection[Any]) -> dict[int, int]:
    """Return the relays that run on the database: the server's process of each, and the schema that it knows.

    That of a version which did not say so yet is 0.
    """
    rows = await (await connection.execute(_SERVING)).fetchall()
    return {int(pid): int(version) for pid, version in rows}


async def schema(connection: AsyncConnection[Any]) -> Schema:
    """Return what was applied to the database: nothing when it is empty."""
    row = await (await connection.execute(b"SELECT to_regclass('schema_migrations')")).fetchone()
    if row is None or row[0] is None:
        return Schema(frozenset(), 0)
    rows = await (await connection.execute(_APPLIED)).fetchall()
    return Schema(frozenset(row[0] for row in rows), max((row[1] or 0 for row in rows), default=0))


async def refuse_unfinished(connection: AsyncConnection[Any]) -> None:
    """Raise `Refused` for a copy from a file that was not finished: a relay would go on from half of its memory."""
    row = await (await connection.execute(f"SELECT to_regclass('{COPY}')".encode())).fetchone()
    if row is None or row[0] is None:
        return
    found = await (await connection.execute(f"SELECT document FROM {COPY}".encode())).fetchone()  # noqa: S608
    if found is not None and json.loads(found[0])["finished_at"] is None:
        message = "a copy to this database was not finished: give `assay migrate --to` again, and it goes on"
        raise Refused(message, code="unfinished-copy")


async def admit(connection: AsyncConnection[Any], *, serving: bool) -> None:
    """Raise `Refused` when this version cannot run on the database.

    `serving`, which has to have said so before (`presence`), waits for a migration under way: after it no migration
    for which this version is too old is applied while it runs.
    """
    await connection.execute(WRITE if serving else b"BEGIN")
    try:
        found = await schema(connection)
    finally:
        await undo(connection)
    if found.compatible_from > newest():
        message = (
            f"a newer version of the relay changed the database: its tables need version {found.compatible_from}"
            f" of the schema, and this relay knows {newest()}. Install the newer version here as well"
        )
        raise Refused(message, code="newer-database")


async def migrate(connection: AsyncConnection[Any]) -> int:
    """Apply the migrations that the database has not seen, all or none; return how many there were.

    Safe to run from several processes at once: a migration is a writer like any other. Where others read a table
    that it changes it lets them, and tries again. Raises `Refused` while a relay runs that is too old for it.
    """
    for _ in range(_TRIES if (await schema(connection)).pending else 0):
        await connection.execute(WRITE)
        try:
            done = await _apply(connection)
        except errors.LockNotAvailable:
            await undo(connection)
            await connection.execute(_PAUSE)
        except BaseException:
            await undo(connection)
            raise
        else:
            await connection.execute(b"COMMIT")
            return done
    if (await schema(connection)).pending:
        message = "the tables cannot be changed: somebody reads them without a pause, such as a copy of them being made"
        raise Unavailable(message)
    return 0


async def _apply(connection: AsyncConnection[Any]) -> int:
    await connection.execute(_PATIENCE)
    seen = (await schema(connection)).applied
    pending = [(number, text) for number, text in migrations() if number not in seen]
    await _refuse_under_older(connection, max((compatible_from(text) for _, text in pending), default=0))
    await connection.execute(_MADE)
    await connection.execute(_ADDED)
    for number, text in pending:
        for statement in statements(dialect.migration(text)):
            await connection.execute(statement.encode())
        await connection.execute(
            b"INSERT INTO schema_migrations (number, compatible_from) VALUES (%s, %s)",
            (number, compatible_from(text)),
        )
    return len(pending)


async def _refuse_under_older(connection: AsyncConnection[Any], needed: int) -> None:
    older = [version for version in (await serving(connection)).values() if version < needed]
    if older:
        message = (
            f"{len(older)} older relays run on the database, and version {needed} of its schema is not for them:"
            " stop them, then start this one"
        )
        raise Refused(message, code="older-running")


async def undo(connection: AsyncConnection[Any]) -> None:
    """Roll back; a connection that cannot has no transaction any more."""
    try:
        await connection.execute(b"ROLLBACK")
    except Error:
        await connection.close()
