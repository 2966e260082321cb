"""Testing a verifier with the published vectors: every question once, one result for each statement.

A verifier that crashes, answers nonsense or stays silent loses that question and is asked the next one; after
`MOST_SILENT` such questions the rest is left untested.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.domain.errors import RemoteError
from relay.domain.lab.cases.verifier import STATEMENTS
from relay.domain.lab.model import Evidence, Outcome, Result
from relay.protocol.lab.vectors import Fit, judge, question, vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.domain.lab.model import Case
    from relay.ports.lab import Answerer
    from relay.protocol.lab.vectors import Judgement, Vector

PATIENCE: Final = 10.0
"""Seconds for one answer."""
MOST_SILENT: Final = 5
_NAMED: Final = 5
"""Vectors that are named in a detail."""
_SHOWN: Final = 3
"""Vectors whose question and answer are shown."""
_ANSWERING: Final = "V-02"
_CLASSES: Final = "V-13"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and what came of it. `judgement` None: no answer. `answer` is as received, for people."""

    vector: Vector
    judgement: Judgement | None
    answer: str

    @property
    def label(self) -> str:
        """The vector's name, as code."""
        return f"`{self.vector.name}`"

    @property
    def fault(self) -> str | None:
        """What is wrong with the answer; None when nothing is or the verifier does not do this."""
        if self.judgement is None:
            return self.answer
        return self.judgement.detail if self.judgement.fit in {Fit.WRONG, Fit.UNREADABLE} else None

    @property
    def silent(self) -> bool:
        """Whether there was no answer, or none that can be read."""
        return self.judgement is None or self.judgement.fit is Fit.UNREADABLE

    def evidence(self) -> tuple[Evidence, Evidence]:
        """Question and answer for a report."""
        asked = question(self.vector.kind, self.vector.input).decode()
        return Evidence(f"question {self.label}", asked), Evidence(f"answer {self.label}", self.answer)


class VectorTest:
    """Asks a verifier every vector. `patience` is in seconds; `tell` hears of each question."""

    def __init__(
        self,
        answerer: Answerer,
        *,
        patience: float = PATIENCE,
        tell: Callable[[int, int], None] | None = None,
    ) -> None:
        self._answerer, self._patience, self._tell = answerer, patience, tell

    async def run(self) -> list[Result]:
        """Ask, and return a result for each statement that has vectors. Raises nothing."""
        asked = await self._ask()
        by_clause: dict[str, list[Asked]] = defaultdict(list)
        for one in asked:
            for clause in one.vector.clauses:
                by_clause[clause].append(one)
        known = {clause for vector in vectors() for clause in vector.clauses} | {_ANSWERING}
        return [
            _answering(case, asked)
            if case.clauses == (_ANSWERING,)
            else _result(case, by_clause[case.clauses[0]])
            for case in STATEMENTS
            if case.clauses[0] in known
        ]

    async def _ask(self) -> list[Asked]:
        asked: list[Asked] = []
        silent = 0
        for vector in vectors():
            if silent == MOST_SILENT:
                break
            found = await self._ask_one(vector)
            silent += found.silent
            asked.append(found)
            if self._tell is not None:
                self._tell(len(asked), len(vectors()))
        return asked

    async def _ask_one(self, vector: Vector) -> Asked:
        try:
            answer = await self._answerer.ask(question(vector.kind, vector.input), timeout=self._patience)
        except RemoteError as error:
            return Asked(vector, None, str(error))
        judgement = judge(vector.kind, vector.expected, answer)
        return Asked(vector, judgement, answer.decode("utf-8", "replace"))


def _answering(case: Case, asked: Sequence[Asked]) -> Result:
    """V-02 is about every question."""
    silent = [one for one in asked if one.silent]
    if silent:
        return _failed(case, silent, len(asked))
    return Result(case.code, Outcome.PASSED, f"All {len(asked)} questions were answered.")


def _result(case: Case, asked: Sequence[Asked]) -> Result:
    faulty = [one for one in asked if one.fault is not None]
    done = [one for one in asked if one.judgement is not None and one.judgement.fit is not Fit.UNSUPPORTED]
    if faulty:
        return _failed(case, faulty, len(asked))
    if not asked:
        return Result(case.code, Outcome.UNTESTED, "Not asked: too many questions before were not answered.")
    if not done:
        # What stands beside the object is for Verifier-Full; everything else is for all.
        beside = case.clauses[0].startswith("W")
        outcome = Outcome.INAPPLICABLE if beside else Outcome.UNTESTED
        return Result(case.code, outcome, "The verifier says that it does not do this.")
    if case.clauses == (_CLASSES,) and not any("issuer_class" in _told(one) for one in done):
        return Result(case.code, Outcome.CANNOT_TELL, "The answers do not say the class of the issuer.")
    return Result(case.code, Outcome.PASSED, f"{_count(len(done))} as expected.")


def _told(asked: Asked) -> frozenset[str]:
    """The names in an answer."""
    return asked.judgement.told if asked.judgement is not None else frozenset()


def _failed(case: Case, faulty: Sequence[Asked], count: int) -> Result:
    named = "; ".join(f"{one.label}: {one.fault}" for one in faulty[:_NAMED])
    more = f"; and {len(faulty) - _NAMED} more" if len(faulty) > _NAMED else ""
    return Result(
        case.code,
        Outcome.FAILED,
        f"{len(faulty)} of {_count(count)} not as expected: {named}{more}.",
        evidence=[shown for one in faulty[:_SHOWN] for shown in one.evidence()],
    )


def _count(number: int) -> str:
    return "1 vector" if number == 1 else f"{number} vectors"
