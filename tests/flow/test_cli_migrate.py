"""`assay migrate`, as an operator uses it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from relay.adapters.sql.lockfile import LockFile
from relay.adapters.sql.schema import newest
from tests import databases
from tests.flow.operators import Operator, at_a_prompt, documented, with_a_relay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OF_TABLES = {"schema", "known", "compatible_from", "pending", "applied", "relays"}


@pytest.fixture
def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return with_a_relay(at_a_prompt(tmp_path, monkeypatch))


@pytest.fixture
def address(postgres: databases.Server) -> Iterator[str]:
    """A database with tables and nothing in them."""
    yield from databases.copied_to(postgres)


def test_the_tables_of_a_file_are_brought_up_to_date(relay: Operator) -> None:
    found = relay.ask("migrate", "--status")
    assert found == {
        "schema": newest(),
        "known": newest(),
        "compatible_from": 0,
        "pending": 0,
        "applied": 0,
        "relays": [],
    }
    with closing(sqlite3.connect(relay.database)) as connection, connection:
        connection.execute("DROP TABLE shares")
        connection.execute("PRAGMA user_version = 22")
    assert relay.ask("migrate", "--status")["pending"] == 1
    assert "1 migration to be applied" in relay.run("migrate", "--status").stdout
    assert relay.ask("migrate")["applied"] == 1
    assert relay.run("migrate").stdout.startswith("The tables are up to date.")


@databases.NEEDED
def test_the_tables_of_postgresql_are_looked_at_and_brought_up_to_date(
    relay: Operator, postgres: databases.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_RELAY__DATABASE", postgres.database("migrate_tables"))
    before = relay.ask("migrate", "--status")
    assert (before["schema"], before["applied"], before["relays"]) == (0, 0, [])
    done = relay.ask("migrate")
    assert set(done) == OF_TABLES
    assert (done["schema"], done["applied"], done["pending"]) == (newest(), before["pending"], 0)
    assert "no relay" in relay.run("migrate", "--status").stdout


@databases.NEEDED
def test_everything_moves_and_the_operator_is_told_what_to_do_next(relay: Operator, address: str) -> None:
    planned = relay.ask("migrate", "--to", address, "--dry-run")
    assert "Would be copied" in relay.run("migrate", "--to", address, "--dry-run").stdout
    done = relay.ask("migrate", "--to", address)
    assert set(done) == set(planned) == documented("migrate") - OF_TABLES
    assert (planned["outcome"], done["outcome"]) == ("would-copy", "copied")
    assert {one["name"]: one["rows"] for one in done["tables"]} == {
        one["name"]: one["rows"] for one in planned["tables"]
    }
    assert done["database"] == address
    again = relay.run("migrate", "--to", address).stdout
    assert "Was copied to" in again
    assert f"  database: {address}" in again
    before = relay.ask("subscribers", "list")
    (relay.folder / "config.yaml").write_text(
        f"relay: {{url: 'https://relay.example', database: '{address}'}}\n"
    )
    assert relay.ask("subscribers", "list") == before
    relay.fail("migrate", "--to", address, status=1, code="no-file")


@databases.NEEDED
def test_an_address_with_a_password_stays_in_its_file(relay: Operator, address: str) -> None:
    secret = address.replace("assay@", "assay:hush@")
    (relay.folder / "database.txt").write_text(f"{secret}\n")
    (relay.folder / "data" / "database.txt").write_text("elsewhere")
    shown = relay.run("migrate", "--to", "file:database.txt", "--dry-run").stdout
    assert "hush" not in shown
    text = relay.run("migrate", "--to", secret).stdout
    assert "hush" not in text
    assert "better in a file" in text
    assert relay.ask("migrate", "--to", "file:database.txt")["database"] == "file:database.txt"


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (("--to", "sqlite:other.sqlite"), 78, "no-database"),
        (("--to", "mysql://here"), 78, "no-database"),
        (("--to", "file:missing.txt"), 78, "no-database"),
        (("--to", "postgresql://nobody@127.0.0.1:9/nothing"), 69, "database"),
        (("--dry-run",), 2, "usage"),
        (("--to", "postgresql://a@b/c", "--status"), 2, "usage"),
    ],
)
def test_what_cannot_be_done_is_said(relay: Operator, words: tuple[str, ...], status: int, code: str) -> None:
    relay.fail("migrate", *words, status=status, code=code)


def test_a_relay_that_runs_is_not_moved(relay: Operator) -> None:
    lock = LockFile(relay.database)
    lock.take()
    problem = relay.fail("migrate", "--to", "postgresql://a@b/c", status=69, code="already-running")
    assert "stop it first" in problem["detail"]
    lock.release()
