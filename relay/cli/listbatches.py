"""Batches of hash lists: what `assay lists status` shows of them, and `assay lists undo`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.output import as_document, say, stamp, table
from relay.cli.session import Session, operator, pass_session
from relay.domain.hashlist import BatchState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.hashlist import Batch

BATCH: Final = {
    "number": "number of the batch",
    "list": "name of the list",
    "source": "where the entries came from",
    "who": "who imported it",
    "at": "when",
    "state": "loading (not in force yet), done, undone, or outdated (replaced for good)",
    "replaces": "whether it was the whole list",
    "entries": "rows",
    "added": "entries that were new",
    "changed": "entries that changed",
    "removed": "entries that went",
}
UNDONE: Final = {
    **BATCH,
    "also": "batches that were fetched after it, and are undone with it",
    "waits": "whether the list is not fetched any more until `assay lists sync NAME`",
}


@click.command(cls=Command, answer=UNDONE)
@click.argument("batch", type=int)
@pass_session
def undo(session: Session, batch: int) -> None:
    """Take back a batch of entries, or give up an import; entries that other batches brought, too, stay."""
    row = session.run(_undone(session, batch))
    if session.as_json:
        as_document(row)
        return
    say(f"Batch {row['number']} of {row['list']} ({row['entries']:,} rows from {row['source']}) is undone.")
    if row["also"]:
        say(f"Undone with it, as they were fetched after it: {', '.join(map(str, row['also']))}.")
    if row["waits"]:
        say(f"Nothing is fetched until you say so, then from where it began: assay lists sync {row['list']}")


async def _undone(session: Session, number: int) -> dict[str, Any]:
    async with session.office() as office:
        batch, *also = await office.lists.undo(number, who=operator())
        for source in office.library.sources:
            if source.name == batch.list:
                await office.library.built(source)
        return {
            **row_of(batch),
            "state": BatchState.UNDONE.value,
            "also": [one.number for one in also],
            "waits": batch.since is not None,
        }


def show_batches(batches: Sequence[dict[str, Any]]) -> None:
    """Print a table of batches."""
    columns = ("batch", "list", "state", "rows", "new", "changed", "gone", "at", "source")
    rows = [
        (
            row["number"],
            row["list"],
            row["state"] + (", whole list" if row["replaces"] else ""),
            f"{row['entries']:,}",
            f"{row['added']:,}",
            f"{row['changed']:,}",
            f"{row['removed']:,}",
            (row["at"] or "")[:10],
            row["source"],
        )
        for row in batches
    ]
    table(columns, rows, right=("batch", "rows", "new", "changed", "gone"), folds=("source", "list"))


def row_of(batch: Batch) -> dict[str, Any]:
    """A batch for programs: `BATCH`."""
    found = {key: getattr(batch, key) for key in BATCH}
    return {**found, "at": stamp(batch.at), "state": batch.state.value}
