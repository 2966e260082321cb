"""Databases for tests: a file for SQLite, and a real PostgreSQL server that this process starts for itself.

The server keeps everything of one test process in a temporary folder, is reached through a socket in there, and syncs
to disk as it would anywhere.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import quote

import psycopg
import pytest

from relay.adapters.sql.postgres import PostgresStore
from relay.adapters.sql.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

Database: TypeAlias = "SqliteStore | PostgresStore"
OWNER: Final = "postgres"
"""Who runs the server when the tests are run by root, as whom it does not run."""
ABSENT: Final = "no PostgreSQL here: on Debian or Ubuntu, as root, apt-get install postgresql"
_SETTINGS: Final = {
    "listen_addresses": "",
    "fsync": "on",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "max_wal_size": "256MB",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}


@cache
def programs() -> Path | None:
    """Return the folder of the newest server that is installed: Debian keeps it off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda one: int(one.parts[-3]))
    if found:
        return found[-1].parent
    elsewhere = shutil.which("postgres")
    return None if elsewhere is None else Path(elsewhere).resolve().parent


NEEDED: Final = pytest.mark.skipif(programs() is None, reason=ABSENT)
"""For tests of PostgreSQL alone. A machine without it is told so; in CI that is a failure (.ci/run)."""


@dataclass
class Server:
    """A PostgreSQL server of this process. `folder` holds its data and its socket."""

    folder: Path
    port: int | None = None
    """Where it also listens on loopback; None for not at all."""
    _process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Make its data, without waiting for the disk: nothing of it is worth anything before it runs."""
        self._run(
            "initdb",
            "-D",
            str(self.data),
            "-N",
            "-U",
            "assay",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        )

    @property
    def data(self) -> Path:
        """Where its data is."""
        return self.folder / "data"

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = {**_SETTINGS, "unix_socket_directories": str(self.folder)}
        if self.port is not None:
            settings |= {"listen_addresses": "127.0.0.1", "port": str(self.port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a server of ours
                [
                    *_as_owner("--pdeathsig", "KILL"),
                    self._program("postgres"),
                    "-D",
                    str(self.data),
                    *options,
                ],
                stdout=log,
                stderr=log,
            )
        while not self._answers():
            if self._process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text())

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stop it: by default at once and in order, with SIGQUIT as if it crashed."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    def database(self, name: str) -> str:
        """Make an empty database; return its address."""
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        return self.address(name)

    def address(self, name: str) -> str:
        """Return the address of a database."""
        if self.port is not None:
            return f"postgresql://assay@127.0.0.1:{self.port}/{name}"
        return f"postgresql://assay@/{name}?host={quote(str(self.folder), safe='')}"

    def execute(self, sql: str) -> list[tuple[object, ...]]:
        """Run a statement as its owner."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def cut(self) -> int:
        """End every other connection, as a fail-over does; return how many there were."""
        return len(
            self.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        )

    def close(self, name: str) -> None:
        """Let nobody into a database, and everybody out."""
        self.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        self.cut()

    def reopen(self, name: str) -> None:
        """Let everybody in again."""
        self.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _program(self, name: str) -> str:
        folder = programs()
        assert folder is not None, ABSENT
        return str(folder / name)

    def _run(self, name: str, *words: str) -> None:
        subprocess.run([*_as_owner(), self._program(name), *words], check=True, capture_output=True)  # noqa: S603


def _as_owner(*options: str) -> list[str]:
    if os.geteuid() == 0:
        options = (f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups", *options)
    return ["setpriv", *options] if options else []


def serving(*, port: int | None = None) -> Iterator[Server]:
    """Run a server, for a fixture to `yield from`; everything of it is gone afterwards."""
    # Not below pytest's folder: that is root's alone, and the path of a socket has room for 107 characters.
    with tempfile.TemporaryDirectory(prefix="assay-pg-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, OWNER)
        server = Server(folder, port)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)


@dataclass
class Databases:
    """Opens the database of one test, any number of times: that is a restart, or a second process."""

    kind: str
    path: Path
    address: str

    def open(self, *, exclusive: bool = False) -> Database:
        """Return a store to be opened; `exclusive` as a relay that runs opens it."""
        if self.kind == "sqlite":
            if not self.path.exists():
                empty_file(self.path)
            return SqliteStore(self.path, exclusive=exclusive)
        return PostgresStore(self.address, serving=exclusive)

    def execute(self, *statements: str) -> None:
        """Run statements past the store."""
        if self.kind == "sqlite":
            with closing(sqlite3.connect(self.path)) as connection, connection:
                for statement in statements:
                    connection.execute(statement)
        else:
            with psycopg.connect(self.address) as session:
                for statement in statements:
                    session.execute(statement.encode())

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Ask past the store."""
        if self.kind == "sqlite":
            with closing(sqlite3.connect(self.path)) as connection:
                return connection.execute(query).fetchall()
        with psycopg.connect(self.address) as session:
            return session.execute(query.encode()).fetchall()

    @property
    def setting(self) -> str:
        """What `relay.database` says about it."""
        return f"sqlite:{self.path}" if self.kind == "sqlite" else self.address


def clean(server: Server) -> str:
    """Return the address of a database that has every table and nothing in them; there is one in each process.

    Emptying it takes a hundredth of the time of a copy, which is hundreds of files.
    """

    async def open_once() -> None:
        async with PostgresStore(address):
            pass

    address = server.address("clean")
    if server.execute("SELECT 1 FROM pg_database WHERE datname = 'clean'"):
        with psycopg.connect(address) as connection:
            connection.execute(_EMPTY)
    else:
        server.database("clean")
        _apart(open_once())
    return address


def copied_to(server: Server) -> Iterator[str]:
    """A database for a copy, as `clean`; what a copy leaves in it goes afterwards."""
    address = clean(server)
    yield address
    with psycopg.connect(address) as connection:
        connection.execute(b"DROP TABLE IF EXISTS copy_progress, theirs")


def bare(server: Server) -> Iterator[str]:
    """A database of its own, without tables."""
    name = f"bare{next(_numbers)}"
    yield server.database(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


_numbers = count()
_EMPTY: Final = b"""\
SET lock_timeout = '10s';
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations' LOOP
    EXECUTE format('DELETE FROM %I', name);
  END LOOP;
  FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' LOOP
    PERFORM setval(format('%I', name), 1, false);
  END LOOP;
END $$
"""


@cache
def _empty_file() -> bytes:
    """Return a file of SQLite with every table and nothing in them, as a store makes it that is opened first.

    A copy takes a fiftieth of the time of the migrations.
    """

    async def open_once() -> None:
        async with SqliteStore(path):
            pass

    with tempfile.TemporaryDirectory(prefix="assay-") as name:
        path = Path(name) / "relay.sqlite"
        _apart(open_once())
        return path.read_bytes()


def empty_file(path: Path) -> None:
    """Write an empty database, which a store then opens without having to make it."""
    path.write_bytes(_empty_file())


def _apart(work: Coroutine[None, None, None]) -> None:
    """Run something on a loop in a thread of its own: the tests have loops of their own."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


def of_kind(kind: str, folder: Path, server: Callable[[], Server]) -> Databases:
    """Return what opens the database of one test. `server` starts PostgreSQL when it is needed first."""
    if kind == "sqlite":
        return Databases(kind, folder / "relay.sqlite", "")
    return Databases(kind, folder, clean(server()))
