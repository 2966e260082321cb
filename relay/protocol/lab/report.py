"""A run as JSON: what the lab writes, keeps, compares and takes back in (fep/schema/lab-report.schema.json).

What follows from the results, such as the grade, is written for readers and never believed when a report is read.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson

from relay.domain import strictjson
from relay.domain.errors import Malformed
from relay.domain.lab.cases import CASES
from relay.domain.lab.grading import assess
from relay.domain.lab.model import Evidence, Outcome, Result, Role, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import StrEnum

    Choice = TypeVar("Choice", bound=StrEnum)

VERSION: Final = 1
MOST_RESULTS: Final = 2000
MOST_EVIDENCE: Final = 20
"""Pieces of evidence of one result."""
LATEST: Final = 7258118400.0
"""Seconds since 1970 at the end of the year 2199."""
LONGEST: Final = 64 * 1024
"""Characters of any text in a report."""


def dump(run: Run) -> bytes:
    """Write a report."""
    found = assess(run)
    return orjson.dumps(
        {
            "version": VERSION,
            "tester": run.tester,
            "role": run.role,
            "target": run.target,
            "options": list(run.options),
            "started": _stamp(run.started),
            "finished": _stamp(run.finished),
            "grade": found.grade,
            "caps": [
                {"name": cap.name, "grade": cap.grade, "reason": cap.reason, "cases": list(codes)}
                for cap, codes in found.caps
            ],
            "class": found.conformance,
            "conforms": found.conforms,
            "counts": {outcome.value: count for outcome, count in found.counts.items()},
            "results": [_written(result) for result in run.results],
        },
        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
    )


def load(text: bytes) -> Run:
    """Read a report. Raises `Malformed`, with the place, for what is not one."""
    try:
        document = strictjson.loads(text)
    except Malformed as error:
        raise Malformed(f"This is not a report: {error}", code="bad-report") from error
    report = _object(document, "the report")
    if report.get("version") != VERSION:
        raise _wrong("version", f"must be {VERSION}")
    rows = _list(report, "results", MOST_RESULTS)
    return Run(
        role=_choice(Role, report, "role"),
        target=_text(report, "target"),
        started=_time(report, "started"),
        finished=_time(report, "finished"),
        tester=_text(report, "tester"),
        results=tuple(_result(row, f"results[{place}]") for place, row in enumerate(rows)),
        options=tuple(_each(report, "options", str, MOST_EVIDENCE)),
    )


def _written(result: Result) -> dict[str, Any]:
    case = CASES.get(result.code)
    return {
        "case": result.code,
        "title": case.title if case else "",
        "level": case.level if case else None,
        "clauses": list(case.clauses) if case else [],
        "subject": result.subject,
        "outcome": result.outcome,
        "detail": result.detail,
        "explanation": result.explanation,
        "evidence": [{"label": seen.label, "text": seen.text} for seen in result.evidence],
    }


def _result(value: object, where: str) -> Result:
    row = _object(value, where)
    explanation = row.get("explanation")
    if explanation is not None and not isinstance(explanation, str):
        raise _wrong(f"{where}.explanation", "must be text or null")
    return Result(
        code=_text(row, "case", where),
        outcome=_choice(Outcome, row, "outcome", where),
        detail=_text(row, "detail", where),
        subject=_text(row, "subject", where),
        explanation=explanation,
        evidence=tuple(
            Evidence(_text(seen, "label", f"{where}.evidence"), _text(seen, "text", f"{where}.evidence"))
            for seen in _each(row, "evidence", dict, MOST_EVIDENCE, where)
        ),
    )


def _stamp(at: float) -> str:
    """RFC 3339, UTC, milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _time(row: Mapping[str, Any], name: str) -> float:
    try:
        at = datetime.fromisoformat(_text(row, name))
    except ValueError as error:
        raise _wrong(name, "must be a time as RFC 3339 has it") from error
    if at.tzinfo is None or not 0 <= at.timestamp() <= LATEST:
        raise _wrong(name, "must have a zone and lie between 1970 and 2200")
    return at.timestamp()


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, "must be an object")
    return value


def _list(row: Mapping[str, Any], name: str, most: int, where: str = "") -> list[Any]:
    value = row.get(name)
    if not isinstance(value, list) or len(value) > most:
        raise _wrong(_place(where, name), f"must be a list of at most {most}")
    return value


def _each(row: Mapping[str, Any], name: str, kind: type[Any], most: int, where: str = "") -> list[Any]:
    values = _list(row, name, most, where)
    if not all(isinstance(value, kind) for value in values):
        raise _wrong(_place(where, name), "holds what does not belong there")
    return values


def _text(row: Mapping[str, Any], name: str, where: str = "") -> str:
    value = row.get(name)
    if not isinstance(value, str) or len(value) > LONGEST:
        raise _wrong(_place(where, name), f"must be text of at most {LONGEST} characters")
    return value


def _choice(kind: Callable[[str], Choice], row: Mapping[str, Any], name: str, where: str = "") -> Choice:
    try:
        return kind(_text(row, name, where))
    except ValueError as error:
        raise _wrong(_place(where, name), "has a value that is not known here") from error


def _place(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _wrong(where: str, what: str) -> Malformed:
    return Malformed(f"This is not a report: {where} {what}.", code="bad-report")
