"""`assay migrate`: brings the tables up to date, and moves what is in a file to PostgreSQL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.output import as_document, counted, note, pairs, say, size, stamp, table
from relay.cli.progress import progress
from relay.cli.session import Session, check_made, pass_session

if TYPE_CHECKING:
    from relay.adapters.sql.moving import Outcome
    from relay.config.settings import Settings
    from relay.wiring.moving import Ends
    from relay.wiring.upgrading import Tables

ANSWER: Final = {
    "schema": "version of the tables: number of the newest migration; this and the next five without `--to`",
    "known": "newest version that this relay knows",
    "compatible_from": "oldest version whose relays may run on these tables; 0 for all",
    "pending": "migrations that are to be applied",
    "applied": "migrations that were applied just now",
    "relays": "version that each running relay knows; 0 for one that does not say",
    "outcome": "`copied`, `copied-before`, `would-copy` or `would-go-on`; this and the rest with `--to`",
    "from": "the file",
    "to": "address of the database, without a password",
    "rows, bytes": "what is in the file",
    "kept": "rows that an earlier, interrupted attempt had copied",
    "tables[]": "name, rows, bytes of values",
    "replaced": "texts with U+0000, by `table.column`: PostgreSQL cannot hold it, and it became U+FFFD",
    "finished_at": "when the copy was finished, else null",
    "database": "what `relay.database` has to say from now on",
}


@click.command(cls=Command, answer=ANSWER)
@click.option("--to", metavar="ADDRESS", help="Move what is in the file to this database; as relay.database.")
@click.option("--dry-run", is_flag=True, help="With --to: only say what would be copied.")
@click.option("--anew", is_flag=True, help="With --to: begin again instead of going on with a copy.")
@click.option("--status", is_flag=True, help="Only show versions, and which relays run.")
@pass_session
def migrate(session: Session, to: str | None, *, dry_run: bool, anew: bool, status: bool) -> None:
    """Bring the tables of the database up to date, or move everything from a file to PostgreSQL.

    Without --to: a relay also does it when it starts. Old relays go on meanwhile and may be restarted one by one;
    where a version is too old for the new tables nothing is changed while it runs.

    With --to: stop the relay first. The database has to be empty. Interrupted in whatever way, the same command goes
    on; it ends after everything was read back and compared. The file stays as it is.
    """
    if to is None and (dry_run or anew):
        raise click.UsageError("--dry-run and --anew belong to --to.")
    if to is not None and status:
        raise click.UsageError("--status and --to do not go together.")
    settings = session.configuration().settings
    check_made(settings, quiet=session.as_json)
    if to is None:
        _bring_up_to_date(session, settings, status=status)
    else:
        _move(session, settings, to, dry_run=dry_run, anew=anew)


def _bring_up_to_date(session: Session, settings: Settings, *, status: bool) -> None:
    from relay.wiring.upgrading import bring_up_to_date, tables_of

    applied = 0 if status else session.run(bring_up_to_date(settings))
    found = session.run(tables_of(settings))
    if session.as_json:
        as_document(
            {
                "schema": found.version,
                "known": found.known,
                "compatible_from": found.compatible_from,
                "pending": found.pending,
                "applied": applied,
                "relays": list(found.relays),
            }
        )
        return
    if not status:
        say(f"{counted(applied, 'migration')} applied." if applied else "The tables are up to date.")
    pairs(_shown(found))


def _shown(found: Tables) -> dict[str, str]:
    relays = ", ".join(str(version) if version else "unknown" for version in found.relays)
    rows = {
        "Tables": f"version {found.version}, {counted(found.pending, 'migration')} to be applied",
        "This relay": f"knows version {found.known}",
        "May run": f"relays from version {found.compatible_from} on"
        if found.compatible_from
        else "any version",
        "Running": f"{counted(len(found.relays), 'relay')}, of version {relays}" if relays else "no relay",
    }
    if found.compatible_from > found.known:
        rows["This relay"] += ", which is too old"
    return rows


def _move(session: Session, settings: Settings, to: str, *, dry_run: bool, anew: bool) -> None:
    from relay.adapters.sql.moving import move, survey
    from relay.adapters.system import SystemClock
    from relay.wiring.moving import ends

    place = session.config_path
    directory = place.resolve().parent if place else Path.cwd()
    both = ends(settings, to, directory, os.environ)
    if dry_run:
        outcome = survey(both.path, both.address)
        word = "would-go-on" if outcome.kept else "would-copy"
        word = "copied-before" if outcome.at is not None else word
    else:
        with progress("copying and reading back") as show:
            outcome = move(
                both.path,
                both.address,
                SystemClock().now,
                lambda done, total: show(done, 2 * total),
                lambda done, total: show(total + done, 2 * total),
                anew=anew,
            )
        word = "copied" if outcome.new else "copied-before"
    written = to if to.startswith(("file:", "env:")) else both.shown
    document = _document(both, outcome, word, written)
    if session.as_json:
        as_document(document)
        return
    _say(document)
    if not dry_run:
        _say_next(both, written)


def _document(both: Ends, outcome: Outcome, word: str, written: str) -> dict[str, Any]:
    return {
        "outcome": word,
        "from": str(both.path),
        "to": both.shown,
        "rows": sum(one.rows for one in outcome.tables),
        "bytes": sum(one.size for one in outcome.tables),
        "kept": outcome.kept,
        "tables": [{"name": one.name, "rows": one.rows, "bytes": one.size} for one in outcome.tables],
        "replaced": {
            f"{one.name}.{column}": count for one in outcome.tables for column, count in one.replaced.items()
        },
        "finished_at": stamp(outcome.at),
        "database": written,
    }


def _say(document: dict[str, Any]) -> None:
    filled = [one for one in document["tables"] if one["rows"]]
    rows = [(one["name"], f"{one['rows']:,}", size(one["bytes"])) for one in filled]
    table(("TABLE", "ROWS", "SIZE"), rows, right=("ROWS", "SIZE"))
    say()
    what = f"{counted(document['rows'], 'row')}, {size(document['bytes'])}"
    kept = f"; {counted(document['kept'], 'row')} of them had been copied before" if document["kept"] else ""
    sentences = {
        "would-copy": f"Would be copied to {document['to']}: {what}.",
        "would-go-on": f"Would go on with a copy to {document['to']}: {what}{kept}.",
        "copied": f"Copied to {document['to']} and read back, nothing differs: {what}{kept}.",
        "copied-before": f"Was copied to {document['to']} on {document['finished_at']} already.",
    }
    say(sentences[document["outcome"]])
    for place, count in document["replaced"].items():
        note(f"{counted(count, 'text')} in {place}: PostgreSQL cannot hold U+0000, which becomes U+FFFD.")


def _say_next(both: Ends, written: str) -> None:
    say()
    say("Next", bold=True)
    say("1. In the configuration:")
    say()
    say("relay:")
    say(f"  database: {written}")
    say()
    if written == both.shown != both.address:
        say(
            "   With its password, better in a file that only the relay can read: database: file:database.txt"
        )
    say("2. Start the relay. The keys stay where they are, in relay.data.")
    say(
        f"3. {both.path} stays as it was. A relay that ran on it again would know nothing of what came after."
    )
