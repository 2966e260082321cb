"""A trial for each test of chaos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos.judge import Trial

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def trial(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Trial:
    """What the test does to the relay, and what is to come of it."""
    name = request.node.name.removeprefix("test_").replace("_", " ")
    database = (
        "postgresql" if "postgres" in request.fixturenames or "server" in request.fixturenames else "sqlite"
    )
    return Trial(name, database, record_property)
