"""How every connection to PostgreSQL is opened, and the locks by which processes know of each other.

A server, or a client, that is gone without a word is noticed by both sides within 11 seconds: before a lease ends,
and before those who wait for a lock give up. One that takes bytes and says nothing, such as a proxy that hangs, is
given up after a minute.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from psycopg import AsyncConnection, OperationalError, ProgrammingError, conninfo

from relay.domain.errors import Refused

if TYPE_CHECKING:
    from psycopg import ConnectionInfo

WRITERS: Final = 0x617373_01
"""The advisory lock of who writes."""
RELAYS: Final = 0x617373_02
"""The advisory lock that running relays share."""
VERSIONS: Final = 0x617373
"""First half of the advisory lock that running relays of one version share; the other is its newest migration."""
COPY: Final = "copy_progress"
"""The table that says how far a copy from a file has come; there is none where nothing was copied."""
WRITE: Final = f"BEGIN; SELECT pg_advisory_xact_lock({WRITERS})".encode()


def holders(lock: int) -> str:
    """Return the query for the server's processes that hold an advisory lock on this database, as `pid`."""
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    what = f"classid = 0 AND objid = {lock} AND objsubid = 1"
    return f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND {what} AND {here}"  # noqa: S608


CUT_OFF: Final = f"""\
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN ({holders(WRITERS)})
AND wait_event = 'ClientRead' AND query_start < clock_timestamp() - interval '9s'
""".encode()  # noqa: S608 - a number of ours
"""Ends the session of a writer that has said nothing for about as long as others wait for the lock (`lock_timeout`).

The server does so by itself only between two statements (`idle_in_transaction_session_timeout`), not where it has a
part of a pipeline and waits for the rest.
"""

_CONNECTION: Final = {
    "application_name": "assay",
    "connect_timeout": "5",
    "client_encoding": "utf8",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""What a connection is opened with unless the address says otherwise."""
SESSION: Final = b"""\
SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '10s';
SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3;
SET tcp_user_timeout = 10000;
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
"""What each session asks of the server: it frees the lock of a process that is gone without a word, too."""


_SILENCE: Final = 60.0
"""Seconds for which a statement is waited for. Those who wait for a lock give up sooner."""


class Attended(AsyncConnection[Any]):
    """A connection on which nobody waits for ever. One that says nothing is closed, with `OperationalError`."""

    async def wait(self, *args: Any, **named: Any) -> Any:
        """Wait for what the server says."""
        try:
            async with asyncio.timeout(_SILENCE):
                return await super().wait(*args, **named)
        except TimeoutError as error:
            self.pgconn.finish()
            raise OperationalError(f"no answer for {_SILENCE:.0f} seconds") from error


def conninfo_of(address: str) -> str:
    """Return what a connection to an address is opened with. Raises `Refused` for what is no address."""
    return conninfo.make_conninfo(**{**_CONNECTION, **_read(address)})


def without_password(address: str) -> str:
    """Return an address for people and records."""
    user, at, rest = address.partition("://")[2].rpartition("@")
    name = user.partition(":")[0]
    return f"{address.partition('://')[0]}://{name}{at}{rest}"


def check_encoding(info: ConnectionInfo) -> None:
    """Raise `Refused` for a database that cannot hold every text."""
    encoding = info.parameter_status("server_encoding")
    if encoding != "UTF8":
        message = f"the database has the encoding {encoding}, and posts need UTF8: createdb --encoding=UTF8"
        raise Refused(f"{message} --template=template0", code="no-database")


def _read(address: str) -> dict[str, Any]:
    try:
        return conninfo.conninfo_to_dict(address)
    except ProgrammingError as error:
        message = f"relay.database is no address of a database: {str(error).strip()}"
        raise Refused(message, code="no-database") from error
