"""The documents say what is so: commands exist, links lead somewhere, every dependency is explained."""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from relay.cli.main import main

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "fep/**/*.md")
    for path in ROOT.glob(pattern)
    if "node_modules" not in path.parts  # documents of others, after `make js`
)
RECORDS = sorted((ROOT / "docs/adr").glob("*.md"))
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
THREAT = re.compile(r"^\| .+ \| .+ \| (none yet|`tests/.+`) \|$", re.MULTILINE)
NAMED_TEST = re.compile(r"`(tests/[^`]+\.py)::([^`]+)`")
TARGET = re.compile(r"^([a-z-]+):(.*)", re.MULTILINE)
PLAIN = frozenset({"cd", "cp", "curl", "export", "git", "mkdir", "npm", "python", "systemctl"})
"""Programs of the system that a document may use; a new one is a decision, not an accident."""

SPOKEN = re.compile(r"\bassay(?: [a-z][a-z-]*){1,3}")
SPAN = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")
PROSE = frozenset({"assay as that user", "assay canary"})
"""Where the word is followed by others and no command is meant."""
SPEAKING = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("relay/**/*.py", "relay/**/*.html", "relay/web/static/*.js", "config.yaml", "docs/*.json")
    for path in ROOT.glob(pattern)
)


def commands(text: str) -> list[list[str]]:
    """Every command of the `sh` blocks, as words, without `sudo` and what belongs to it."""
    lines = "".join(BLOCK.findall(text)).replace("\\\n", " ").splitlines()
    found = [re.sub(r"^sudo (?:-u \S+ )?", "", line.strip()) for line in lines]
    return [words for line in found if (words := shlex.split(line, comments=True))]


def every_command() -> list[tuple[str, str]]:
    """Each command of each document."""
    return [(name, shlex.join(words)) for name in DOCUMENTS for words in commands((ROOT / name).read_text())]


def parse(command: click.Command, words: list[str], parent: click.Context | None = None) -> None:
    """Read a command line as `assay` would, without running it. Raises `UsageError`."""
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=command.name, parent=parent)
        _, rest, _ = command.make_parser(context).parse_args(words)
        _, found, left = command.resolve_command(context, rest)
        assert found is not None
        parse(found, left, context)
        return
    try:
        command.make_context(command.name, words, parent=parent)
    except click.MissingParameter:
        raise
    except click.BadParameter as error:
        if not isinstance(error.param and error.param.type, click.Path | click.File):
            raise  # the files of an example are the operator's: they need not exist here
    except click.exceptions.Exit:
        pass  # --help and the like


def exists(words: list[str]) -> bool:
    """Whether these words name a command; what follows a whole command may be anything."""
    found: click.Command | None = main
    for word in words:
        if not isinstance(found, click.Group):
            return True
        found = found.get_command(click.Context(found), word)
    return found is not None


def spoken(path: Path) -> list[str]:
    """What a file says to people: the texts of a program, each as it is put together, or the lines of a page."""
    if path.suffix != ".py":
        text = path.read_text()
        return [*text.splitlines(), *(" ".join(span.split()) for span in SPAN.findall(text))]
    nodes = list(ast.walk(ast.parse(path.read_text())))
    put_together = [node for node in nodes if isinstance(node, ast.JoinedStr)]
    parts = {id(value) for node in put_together for value in node.values}
    plain = [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts
    ]
    filled = [
        "".join(str(value.value) if isinstance(value, ast.Constant) else "…" for value in node.values)
        for node in put_together
    ]
    return [" ".join(text.split()) for text in [*plain, *filled]]


def unknown_commands(texts: list[str]) -> list[str]:
    """The commands that texts name and that do not exist."""
    named = {match[0] for text in texts for match in SPOKEN.finditer(text)} - PROSE
    return sorted(one for one in named if not exists(one.split()[1:]))


