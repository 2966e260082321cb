"""A run as Markdown: what an implementer pastes into an implementation report."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from relay.domain.lab.grading import assess
from relay.domain.lab.model import Outcome
from relay.protocol.lab.clauses import clauses
from relay.protocol.lab.words import OUTCOMES, ROLES, case_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.domain.lab.grading import Assessment
    from relay.domain.lab.model import Case, Result, Run

_SIGNS: Final = {
    Outcome.PASSED: "✅",
    Outcome.FAILED: "❌",
    Outcome.CANNOT_TELL: "❔",
    Outcome.INAPPLICABLE: "⚪",
    Outcome.UNTESTED: "⬜",
}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|#~&])")


def markdown(run: Run) -> str:
    """Write a run: what it is worth and why, a table of all cases, and what to do about those that failed."""
    found = assess(run)
    lines = [
        f"# {ROLES[run.role].capitalize()}: {_plain(run.target)}",
        "",
        f"**Grade {found.grade}** · class {found.conformance} {'reached' if found.conforms else 'not reached'} · "
        + ", ".join(f"{count} {OUTCOMES[outcome]}" for outcome, count in found.counts.items() if count),
        "",
        f"{_plain(run.tester)}, {datetime.fromtimestamp(run.finished, UTC):%Y-%m-%d %H:%M} UTC"
        + (f", {_plain(', '.join(run.options))}" if run.options else ""),
        "",
        *_caps(found),
        "| case | what has to be so | clauses | outcome | what was seen |",
        "|---|---|---|---|---|",
        *(_row(result) for result in run.results),
        *_advice(run),
    ]
    return "\n".join(lines) + "\n"


def _caps(found: Assessment) -> Iterator[str]:
    for cap, codes in found.caps:
        yield f"- No better than {cap.grade} ({cap.name}): {cap.reason}" + (
            f" {', '.join(codes)}" if codes else ""
        )
    if found.caps:
        yield ""


def _row(result: Result) -> str:
    case = case_of(result)
    subject = f" ({_plain(result.subject)})" if result.subject else ""
    cells = (
        f"{_plain(result.code)}",
        f"{case.title if case else ''}{subject}",
        _links(case),
        f"{_SIGNS[result.outcome]} {OUTCOMES[result.outcome]}",
        _plain(result.detail),
    )
    return f"| {' | '.join(cells)} |"


def _links(case: Case | None) -> str:
    if case is None:
        return ""
    links = ", ".join(f"[{name}]({clauses()[name].url})" for name in case.clauses)
    return f"{case.level}: {links}" if links else str(case.level)


def _advice(run: Run) -> Iterator[str]:
    failed = Counter(result.code for result in run.results if result.outcome is Outcome.FAILED)
    advised = [(code, case) for code in failed if (case := _case(run, code)) is not None]
    if advised:
        yield ""
        yield "## What to do"
        yield ""
    for code, case in advised:
        yield f"- **{code}** {case.advice}"


def _case(run: Run, code: str) -> Case | None:
    return next(case_of(result) for result in run.results if result.code == code)


def _plain(text: str) -> str:
    """Text of others on one line, without a meaning for Markdown or HTML."""
    return (
        _SPECIAL.sub(r"\\\1", " ".join(_CONTROL.sub(" ", text).split()))
        .replace("\\<", "&lt;")
        .replace("\\&", "&amp;")
    )
