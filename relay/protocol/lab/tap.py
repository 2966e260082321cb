"""A run as TAP version 14 (Test Anything Protocol)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from relay.protocol.lab.words import OUTCOMES, Mark, case_of, mark, title

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.domain.lab.model import Result, Run

_SKIP, _KNOWN = "SKIP", "todo".upper()
"""The two directives: left out, and a failure that does not count. In capitals the second is no comment of ours."""


def tap(run: Run) -> str:
    """Write a run."""
    lines = ["TAP version 14", f"1..{len(run.results)}", f"# {_line(f'{run.role} {run.target}')}"]
    for number, result in enumerate(run.results, 1):
        lines += _point(number, result)
    return "\n".join(lines) + "\n"


def _point(number: int, result: Result) -> Iterator[str]:
    kind = mark(result)
    ok = "ok" if kind in {Mark.GOOD, Mark.SKIPPED} else "not ok"
    yield f"{ok} {number} - {_line(title(result))}{_directive(kind, result)}"
    if kind is Mark.GOOD:
        return
    case = case_of(result)
    yield "  ---"
    yield f"  message: {json.dumps(result.detail)}"
    yield f"  severity: {'fail' if kind is Mark.BAD else 'comment'}"
    if case is not None:
        yield f"  clauses: {json.dumps(list(case.clauses))}"
    for seen in result.evidence:
        yield f"  {json.dumps(seen.label)}: {json.dumps(seen.text)}"
    yield "  ..."


def _directive(kind: Mark, result: Result) -> str:
    if kind is Mark.SKIPPED:
        return f" # {_SKIP} {OUTCOMES[result.outcome]}"
    case = case_of(result)
    return f" # {_KNOWN} {case.level}" if kind is Mark.WARNING and case else ""


def _line(text: str) -> str:
    r"""Text on one line; `\` and `#` have a meaning there."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("#", "\\#")
