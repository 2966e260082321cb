"""What a run is worth: a grade with the reasons why it is not better, and whether the class of the role is reached.

A run begins with A. Each case that failed puts a cap on it: its own, or that of its level. A MUST that was not tried,
or of which nothing can be told, leaves A out of reach: what was not seen is not praised. MAYs never count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.domain.lab.cases import CASES
from relay.domain.lab.model import Cap, Grade, Level, Outcome, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from relay.domain.lab.model import Result, Run

BROKEN: Final = Cap("must-failed", Grade.D, "A statement that everybody has to keep is not kept.")
UNWISE: Final = Cap(
    "should-failed", Grade.B, "A statement that is kept without a good reason not to is not kept."
)
UNSEEN: Final = Cap("must-unseen", Grade.B, "A statement that everybody has to keep could not be looked at.")
NOTHING: Final = Cap("nothing-tested", Grade.F, "Nothing could be tested.")

CLASSES: Final = {
    Role.DOCUMENT: "Publisher",
    Role.ISSUER: "Issuer-Basic",
    Role.CARRIER: "Carrier",
    Role.VERIFIER: "Verifier-Basic",
}
"""The conformance class of the profile that each role is tested for."""

_DECIDED: Final = frozenset({Outcome.PASSED, Outcome.FAILED})
_UNSEEN: Final = frozenset({Outcome.CANNOT_TELL, Outcome.UNTESTED})


@dataclass(frozen=True, slots=True)
class Assessment:
    """The grade of a run, the caps that hold it down with the codes of the cases that put them, and the class.

    `conforms`: no MUST failed and each was seen.
    """

    grade: Grade
    caps: tuple[tuple[Cap, tuple[str, ...]], ...]
    conformance: str
    conforms: bool
    counts: dict[Outcome, int]


def assess(run: Run) -> Assessment:
    """Grade a run. Results of codes that are not known here, such as those of a newer lab, count as nothing."""
    counts = {outcome: sum(result.outcome is outcome for result in run.results) for outcome in Outcome}
    caps: dict[Cap, list[str]] = {}
    for result in run.results:
        cap = _cap(result)
        if cap is not None and result.code not in caps.setdefault(cap, []):
            caps[cap].append(result.code)
    if not any(result.outcome in _DECIDED for result in run.results):
        caps[NOTHING] = []
    return Assessment(
        grade=max((cap.grade for cap in caps), default=Grade.A),
        caps=tuple(
            (cap, tuple(codes))
            for cap, codes in sorted(caps.items(), key=lambda row: row[0].grade, reverse=True)
        ),
        conformance=CLASSES[run.role],
        conforms=NOTHING not in caps
        and not any(_level(code) is Level.MUST for code in _codes(caps.values())),
        counts=counts,
    )


def _cap(result: Result) -> Cap | None:
    """The cap that a result puts, or None."""
    case = CASES.get(result.code)
    if case is None or case.level is Level.MAY:
        return None
    if result.outcome is Outcome.FAILED:
        return case.cap or (BROKEN if case.level is Level.MUST else UNWISE)
    return UNSEEN if result.outcome in _UNSEEN and case.level is Level.MUST else None


def _level(code: str) -> Level:
    return CASES[code].level


def _codes(found: Iterable[list[str]]) -> Iterable[str]:
    return (code for codes in found for code in codes)
