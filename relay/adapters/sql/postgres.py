"""The grown store: PostgreSQL, for any number of processes on any number of hosts.

A commit that returned is on the server's disk (`synchronous_commit` is never off). Write transactions take turns, in
all processes together, under one advisory lock: what a transaction read is still so when it writes, as on SQLite, and
no transaction ever has to be repeated because of another one. Readers see a snapshot and wait for nobody. The lock
goes with its connection, and the server ends a connection that says nothing inside a transaction, or at all.

A server that cannot be reached is `Unavailable`, whatever the reason. Raised by a commit it leaves open whether the
transaction took effect; everything that is repeated is recognised by what it wrote.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import psycopg
from psycopg import errors
from psycopg_pool import AsyncConnectionPool

from relay.adapters.inside import transaction as marked
from relay.adapters.sql import dialect
from relay.adapters.sql.connecting import (
    CUT_OFF,
    RELAYS,
    SESSION,
    WRITE,
    Attended,
    check_encoding,
    conninfo_of,
    holders,
)
from relay.adapters.sql.notices import Notices
from relay.adapters.sql.outage import Outage
from relay.adapters.sql.sqlite import SqlTx
from relay.adapters.sql.upgrading import admit, migrate, presence, refuse_unfinished, undo
from relay.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

_log: Final = logging.getLogger(__name__)
_READ: Final = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_PATIENCE: Final = 5.0
"""Seconds that a transaction waits for a connection."""


class PostgresStore:
    """Port `Store` on a PostgreSQL database; open it with `async with`. Raises `Unavailable`, `Refused`.

    `address` is a libpq URL. `most` connections are open at once; they are opened when they are needed. `serving` says
    for as long as the store is open that a relay runs on the database; any number of them may.
    """

    shared: Final = True
    """Whether several processes of the relay may run on it."""

    def __init__(self, address: str, *, most: int = 8, serving: bool = False) -> None:
        self._address = conninfo_of(address)
        self._most, self._serving = max(2, most), serving
        self._write_lock = asyncio.Lock()
        self._presence: Attended | None = None
        self._outage = Outage(_is_away, "does not answer")
        self.commits = 0
        """Write transactions committed since the store was opened."""

    async def __aenter__(self) -> Self:
        try:
            await self._prepare()
        except _AWAY as error:
            raise Unavailable(f"the database cannot be reached: {str(error).strip()}") from error
        self._pool = AsyncConnectionPool(
            self._address,
            connection_class=Attended,
            kwargs={"autocommit": True},
            configure=_configure,
            min_size=0,
            max_size=self._most,
            timeout=_PATIENCE,
            open=False,
        )
        await self._pool.open()
        return self

    async def _prepare(self) -> None:
        """Make the tables that are not there, and say that a relay runs if one does."""
        async with await psycopg.AsyncConnection.connect(self._address, autocommit=True) as connection:
            await connection.execute(SESSION)
            check_encoding(connection.info)
            await refuse_unfinished(connection)
            try:
                if self._serving:
                    self._presence = await self._appear()
                await migrate(connection)  # which may take its time
                await admit(connection, serving=self._serving)
            except BaseException:
                await self._vanish()
                raise

    async def _appear(self) -> Attended:
        """Open the connection that says that a relay runs."""
        connection = await Attended.connect(self._address, autocommit=True)
        try:
            await connection.execute(SESSION)
            await connection.execute(presence())
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _vanish(self) -> None:
        if self._presence is not None:
            await self._presence.close()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.close()
        await self._vanish()

    @property
    def failing(self) -> bool:
        """Whether the server did not answer when it was last asked."""
        return self._outage.lasts

    def wire(self, name: str) -> Notices:
        """Return how the processes of the relay wake each other. `name` is that of this process."""
        return Notices(self, name)

    async def is_served(self) -> bool:
        """Whether a relay runs on this database, here or in another process."""
        return await self.served_by() is not None

    async def served_by(self) -> int | None:
        """Return the id of the server's process for a relay that runs on this database; None when there is none."""
        async with self._within(_READ) as connection:
            row = await (await connection.execute(_SERVED)).fetchone()
        return None if row is None else int(row[0])

    async def notify(self, channel: str, text: str) -> None:
        """Say something to whoever listens."""
        async with self._within(b"BEGIN") as connection:
            await connection.execute(b"SELECT pg_notify(%s, %s)", (channel, text))

    @asynccontextmanager
    async def present(self) -> AsyncIterator[Attended]:
        """Lend the connection that says that a relay runs, to be listened on; a lost one is made anew first."""
        with self._outage.told():
            if self._presence is None or self._presence.closed:
                self._presence = await self._appear()
                await admit(self._presence, serving=True)
            try:
                yield self._presence
            except psycopg.Error:
                await self._presence.close()
                raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqlTx]:
        """Open a write transaction: on disk when it returns, without effect when it raises."""
        async with self._write_lock:
            async with self._within(WRITE) as connection:
                yield SqlTx(dialect.PostgresQueries(connection))
            self.commits += 1

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqlTx]:
        """Open a consistent view of the last committed state."""
        async with self._within(_READ) as connection:
            yield SqlTx(dialect.PostgresQueries(connection))

    @asynccontextmanager
    async def _within(self, begin: bytes) -> AsyncIterator[Attended]:
        with self._outage.told():
            connection = await self._begin(begin)
            try:
                with marked():
                    try:
                        yield connection
                    except BaseException as error:
                        await undo(connection)
                        if isinstance(error, _CHANGED):
                            await self._pool.drain()  # every connection has plans for the tables as they were
                            _log.info("a newer version added to the tables: what was going on is done again")
                            raise Unavailable from error
                        raise
                    ended = await connection.execute(b"COMMIT")
                    if ended.statusmessage != "COMMIT":
                        # A statement failed and the caller went on: PostgreSQL rolls back, and calls that success.
                        raise RuntimeError("a transaction went on after an error and was rolled back")
            finally:
                await self._pool.putconn(connection)

    async def _begin(self, begin: bytes) -> Attended:
        """Begin on a connection that works: after the server was away, each that was open turns out to be dead."""
        for _ in range(self._most):
            before = _cancellations()
            connection = await self._pool.getconn()
            try:
                _heed(before)
                await _open(connection, begin)
            except BaseException as error:
                await undo(connection)
                await self._pool.putconn(connection)
                if isinstance(error, psycopg.OperationalError) and connection.closed:
                    continue
                raise
            return connection
        raise Unavailable


