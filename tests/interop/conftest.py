"""What the interop tests share. `make interop` runs them; see docs/interop.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from relay.adapters.system import SystemClock
from tests.interop.logs import ends, forget, logs_in
from tests.interop.oracle import HERE, Oracle, Script

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    with Oracle(tmp_path_factory.mktemp("fedify") / "fedify.log") as running:
        yield running


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Script]:
    """The attestation library for JavaScript, fep/js."""
    log = tmp_path_factory.mktemp("mediaattest") / "mediaattest.log"
    with Script(HERE / "mediaattest/oracle.mjs", log) as running:
        yield running


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a test's processes keep their logs."""
    yield logs_in(tmp_path)
    forget(tmp_path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of every log when a test fails."""
    report = yield
    if report.failed:
        report.sections.extend(ends())
    return report
