"""What the lab speaks of: cases, what came of each, and runs.

A *case* is one numbered thing that is tested (`ATT-204`); its number never changes its meaning. A *run* is one test of
one target in one role, with a *result* for each case: several when a case was tried in several ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Role(StrEnum):
    """What is tested."""

    DOCUMENT = "document"
    """One activity or object with its attestations."""
    ISSUER = "issuer"
    """A server that attests, with its keys, lookup, service and status lists."""
    CARRIER = "carrier"
    """A relay that passes attestations on."""
    VERIFIER = "verifier"
    """Software that verifies them."""


class Level(StrEnum):
    """How much a case matters (RFC 2119): the highest level of the clauses that it tests."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Outcome(StrEnum):
    """What came of a case: the five outcomes of EARL 1.0."""

    PASSED = "passed"
    FAILED = "failed"
    CANNOT_TELL = "cantTell"
    """It was tried, and what was seen decides nothing: a time-out, an answer that cannot be had from outside."""
    INAPPLICABLE = "inapplicable"
    """There is nothing here that the case is about."""
    UNTESTED = "untested"
    """It was not tried."""


class Grade(StrEnum):
    """What a run is worth, from A to F; see `grading`."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"


@dataclass(frozen=True, slots=True)
class Cap:
    """A named reason for which a run cannot have a better grade than `grade`, in a sentence for people."""

    name: str
    grade: Grade
    reason: str


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is tested.

    `code` is `ATT-` and three digits. `title` says what has to be so, in a sentence. `clauses` are ids of the profile,
    none for what relays do without it (FEP-ae0c).
    `advice` says what to do when it fails. `cap` is put on the grade when it fails; None: the one of its level.
    """

    code: str
    role: Role
    title: str
    clauses: tuple[str, ...]
    level: Level
    advice: str
    cap: Cap | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something that was seen, as text to be shown as it is: a request, an answer, a token. `label` says what it is."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one case.

    `subject` says what it was tried on when there are several: `attachment[0]`, `mastodon`, `expired`. `detail` is one
    sentence about what was seen. `explanation` is the code of a verdict's explanation, when a verdict decided.
    """

    code: str
    outcome: Outcome
    detail: str
    subject: str = ""
    explanation: str | None = None
    evidence: Sequence[Evidence] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One test of one target.

    `target` is what was tested: a URL, a command, the name of a file. `started` and `finished` in seconds since 1970.
    `tester` names the lab and its version. `options` are what the run was told, such as `hostile`, in words.
    """

    role: Role
    target: str
    started: float
    finished: float
    tester: str
    results: Sequence[Result]
    options: Sequence[str] = ()
