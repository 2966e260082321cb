"""A run as JUnit XML, in the form that the common build servers read."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from relay.protocol.lab.words import OUTCOMES, Mark, case_of, mark, title

if TYPE_CHECKING:
    from relay.domain.lab.model import Result, Run

_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 2.2
_ELEMENTS: Final = {
    Mark.BAD: "failure",
    Mark.ERROR: "error",
    Mark.SKIPPED: "skipped",
    Mark.WARNING: "skipped",
}


def junit(run: Run) -> str:
    """Write a run as one test suite."""
    counts = Counter(_ELEMENTS.get(mark(result)) for result in run.results)
    duration = f"{max(0.0, run.finished - run.started):.3f}"
    suite = Element(
        "testsuite",
        name=_clean(f"{run.role} {run.target}"),
        tests=str(len(run.results)),
        failures=str(counts["failure"]),
        errors=str(counts["error"]),
        skipped=str(counts["skipped"]),
        time=duration,
        timestamp=datetime.fromtimestamp(run.started, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
    )
    for result in run.results:
        _add(suite, run, result)
    indent(suite)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(suite, encoding="unicode")}\n'


def _add(suite: Element, run: Run, result: Result) -> None:
    test = SubElement(suite, "testcase", classname=f"lab.{run.role}", name=_clean(title(result)), time="0")
    element = _ELEMENTS.get(mark(result))
    if element is None:
        return
    message = result.detail
    if element == "skipped":
        case = case_of(result)
        level = f"{case.level}, " if case and mark(result) is Mark.WARNING else ""
        message = f"{level}{OUTCOMES[result.outcome]}: {message}"
    SubElement(test, element, message=_clean(message)).text = _clean(
        "\n\n".join(f"{seen.label}:\n{seen.text}" for seen in result.evidence)
    )


def _clean(text: str) -> str:
    """Text without what XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
