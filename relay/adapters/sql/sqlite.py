"""The embedded store: SQLite in WAL mode, one process.

Durable means `synchronous=FULL`: a commit that returned has been flushed to the disk. One connection writes, under
a lock, in `BEGIN IMMEDIATE` transactions; another reads the last committed state beside it. Commands of the
operator open the same file for short transactions; a second relay on it is refused by a lock file.

A disk that is full, read-only or broken is `Unavailable`, as a database elsewhere that cannot be reached: the
transaction had no effect, and works again when the disk does.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Self

import aiosqlite

from relay.adapters.inside import transaction as marked
from relay.adapters.sql.activities import SqlActivities
from relay.adapters.sql.admins import SqlAdmins
from relay.adapters.sql.alerts import SqlAlerts
from relay.adapters.sql.blocking import SqlBlocking
from relay.adapters.sql.brakes import SqlBrakes
from relay.adapters.sql.fanout import SqlFanout
from relay.adapters.sql.hashlists import SqlHashLists
from relay.adapters.sql.hashservices import SqlHashServices
from relay.adapters.sql.history import SqlHistory
from relay.adapters.sql.keyrecords import SqlKeyRecords
from relay.adapters.sql.lab import SqlLab
from relay.adapters.sql.leases import SqlLeases
from relay.adapters.sql.listings import SqlListings
from relay.adapters.sql.lockfile import LockFile
from relay.adapters.sql.logins import SqlLogins
from relay.adapters.sql.media import SqlMedia
from relay.adapters.sql.outage import Outage
from relay.adapters.sql.policy import SqlPolicyVersions, SqlReloads
from relay.adapters.sql.queries import Queries
from relay.adapters.sql.recall import SqlRecalls
from relay.adapters.sql.schema import migrations, statements
from relay.adapters.sql.servers import SqlServers
from relay.adapters.sql.shares import SqlShares
from relay.adapters.sql.status_indexes import SqlStatusIndexes
from relay.adapters.sql.submissions import SqlSubmissions
from relay.adapters.sql.subscribers import SqlSubscribers
from relay.adapters.sql.upstreams import SqlUpstreams
from relay.adapters.sql.webhooks import SqlWebhooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from types import TracebackType

_TYPES: Final = {"{serial}": "INTEGER PRIMARY KEY AUTOINCREMENT", "{bytes}": "BLOB", "{rowid}": ""}
_BUSY_TIMEOUT: Final = 10_000
"""Milliseconds that a command waits while the relay writes."""


class SqlTx:
    """Port `Tx`: the parts of the store on one connection."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self.activities = SqlActivities(queries)
        self.history = SqlHistory(queries)
        self.media = SqlMedia(queries)
        self.hash_lists = SqlHashLists(queries)
        self.fanout = SqlFanout(queries)
        self.subscribers = SqlSubscribers(queries)
        self.upstreams = SqlUpstreams(queries)
        self.blocking = SqlBlocking(queries)
        self.brakes = SqlBrakes(queries)
        self.servers = SqlServers(queries)
        self.submissions = SqlSubmissions(queries)
        self.key_records = SqlKeyRecords(queries)
        self.status_indexes = SqlStatusIndexes(queries)
        self.lab = SqlLab(queries)
        self.logins = SqlLogins(queries)
        self.admins = SqlAdmins(queries)
        self.listings = SqlListings(queries)
        self.policies = SqlPolicyVersions(queries)
        self.reloads = SqlReloads(queries)
        self.alerts = SqlAlerts(queries)
        self.hash_services = SqlHashServices(queries)
        self.webhooks = SqlWebhooks(queries)
        self.recalls = SqlRecalls(queries)
        self.leases = SqlLeases(queries)
        self.shares = SqlShares(queries)

    async def free_work(self) -> None:
        """Let the posts fall due that a process took which is gone."""
        await self._queries.run("free_activities")

    async def touch(self) -> None:
        """Write something that means nothing, to see whether anything can be written."""
        await self._queries.run("touch_mark", name="touched")


