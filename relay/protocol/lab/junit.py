"""A run as JUnit XML, in the form that the common build servers read."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from relay.protocol.lab.markup import element, text
from relay.protocol.lab.words import OUTCOMES, Mark, case_of, mark, title

if TYPE_CHECKING:
    from relay.domain.lab.model import Result, Run

_ELEMENTS: Final = {
    Mark.BAD: "failure",
    Mark.ERROR: "error",
    Mark.SKIPPED: "skipped",
    Mark.WARNING: "skipped",
}


def junit(run: Run) -> str:
    """Write a run as one test suite."""
    counts = Counter(_ELEMENTS.get(mark(result)) for result in run.results)
    attributes = {
        "name": f"{run.role} {run.target}",
        "tests": str(len(run.results)),
        "failures": str(counts["failure"]),
        "errors": str(counts["error"]),
        "skipped": str(counts["skipped"]),
        "time": f"{max(0.0, run.finished - run.started):.3f}",
        "timestamp": datetime.fromtimestamp(run.started, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
    }
    tests = (f"\n  {_test(run, result)}" for result in run.results)
    suite = element("testsuite", attributes, *tests, "\n")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{suite}\n'


def _test(run: Run, result: Result) -> str:
    attributes = {"classname": f"lab.{run.role}", "name": title(result), "time": "0"}
    kind = _ELEMENTS.get(mark(result))
    if kind is None:
        return element("testcase", attributes)
    message = result.detail
    if kind == "skipped":
        case = case_of(result)
        level = f"{case.level}, " if case and mark(result) is Mark.WARNING else ""
        message = f"{level}{OUTCOMES[result.outcome]}: {message}"
    seen = "\n\n".join(f"{seen.label}:\n{seen.text}" for seen in result.evidence)
    return element("testcase", attributes, element(kind, {"message": message}, text(seen)))
