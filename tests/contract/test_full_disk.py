"""A disk without room under SQLite: what is asked of it fails, has no effect, and works again when there is room."""

from __future__ import annotations

import resource
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from relay.adapters.sql.sqlite import SqliteStore
from relay.cli.problems import Status, problem_of
from relay.domain.errors import Busy, Unavailable
from relay.services.intake import Intake
from tests.contract.test_store import incoming, settled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def no_room(path: Path) -> Iterator[None]:
    """Let no file of this process grow beyond the size that the log of the database has now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = path.with_name(f"{path.name}-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_commit_that_finds_no_room_changed_nothing_and_the_next_one_works(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "relay.sqlite"
    async with SqliteStore(path) as store:
        intake = Intake(store)
        assert await intake.put(incoming("1"), settled()) == 1
        caplog.clear()
        caplog.set_level("INFO", "relay")
        with no_room(path):
            for _ in range(3):
                with pytest.raises(Busy):
                    await intake.put(incoming("2"), settled())
            with pytest.raises(Unavailable):
                async with store.transaction() as tx:
                    await tx.touch()
            assert store.failing
            async with store.reading() as tx:
                assert await tx.fanout.head() == 1
        assert await intake.put(incoming("2"), settled()) == 2
        assert not store.failing
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"], "said once each"


async def test_a_statement_that_finds_no_room_changed_nothing(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "relay.sqlite") as store:
        await store._writer.execute("PRAGMA max_page_count = 1")  # as many as it has
        with pytest.raises(Unavailable) as caught:
            async with store.transaction() as tx:
                await tx.activities.receive([(incoming(str(n)), settled()) for n in range(100)])
        problem = problem_of(caught.value)
        assert problem.status == Status.UNAVAILABLE
        assert "full" in problem.message
        await store._writer.execute("PRAGMA max_page_count = 1000000")
        async with store.transaction() as tx:
            await tx.activities.receive([(incoming("1"), settled())])


async def test_a_mistake_in_a_statement_is_no_trouble_of_the_disk(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "relay.sqlite") as store:
        with pytest.raises(sqlite3.OperationalError):
            async with store.transaction():
                await store._writer.execute("SELECT nothing FROM nowhere")
        assert not store.failing
