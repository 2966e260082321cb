"""What the rules about documents look at, and how they say what they found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.domain.lab.model import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.lab.model import Evidence
    from relay.protocol.lab.places import Carrying, Medium
    from relay.protocol.lab.stepping import Actors, Examined
    from relay.protocol.ldsig import Reading
    from relay.protocol.unproven import Failure


@dataclass(frozen=True, slots=True)
class LinkedData:
    """What each engine made of the document, of which at least one was asked.

    `without`: of the document without the properties, where it has a Linked Data signature.
    """

    whole: tuple[Reading | Failure, ...]
    without: tuple[Reading | Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Looked:
    """A document with all that was found in it and beside it.

    `digests`: the hash string of the bytes at each URL, where they are at hand. `linked` is None when nobody expanded
    the document. `header` is the value of the field `Media-Attestation`, None when there was none.
    """

    document: object
    carrying: tuple[Carrying, ...]
    media: tuple[Medium, ...]
    examined: tuple[Examined, ...]
    digests: Mapping[str, str]
    actors: Actors
    now: int
    header: str | None = None
    linked: LinkedData | None = None


def passed(code: int, detail: str, subject: str = "") -> Result:
    """It is so."""
    return _result(code, Outcome.PASSED, detail, subject)


def failed(code: int, detail: str, subject: str = "", *evidence: Evidence) -> Result:
    """It is not so."""
    return _result(code, Outcome.FAILED, detail, subject, *evidence)


def unclear(code: int, detail: str, subject: str = "") -> Result:
    """What was seen decides nothing."""
    return _result(code, Outcome.CANNOT_TELL, detail, subject)


def judged(code: int, subject: str, fault: str | None, good: str) -> Result:
    """It is not so when there is a fault, which is a sentence; else it is, which `good` says."""
    return passed(code, good, subject) if fault is None else failed(code, fault, subject)


def _result(code: int, outcome: Outcome, detail: str, subject: str, *evidence: Evidence) -> Result:
    return Result(f"ATT-{code:03}", outcome, detail, subject, evidence=evidence)
