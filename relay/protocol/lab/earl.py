"""A run in EARL 1.0 (Evaluation and Report Language) as JSON-LD, with its context inside."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from relay.protocol.documents import PROFILE
from relay.protocol.lab.words import ROLES, title

if TYPE_CHECKING:
    from relay.domain.lab.model import Result, Run

_CONTEXT: Final = {
    "earl": "http://www.w3.org/ns/earl#",
    "dct": "http://purl.org/dc/terms/",
    "doap": "http://usefulinc.com/ns/doap#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "assertedBy": {"@id": "earl:assertedBy", "@type": "@id"},
    "subject": {"@id": "earl:subject", "@type": "@id"},
    "test": {"@id": "earl:test", "@type": "@id"},
    "mode": {"@id": "earl:mode", "@type": "@id"},
    "result": "earl:result",
    "outcome": {"@id": "earl:outcome", "@type": "@id"},
    "info": "earl:info",
    "title": "dct:title",
    "description": "dct:description",
    "date": {"@id": "dct:date", "@type": "xsd:dateTime"},
}
_SUBJECT: Final = "_:subject"
_TESTER: Final = "_:tester"


def earl(run: Run) -> str:
    """Write a run: the software that was tested, the lab, and an assertion for each result."""
    date = datetime.fromtimestamp(run.finished, UTC).isoformat(timespec="seconds")
    graph: list[dict[str, Any]] = [
        {"@id": _TESTER, "@type": ["earl:Assertor", "earl:Software"], "title": run.tester},
        {
            "@id": _SUBJECT,
            "@type": ["earl:TestSubject", "doap:Project"],
            "title": run.target,
            "description": f"{ROLES[run.role]} of media attestations",
        },
        *(_assertion(result, date) for result in run.results),
    ]
    return json.dumps({"@context": _CONTEXT, "@graph": graph}, indent=2, ensure_ascii=False) + "\n"


def _assertion(result: Result, date: str) -> dict[str, Any]:
    return {
        "@type": "earl:Assertion",
        "assertedBy": _TESTER,
        "subject": _SUBJECT,
        "test": f"{PROFILE}/lab#{result.code}",
        "mode": "earl:automatic",
        "title": title(result),
        "result": {
            "@type": "earl:TestResult",
            "outcome": f"earl:{result.outcome}",
            "info": result.detail,
            "date": date,
        },
    }
