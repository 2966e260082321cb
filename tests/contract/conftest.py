"""Every test of the store is run on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import KINDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.databases import Database, Databases


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses a database on each of them."""
    if "database" in metafunc.fixturenames:
        metafunc.parametrize("database", KINDS, indirect=True)


@pytest.fixture
async def store(database: Databases) -> AsyncIterator[Database]:
    """A store that is open."""
    async with database.open() as opened:
        yield opened
