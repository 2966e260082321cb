"""What all formats of a report say alike."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from relay.domain.lab.cases import CASES
from relay.domain.lab.model import Level, Outcome, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.lab.model import Case, Result

OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.CANNOT_TELL: "cannot tell",
    Outcome.INAPPLICABLE: "does not apply",
    Outcome.UNTESTED: "not tested",
}
ROLES: Final[Mapping[Role, str]] = {
    Role.DOCUMENT: "document",
    Role.ISSUER: "issuer",
    Role.CARRIER: "carrier",
    Role.VERIFIER: "verifier",
}


class Mark(Enum):
    """How a result counts for a build."""

    GOOD = auto()
    WARNING = auto()
    """A SHOULD or MAY that failed, or of which nothing can be told."""
    BAD = auto()
    ERROR = auto()
    """A MUST of which nothing can be told."""
    SKIPPED = auto()


def mark(result: Result) -> Mark:
    """Say how a result counts. A case that is not known here, such as one of a newer lab, counts as a MUST."""
    if result.outcome is Outcome.PASSED:
        return Mark.GOOD
    if result.outcome in {Outcome.INAPPLICABLE, Outcome.UNTESTED}:
        return Mark.SKIPPED
    case = case_of(result)
    if case is not None and case.level is not Level.MUST:
        return Mark.WARNING
    return Mark.BAD if result.outcome is Outcome.FAILED else Mark.ERROR


def case_of(result: Result) -> Case | None:
    """The case of a result; None when it is not known here."""
    return case_of_code(result.code)


def case_of_code(code: str) -> Case | None:
    """The case of a code; None when it is not known here."""
    return CASES.get(code)


def title(result: Result) -> str:
    """Code, what has to be so, and on what it was tried."""
    case = case_of(result)
    words = f"{result.code} {case.title}" if case else result.code
    return f"{words} ({result.subject})" if result.subject else words
