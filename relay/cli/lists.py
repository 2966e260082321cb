"""`assay lists`: the hash lists in use, and importing entries into them."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.output import as_document, note, say, table
from relay.cli.problems import Problem, Status
from relay.cli.session import Session, operator, pass_session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from relay.adapters.scanners.library import ListLibrary, ListSource
    from relay.adapters.scanners.listfile import LineError, ListFile

ROW: Final = {
    "name": "name of the list, as configured",
    "purpose": "why it is used, in the operator's words, or null",
    "country": "country whose law it follows, or `any`",
    "category": "category of entries that name none",
    "file": "its file, or null",
    "entries": "entries of the file, or built in",
    "imported": "entries imported with `assay lists import`",
    "bad_lines": "lines of the file that are no entries; `assay check-config` shows them",
}
IMPORTED: Final = {
    "name": "name of the list",
    "source": "where the entries came from",
    "read": "different entries that were read",
    "added": "entries that were new",
    "duplicates": "lines that said the same as another",
    "bad_lines": "lines that were left out (only with --skip-bad-lines): line, message",
}
_STEP: Final = 1_000
"""Lines between two moves of the progress bar: moving it costs more than reading a line."""


@click.group()
def lists() -> None:
    """List the hash lists and import entries."""


@lists.command("list", cls=Command, answer={"lists[]": "one object each:", **ROW})
@pass_session
def list_(session: Session) -> None:
    """List the configured hash lists, what for and how large."""
    rows = session.run(_rows(session))
    if session.as_json:
        as_document({"lists": rows})
        return
    table(
        ("name", "entries", "imported", "category", "country", "purpose"),
        [
            (
                row["name"],
                f"{row['entries']:,}",
                f"{row['imported']:,}",
                row["category"],
                row["country"],
                row["purpose"] or "test pictures that harm nobody",
            )
            for row in rows
        ],
        right=("entries", "imported"),
        folds=("purpose", "name"),
    )
    for row in rows:
        if row["bad_lines"]:
            note(f"{row['file']}: not all lines are entries; assay check-config shows them")


@lists.command("import", cls=Command, answer=IMPORTED)
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True))
@click.option("--skip-bad-lines", is_flag=True, help="Import the good lines although others are no entries.")
@pass_session
def import_(session: Session, name: str, file: str, *, skip_bad_lines: bool) -> None:
    """Add the entries of FILE to the list NAME; `-` reads standard input.

    FILE is CSV with the header `algorithm,value,category,source,note`, or JSON Lines of the same, of any
    size. Either all of it is imported or nothing. A relay that runs uses the entries within seconds.
    """
    found = session.run(_import(session, name, file, skip_bad_lines=skip_bad_lines))
    if session.as_json:
        as_document(found)
        return
    known = found["read"] - found["added"]
    say(f"{found['added']:,} new entries in {name}.")
    if known or found["duplicates"]:
        say(f"{known:,} were there already, {found['duplicates']:,} lines stood twice in the file.")


async def _rows(session: Session) -> list[dict[str, Any]]:
    async with session.office() as office:
        imported: dict[str, int] = {}
        for size in await office.lists.sizes():
            name = str(size["list"])
            imported[name] = imported.get(name, 0) + int(str(size["n"]))
        rows = []
        lists = [scanner for scanner in office.settings.scanners if not scanner.is_service]
        for scanner, source in zip(lists, office.library.sources, strict=True):
            own, bad = _own(source)
            rows.append(
                {
                    "name": scanner.name,
                    "purpose": scanner.purpose,
                    "country": scanner.country or "any",
                    "category": scanner.builtin or source.category,
                    "file": None if source.file is None else str(source.file),
                    "entries": own,
                    "imported": imported.get(scanner.name, 0),
                    "bad_lines": bad,
                }
            )
        return rows


def _own(source: ListSource) -> tuple[int, int]:
    from relay.adapters.scanners.canary import canary_entries
    from relay.adapters.scanners.listfile import read_list

    if source.file is None:
        return len(canary_entries()), 0
    with source.file.open("rb") as lines:
        found = read_list(lines, category=source.category)
    return len(found.entries), len(found.errors)


async def _import(session: Session, name: str, file: str, *, skip_bad_lines: bool) -> dict[str, Any]:
    from relay.adapters.scanners.listfile import read_list

    async with session.office() as office:
        source = _source(office.library, name)
        with click.open_file(file, "rb") as opened, _progress(opened, file) as lines:
            read = read_list(lines, category=source.category)
        label = "standard input" if file == "-" else Path(file).name
        _judge(read, label, skip_bad_lines=skip_bad_lines)
        added = 0
        if read.entries:
            added = await office.lists.add(name, label, read.entries, who=operator())
    return {
        "name": name,
        "source": label,
        "read": len(read.entries),
        "added": added,
        "duplicates": read.duplicates,
        "bad_lines": [_as_json(error) for error in read.errors],
    }


def _source(library: ListLibrary, name: str) -> ListSource:
    """Return the configured list of that name. Raises `Problem` with the one that was probably meant."""
    from relay.config.diagnostics import guess

    known = {source.name: source for source in library.sources}
    if name in known:
        return known[name]
    meant = guess(name, known)
    hint = f' Did you mean "{meant}"?' if meant else f" There are: {', '.join(known)}."
    message = f'no list "{name}" is configured under `scanners`.{hint}'
    raise Problem(message, code="unknown-list", status=Status.NO)


def _judge(read: ListFile, source: str, *, skip_bad_lines: bool) -> None:
    """Report every bad line with its number. Raises `Problem` unless they may be skipped."""
    if not read.errors:
        return
    message = "\n".join(f"{source}:{error.line}: {error.message}" for error in read.errors)
    if skip_bad_lines:
        note(message)
        return
    count = "1 line is no entry" if len(read.errors) == 1 else f"{len(read.errors)} lines are no entries"
    told = f"{message}\nError: {count}: nothing was imported. --skip-bad-lines imports the others."
    lines = [_as_json(error) for error in read.errors]
    raise Problem(told, code="bad-list-lines", status=Status.NO, more={"bad_lines": lines})


def _as_json(error: LineError) -> dict[str, object]:
    return {"line": error.line, "message": error.message}


@contextmanager
def _progress(file: IO[bytes], name: str) -> Iterator[Iterable[bytes]]:
    """Show on a terminal how far reading has come."""
    if not sys.stderr.isatty():
        yield file
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    size = Path(name).stat().st_size if Path(name).is_file() else None
    columns = (TextColumn("reading"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=size)

        def counted() -> Iterator[bytes]:
            done = 0
            for number, line in enumerate(file, 1):
                done += len(line)
                if number % _STEP == 0:
                    progress.update(task, completed=done)
                yield line

        yield counted()
