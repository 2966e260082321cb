"""What is in a file moves to PostgreSQL whole and exact, goes on after an interruption, and is never a mix."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest

from relay.adapters.sql import moving
from relay.adapters.sql.moving import Outcome, move, survey
from relay.adapters.sql.postgres import PostgresStore
from relay.adapters.sql.schema import migrations, newest
from relay.adapters.sql.sqlite import SqliteStore
from relay.domain.errors import Conflict, Refused, RelayError, Unavailable
from tests import databases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = databases.NEEDED
EDGES: Final[dict[str, list[Any]]] = {
    "TEXT": [
        "",
        "ä \N{ROLLING ON THE FLOOR LAUGHING} 'quoted' \\ \x01\n\t",
        "\N{REPLACEMENT CHARACTER}",
        r"\u0000",
    ],
    "BLOB": [b"", bytes(range(256)), b"\\x00", b"\0" * 9],
    "INTEGER": [0, 1, -1, (1 << 31) - 1, -(1 << 31)],
    "BIGINT": [0, (1 << 63) - 1, -(1 << 63), 1 << 53],
    "DOUBLE PRECISION": [0.1, 1763827200.123456, -5e-324, 1.7976931348623157e308, float("inf"), 3.0],
    "BOOLEAN": [1, 0],
}


@pytest.fixture
def address(postgres: databases.Server) -> Iterator[str]:
    """A database with tables and nothing in them: making them anew for each test takes long."""
    yield from databases.copied_to(postgres)


@pytest.fixture
def bare(postgres: databases.Server) -> Iterator[str]:
    """A database without tables."""
    yield from databases.bare(postgres)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database file with some rows in every table."""
    path = tmp_path / "relay.sqlite"
    make(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, columns in tables(connection).items():
            fill(connection, table, columns, 23)
    return path


def make(path: Path) -> None:
    async def open_once() -> None:
        async with SqliteStore(path):
            pass

    asyncio.run(open_once())


def tables(connection: sqlite3.Connection) -> dict[str, list[Any]]:
    """Every table, with what SQLite tells about its columns."""
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*'"
    )
    return {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for (name,) in names.fetchall()}


def fill(connection: sqlite3.Connection, table: str, columns: list[Any], rows: int) -> None:
    """Insert rows with different keys; the other columns hold everything that their type can."""
    unique = {
        column
        for (index,) in connection.execute(
            'SELECT name FROM pragma_index_list(?) WHERE "unique"', (table,)
        ).fetchall()
        for (column,) in connection.execute("SELECT name FROM pragma_index_info(?)", (index,)).fetchall()
    }
    for number in range(1, rows + 1):
        values = []
        for _, name, declared, required, default, key in columns:
            edges = EDGES[declared]
            if key and declared == "INTEGER":
                values.append(number * 3)
            elif key or name in unique:
                values.append({"TEXT": f"{name} {number}", "BLOB": b"%d" % number}.get(declared, number))
            elif not required and default is None and number % 4 == 0:
                values.append(None)
            else:
                values.append(edges[number % len(edges)])
        marks = ", ".join("?" for _ in values)
        connection.execute(f"INSERT INTO {table} VALUES ({marks})", values)  # noqa: S608


def moved(file: Path, address: str, **options: Any) -> Outcome:
    shown: Callable[[int, int], None] = options.pop("shown", lambda _done, _total: None)
    return move(file, address, lambda: 1e9, shown, lambda _done, _total: None, **options)


@contextmanager
def refused(code: str, kind: type[RelayError] = Conflict) -> Iterator[list[str]]:
    """What is inside is refused with a code; the value is filled with what it says."""
    said: list[str] = []
    with pytest.raises(kind) as caught:
        yield said
    assert caught.value.code == code
    said.append(str(caught.value))


