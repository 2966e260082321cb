"""`assay lab report` and `assay lab compare`: reports that `assay lab test` or a lab's page wrote."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from relay.cli.command import Command, answered
from relay.cli.lab.showing import show
from relay.cli.media import read_file
from relay.cli.output import as_document, say, table
from relay.cli.session import Session, pass_session
from relay.domain.errors import Malformed
from relay.domain.lab.comparing import Change
from relay.domain.lab.comparing import compare as compared
from relay.domain.lab.grading import assess
from relay.protocol.lab.rendering import FORMATS
from relay.protocol.lab.report import load
from relay.protocol.lab.words import OUTCOMES, case_of_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.lab.comparing import Difference
    from relay.domain.lab.model import Run
    from relay.protocol.lab.rendering import Format

LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a report that are read."""
REPORT: Final = {
    "version": "1",
    "tester": "the lab that made the report",
    "role, target, options": "what was tested, and how",
    "started, finished": "times",
    "grade, caps[]": "what it is worth, and what holds it down: name, grade, reason, cases",
    "class, conforms": "the conformance class of the profile, and whether it is reached",
    "counts": "results by outcome",
    "results[]": "case, title, level, clauses, subject, outcome, detail, explanation, evidence",
}
"""The document of a report (fep/schema/lab-report.schema.json)."""


@click.command(cls=Command, answer=REPORT)
@click.argument("file", metavar="FILE")
@click.option(
    "--format", "to", type=click.Choice(FORMATS), help="Print this format; by default text for people."
)
@pass_session
def report(session: Session, file: str, to: Format | None) -> None:
    """Show a report, or write it in another format.

    FILE is a report in JSON. Exit status 1 when the conformance class is not reached.
    """
    run = _read(file)
    show(run, "json" if session.as_json else to)
    answered(yes=assess(run).conforms)


@click.command(
    cls=Command,
    answer={
        "before, after": "target, started and grade of each report; of each difference the outcome, or null",
        "differences[]": "one object each:",
        "code, title, subject": "what was tried",
        "change": "better, worse, other, new or gone",
    },
)
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@pass_session
def compare(session: Session, before: str, after: str) -> None:
    """Show what changed from one report to another.

    BEFORE and AFTER are reports in JSON. Exit status 1 when something got worse.
    """
    first, second = _read(before), _read(after)
    found = compared(first, second)
    if session.as_json:
        rows = [asdict(one) | {"title": _title(one.code)} for one in found]
        as_document({"before": _told(first), "after": _told(second), "differences": rows})
    else:
        say(f"Grade {assess(first).grade} before, {assess(second).grade} after.", bold=True)
        _show(found)
    answered(yes=all(one.change is not Change.WORSE for one in found))


def _show(found: Sequence[Difference]) -> None:
    if found:
        columns = ("change", "case", "before", "after", "what has to be so")
        table(columns, [_row(one) for one in found], folds=columns[-1:])
    else:
        say("Nothing changed.")


def _row(one: Difference) -> tuple[str, ...]:
    before, after = (OUTCOMES[outcome] if outcome else "" for outcome in (one.before, one.after))
    subject = f" ({one.subject})" if one.subject else ""
    return one.change, one.code, before, after, f"{_title(one.code)}{subject}"


def _title(code: str) -> str:
    case = case_of_code(code)
    return case.title if case else ""


def _told(run: Run) -> dict[str, object]:
    return {"target": run.target, "started": run.started, "grade": assess(run).grade}


def _read(file: str) -> Run:
    """Read a report. Raises `BadParameter` for what is none."""
    try:
        return load(read_file(file, LARGEST))
    except Malformed as error:
        raise click.BadParameter(f"{file}: {error}") from error
