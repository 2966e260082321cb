"""`assay submissions`: submitted files that are on a list. Facts only: there is no file to show, none was kept."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli import sentences
from relay.cli.command import Command
from relay.cli.output import as_document, pairs, say, span, stamp, table, when
from relay.cli.session import Session, operator, pass_session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.submission import Finding

ROW: Final = {
    "number": "number of the finding",
    "state": "open or closed",
    "server": "server that submitted the file, or name of the media server that had it checked",
    "actor": "its actor; `scan-api` for a media server",
    "hash": "hash string of the file",
    "outcome": "scan outcome",
    "matches": (
        "for the operator only: kind, scanner, category, algorithm, distance, frames (that came as near), "
        "of (frames compared), entry (what tells entries apart)"
    ),
    "rule": "rule of the policy that holds such files",
    "reason": "reason code",
    "first_at": "when it was submitted first",
    "last_at": "when it was submitted last",
    "times": "how often",
    "closed_at": "when somebody dealt with it, or null",
    "closed_by": "who, or null",
    "note": "note of who dealt with it, or null",
}


@click.group()
def submissions() -> None:
    """List submitted files that are on a list, and note that one is dealt with."""


@submissions.command("list", cls=Command, answer={"findings[]": "one object each, newest first:", **ROW})
@click.option("--closed", is_flag=True, help="Those that are dealt with.")
@click.option(
    "--most", type=click.IntRange(min=1), default=200, show_default=True, help="At most so many, the newest."
)
@pass_session
def list_(session: Session, *, closed: bool, most: int) -> None:
    """List submitted files that are on a list, newest first.

    The submitter was told that there is no attestation, as for any other reason; a media server that had it checked
    was told not to take it. The file was not kept.
    """
    found, now = session.run(_all(session, closed=closed, most=most))
    if session.as_json:
        as_document({"findings": [_document(one) for one in found]})
    elif found:
        _show(found, now)
    else:
        say("No such file is on record.")


@submissions.command(cls=Command, answer=ROW)
@click.argument("number", type=click.IntRange(min=1))
@click.option("--note", metavar="TEXT", help="What was done; kept on record.")
@pass_session
def close(session: Session, number: int, note: str | None) -> None:
    """Note that a finding is dealt with. The same file of the same server does not come up again."""
    row = _document(session.run(_close(session, number, note)))
    if session.as_json:
        as_document(row)
    else:
        say(f"Finding {number} is closed.")


async def _all(session: Session, *, closed: bool, most: int) -> tuple[list[Finding], float]:
    async with session.office() as office:
        return await office.findings.all(is_open=not closed, most=most), office.clock.now()


async def _close(session: Session, number: int, note: str | None) -> Finding:
    async with session.office() as office:
        return await office.findings.close(number, who=operator(), note=note)


def _document(finding: Finding) -> dict[str, Any]:
    return {
        "number": finding.id,
        "state": "open" if finding.closed_at is None else "closed",
        "server": finding.server,
        "actor": finding.actor,
        "hash": f"sha256:{finding.digest}",
        "outcome": finding.outcome.value,
        "matches": [asdict(match) for match in finding.matches],
        "rule": finding.rule,
        "reason": finding.reason,
        "first_at": stamp(finding.first_at),
        "last_at": stamp(finding.last_at),
        "times": finding.times,
        "closed_at": stamp(finding.closed_at),
        "closed_by": finding.closed_by,
        "note": finding.note,
    }


def _show(found: Sequence[Finding], now: float) -> None:
    table(
        ("number", "last", "server", "reason", "times"),
        [(one.id, f"{span(now - one.last_at)} ago", one.server, one.reason, one.times) for one in found],
        right=("number", "times"),
        folds=("server", "reason"),
    )
    for one in found[:10]:
        say()
        pairs(_facts(_document(one), now))


def _facts(row: Mapping[str, Any], now: float) -> dict[str, str]:
    facts = {
        "Finding": f"{row['number']}, {row['state']}",
        "Actor": row["actor"],
        "File": row["hash"],
        "Matches": "\n".join(sentences.match(match) for match in row["matches"]),
    }
    if row["closed_at"]:
        facts["Closed"] = f"{when(row['closed_at'], now)} by {row['closed_by']}"
    if row["note"]:
        facts["Note"] = row["note"]
    return facts
