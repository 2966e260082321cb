"""Runs for tests: results of real cases, one of each level."""

from __future__ import annotations

from relay.domain.lab.cases import CASES
from relay.domain.lab.model import Evidence, Level, Outcome, Result, Role, Run

MUST, SHOULD = (
    next(code for code, case in CASES.items() if case.level is level and case.cap is None)
    for level in (Level.MUST, Level.SHOULD)
)
UNKNOWN = "ATT-999"
HOSTILE = 'a\x00|<b>*&"]]>\n\ud7ff\U0001f600'


def result(code: str, outcome: Outcome, subject: str = "", detail: str = "Seen.") -> Result:
    return Result(code, outcome, detail, subject, evidence=(Evidence("answer", HOSTILE),))


def run(*results: Result, role: Role = Role.DOCUMENT) -> Run:
    return Run(
        role, f"https://a.example/{HOSTILE}", 1795300000.0, 1795300001.5, "assay 0.1.0", results, ("hostile",)
    )


def every() -> Run:
    """A run with each outcome of a MUST, a SHOULD and a case that is not known."""
    return run(
        *(
            result(code, outcome, str(number))
            for number, code in enumerate((MUST, SHOULD, UNKNOWN))
            for outcome in Outcome
        )
    )
