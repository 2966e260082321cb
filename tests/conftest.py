"""What holds for every test: where databases come from, and that no example is judged by the time it took."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests import databases
from tests.chaos.report import pytest_terminal_summary as pytest_terminal_summary  # noqa: PLC0414 - a hook, by its name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

settings.register_profile("assay", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=2_000)
"""Twenty times as many examples: `make fuzz`."""
if "ASSAY_THOROUGH" in os.environ:
    settings.load_profile("thorough")
elif "CI" not in os.environ:  # there hypothesis takes its own profile, which has no time limit either
    settings.load_profile("assay")

KINDS = [
    "sqlite",
    pytest.param("postgresql", marks=databases.NEEDED),
]
"""The databases that a relay can run on. A machine without PostgreSQL is told so; in CI that is a failure (.ci/run)."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[databases.Server]:
    """A PostgreSQL server of this process."""
    yield from databases.serving()


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> databases.Databases:
    """Where the relay of a test keeps its data: SQLite, unless the test is run on both."""
    kind = getattr(request, "param", "sqlite")
    return databases.of_kind(kind, tmp_path, lambda: request.getfixturevalue("postgres"))
