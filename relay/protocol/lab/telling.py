"""An examination as values for programs and templates: what `--json` prints, and what pages show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mediaattest import Step
from relay.domain.lab.cases import CASES
from relay.domain.lab.grading import assess
from relay.protocol.documents import timestamp

if TYPE_CHECKING:
    from relay.domain.lab.model import Run
    from relay.protocol.lab.documents import Examination
    from relay.protocol.lab.stepping import Examined, State


_CLAUSES: Final = ("V-09", "V-10", "V-11", "V-15", "V-16", "V-21", "V-23", "V-27", "V-29", "V-30", "W-06")
STEP_CLAUSES: Final = dict(zip(Step, _CLAUSES, strict=True))
"""The statement that each step is about."""


def told(one: Examined) -> dict[str, Any]:
    """One attestation: what it claims, what came of it, and each step."""
    claim, stated = one.claim, one.result.attestation
    medium = stated.medium if stated else None
    return {
        "where": one.found.where,
        "valid": one.result.valid,
        "verdict": one.result.verdict.value,
        "temporary": one.result.temporary,
        "reason": one.reason,
        "issuer": claim.issuer if claim else None,
        "trusted_here": one.trusted and not one.test,
        "key": claim.kid if claim else None,
        "hash": claim.digest if claim else None,
        "bytes_checked": one.found.received is not None,
        "issued_at": timestamp(stated.issued_at) if stated else None,
        "expires_at": timestamp(stated.expires_at) if stated else None,
        "checks": [
            {
                "algorithm": check.algorithm,
                "list": check.list_id,
                "checked_at": None if check.checked_at is None else timestamp(check.checked_at),
            }
            for check in (stated.checks if stated else ())
        ],
        "medium": {"type": medium.media_type, "size": medium.size} if medium else None,
        "steps": [
            {"step": int(step), "title": step.title, "state": str(state)} for step, state in one.steps.items()
        ],
    }


def told_in_full(one: Examined) -> dict[str, Any]:
    """One attestation with what its token holds, what the outcome means, and the clause of each step."""
    why = one.explanation
    return told(one) | {
        "code": why.code,
        "clause": why.clause,
        "meaning": why.meaning,
        "advice": why.advice,
        "test": one.test,
        "attestation": one.found.text,
        "declared": list(one.found.declared),
        "header": one.header,
        "claims": one.claims,
        "steps": [_step(step, state) for step, state in one.steps.items()],
    }


def answer(examination: Examination, run: Run) -> dict[str, Any]:
    """The whole examination. Times are RFC 3339 in UTC."""
    found = assess(run)
    return {
        "target": run.target,
        "valid": examination.valid,
        "grade": found.grade.value,
        "conforms": found.conforms,
        "media": [
            {
                "where": medium.where,
                "url": medium.ref.url,
                "hashes": list(medium.ref.hashes),
                "attestations": list(medium.ref.attestations),
            }
            for medium in examination.media
        ],
        "attestations": [told_in_full(one) for one in examination.examined],
        "results": [
            {
                "case": result.code,
                "title": CASES[result.code].title,
                "level": CASES[result.code].level.value,
                "clauses": list(CASES[result.code].clauses),
                "subject": result.subject,
                "outcome": result.outcome.value,
                "detail": result.detail,
            }
            for result in run.results
        ],
    }


def _step(step: Step, state: State) -> dict[str, Any]:
    return {
        "step": int(step),
        "title": step.title,
        "state": str(state),
        "case": f"ATT-{step:03}",
        "clause": STEP_CLAUSES[step],
    }
