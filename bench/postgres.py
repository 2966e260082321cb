"""A PostgreSQL server in a temporary folder, for benchmarks. It syncs to disk as any other."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER = "postgres"
"""Who runs the server when the benchmark is run by root, as whom it does not run."""


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server; the value is the address of a database, in which `{}` stands for its name."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name))
    programs = f"{found[-1]}/" if found else ""
    become = []
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, OWNER)
            become = ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups"]
        data, address = f"{folder}/data", f"postgresql://assay@/{{}}?host={quote(folder, safe='')}"
        made = [f"{programs}initdb", "-D", data, "-N", "-U", "assay", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*become, *made, "--locale=C.UTF-8"], check=True, capture_output=True)
        server = subprocess.Popen(
            [
                *become,
                f"{programs}postgres",
                *("-D", data, "-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}"),
            ],
            stderr=subprocess.DEVNULL,
        )
        try:
            while not _answers(address):
                time.sleep(0.05)
            yield address
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait()


def _answers(address: str) -> bool:
    try:
        psycopg.connect(address.format("postgres")).close()
    except psycopg.OperationalError:
        return False
    return True


def create(address: str, name: str) -> str:
    """Make an empty database; return its address."""
    with psycopg.connect(address.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
    return address.format(name)


def transactions(address: str) -> int:
    """Transactions committed in a database so far, of readers and writers."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(b"SELECT pg_stat_force_next_flush()")
        query = b"SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        [row] = connection.execute(query).fetchall()
    return int(row[0])