_SERVED: Final = f"{holders(RELAYS)} LIMIT 1".encode()


async def _configure(connection: psycopg.AsyncConnection[Any]) -> None:
    dialect.adapt(connection)
    await connection.execute(SESSION)


async def _open(connection: Attended, begin: bytes) -> None:
    """Begin a transaction; who holds the lock and stands still is cut off."""
    try:
        await connection.execute(begin)
    except errors.LockNotAvailable:
        await undo(connection)
        if (await connection.execute(CUT_OFF)).rowcount:
            _log.warning("a process stood still in a transaction for which others waited: it was cut off")
        await connection.execute(begin)


def _cancellations() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _heed(before: int) -> None:
    """Raise when the task was cancelled meanwhile: before Python 3.12 `wait_for`, in the pool, swallows some."""
    if _cancellations() > before:
        raise asyncio.CancelledError


_AWAY: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.IdleInTransactionSessionTimeout,
    errors.ReadOnlySqlTransaction,
)
"""The server is not there, took the transaction away, or has become a standby. What else it says is a bug."""
_CHANGED: Final = errors.FeatureNotSupported
"""What a prepared `SELECT *` ends with once the table has another column: the statements are prepared anew."""


def _is_away(error: Exception) -> bool:
    return isinstance(error, _AWAY)
