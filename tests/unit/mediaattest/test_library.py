"""What the library promises as a whole: it stands alone, and knows neither clock nor chance."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import mediaattest

SOURCES = sorted(Path(mediaattest.__file__).parent.glob("*.py"))
FORBIDDEN = {
    "time",
    "random",
    "secrets",
    "uuid",
    "socket",
    "ssl",
    "urllib",
    "http",
    "logging",
    "asyncio",
    "os",
}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_it_depends_on_cryptography_only(source: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).partition(".")[0])
    assert imported - set(sys.stdlib_module_names) <= {"cryptography", "mediaattest"}
    assert not imported & FORBIDDEN


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_only_the_program_knows_what_time_it_is(source: Path) -> None:
    reads = {
        node.func.attr
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    } & {"now", "utcnow", "today"}
    assert reads == ({"now"} if source.name == "__main__.py" else set())


def test_everything_public_exists_and_says_what_it_is() -> None:
    assert len(set(mediaattest.__all__)) == len(mediaattest.__all__)
    for name in mediaattest.__all__:
        assert getattr(mediaattest, name).__doc__
