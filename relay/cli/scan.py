"""`assay scan`: looking through media that a server has stored already, with the relay's own scanners."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command, answered
from relay.cli.output import clean, note, pairs, say, size
from relay.cli.session import Session, pass_session
from relay.cli.times import read_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from relay.domain.storescan import Noted
    from relay.domain.storescan import Progress as Reached
    from relay.ports.storescan import FileStore
    from relay.services.storescan import StoreScan
    from relay.wiring.storescan import Place, Run

ANSWER: Final = {
    "(a line for each match)": (
        "`path`, `outcome`, `reason`, `list`, `category`, `kind`, `algorithm`, `distance`, `frames`, `of`, `sha256`, "
        "`size`, `type`, `changed_at`: one object on a line of its own, as in the report"
    ),
    "place": "what was looked through; this and the following are the object on the last line",
    "complete": "whether it was looked through to its end; else the same command goes on",
    "resumed": "whether this went on where a scan was interrupted; all counts are of both",
    "looked_at": "files that were looked at",
    "bytes": "bytes of them",
    "clean": "files in which nothing was found",
    "matched": "files that are on a list; status 1 when there are any",
    "unchecked": "files that could not be checked, by reason",
    "known": "files that had been scanned before, with the lists of now",
    "skipped": "files that were changed before `--since`",
    "report": "where the matches are written down",
}

_REASONS: Final = {
    "archived": "in an archive that has to be restored first",
    "corrupt": "damaged",
    "crashed": "the decoder gave up",
    "empty": "empty",
    "gone": "deleted meanwhile",
    "link": "a link, not followed: name where it leads to",
    "no-permission": "this user may not read it",
    "not-a-file": "no file",
    "out-of-memory": "took too much memory (media.memory)",
    "second-file": "another file stands behind it",
    "sound-only": "sound, compared by digests only",
    "timeout": "took too long (media.fetch_timeout)",
    "too-large": "larger than media.max_size",
    "too-little-detail": "too little detail to compare",
    "too-many-pixels": "more than media.max_pixels",
    "truncated": "cut short",
    "unreadable": "could not be read",
    "unsupported": "of a kind that is not decoded",
}


@dataclass(frozen=True, slots=True)
class _Bar:
    """Moves a bar to where a scan is, and prints a line beside it."""

    move: Callable[[StoreScan, int | None], None]
    say: Callable[[str], None]


@click.command(cls=Command, answer=ANSWER)
@click.argument("place", metavar="PATH|s3://BUCKET/PREFIX")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where matches are written down, as CSV, or as JSON Lines in .jsonl; by default in `scans` of `relay.data`.",
)
@click.option("--unchecked", is_flag=True, help="Write down what could not be checked, too.")
@click.option(
    "--since", metavar="TIME", callback=read_moment, help="Only files changed since: 7d, 36h, 2026-11-20."
)
@click.option(
    "--limit", type=click.IntRange(min=1), help="Stop after so many files; the same command goes on."
)
@click.option("--rate", type=click.IntRange(min=1), help="At most so many files a second.")
@click.option("--restart", is_flag=True, help="Begin anew instead of going on with an interrupted scan.")
@click.option("--endpoint-url", metavar="URL", help="Address of an S3 server that is not Amazon's.")
@click.option("--region", metavar="NAME", help="Region of the S3 server.")
@click.option("--profile", metavar="NAME", help="Profile with the credentials for S3.")
@pass_session
def scan(session: Session, /, place: str, **options: Any) -> None:
    """Look through media that are stored already, and report which are on a list.

    PATH is a folder, such as Mastodon's `public/system` or the files of pict-rs, or one file. Nothing there is changed
    or deleted, and no link is followed. For S3 the credentials come from the environment, such as AWS_ACCESS_KEY_ID.

    An interrupted scan goes on where it was when the same command is given again. What was scanned before with the
    same lists is not decoded again. Exit status 1 when something matched.
    """
    from relay.wiring.storescan import Place, Run

    where = Place(place, options["endpoint_url"], options["region"], options["profile"])
    run = Run(
        report=options["report"],
        since=options["since"],
        limit=options["limit"],
        rate=options["rate"],
        everything=options["unchecked"],
        restart=options["restart"],
    )
    found = session.run(_scan(session, where, run))
    if session.as_json:
        click.echo(json.dumps(found))
    else:
        _show(found)
    answered(yes=not found["matched"])


async def _scan(session: Session, place: Place, run: Run) -> dict[str, Any]:
    from relay.wiring.storescan import store_scan

    def told(noted: Noted, store: FileStore) -> None:
        for row in noted.rows(store.place_of(noted.file.name)):
            if session.as_json:
                click.echo(json.dumps(row))
            else:
                bar.say(_line(row))

    async with session.relay() as relay:
        with _bar() as bar, store_scan(relay, place, run, told) as (work, journal, resumed):
            if resumed and not session.as_json:
                done = work.progress.looked_at + work.progress.skipped
                note(f"Going on where a scan of this place was interrupted, after {done:,} files.")
            limit = None if run.limit is None else work.total + run.limit
            await work.run(lambda: bar.move(work, limit), counting=sys.stderr.isatty() and limit is None)
            return _document(place.name, work.progress, str(journal.report), resumed=resumed)


def _document(place: str, progress: Reached, report: str, *, resumed: bool) -> dict[str, Any]:
    return {
        "place": place,
        "complete": progress.finished,
        "resumed": resumed,
        "looked_at": progress.looked_at,
        "bytes": progress.size,
        "clean": progress.clean,
        "matched": progress.matched,
        "unchecked": dict(sorted(progress.unchecked.items())),
        "known": progress.known,
        "skipped": progress.skipped,
        "report": report,
    }


def _line(row: dict[str, Any]) -> str:
    if row["list"] is None:
        return f"not checked  {row['path']}  ({_REASONS.get(row['reason'], row['reason'])})"
    how = f"{row['algorithm']}, distance {row['distance']}"
    return f"{row['kind']} match  {row['path']}  ({row['list']}, {row['category']}, {how})"


def _show(found: dict[str, Any]) -> None:
    unchecked = sum(found["unchecked"].values())
    rows = {
        "Looked at": f"{found['looked_at']:,} files, {size(found['bytes'])}"
        + (f"; {found['known']:,} of them scanned before" if found["known"] else "")
        + (f"; {found['skipped']:,} older ones skipped" if found["skipped"] else ""),
        "Clean": f"{found['clean']:,}",
        "Matched": f"{found['matched']:,}",
        "Not checked": "\n".join(
            [
                f"{unchecked:,}",
                *(f"{count:,} {_REASONS.get(why, why)}" for why, count in found["unchecked"].items()),
            ]
        ),
        "Report": found["report"] + ("" if found["matched"] else " (no match)"),
    }
    pairs(rows)
    if not found["complete"]:
        say("Not at its end: the same command goes on from here.")
    if found["matched"]:
        say(
            "Nothing was changed or deleted. What matched may be evidence: docs/scan.md says what to think of first."
        )


@contextmanager
def _bar() -> Iterator[_Bar]:
    """Show on a terminal how far it has come."""
    if not sys.stderr.isatty():
        yield _Bar(lambda _scan, _limit: None, say)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    # What others write to standard output stays there: it may be a file.
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("looking", total=None)

        def move(scan: StoreScan, limit: int | None) -> None:
            done = scan.progress.looked_at + scan.progress.skipped
            total = max(done, scan.total if limit is None else limit)
            text = f"{done:,} of {total:,} files, {scan.progress.matched:,} matched"
            progress.update(task, completed=done, total=total, description=text)

        # On one terminal lines have to go above the bar.
        yield _Bar(move, (lambda text: console.print(clean(text))) if sys.stdout.isatty() else say)