def targets() -> dict[str, str]:
    """The targets of the Makefile and what stands after their names."""
    return dict(TARGET.findall((ROOT / "Makefile").read_text()))


@pytest.mark.parametrize(("document", "line"), every_command())
def test_commands_exist(document: str, line: str) -> None:
    program, *words = shlex.split(line)
    if Path(program).name == "assay":
        parse(main, words)
    elif program == "make":
        assert [word for word in words if "=" not in word and word not in targets()] == [], document
    else:
        assert program in PLAIN, document


@pytest.mark.parametrize("line", ["frobnicate", "serve --fast", "subscribers approve", "holds show many"])
def test_a_command_that_does_not_exist_is_noticed(line: str) -> None:
    with pytest.raises(click.UsageError):
        parse(main, line.split())


def test_every_command_that_is_spoken_of_exists() -> None:
    """In messages of the program, its pages and its documents: whoever is told to look somewhere can."""
    wrong = {name: unknown_commands(spoken(ROOT / name)) for name in (*SPEAKING, *DOCUMENTS)}
    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("See: assay blocks show 7", ["assay blocks show"]),
        ("look at assay blocks preview 7, or at assay why", []),
        ("see assay frobnicate", ["assay frobnicate"]),
        ("`assay status` and the fee to assay it", ["assay it"]),
    ],
)
def test_a_command_that_is_only_spoken_of_is_noticed(text: str, unknown: list[str]) -> None:
    assert unknown_commands([text]) == unknown


def test_the_readme_has_the_two_commands() -> None:
    lines = [shlex.join(words) for words in commands((ROOT / "README.md").read_text())]
    assert lines[:2] == ["make run", "make test"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    assert [link for link in LINK.findall(path.read_text()) if not (path.parent / link).exists()] == []


def test_every_public_target_has_a_line_of_help() -> None:
    text = (ROOT / "Makefile").read_text()
    public = text.partition("# ---------------------------------------------------------------- parts")[0]
    assert [name for name, rest in TARGET.findall(public) if " ## " not in rest] == []


def named_in(name: str) -> set[str]:
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / name).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, kinds) and node.name.startswith("test_")}


def test_threats_name_tests_that_exist() -> None:
    text = (ROOT / "THREAT_MODEL.md").read_text()
    named = NAMED_TEST.findall(text)
    assert [f"{name}::{test}" for name, test in named if test not in named_in(name)] == []
    assert len(named) == text.count("::")  # none is written in a way that is not looked at


def test_every_threat_has_a_test_or_says_that_it_has_none() -> None:
    text = (ROOT / "THREAT_MODEL.md").read_text()
    tables = [part for part in text.split("\n\n") if part.startswith("| threat | defence | test |")]
    assert len(tables) == 7  # STRIDE, and abuse of the relay itself
    for table in tables:
        assert len(THREAT.findall(table)) == len(table.splitlines()) - 2


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"].values()
    wanted = [
        *project["project"]["dependencies"],
        *(one for extra in project["project"]["optional-dependencies"].values() for one in extra),
        *(one for group in groups for one in group if isinstance(one, str)),
    ]
    names = {re.split(r"[\[<>=!~ ]", one)[0] for one in wanted}
    for folder in ("fep/js", "tests/interop/peers", "tools/pyright"):
        package = json.loads((ROOT / folder / "package.json").read_text())
        names |= package.get("dependencies", {}).keys() | package.get("devDependencies", {}).keys()
    explained = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(names)


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [path.name[:4] for path in RECORDS] == [f"{number:04}" for number in range(1, len(RECORDS) + 1)]


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_decisions_have_the_same_shape(record: Path) -> None:
    text = record.read_text()
    assert re.match(rf"# {record.name[:4]} \S", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "Context",
        "Options",
        "Decision",
        "Consequences",
    ]
    assert re.search(r"^Status: (?:accepted|superseded by \d{4}), \d{4}-\d{2}-\d{2}$", text, re.MULTILINE)
