"""`assay lists`: the hash lists in use, importing entries into them, exporting and undoing."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.listbatches import BATCH, row_of, show_batches, undo
from relay.cli.listimport import Wishes, import_file
from relay.cli.listsync import SYNC, sync, syncs, told_of
from relay.cli.output import as_document, note, pairs, say, size, stamp, table
from relay.cli.problems import Problem, Status
from relay.cli.session import Session, pass_session
from relay.domain.hashlist import HashAlgorithm, in_force

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.adapters.scanners.library import ListLibrary, ListSource
    from relay.domain.hashlist import Batch
    from relay.wiring import Office

ROW: Final = {
    "name": "name of the list, as configured",
    "kind": "`list`, or `benign`",
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
    "batch": "number of the batch, for `assay lists undo`; null when nothing was imported",
    "dry_run": "whether this only says what would happen",
    "read": "different entries that were read",
    "added": "entries that were new",
    "changed": "entries that were there with another category, source or note",
    "removed": "entries that are gone: withdrawn by the file, or with --replace not in it",
    "unchanged": "entries that stay as they were",
    "duplicates": "lines about the same value as another",
    "unused": "rows that are no hashes for us, or that others call harmless, by reason",
    "bad": "lines that are no entries",
    "bad_lines": "the first hundred of them: line, message",
    "resumed_after": "entries that an interrupted import had read before",
}
STATUS: Final = {
    "name": "name of the list",
    "version": "changes whenever an entry does",
    "entries": "entries in force by algorithm",
    "snapshot": "bytes of the file that all processes share, or null while the list is short",
}
BUSY: Final = {
    "list": "name of the list",
    "entry": "mark of the entry, as in `matches`",
    "posts": "posts in which it matched in the last hour",
    "at": "when it matched last",
}


@click.group()
def lists() -> None:
    """Show the hash lists; fetch, import, export and undo entries."""


lists.add_command(sync)
lists.add_command(undo)


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
@click.option(
    "--dry-run", is_flag=True, help="Only say what would be new, changed and gone, and what is bad."
)
@click.option("--replace", is_flag=True, help="FILE is the whole list: imported entries that it lacks go.")
@click.option("--skip-bad-lines", is_flag=True, help="Import the good lines although others are no entries.")
@click.option(
    "--algorithm",
    type=click.Choice([one.value for one in HashAlgorithm]),
    help="What bare hashes are: 64 digits can be sha256 or pdq.",
)
@pass_session
def import_(session: Session, /, name: str, file: str, **wishes: Any) -> None:
    """Add the entries of FILE to the list NAME; `-` reads standard input.

    FILE is CSV with the header `algorithm,value,category,source,note`, JSON Lines of the same, or an export of
    ThreatExchange or HMA, of any size. Either all of it comes into force or nothing. An import that was
    interrupted goes on where it was when it is started again. A relay that runs uses the entries within seconds.
    """
    found = session.run(_import(session, name, file, Wishes(**wishes)))
    if session.as_json:
        as_document(found)
        return
    would = "would be " if found["dry_run"] else ""
    say(f"{found['added']:,} new entries {would}in {name}.")
    if found["changed"] or found["removed"]:
        say(f"{found['changed']:,} {would}changed, {found['removed']:,} {would}gone.")
    there = found["read"] - found["added"] - found["changed"]
    if there or found["duplicates"]:
        say(f"{max(0, there):,} were there already, {found['duplicates']:,} lines stood twice in the file.")
    for why, count in found["unused"].items():
        say(f"{count:,} rows were not used: {why}.")
    if found["batch"]:
        say(f"To take it back: assay lists undo {found['batch']}")


@lists.command(
    cls=Command, answer={"name": "name of the list", "file": "where it was written", "entries": "how many"}
)
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@pass_session
def export(session: Session, name: str, file: str) -> None:
    """Write the entries of the list NAME to FILE as CSV; `-` writes to a pipe.

    Most lists may not be passed on: look at the terms of yours. Only you can read FILE.
    """
    if file == "-" and (sys.stdout.isatty() or session.as_json):
        raise Problem("entries are not for a screen: name a file", code="not-shown", status=Status.USAGE)
    count = session.run(_export(session, name, file))
    if session.as_json:
        as_document({"name": name, "file": file, "entries": count})
    elif file != "-":
        say(f"{count:,} entries of {name} are in {file}.")


@lists.command(
    cls=Command,
    answer={
        "lists[]": "one object each:",
        **STATUS,
        "syncs[]": "lists that somebody else keeps:",
        **SYNC,
        "batches[]": "newest first:",
        **BATCH,
        "flooding[]": "entries that matched in so many posts that these are held:",
        **BUSY,
    },
)
@click.argument("name", required=False)
@pass_session
def status(session: Session, name: str | None) -> None:
    """Show what is in force of each list, its batches, and entries that match suspiciously often."""
    found = session.run(_status(session, name))
    if session.as_json:
        as_document({key: found[key] for key in ("lists", "syncs", "batches", "flooding")})
        return
    rows = [
        (
            row["name"],
            ", ".join(f"{count:,} {kind}" for kind, count in row["entries"].items()) or "none",
            row["version"][:12],
            size(row["snapshot"]) if row["snapshot"] else "in memory",
        )
        for row in found["lists"]
    ]
    table(("name", "entries", "version", "index"), rows, folds=("entries",))
    if found["syncs"]:
        say()
        pairs({row["name"]: told_of(row, found["now"]) for row in found["syncs"]})
    if found["batches"]:
        say()
        show_batches(found["batches"])
    for row in found["flooding"]:
        say(
            f"Entry {row['entry']} of {row['list']} matched in {row['posts']:,} posts in an hour: they are held."
        )


async def _rows(session: Session) -> list[dict[str, Any]]:
    async with session.office() as office:
        batches = await office.lists.batches()
        rows = []
        lists = [scanner for scanner in office.settings.scanners if not scanner.is_service]
        for scanner, source in zip(lists, office.library.sources, strict=True):
            own, bad = _own(source)
            rows.append(
                {
                    "name": scanner.name,
                    "kind": scanner.kind,
                    "purpose": scanner.purpose,
                    "country": scanner.country or "any",
                    "category": scanner.builtin or source.category,
                    "file": None if source.file is None else str(source.file),
                    "entries": own,
                    "imported": imported(batches, scanner.name),
                    "bad_lines": bad,
                }
            )
        return rows


def imported(batches: Sequence[Batch], name: str) -> int:
    """How many entries a list has from imports: what each batch in force added, less what it took away."""
    counting = in_force([one for one in batches if one.list == name])
    first = counting[0].entries if counting and counting[0].replaces else 0
    rest = counting[1:] if first else counting
    return first + sum(one.added - one.removed for one in rest)


def _own(source: ListSource) -> tuple[int, int]:
    from relay.adapters.scanners.canary import canary_entries
    from relay.adapters.scanners.listfile import LineError, ListReader
    from relay.domain.hashlist import ListChange

    if source.builtin:
        return len(canary_entries()), 0
    if source.file is None:
        return 0, 0
    counts = {ListChange: 0, LineError: 0}
    with source.file.open("rb") as file:
        for found in ListReader(file, source.reading):
            counts[type(found)] = counts.get(type(found), 0) + 1
    return counts[ListChange], counts[LineError]


async def _import(session: Session, name: str, file: str, wishes: Wishes) -> dict[str, Any]:
    async with session.office() as office:
        source = _source(office.library, name)
        if source.fetched:
            message = f"{name} is fetched from its keeper: import into a list of your own"
            raise Problem(message, code="fetched-list", status=Status.NO)
        return await import_file(office, source, file, wishes)


async def _export(session: Session, name: str, file: str) -> int:
    async with session.office() as office:
        source = _source(office.library, name)
        if file == "-":
            return await _written(office, source, sys.stdout.buffer)
        with _private(file) as opened:
            return await _written(office, source, opened)


def _private(path: str) -> IO[bytes]:
    """Open a new file that nobody else can read."""
    import os

    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError as error:
        raise Problem(f"{path} is there already", code="file-exists", status=Status.NO) from error


async def _written(office: Office, source: ListSource, opened: IO[bytes]) -> int:
    from relay.adapters.scanners.exporting import standing
    from relay.adapters.scanners.listfile import write_csv

    packs = [pack async for pack in office.library.packs(source)]
    count = 0

    def entries() -> Any:
        nonlocal count
        for entry in standing(packs):
            count += 1
            yield entry

    for line in write_csv(entries()):
        opened.write(line.encode())
    return count


async def _status(session: Session, name: str | None) -> dict[str, Any]:
    async with session.office() as office:
        sources = office.library.sources if name is None else [_source(office.library, name)]
        rows = []
        for source in sources:
            built = await office.library.built(source)
            rows.append(
                {
                    "name": source.name,
                    "version": built.version,
                    "entries": {kind.value: count for kind, count in built.lookup.sizes.items()},
                    "snapshot": built.snapshot.size if built.snapshot else None,
                }
            )
        flooding = await office.flood.busiest()
        return {
            "now": office.clock.now(),
            "syncs": [one for one in await syncs(office) if name in {None, one["name"]}],
            "lists": rows,
            "batches": [row_of(one) for one in await office.lists.batches(name)],
            "flooding": [
                {"list": one.list, "entry": one.mark, "posts": one.posts, "at": stamp(one.last_at)}
                for one in flooding
                if name in {None, one.list}
            ],
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
