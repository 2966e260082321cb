"""Reports on the terminal: every result with its case and clauses, the grade, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from relay.cli.output import say
from relay.domain.lab.grading import assess
from relay.domain.lab.model import Outcome
from relay.protocol.lab.rendering import render
from relay.protocol.lab.words import OUTCOMES, Mark, case_of, mark, title

if TYPE_CHECKING:
    from relay.domain.lab.model import Result, Run
    from relay.protocol.lab.rendering import Format

_COLOURS: Final = {
    Mark.GOOD: "green",
    Mark.BAD: "red",
    Mark.ERROR: "yellow",
    Mark.WARNING: "yellow",
    Mark.SKIPPED: None,
}
_WIDTH: Final = max(len(words) for words in OUTCOMES.values())


def show(run: Run, to: Format | None) -> None:
    """Print a run in a format, or for people when none is asked for."""
    if to is not None:
        click.echo(render(run, to), nl=False)
        return
    for result in run.results:
        show_result(result)
    show_grade(run)


def show_grade(run: Run) -> None:
    """Print what a run is worth, and what holds it down."""
    found = assess(run)
    say()
    say(
        f"Grade {found.grade}, class {found.conformance} {'reached' if found.conforms else 'not reached'}: "
        + ", ".join(f"{count} {OUTCOMES[outcome]}" for outcome, count in found.counts.items() if count),
        bold=True,
    )
    for cap, codes in found.caps:
        say(f"No better than {cap.grade}: {cap.reason}" + (f" ({', '.join(codes)})" if codes else ""))


def show_result(result: Result) -> None:
    """Print one result; what failed with what was seen and what to do."""
    kind, case = mark(result), case_of(result)
    word = click.style(OUTCOMES[result.outcome].ljust(_WIDTH), fg=_COLOURS[kind], bold=kind is Mark.BAD)
    clauses = f"  [{' '.join([case.level, ', '.join(case.clauses)]).rstrip()}]" if case else ""
    click.echo(word + "  ", nl=False)
    say(f"{title(result)}{clauses}")
    if kind is Mark.GOOD:
        return
    say(f"{' ' * _WIDTH}  {result.detail}")
    if case is not None and result.outcome is Outcome.FAILED:
        say(f"{' ' * _WIDTH}  What to do: {case.advice}")
