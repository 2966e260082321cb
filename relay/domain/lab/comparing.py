"""Two runs beside each other: what got better, what got worse, and what is new or gone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.lab.model import Outcome

if TYPE_CHECKING:
    from relay.domain.lab.model import Run


class Change(StrEnum):
    """How a result changed from one run to the next."""

    BETTER = "better"
    WORSE = "worse"
    OTHER = "other"
    """Neither: such as from `cantTell` to `inapplicable`."""
    NEW = "new"
    GONE = "gone"


_RANK: Final = {Outcome.FAILED: 0, Outcome.PASSED: 2}
"""Others are between the two."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One case that is not as it was; `before` or `after` is None for what only one run has."""

    code: str
    subject: str
    before: Outcome | None
    after: Outcome | None
    change: Change


def compare(before: Run, after: Run) -> tuple[Difference, ...]:
    """What changed, in the order of cases. A case is the same when code and subject are."""
    old, new = _by_case(before), _by_case(after)
    found = []
    for key in sorted({*old, *new}):
        was, is_now = old.get(key), new.get(key)
        if was is not is_now:
            found.append(Difference(*key, was, is_now, _change(was, is_now)))
    return tuple(found)


def _by_case(run: Run) -> dict[tuple[str, str], Outcome]:
    """The outcome of each case and subject: the worst where one is named twice."""
    outcomes: dict[tuple[str, str], Outcome] = {}
    for result in run.results:
        key = (result.code, result.subject)
        outcomes[key] = min(outcomes.get(key, result.outcome), result.outcome, key=_rank)
    return outcomes


def _rank(outcome: Outcome) -> int:
    return _RANK.get(outcome, 1)


def _change(before: Outcome | None, after: Outcome | None) -> Change:
    if before is None:
        return Change.NEW
    if after is None:
        return Change.GONE
    if _rank(before) == _rank(after):
        return Change.OTHER
    return Change.BETTER if _rank(after) > _rank(before) else Change.WORSE