def both(file: Path, address: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Every row of both databases, read by means of their own drivers."""
    with closing(sqlite3.connect(file)) as left, psycopg.connect(address) as right:
        here, there = {}, {}
        for table, columns in tables(left).items():
            names = ", ".join(name for _, name, *_ in columns)
            query = f"SELECT {names} FROM {table}"  # noqa: S608
            here[table] = sorted(left.execute(query).fetchall(), key=repr)
            found = right.execute(query.encode()).fetchall()
            there[table] = sorted(
                [tuple(int(one) if isinstance(one, bool) else one for one in row) for row in found], key=repr
            )
    return here, there


def interrupted(file: Path, address: str, after: int) -> None:
    """Copy until so many rows are done, and no further."""

    def stop(done: int, _total: int) -> None:
        if done >= after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        moved(file, address, shown=stop)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of a few rows."""
    monkeypatch.setattr(moving, "_ROWS", 5)


async def opened(address: str) -> None:
    async with PostgresStore(address, serving=True) as store, store.transaction() as tx:
        await tx.fanout.head()


def test_every_row_of_every_table_is_there_and_as_it_was(file: Path, bare: str) -> None:
    outcome = moved(file, bare)
    here, there = both(file, bare)
    assert here == there
    assert all(len(rows) == 23 for rows in here.values())
    assert {one.name: one.rows for one in outcome.tables} == dict.fromkeys(here, 23)
    assert (outcome.new, outcome.kept, outcome.at) == (True, 0, 1e9)
    asyncio.run(opened(bare))


def test_every_table_that_a_migration_makes_is_known(file: Path, address: str) -> None:
    made = {
        words.split("(")[0].split()[0]
        for _, text in migrations()
        for words in text.split("CREATE TABLE ")[1:]
    }
    assert {one.name for one in survey(file, address).tables} == made


def test_numbers_go_on_after_the_largest_that_was_ever_given(file: Path, address: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM log")
        connection.execute("DELETE FROM audit")
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'audit'")
        numbered = dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
        last = connection.execute("SELECT max(rowid) FROM left_profiles").fetchone()[0]
        assert numbered["log"] == 69
    moved(file, address)
    with psycopg.connect(address) as connection:
        for table, number in (numbered | {"left_profiles": last, "audit": 0}).items():
            column = connection.execute(
                b"SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attidentity <> ''",
                (table,),
            ).fetchone()
            assert column is not None
            found = connection.execute(
                b"SELECT nextval(pg_get_serial_sequence(%s, %s))", (table, column[0])
            ).fetchone()
            assert found == (number + 1,), table


def test_the_order_of_rows_that_only_sqlite_numbers_is_kept(file: Path, address: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM left_profiles WHERE actor = 'actor 7'")
        connection.execute("INSERT INTO left_profiles VALUES ('actor 7', NULL, 0)")
        order = connection.execute("SELECT rowid, actor FROM left_profiles ORDER BY rowid").fetchall()
    moved(file, address)
    with psycopg.connect(address) as connection:
        assert (
            connection.execute(b"SELECT rowid, actor FROM left_profiles ORDER BY rowid").fetchall() == order
        )


def test_what_postgresql_cannot_hold_is_changed_as_always_and_said(file: Path, address: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE seen SET key = 'odd ' || char(0) || key WHERE key = 'key 5'")
        connection.execute("UPDATE audit SET detail = 'a' || char(0, 0) WHERE id < 10")
    said = {"seen": {"key": 1}, "audit": {"detail": 3}}
    for outcome in (survey(file, address), moved(file, address)):
        assert {one.name: one.replaced for one in outcome.tables if one.replaced} == said
    with psycopg.connect(address) as connection:
        assert connection.execute(
            b"SELECT count(*) FROM seen WHERE key = 'odd \xef\xbf\xbdkey 5'"
        ).fetchone() == (1,)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("UPDATE activities SET attempts = 'many' WHERE seq = 9", "row 9 of activities has in attempts str"),
        (
            "UPDATE activities SET attempts = 2147483648 WHERE seq = 9",
            "row 9 of activities has in attempts 2147483648",
        ),
        ("UPDATE lab_reports SET listed = 2 WHERE rowid = 4", "row 4 of lab_reports has in listed 2"),
        ("UPDATE log SET body = 'text' WHERE position = 6", "row 6 of log has in body str"),
        ("UPDATE media SET sha1 = x'00ff' WHERE rowid = 3", "row 3 of media has in sha1 bytes"),
        ("UPDATE media SET sha1 = CAST(x'00ff' AS TEXT) WHERE rowid = 3", "media cannot be read after row 2"),
        ("CREATE TABLE more (name VARCHAR(9))", "more.name"),
    ],
)
def test_what_has_no_place_there_is_refused_and_named(
    file: Path, address: str, change: str, word: str
) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(change)
    for attempt in (survey, moved):
        with pytest.raises(Refused, match=word.replace(".", r"\.")):
            attempt(file, address)


def test_texts_that_become_the_same_are_refused(file: Path, address: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO seen VALUES ('a' || char(0), 1), ('a' || char(65533), 1)")
    with refused("unfit-value", Refused) as said:
        moved(file, address)
    assert "seen" in said[0]


def test_a_table_that_only_the_file_has_is_refused(file: Path, address: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE mine (name TEXT)")
    with refused("other-schema", Refused) as said:
        moved(file, address)
    assert "mine" in said[0]


def test_a_file_of_a_newer_version_is_refused(file: Path, address: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"PRAGMA user_version = {newest() + 1}")
    for attempt in (survey, moved):
        with refused("newer-database", Refused):
            attempt(file, address)


def test_a_file_of_an_older_version_is_brought_up_to_date_first(tmp_path: Path, address: str) -> None:
    path = tmp_path / "empty.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 0")
    assert survey(path, address).tables == []
    assert sum(one.rows for one in moved(path, address).tables) == 0
    asyncio.run(opened(address))


def test_nobody_works_on_either_side_meanwhile(file: Path, address: str) -> None:
    async def beside(running: SqliteStore | PostgresStore) -> None:
        async with running:
            with refused("already-running"):
                await asyncio.to_thread(moved, file, address)

    asyncio.run(beside(SqliteStore(file, exclusive=True)))
    asyncio.run(beside(PostgresStore(address, serving=True)))

    def look(_done: int, _total: int) -> None:
        with closing(sqlite3.connect(file, timeout=0)) as other, pytest.raises(sqlite3.OperationalError):
            other.execute("DELETE FROM seen")
        with refused("already-running"):
            asyncio.run(serve(SqliteStore(file, exclusive=True)))

    async def serve(store: SqliteStore) -> None:
        async with store:
            pass

    moved(file, address, shown=look)


def test_a_database_that_has_something_is_left_alone(file: Path, address: str) -> None:
    with psycopg.connect(address) as connection:
        connection.execute(b"CREATE TABLE theirs (n INTEGER)")
        connection.execute(b"INSERT INTO theirs VALUES (1)")
    for attempt in (survey, moved):
        with refused("not-empty") as said:
            attempt(file, address)
        assert "theirs" in said[0]


def test_looking_changes_nothing(file: Path, bare: str) -> None:
    before = file.read_bytes()
    outcome = survey(file, bare)
    assert (outcome.new, outcome.at, sum(one.rows for one in outcome.tables)) == (
        False,
        None,
        23 * len(outcome.tables),
    )
    assert file.read_bytes() == before
    with psycopg.connect(bare) as connection:
        assert connection.execute(
            b"SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone() == (0,)


@pytest.mark.usefixtures("small")
def test_it_goes_on_where_it_was_interrupted(file: Path, address: str) -> None:
    for after in (3, 30, 500):
        interrupted(file, address, after)
        with refused("unfinished-copy", Refused):
            asyncio.run(opened(address))
        assert survey(file, address).kept >= after
    outcome = moved(file, address)
    assert outcome.kept >= 500
    here, there = both(file, address)
    assert here == there
    asyncio.run(opened(address))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE activities SET attempts = 77 WHERE seq = 3",
        "DELETE FROM activities WHERE seq = 3",
        "UPDATE activities SET seq = 1 WHERE seq = 3",
    ],
)
def test_a_file_that_changed_meanwhile_is_noticed_and_copied_from_the_start_when_asked(
    file: Path, address: str, change: str
) -> None:
    interrupted(file, address, 100)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(change)
    with refused("source-changed") as said:
        moved(file, address)
    assert "activities" in said[0]
    assert moved(file, address, anew=True).kept == 0
    here, there = both(file, address)
    assert here == there


@pytest.mark.usefixtures("small")
def test_rows_that_came_after_an_interruption_are_copied_too(file: Path, address: str) -> None:
    interrupted(file, address, 500)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO accounts_seen VALUES ('new', 1.5)")
    moved(file, address)
    here, there = both(file, address)
    assert here == there


def test_a_finished_copy_is_not_touched_again(file: Path, address: str) -> None:
    at = moved(file, address).at
    again = moved(file, address)
    assert (again.new, again.at) == (False, at)
    with psycopg.connect(address) as connection:
        connection.execute(b"DELETE FROM seen")  # a relay works there
    assert not moved(file, address, anew=True).new
    assert both(file, address)[1]["seen"] == []
    for change in ("INSERT INTO seen VALUES ('x', 1)", "UPDATE seen SET at = 7"):
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(change)
        with refused("source-changed"):
            moved(file, address)


@pytest.mark.usefixtures("small")
def test_what_was_damaged_on_the_way_is_found_before_a_relay_runs_on_it(file: Path, address: str) -> None:
    interrupted(file, address, 100)
    with psycopg.connect(address) as connection:
        connection.execute(b"UPDATE activities SET attempts = attempts + 1 WHERE seq = 3")
    with refused("not-verified", Refused) as said:
        moved(file, address)
    assert "activities" in said[0]
    with refused("unfinished-copy", Refused):
        asyncio.run(opened(address))


@pytest.mark.usefixtures("small")
def test_a_copy_of_another_version_is_not_gone_on_with(file: Path, address: str) -> None:
    interrupted(file, address, 30)
    with psycopg.connect(address) as connection:
        [(text,)] = connection.execute(b"SELECT document FROM copy_progress").fetchall()
        older = json.dumps(json.loads(text) | {"schema": newest() - 1})
        connection.execute(b"UPDATE copy_progress SET document = %s", (older,))
    with refused("source-changed"):
        moved(file, address)


def test_a_server_that_goes_away_leaves_what_can_go_on(
    postgres: databases.Server, file: Path, address: str
) -> None:
    def cut(done: int, _total: int) -> None:
        if done > 100:
            postgres.cut()

    with refused("database", Unavailable):
        moved(file, address, shown=cut)
    assert moved(file, address).kept > 100
    with refused("database", Unavailable):
        survey(file, "postgresql://nobody@127.0.0.1:9/nothing")
