"""Old and new versions of the relay on one PostgreSQL: who may run beside whom, and what a migration costs others."""

from __future__ import annotations

import asyncio
import re
import shutil
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import psycopg
import pytest

from relay.adapters.sql import schema
from relay.adapters.sql.postgres import PostgresStore
from relay.adapters.sql.upgrading import migrate, opened, serving
from relay.domain.errors import Refused, Unavailable
from tests import databases
from tests.contract.test_store import incoming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Newer = Callable[[str], int]

pytestmark = databases.NEEDED
FIRST: Final = 22
"""The newest migration of the first version that ran on PostgreSQL: those up to it were never met by another one."""
ADDING: Final = re.compile(
    r"CREATE TABLE \w+ \(.*\)|CREATE INDEX .*|ALTER TABLE \w+ ADD COLUMN (?!.* UNIQUE)(?:(?!.*NOT NULL).*|.*DEFAULT.*)",
    re.DOTALL,
)


@pytest.fixture
def address(postgres: databases.Server) -> Iterator[str]:
    """A database whose tables are changed."""
    yield from databases.bare(postgres)


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Newer:
    """Gives this process, from now on, one more migration; returns its number."""
    folder = tmp_path / "migrations"
    shutil.copytree(schema._FOLDER, folder)

    def add(text: str) -> int:
        number = schema.newest() + 1
        (folder / f"{number:04}_test.sql").write_text(text.format(number=number))
        monkeypatch.setattr(schema, "_FOLDER", folder)
        return number

    return add


async def receive(store: PostgresStore, name: str) -> None:
    async with store.transaction() as tx:
        await tx.activities.receive([(incoming(name), None)])


async def look(store: PostgresStore) -> None:
    async with store.reading() as tx:
        await tx.activities.about("https://a.test/1")


def adds_only(text: str) -> bool:
    return all(ADDING.fullmatch(one) for one in schema.statements(text))


def test_a_migration_only_adds_or_says_which_versions_do_not_run_on_it() -> None:
    taking = [
        number
        for number, text in schema.migrations()
        if number > FIRST and not adds_only(text) and schema.compatible_from(text) != number
    ]
    assert taking == []


@pytest.mark.parametrize(
    ("text", "adds"),
    [
        ("CREATE TABLE a (b TEXT NOT NULL);\nCREATE INDEX c ON a (b);", True),
        ("ALTER TABLE a ADD COLUMN b TEXT", True),
        ("ALTER TABLE a ADD COLUMN b BIGINT NOT NULL DEFAULT 0", True),
        ("ALTER TABLE a ADD COLUMN b BIGINT NOT NULL", False),
        ("ALTER TABLE a ADD COLUMN b BIGINT UNIQUE", False),
        ("ALTER TABLE a DROP COLUMN b", False),
        ("CREATE UNIQUE INDEX c ON a (b)", False),
        ("DELETE FROM a", False),
    ],
)
def test_what_only_adds(text: str, *, adds: bool) -> None:
    assert adds_only(text) is adds


async def test_an_older_process_goes_on_beside_a_newer_one(address: str, newer: Newer) -> None:
    async with PostgresStore(address, serving=True) as older:
        for number in range(12):  # what is asked often is prepared
            await receive(older, f"a{number}")
            await look(older)
        number = newer("ALTER TABLE activities ADD COLUMN more TEXT;\nCREATE TABLE more (a TEXT NOT NULL);")
        async with PostgresStore(address, serving=True) as upgraded:
            await receive(upgraded, "b")
            with pytest.raises(Unavailable):  # its plan is for the table as it was
                await look(older)
            for _ in range(12):
                await look(older)
                await receive(older, f"c{_}")
            async with opened(address) as connection:
                assert sorted((await serving(connection)).values()) == [number - 1, number]
        async with older.reading() as tx:
            assert await tx.activities.waiting() == 25


async def test_a_version_that_is_too_old_for_the_tables_ends_and_is_not_overtaken(
    address: str, newer: Newer, postgres: databases.Server
) -> None:
    before = schema._FOLDER
    async with PostgresStore(address, serving=True):
        number = newer("-- compatible_from: {number}\nALTER TABLE activities RENAME COLUMN kind TO sort;")
        with pytest.raises(Refused) as caught:
            async with PostgresStore(address):
                pass
        assert caught.value.code == "older-running"
        assert str(number) in str(caught.value)
        async with opened(address) as connection:
            assert number not in (await schema_of(connection))
    newest = schema._FOLDER
    async with AsyncExitStack() as stack:
        schema._FOLDER = before
        cut_off = await stack.enter_async_context(PostgresStore(address, serving=True))
        postgres.cut()
        schema._FOLDER = newest
        async with PostgresStore(address, serving=True):
            schema._FOLDER = before
            for kind in (True, False):
                with pytest.raises(Refused) as caught:
                    await stack.enter_async_context(PostgresStore(address, serving=kind))
                assert caught.value.code == "newer-database"
            with pytest.raises(Unavailable):
                await hear(cut_off)
            with pytest.raises(Refused):  # it listens again, and learns it
                await hear(cut_off)
        schema._FOLDER = newest


async def test_a_relay_that_does_not_say_its_version_is_older(address: str, newer: Newer) -> None:
    async with PostgresStore(address):
        pass
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(b"ALTER TABLE schema_migrations DROP COLUMN compatible_from")
        connection.execute(
            b"SELECT pg_advisory_lock_shared(1634956034)"
        )  # as the first version on PostgreSQL
        async with PostgresStore(address, serving=True) as store:
            await receive(store, "1")
        newer("-- compatible_from: {number}\nDROP TABLE gaps;")
        with pytest.raises(Refused) as caught:
            async with PostgresStore(address):
                pass
        assert caught.value.code == "older-running"
    async with PostgresStore(address) as store:
        await receive(store, "2")


async def test_a_migration_waits_for_readers_and_lets_others_write(address: str, newer: Newer) -> None:
    async with PostgresStore(address, serving=True) as older, opened(address) as connection:
        number = newer("ALTER TABLE gaps ADD COLUMN more TEXT")
        with psycopg.connect(address) as reader:
            reader.execute(b"SELECT * FROM gaps")
            async with asyncio.TaskGroup() as tasks:
                migrating = tasks.create_task(migrate(connection))
                for name in range(8):
                    await receive(older, str(name))
                    await asyncio.sleep(0.5)  # noqa: TID251 - so that it is tried several times
                assert not migrating.done()
                reader.rollback()
        assert migrating.result() == 1
        assert number in await schema_of(connection)


async def hear(store: PostgresStore) -> None:
    async with store.present() as connection:
        await connection.execute(b"SELECT 1")


async def schema_of(connection: psycopg.AsyncConnection[object]) -> set[object]:
    rows = await (await connection.execute(b"SELECT number FROM schema_migrations")).fetchall()
    return {number for (number,) in rows}
