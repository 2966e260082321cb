"""docs/memory.md lists everything that is kept in memory, with the numbers of the code."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
TEXT: Final = (ROOT / "docs/memory.md").read_text().partition("\n## Measured")[0]
HEAD: Final = "| what | at most | where | when it is full |"
ROW: Final = re.compile(r"^\| (.+?) \| (.+?) \| `([^`]+)` \|", re.MULTILINE)
NUMBER: Final = re.compile(r"([\d,]+)(?: (MiB|GiB))?")
SIZES: Final = {None: 1, "MiB": 1024**2, "GiB": 1024**3}
KEEPING: Final = re.compile(
    r"\b(?<!class )(?:Remembered|Semaphore|BoundedSemaphore|Queue|LifoQueue|deque|OrderedDict|lru_cache)(?:\[.*\])?\("
    r"|default_factory=(?:deque|OrderedDict)\b"
)
"""How code looks that keeps something. `functools.cache` is for what there is one of."""
ELSEWHERE: Final = frozenset({"relay/services/memory.py"})
"""`Remembered` itself: whoever uses it is listed."""


def rows() -> list[tuple[str, str, str]]:
    """What, at most, where."""
    return ROW.findall(TEXT)


def value(where: str) -> Any:
    """What a dotted name stands for; of a dataclass its default."""
    module, _, name = where.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError:
        inside = value(module)
        return getattr(inside() if isinstance(inside, type) else inside, name)


def number(text: str) -> int | None:
    """A bound as it is written; None for what is no single number."""
    match = NUMBER.fullmatch(text)
    return None if match is None else int(match[1].replace(",", "")) * SIZES[match[2]]


def test_every_row_is_looked_at() -> None:
    assert len(rows()) == TEXT.count("\n| ") - TEXT.count(HEAD) > 60


@pytest.mark.parametrize(("what", "most", "where"), rows())
def test_each_bound_is_that_of_the_code(what: str, most: str, where: str) -> None:
    bound = number(most)
    if where.endswith(".py"):
        source = (ROOT / where).read_text()
        assert bound is None or f"{bound:_}" in source or str(bound) in source, what
    else:
        assert value(where) == bound, what


def test_whatever_keeps_something_is_listed() -> None:
    listed = [where.removesuffix(".py").replace(".", "/") for _, _, where in rows()]
    keepers = {
        name
        for path in (ROOT / "relay").rglob("*.py")
        if (name := path.relative_to(ROOT).as_posix()) not in ELSEWHERE and KEEPING.search(path.read_text())
    }
    assert len(keepers) > 20
    missing = {
        one for one in keepers if not any(where.startswith(one.removesuffix(".py")) for where in listed)
    }
    assert missing == set()
