"""`assay lists sync`: fetches lists from their keepers by hand, and what status tells of them."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.output import ago, as_document, counted, note, say, stamp
from relay.cli.problems import Problem, Status
from relay.cli.session import Session, operator, pass_session
from relay.domain.hashlist import BatchState
from relay.domain.healthwords import in_a_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from relay.config.keepers import KeeperSettings
    from relay.domain.hashlist import Batch
    from relay.domain.listsync import Progress, SyncState
    from relay.services.listsync import ListSync, Synced
    from relay.wiring import Office

SYNCED: Final = {
    "name": "name of the list",
    "dry_run": "whether this only says what would happen",
    "whole": "whether everything was fetched anew, so that what the keeper no longer has goes",
    "batch": "number of the batch, for `assay lists undo`; null when nothing changed",
    "fetched": "entries of the keeper that were fetched; one may have several hashes",
    "pages": "pages in which they came",
    "added": "hashes that were new",
    "changed": "hashes that were there with another category, source or note",
    "removed": "hashes that the keeper took back",
    "unused": "what is nothing for us, by what it is: fingerprints that cannot be compared here, other members",
    "error": "why it could not be fetched, or null",
}
SYNC: Final = {
    "name": "name of the list",
    "kind": "`ncmec-hashes`, `stopncii` or `threatexchange`",
    "place": "from where it is fetched, and what is chosen there",
    "test": "whether that is a test environment, whose entries are made up",
    "checkpoint": "the newest change that is in force, or null before the first fetch",
    "synced_at": "when it was last fetched to its end, or null",
    "next_at": "when it is due; null when it waits",
    "waits": "whether a batch was undone, so that nothing is fetched until `assay lists sync NAME`",
    "fetching": "entries that a fetch has stored which is not at its end, or null",
    "failures": "failures in a row",
    "error": "why the last fetch failed, or null",
    "error_at": "when it did",
    "unused": "what the last fetch found and did not use, by what it is",
}


@click.command(cls=Command, answer={"lists[]": "one object each:", **SYNCED})
@click.argument("name", required=False)
@click.option("--dry-run", is_flag=True, help="Only say what would be new, changed and gone.")
@click.option("--whole", is_flag=True, help="Fetch everything anew: what the keeper no longer has goes.")
@pass_session
def sync(session: Session, name: str | None, *, dry_run: bool, whole: bool) -> None:
    """Fetch the list NAME from its keeper, or all that are configured, also beside a running relay.

    A fetch that was interrupted goes on where it was. What changed comes into force behind the last page, as a batch
    that `assay lists undo` takes back. What --dry-run fetched is kept for the next time, and not in force.
    """
    rows = session.run(_sync(session, name, dry_run=dry_run, whole=whole))
    if session.as_json:
        as_document({"lists": rows})
    else:
        for row in rows:
            _show(row)
    if any(row["error"] for row in rows):
        raise SystemExit(Status.UNAVAILABLE)


def _show(row: Mapping[str, Any]) -> None:
    if row["error"]:
        note(f"{row['name']}: {row['error']}")
        note("What is in force stays. Start it again later: it goes on where it was.")
        return
    would = "would be " if row["dry_run"] else ""
    say(
        f"{row['name']}: {row['added']:,} {would}new, {row['changed']:,} {would}changed, "
        f"{row['removed']:,} {would}gone; {counted(row['fetched'], 'entry', 'entries')} fetched."
    )
    for why, count in row["unused"].items():
        say(f"{count:,} not used: {why}.")
    if row["dry_run"]:
        say(
            f"To put it in force: assay lists sync {row['name']}. To give it up: assay lists undo {row['batch']}"
        )
    elif row["batch"]:
        say(f"To take it back: assay lists undo {row['batch']}")


async def _sync(session: Session, name: str | None, *, dry_run: bool, whole: bool) -> list[dict[str, Any]]:
    from relay.domain.errors import RemoteError
    from relay.wiring.listsync import open_fetching

    async with session.office() as office, open_fetching(office) as fetching:
        names = list(fetching.sync.kept) if name is None else [_known(fetching.sync, name)]
        if not names:
            raise Problem(
                "no list that somebody else keeps is configured under `scanners`: see docs/hash-lists.md",
                code="no-list",
                status=Status.NO,
            )
        rows = []
        for one in names:
            with _bar(one) as told:
                work = fetching.sync.preview if dry_run else fetching.sync.sync
                try:
                    found = await work(one, who=operator(), whole=whole, told=told)
                except RemoteError as error:
                    rows.append(_row(one, None, f"{error.code}: {error}", dry_run=dry_run))
                    continue
            rows.append(_row(one, found, None, dry_run=dry_run))
            if not dry_run:
                await _index(office, one)
        return rows


def _known(sync: ListSync, name: str) -> str:
    from relay.config.diagnostics import guess

    if name in sync.kept:
        return name
    meant = guess(name, sync.kept)
    hint = f' Did you mean "{meant}"?' if meant else f" There are: {', '.join(sync.kept) or 'none'}."
    message = f'no list "{name}" that somebody else keeps is configured under `scanners`.{hint}'
    raise Problem(message, code="unknown-list", status=Status.NO)


async def _index(office: Office, name: str) -> None:
    for source in office.library.sources:
        if source.name == name:
            await office.library.built(source)


def _row(name: str, found: Synced | None, error: str | None, *, dry_run: bool) -> dict[str, Any]:
    effects = asdict(found.effects) if found else {}
    return {
        "name": name,
        "dry_run": dry_run,
        "whole": found.whole if found else False,
        "batch": found.batch if found else None,
        "fetched": found.statements if found else 0,
        "pages": found.pages if found else 0,
        **{key: effects.get(key, 0) for key in ("added", "changed", "removed")},
        "unused": dict(found.unused) if found else {},
        "error": error,
    }


@contextmanager
def _bar(name: str) -> Iterator[Callable[[Progress], None]]:
    """Show on a terminal how far a fetch is; no keeper tells how much there is."""
    if not sys.stderr.isatty():
        yield lambda _progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[done]}"))
    with Bars(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(f"fetching {name}", total=None, done="")

        def told(progress: Progress) -> None:
            doing = "comparing" if progress.complete else "fetching"
            done = counted(progress.statements, "entry", "entries")
            shown.update(task, description=f"{doing} {name}", done=done)

        yield told


# ---------------------------------------------------------------------- for `lists status` and `status`


async def syncs(office: Office) -> list[dict[str, Any]]:
    """How the lists that others keep are doing, in the order of the configuration."""
    from relay.wiring.listsync import open_fetching

    async with open_fetching(office) as fetching:
        states = await fetching.sync.states()
    batches = await office.lists.batches()
    return [
        _state(states[one.name], one, _fetching(batches, states[one.name]))
        for one in office.settings.scanners
        if one.is_fetched
    ]


def _fetching(batches: list[Batch], state: SyncState) -> int | None:
    from relay.domain.listsync import Progress

    for batch in batches:
        of_it = (batch.list, batch.source, batch.state) == (state.list, state.place, BatchState.LOADING)
        if of_it and batch.progress:
            return Progress.of(batch.progress).statements
    return None


def _state(state: SyncState, one: KeeperSettings, fetching: int | None) -> dict[str, Any]:
    return {
        "name": state.list,
        "kind": one.kind,
        "place": state.place,
        "test": one.is_trial,
        "checkpoint": stamp(state.checkpoint or None),
        "synced_at": stamp(state.synced_at),
        "next_at": None if state.waits else stamp(state.next_at or None),
        "waits": state.waits,
        "fetching": fetching,
        "failures": state.failures,
        "error": state.error,
        "error_at": stamp(state.error_at),
        "unused": dict(state.unused),
    }


def told_of(row: Mapping[str, Any], now: float) -> str:
    """How a list that somebody keeps is doing, in a line or more."""
    parts = [f"fetched {_ago(row['synced_at'], now)}" if row["synced_at"] else "NOT FETCHED YET"]
    if row["checkpoint"]:
        parts.append(f"newest change {_ago(row['checkpoint'], now)}")
    if row["fetching"] is not None:
        parts.append(f"a fetch is under way: {counted(row['fetching'], 'entry', 'entries')}")
    if row["waits"]:
        parts.append(f"WAITS, as a batch was undone -> assay lists sync {row['name']}")
    lines = ["; ".join(parts)]
    if row["test"]:
        lines.append("TEST environment: its entries are made up, and nothing real is found")
    if row["unused"]:
        unused = ", ".join(f"{count:,} {why}" for why, count in row["unused"].items())
        lines.append(f"not used of the last fetch: {unused}")
    if row["error"]:
        lines.append(f"FAILED {in_a_row(row['failures'])}, last {_ago(row['error_at'], now)}: {row['error']}")
    return "\n".join(lines)


def _ago(stamped: str, now: float) -> str:
    from datetime import datetime

    return ago(datetime.fromisoformat(stamped).timestamp(), now)
