"""Reports in every format: they hold what was seen, whatever others wrote into it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from relay.domain.errors import Malformed
from relay.domain.lab.cases import CASES
from relay.domain.lab.grading import assess
from relay.domain.lab.model import Evidence, Grade, Outcome, Result, Role, Run
from relay.protocol.lab.badge import badge
from relay.protocol.lab.clauses import clauses
from relay.protocol.lab.rendering import FORMATS, MEDIA_TYPES, render
from relay.protocol.lab.report import LONGEST, MOST_RESULTS, dump, load
from tests.unit.protocol.lab.runs import MUST, SHOULD, UNKNOWN, every, result, run

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parents[4] / "fep/schema/lab-report.schema.json").read_text())
)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
RUNS = st.builds(
    Run,
    role=st.sampled_from(Role),
    target=TEXT,
    started=st.integers(0, 2**32).map(float),
    finished=st.integers(0, 2**32).map(float),
    tester=TEXT,
    results=st.lists(
        st.builds(
            Result,
            code=st.sampled_from([*CASES, UNKNOWN]),
            outcome=st.sampled_from(Outcome),
            detail=TEXT,
            subject=TEXT,
            explanation=st.none() | TEXT,
            evidence=st.lists(st.builds(Evidence, label=TEXT, text=TEXT), max_size=3).map(tuple),
        ),
        max_size=8,
    ).map(tuple),
    options=st.lists(TEXT, max_size=3).map(tuple),
)


@given(RUNS)
def test_a_report_can_be_read_again_and_fits_its_schema(made: Run) -> None:
    text = dump(made)
    assert load(text) == made
    SCHEMA.validate(json.loads(text))


@given(RUNS)
def test_each_format_takes_any_run(made: Run) -> None:
    for name in FORMATS:
        assert render(made, name)
    suite = fromstring(render(made, "junit"))  # noqa: S314 - our own text
    assert len(suite) == len(made.results)
    points = re.findall(r"^(?:not )?ok \d+ - ", render(made, "tap"), re.MULTILINE)
    assert len(points) == len(made.results)
    graph = json.loads(render(made, "earl"))["@graph"]
    assert len(graph) == 2 + len(made.results)
    rows = [line for line in render(made, "markdown").splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + len(made.results)


def test_the_grade_of_a_report_is_worked_out_and_not_believed() -> None:
    document = json.loads(dump(run(result(MUST, Outcome.FAILED))))
    document |= {"grade": "A", "conforms": True, "caps": []}
    assert assess(load(json.dumps(document).encode())).grade is Grade.D


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"version": 2}, "version"),
        ({"role": "hat"}, "role"),
        ({"role": None}, "role"),
        ({"target": 3}, "target"),
        ({"target": "x" * (LONGEST + 1)}, "target"),
        ({"started": "yesterday"}, "started"),
        ({"started": "1960-01-01T00:00:00Z"}, "started"),
        ({"started": "2026-01-01T00:00:00"}, "started"),
        ({"finished": "9999-12-31T23:59:59-23:00"}, "finished"),
        ({"results": {}}, "results"),
        ({"results": [{}] * (MOST_RESULTS + 1)}, "results"),
        ({"results": [3]}, r"results\[0\]"),
        ({"options": [3]}, "options"),
        ({"options": ["x"] * 21}, "options"),
    ],
)
def test_what_is_no_report_is_refused_with_its_place(change: dict[str, Any], place: str) -> None:
    document = json.loads(dump(run(result(MUST, Outcome.PASSED)))) | change
    with pytest.raises(Malformed, match=place) as caught:
        load(json.dumps(document).encode())
    assert caught.value.code == "bad-report"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"case": None}, r"results\[0\]\.case"),
        ({"outcome": "fine"}, r"results\[0\]\.outcome"),
        ({"explanation": 3}, r"results\[0\]\.explanation"),
        ({"evidence": None}, r"results\[0\]\.evidence"),
        ({"evidence": ["x"]}, r"results\[0\]\.evidence"),
        ({"evidence": [{"label": "x"}]}, r"results\[0\]\.evidence\.text"),
    ],
)
def test_a_result_that_is_none_is_refused_with_its_place(change: dict[str, Any], place: str) -> None:
    document = json.loads(dump(run(result(MUST, Outcome.PASSED))))
    document["results"][0] |= change
    with pytest.raises(Malformed, match=place):
        load(json.dumps(document).encode())


@pytest.mark.parametrize("text", [b"", b"[]", b"\xff", b'{"version": 1, "version": 1}'])
def test_what_is_no_json_object_is_no_report(text: bytes) -> None:
    with pytest.raises(Malformed, match="not a report"):
        load(text)


def test_junit_counts_what_stops_a_build() -> None:
    suite = fromstring(render(every(), "junit"))  # noqa: S314 - our own text
    assert suite.attrib["tests"] == "15"
    assert suite.attrib["time"] == "1.500"
    assert suite.attrib["timestamp"] == "2026-11-21T22:26:40"
    assert suite.attrib["failures"] == "2"  # the MUST, and what is not known here
    assert suite.attrib["errors"] == "2"
    assert suite.attrib["skipped"] == "8"
    found = [test.find("skipped") for test in suite if SHOULD in test.attrib["name"]]
    messages = [element.attrib["message"] for element in found if element is not None]
    assert messages == [
        "SHOULD, failed: Seen.",
        "SHOULD, cannot tell: Seen.",
        "does not apply: Seen.",
        "not tested: Seen.",
    ]


def test_tap_marks_what_is_to_be_done_and_what_was_left_out() -> None:
    lines = [line for line in render(every(), "tap").splitlines() if re.match(r"(not )?ok ", line)]
    assert lines[0].startswith(f"ok 1 - {MUST}")
    assert lines[1].startswith("not ok 2")
    assert lines[2].startswith("not ok 3")
    assert lines[3].endswith("# SKIP does not apply")
    assert lines[4].endswith("# SKIP not tested")
    assert lines[6].endswith("todo".upper() + " SHOULD")
    assert lines[11] == f"not ok 12 - {UNKNOWN} (2)"
    whole = render(run(result(UNKNOWN, Outcome.FAILED, "a # b \\ c")), "tap")
    assert "\nnot ok 1 - ATT-999 (a \\# b \\\\ c)\n" in whole


def test_markdown_says_what_it_is_worth_and_what_to_do() -> None:
    text = render(every(), "markdown")
    assert "**Grade D** · class Publisher not reached · 3 passed, 3 failed, 3 cannot tell" in text
    assert f"- No better than D (must-failed): {assess(every()).caps[0][0].reason} {MUST}" in text
    assert f"- **{MUST}** {CASES[MUST].advice[:10]}" in text
    assert f"- **{UNKNOWN}**" not in text
    assert "<b>" not in text
    assert "\x00" not in text
    good = render(replace(run(result(MUST, Outcome.PASSED)), options=()), "markdown")
    assert "What to do" not in good
    assert "No better" not in good
    for name in CASES[MUST].clauses:
        assert f"[{name}]({clauses()[name].url})" in good


def test_earl_says_each_outcome_in_its_own_words() -> None:
    graph = json.loads(render(every(), "earl"))["@graph"]
    assert {row["result"]["outcome"] for row in graph[2:]} == {f"earl:{outcome}" for outcome in Outcome}


def test_a_badge_says_grade_and_class_to_all_readers() -> None:
    svg = fromstring(badge(assess(run(result(MUST, Outcome.PASSED)))))  # noqa: S314 - our own text
    assert svg.attrib["aria-label"] == "FEP-b53d Publisher: grade A, reached"
    assert "not reached" in badge(assess(every()))


MILDER = {"ATT-027"}
"""What binds verifiers only, and is merely useless in a document that breaks it."""


def test_every_clause_of_a_case_is_a_statement_of_the_profile() -> None:
    for case in filter(lambda case: case.clauses, CASES.values()):
        found = [clauses()[name] for name in case.clauses]
        highest = max(found, key=lambda clause: ["MAY", "SHOULD", "MUST"].index(clause.level)).level
        assert highest is case.level or case.code in MILDER
    assert clauses()["C-06"].forbids
    assert clauses()["F-01"].classes == ("Verifier-Basic", "Issuer-Basic")


def test_each_format_has_a_media_type_and_a_suffix() -> None:
    assert set(MEDIA_TYPES) == set(FORMATS)
