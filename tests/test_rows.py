"""The 43 hostile inputs of the protocol notes (5.3): every row has a test that bears its number."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
ROWS = range(1, 44)
NAME = re.compile(r"test_rows?_([0-9]+(?:_[0-9]+)*)_")
PARSERS = frozenset(
    {
        "bs4",
        "defusedxml",
        "html",
        "html5lib",
        "lxml",
        "markdown",
        "parsel",
        "pyexpat",
        "pyquery",
        "selectolax",
        "xml",
        "xmltodict",
    }
)
"""What reads HTML or XML. Jinja writes it."""
READS_XML = {"relay/adapters/plainxml.py": {"xml.parsers"}}
"""The one place that reads XML, of services that the operator chose (ADR 0028); who may use it is tested, too."""
USES_XML = {"relay/adapters/scanners/keepers/ncmec.py"}
MARKUP = re.compile(r"<[A-Za-z!/(\[]")
GROUPS = re.compile(r"\(\?(?:P?<[A-Za-z_]\w*>|<[=!])")


def every_test(folder: Path) -> Iterator[tuple[str, str]]:
    """File and name of every test function."""
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield path.relative_to(ROOT).as_posix(), node.name


def rows_of(name: str) -> list[int]:
    """The rows that a test's name gives: `test_row_7_...`, `test_rows_5_12_...`."""
    match = NAME.match(name)
    return [int(number) for number in match[1].split("_")] if match else []


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Name and syntax of every module that runs."""
    for folder in ("relay", "fep/mediaattest"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def patterns() -> Iterator[tuple[str, str | bytes]]:
    """Every literal that is handed to `re`, f-strings by their fixed parts."""
    for name, module in sources():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                owner = node.func.value
                if isinstance(owner, ast.Name) and owner.id == "re":
                    for part in ast.walk(node.args[0]):
                        if isinstance(part, ast.Constant) and isinstance(part.value, str | bytes):
                            yield name, part.value


def depth(parsed: object, inside: int = 0) -> int:
    """How deep unbounded repetitions stand in one another."""
    found = inside
    for op, value in parsed:  # type: ignore[attr-defined]
        repeats = str(op) in {"MAX_REPEAT", "MIN_REPEAT"}
        below = inside + (repeats and str(value[1]) == "MAXREPEAT")
        members = value if isinstance(value, tuple | list) else [value]
        for member in members:
            for part in member if isinstance(member, list) else [member]:
                if hasattr(part, "data"):
                    found = max(found, depth(part, below))
        found = max(found, below)
    return found


def test_every_row_has_a_test() -> None:
    found: defaultdict[int, list[str]] = defaultdict(list)
    for file, name in every_test(ROOT / "tests"):
        for row in rows_of(name):
            found[row].append(f"{file}::{name}")
    assert [row for row in ROWS if not found[row]] == []
    assert sorted(found.keys() - set(ROWS)) == []


def test_what_says_row_is_counted() -> None:
    assert rows_of("test_row_07_x") == rows_of("test_rows_7_x") == [7]
    assert rows_of("test_rows_5_12_x") == [5, 12]
    assert rows_of("test_other") == rows_of("test_rows_of_x") == []
    odd = [
        name for _, name in every_test(ROOT / "tests") if name.startswith("test_row_") and not rows_of(name)
    ]
    assert odd == []


def test_row_39_nothing_parses_html() -> None:
    """HTML of others is neither parsed nor searched: what is not the expected type is refused by its type."""
    for name, module in sources():
        for node in ast.walk(module):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                imported.append(node.module or "")
            allowed = {"xml.sax.saxutils", *READS_XML.get(name, ())}  # the first quotes
            assert not [one for one in imported if one.split(".")[0] in PARSERS and one not in allowed], name


def test_row_39_xml_is_read_of_chosen_services_only() -> None:
    users = {
        name
        for name, module in sources()
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module == "relay.adapters.plainxml"
    }
    assert users == USES_XML


def test_row_39_no_regex_looks_for_markup_but_the_one_that_tells_it_from_media() -> None:
    found = {
        name
        for name, pattern in patterns()
        if MARKUP.search(GROUPS.sub("(", pattern if isinstance(pattern, str) else pattern.decode("latin-1")))
    }
    assert found == {"relay/adapters/media/formats.py"}


def test_row_39_no_regex_over_a_body_repeats_inside_a_repetition() -> None:
    """Patterns of bytes are those that see bodies: each of them is linear."""
    parse = re._parser.parse  # type: ignore[attr-defined]
    of_bytes = [(name, pattern) for name, pattern in patterns() if isinstance(pattern, bytes)]
    assert {name for name, _ in of_bytes} >= {"relay/adapters/media/formats.py", "relay/domain/strictjson.py"}
    assert [name for name, pattern in of_bytes if depth(parse(pattern)) > 1] == []


@pytest.mark.parametrize(
    ("pattern", "levels"), [("(a+)+", 2), ("(?:<[^>]*>)*x", 2), ("a+b*", 1), ("a{2}", 0)]
)
def test_the_depth_of_repetitions_is_seen(pattern: str, levels: int) -> None:
    assert depth(re._parser.parse(pattern)) == levels  # type: ignore[attr-defined]