class SqliteStore:
    """Port `Store` on one SQLite file; open it with `async with`.

    `exclusive` takes the lock file that keeps a second relay away, and raises `Conflict` when it is taken.
    """

    shared: Final = False
    """Whether several processes of the relay may run on it."""

    def __init__(self, path: Path, *, exclusive: bool = False) -> None:
        self._path, self._exclusive = path, exclusive
        self._lock = LockFile(path)
        self._write_lock = asyncio.Lock()
        self._read_lock = asyncio.Lock()
        self._connections: list[aiosqlite.Connection] = []
        self._writing, self._looking = Outage(_is_away, "takes nothing"), Outage(_is_away, "does not answer")
        self.commits = 0
        """Write transactions committed since the store was opened."""

    async def __aenter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._exclusive:
            self._lock.take()
        try:
            with self._writing.told():
                self._writer = await self._connect()
                await migrate(self._writer)
                self._reader = await self._connect()
            self._write_tx, self._read_tx = SqlTx(Queries(self._writer)), SqlTx(Queries(self._reader))
            if self._exclusive:
                # Whoever took work is dead: there is one relay. Elsewhere its lease has to end by itself.
                async with self.transaction() as tx:
                    await tx.free_work()
        except BaseException:
            await self._close()  # each has a thread that would keep the process alive
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        for connection in reversed(self._connections):
            await connection.close()
        self._lock.release()

    def wire(self, _name: str) -> None:
        """Return how the processes of the relay wake each other: there is one."""

    async def is_served(self) -> bool:
        """Whether a relay runs on this file, here or in another process."""
        return self._lock.is_taken()

    async def served_by(self) -> int | None:
        """Return the id of the process that runs the relay on this file; None when there is none, or it is older."""
        return self._lock.owner()

    @property
    def changes(self) -> int:
        """Rows written since the store was opened, for benchmarks."""
        return self._writer.total_changes

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqlTx]:
        """Open a write transaction: on disk when it returns, without effect when it raises."""
        async with self._write_lock:
            with self._writing.told(), marked():
                # What is queued runs even when its caller is cancelled, in order: the rollback always comes last.
                try:
                    await self._writer.execute("BEGIN IMMEDIATE")
                    yield self._write_tx
                    await self._writer.commit()
                except BaseException:
                    await self._writer.rollback()  # a commit that failed leaves the transaction open
                    raise
            self.commits += 1

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqlTx]:
        """Open a consistent view of the last committed state."""
        async with self._read_lock:
            with self._looking.told(), marked():
                try:
                    await self._reader.execute("BEGIN")
                    yield self._read_tx
                finally:
                    await self._reader.rollback()

    @property
    def failing(self) -> bool:
        """Whether the last transaction could not be written."""
        return self._writing.lasts

    async def _connect(self) -> aiosqlite.Connection:
        connection = await aiosqlite.connect(self._path, isolation_level=None, cached_statements=256)
        self._connections.append(connection)
        connection.row_factory = sqlite3.Row
        await connection.execute("PRAGMA journal_mode=WAL")
        await connection.execute("PRAGMA synchronous=FULL")
        await connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT}")
        return connection


async def migrate(connection: aiosqlite.Connection) -> int:
    """Apply the migrations that the file has not seen, each whole or not at all; return how many there were.

    Safe to run from several processes at once: the write lock is taken before looking.
    """
    await connection.execute("BEGIN IMMEDIATE")
    try:
        rows = await connection.execute_fetchall("PRAGMA user_version")
        version = int(next(iter(rows))[0])
        pending = [(number, text) for number, text in migrations() if number > version]
        for number, text in pending:
            for statement in statements(_in_words(text)):
                await connection.execute(statement)
            await connection.execute(f"PRAGMA user_version={number}")
    except BaseException:
        await connection.rollback()
        raise
    await connection.commit()
    return len(pending)


_AWAY: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
    }
)
"""Primary result codes of what passes: no room, no disk, or another program that keeps the file to itself."""


def _is_away(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None) if isinstance(error, sqlite3.Error) else None
    # The low byte is the primary code (sqlite.org/rescode.html).
    return code is not None and code & 0xFF in _AWAY


def _in_words(text: str) -> str:
    for token, words in _TYPES.items():
        text = text.replace(token, words)
    return text
