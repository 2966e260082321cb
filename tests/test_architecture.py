"""The rules of the house that no linter knows. A rule that is not checked does not exist."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 400
"""Lines of a source file (house.md, rule 6)."""
GENERATED = frozenset({"requirements.lock", "requirements-dev.lock"})
RECORDED = ("tests/golden/",)
"""Traffic of other servers, kept as it came: what it says is theirs."""
LEFT_OVER = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")
REGISTRY = re.compile(
    r"\bpypi\s*\.\s*org|pythonhosted\.org|\bnpmjs\.|\bregistry\.yarn|--(?:extra-)?index-url\b|--find[-]links\b"
)
HOME = re.compile(r"(?<![\w.:/-])/(?:home|Users|root)/\w")


def sources() -> list[Path]:
    """Every Python file that is not a test, scripts without a suffix included."""
    found = [
        path for folder in ("relay", "fep/mediaattest", "tools") for path in (ROOT / folder).rglob("*.py")
    ]
    scripts = [path for path in (ROOT / "tools").iterdir() if path.is_file() and not path.suffix]
    return sorted(found + scripts)


def python_sources() -> list[Path]:
    """Those of the sources that are Python: tools/ also holds shell scripts."""
    return [path for path in sources() if path.suffix or "python" in path.read_text().partition("\n")[0]]


def tracked() -> list[Path]:
    """Every file that git tracks or is about to; without git whatever a checkout holds."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)  # noqa: S603 - git
    except (OSError, subprocess.CalledProcessError):
        return [path for path in ROOT.rglob("*") if path.is_file() and not _made(path.relative_to(ROOT))]
    paths = [ROOT / name for name in done.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]  # one that was deleted is tracked until the commit


def _made(path: Path) -> bool:
    hidden = path.parts[0].startswith(".") and path.parts[0] not in {".ci", ".gitignore"}
    return hidden or path.parts[0] in {"data", "dist", "build", "node_modules"} or "__pycache__" in path.parts


def texts() -> list[tuple[str, str]]:
    """Name and text of every file that people write."""
    found = []
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if name in GENERATED or name.startswith(RECORDED):
            continue
        content = path.read_bytes()
        if b"\0" not in content:
            found.append((name, content.decode()))
    return found


def places(pattern: re.Pattern[str]) -> list[str]:
    """Every `file:line` that the pattern finds, with what it found."""
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0].strip()}"
        for name, text in texts()
        for match in pattern.finditer(text)
    ]


def test_there_is_something_to_check() -> None:
    assert len(sources()) > 100
    names = {name for name, _ in texts()}
    assert {"README.md", "Makefile", "pyproject.toml", "relay/wiring/assembly.py"} <= names


def test_files_are_short() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in sources()}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_every_module_says_why_it_exists() -> None:
    modules = [path for path in python_sources() if path.read_text().strip()]
    silent = [path for path in modules if not ast.get_docstring(ast.parse(path.read_text()))]
    assert [path.relative_to(ROOT).as_posix() for path in silent] == []


def test_imports_keep_the_contracts() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S603 - ours
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (LEFT_OVER, "# TO" + "DO: later"),
        (REGISTRY, "https://pypi" + ".org/simple"),
        (REGISTRY, "--index" + "-url https://example.org"),
        (HOME, "reads /ho" + "me/me/file"),
        (HOME, "'/ro" + "ot/file'"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


def test_nothing_is_left_to_do_in_a_comment() -> None:
    assert places(LEFT_OVER) == []


def test_no_registry_is_named() -> None:
    assert places(REGISTRY) == []


def test_no_file_knows_whose_machine_it_was_written_on() -> None:
    assert places(HOME) == []
    if len(ROOT.parts) > 2:  # a checkout in /app would find what is no path
        assert places(re.compile(rf"(?<![\w.:/-]){re.escape(str(ROOT))}\b")) == []


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_lock_files_pin_hashes_and_name_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not REGISTRY.search(text)
    requirements = re.split(r"\n(?=[a-z0-9])", text)[1:]
    pinned = re.compile(r"[a-z0-9.-]+==\S+(?: ; [^\\\n]+)? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+")
    assert [one.partition("\n")[0] for one in requirements if not pinned.match(f"{one}\n")] == []


@pytest.mark.parametrize("folder", ["tests/interop/peers", "fep/js"])
def test_npm_locks_agree_with_their_packages_pin_hashes_and_name_no_address(folder: str) -> None:
    package, lock = (
        json.loads((ROOT / folder / name).read_text()) for name in ("package.json", "package-lock.json")
    )
    itself, *others = lock["packages"].values()
    kinds = ("dependencies", "devDependencies")
    assert {kind: itself.get(kind) for kind in kinds} == {kind: package.get(kind) for kind in kinds}
    assert [one for one in others if "resolved" in one or not one["integrity"].startswith("sha512-")] == []


def test_what_runs_is_pinned_alike_for_tests() -> None:
    # What stands behind the semicolon can differ: tests may need a package on more platforms.
    used, developed = (
        {pin.partition(";")[0].strip() for pin in _pins(ROOT / name)}
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert used - developed == set()


def test_pins_are_sorted() -> None:
    for name in GENERATED:
        names = [pin.partition("==")[0] for pin in _pins(ROOT / name)]
        assert all(before <= after for before, after in pairwise(names)), name


def _pins(path: Path) -> list[str]:
    return re.findall(r"^[a-z0-9][^\\\n]*", path.read_text(), re.MULTILINE)
