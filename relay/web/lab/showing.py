"""Values of the lab as the templates show them: words and signs for outcomes, never a colour alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from mediaattest import EXPLANATIONS, Step, Verdict
from relay.domain.lab.grading import assess
from relay.domain.lab.model import Outcome
from relay.protocol.lab.rendering import MEDIA_TYPES
from relay.protocol.lab.stepping import State
from relay.protocol.lab.words import OUTCOMES, ROLES, case_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.lab.model import Result, Run
    from relay.protocol.lab.stepping import Examined

STATES: Final[Mapping[State, tuple[str, str]]] = {
    State.PASSED: ("✓", "passed"),
    State.FAILED: ("✗", "failed"),
    State.ASSUMED: ("≈", "assumed"),
    State.UNCHECKED: ("○", "not checked"),
    State.NOT_REACHED: ("·", "not reached"),
}
"""Sign and words of what a step came to; the words say it all, the sign helps the eye."""
MARKS: Final[Mapping[Outcome, tuple[str, str]]] = {
    Outcome.PASSED: ("✓", "passed"),
    Outcome.FAILED: ("✗", "failed"),
    Outcome.CANNOT_TELL: ("?", "unchecked"),
    Outcome.INAPPLICABLE: ("○", "unchecked"),
    Outcome.UNTESTED: ("·", "not-reached"),
}
"""Sign and style of an outcome."""
NOTES: Final[Mapping[State, str]] = {
    State.ASSUMED: "Nobody is trusted here by name: the lab believes the issuer and goes on.",
    State.UNCHECKED: "There was nothing to hold it against.",
}
_CLAUSES: Final = {
    step: explanation.clause
    for (verdict, step), explanation in reversed(tuple(EXPLANATIONS.items()))
    if verdict not in {Verdict.VALID, Verdict.MISSING}
}
"""The statement of the profile behind each step: the first that can fail there."""
_WRONG: Final = frozenset({Outcome.FAILED, Outcome.CANNOT_TELL})


def pretty(value: object) -> str:
    """Show a JSON value on lines of its own."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except TypeError:
        return str(value)


def attestation(one: Examined) -> dict[str, Any]:
    """Show one attestation with its steps."""
    explanation = one.explanation
    return {
        "where": one.found.where,
        "text": one.found.text,
        "valid": one.result.valid,
        "verdict": one.result.verdict.value,
        "reason": one.reason,
        "code": explanation.code,
        "advice": explanation.advice,
        "issuer": one.claim.issuer if one.claim else None,
        "hash": one.claim.digest if one.claim else None,
        "test": one.test,
        "bytes": one.found.received is not None,
        "header": None if one.header is None else pretty(one.header),
        "claims": None if one.claims is None else pretty(one.claims),
        "steps": [_step(step, one.steps[step], one) for step in Step],
    }


def _step(step: Step, state: State, one: Examined) -> dict[str, Any]:
    sign, words = STATES[state]
    clause = one.explanation.clause if state is State.FAILED else _CLAUSES[step]
    return {
        "number": int(step),
        "title": step.title,
        "state": state.value,
        "sign": sign,
        "words": words,
        "clause": clause,
        "note": one.reason if state is State.FAILED else NOTES.get(state),
    }


def results(found: Sequence[Result]) -> list[dict[str, Any]]:
    """Show results with what their cases say."""
    return [_result(one) for one in found]


def _result(one: Result) -> dict[str, Any]:
    case = case_of(one)
    sign, style = MARKS[one.outcome]
    return {
        "code": one.code,
        "title": case.title if case else "A case that this lab does not know.",
        "known": case is not None,
        "level": case.level.value if case else "",
        "clauses": case.clauses if case else (),
        "advice": case.advice if case and one.outcome in _WRONG else None,
        "subject": one.subject,
        "detail": one.detail,
        "sign": sign,
        "style": style,
        "words": OUTCOMES[one.outcome],
        "outcome": one.outcome.value,
        "evidence": one.evidence,
    }


def run(found: Run) -> dict[str, Any]:
    """Show a run: what it is worth and why, and its results, those that need somebody first."""
    assessment = assess(found)
    order = sorted(found.results, key=lambda one: one.outcome not in _WRONG)
    return {
        "role": ROLES[found.role],
        "target": found.target,
        "tester": found.tester,
        "started": found.started,
        "finished": found.finished,
        "options": found.options,
        "grade": assessment.grade.value,
        "class": assessment.conformance,
        "conforms": assessment.conforms,
        "caps": [
            {"grade": cap.grade.value, "reason": cap.reason, "cases": codes} for cap, codes in assessment.caps
        ],
        "counts": [(OUTCOMES[outcome], count) for outcome, count in assessment.counts.items() if count],
        "results": results(order),
    }


def formats(address: str) -> list[dict[str, str]]:
    """The addresses of a report in every format."""
    names = {
        "json": "JSON",
        "junit": "JUnit",
        "tap": "TAP",
        "earl": "EARL (JSON-LD)",
        "markdown": "Markdown",
    }
    return [{"name": names[one], "url": f"{address}{suffix}"} for one, (_, suffix) in MEDIA_TYPES.items()]
