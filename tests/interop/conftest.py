"""What the interop tests share. `make interop` runs them; see docs/interop.md."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from relay.adapters.system import SystemClock
from tests.interop.oracle import Oracle

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

LOGS: Final = 6000
"""Characters of the end of each log that a failure shows."""
FOLDER: Final = pytest.StashKey[Path]()


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    with Oracle(tmp_path_factory.mktemp("fedify") / "fedify.log") as running:
        yield running


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture(autouse=True)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where a test's processes keep their logs."""
    request.node.stash[FOLDER] = tmp_path
    return tmp_path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of every log in the test's folder when it fails."""
    report = yield
    if report.failed and FOLDER in item.stash:
        for log in sorted(item.stash[FOLDER].rglob("*.log")):
            text = log.read_text(errors="replace")[-LOGS:]
            report.sections.append((f"end of {log.relative_to(item.stash[FOLDER])}", text))
    return report
