"""What a code means, and what to do about it: outcomes of verifying, cases of the lab, statements of the profile.

The command line and the pages of the lab say the same: these are the words of `mediaattest.EXPLANATIONS`, of the cases
and of the profile, with a sample that fails and one that passes where there are such.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from mediaattest import EXPLANATIONS, Step, Verdict
from relay.domain.lab.cases import CASES
from relay.domain.lab.model import Level, Role
from relay.protocol.lab.clauses import clauses
from relay.protocol.lab.documents import pretty
from relay.protocol.lab.samples import NOW, Picture, samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mediaattest import Explanation
    from relay.domain.lab.model import Case
    from relay.protocol.lab.clauses import Clause
    from relay.protocol.lab.samples import Sample


@dataclass(frozen=True, slots=True)
class Example:
    """A sample to look at: its name, what it shows, the document as JSON for people, and the header if there is one.

    It is true as of `now`, in seconds since 1970.
    """

    name: str
    says: str
    document: str
    header: str | None
    now: int = NOW


@dataclass(frozen=True, slots=True)
class Explained:
    """A code in words.

    `title` says what it is about, `advice` what to do; `fails` and `passes` are None without a sample.
    `related` are further codes: of an outcome its case, of a statement the cases that test it.
    """

    code: str
    title: str
    meaning: str
    advice: str
    clauses: Sequence[Clause]
    related: Sequence[str]
    fails: Example | None = None
    passes: Example | None = None


_LEVELS: Final = {
    Level.MUST: "Everybody has to keep it.",
    Level.SHOULD: "It is to be kept unless there is a good reason not to.",
    Level.MAY: "It is worth a look and counts for nothing.",
}
_ROLES: Final = {
    Role.DOCUMENT: "Looked at in documents.",
    Role.ISSUER: "Tried on servers that attest.",
    Role.CARRIER: "Tried on relays.",
    Role.VERIFIER: "Tried on software that verifies.",
}
_PASSING: Final = {
    "ATT-032": "proven",
    "ATT-043": "header",
    "ATT-044": "header",
    "ATT-045": "shape-announce",
}
"""The sample that passes, where the ordinary one has nothing that the case is about."""
_OUTCOMES: Final = {why.code: (verdict, step, why) for (verdict, step), why in EXPLANATIONS.items()}


def explain(code: str) -> Explained | None:
    """What an outcome (`expired`), a case (`ATT-021`) or a statement (`P-01`) means; None for what is no code."""
    if code in _OUTCOMES:
        return _outcome(*_OUTCOMES[code])
    name = code.upper()
    if name in CASES:
        return _case(CASES[name])
    return _statement(clauses()[name]) if name in clauses() else None


def titles() -> Mapping[str, str]:
    """The title of every code: outcomes, then cases, then statements."""
    found = {code: _titled(verdict, step) for code, (verdict, step, _) in _OUTCOMES.items()}
    found |= {code: case.title for code, case in CASES.items()}
    return MappingProxyType(found | {clause.id: clause.statement for clause in clauses().values()})


def _titled(verdict: Verdict, step: Step) -> str:
    if verdict is Verdict.VALID:
        return "The attestation is valid."
    return f"The verdict is `{verdict}`, at step {step:d}: {step.title}."


def _outcome(verdict: Verdict, step: Step, why: Explanation) -> Explained:
    found = _known().values()
    failing = next((one for one in found if why.code in one.codes and verdict is not Verdict.VALID), None)
    if verdict is Verdict.MISSING:
        failing = _known()["nothing-attested"]
    return Explained(
        code=why.code,
        title=_titled(verdict, step),
        meaning=why.meaning,
        advice=why.advice,
        clauses=_named((why.clause,)),
        related=(f"ATT-{step:03}",),
        fails=_shown(failing),
        passes=_shown(_known()["good"]),
    )


def _case(case: Case) -> Explained:
    found = _known()
    failing = next((one for one in found.values() if case.code in one.failed), None)
    is_shown = failing is not None and case.role is Role.DOCUMENT
    return Explained(
        code=case.code,
        title=case.title,
        meaning=f"{_ROLES[case.role]} {_LEVELS[case.level]}",
        advice=case.advice,
        clauses=_named(case.clauses),
        related=tuple(why.code for _, step, why in _OUTCOMES.values() if f"ATT-{step:03}" == case.code),
        fails=_shown(failing),
        passes=_shown(found[_PASSING.get(case.code, "good")]) if is_shown else None,
    )


def _statement(clause: Clause) -> Explained:
    return Explained(
        code=clause.id,
        title=f"Statement {clause.id} of the profile, for {', '.join(clause.classes)}.",
        meaning=clause.statement,
        advice=_LEVELS[clause.level],
        clauses=(clause,),
        related=tuple(case.code for case in CASES.values() if clause.id in case.clauses),
    )


def _named(ids: Iterable[str]) -> tuple[Clause, ...]:
    return tuple(clauses()[one] for one in ids)


def _shown(sample: Sample | None) -> Example | None:
    return (
        None if sample is None else Example(sample.name, sample.says, pretty(sample.document), sample.header)
    )


@cache
def _known() -> Mapping[str, Sample]:
    """The samples by name, the plain variants first: they show one thing each."""
    files = [
        Picture(f"picture-{number}.png", f"sha256:{hashlib.sha256(f'picture {number}'.encode()).hexdigest()}")
        for number in (1, 2)
    ]
    found = {sample.name: sample for sample in samples(files)}
    return MappingProxyType(dict(sorted(found.items(), key=lambda row: row[0].startswith("shape-"))))
