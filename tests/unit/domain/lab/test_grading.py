"""Grades of runs, and what changed between two."""

from __future__ import annotations

import pytest

from relay.domain.lab.cases import CASES, TABLES
from relay.domain.lab.comparing import Change, compare
from relay.domain.lab.grading import BROKEN, NOTHING, UNSEEN, UNWISE, assess
from relay.domain.lab.model import Grade, Level, Outcome, Role
from tests.unit.protocol.lab.runs import MUST, SHOULD, UNKNOWN, every, result, run


@pytest.mark.parametrize(
    ("results", "grade", "conforms"),
    [
        ([(MUST, Outcome.PASSED), (SHOULD, Outcome.PASSED)], Grade.A, True),
        ([(MUST, Outcome.PASSED), (SHOULD, Outcome.INAPPLICABLE)], Grade.A, True),
        ([(MUST, Outcome.PASSED), (SHOULD, Outcome.CANNOT_TELL)], Grade.A, True),
        ([(MUST, Outcome.PASSED), (SHOULD, Outcome.FAILED)], UNWISE.grade, True),
        ([(MUST, Outcome.UNTESTED), (SHOULD, Outcome.PASSED)], UNSEEN.grade, False),
        ([(MUST, Outcome.CANNOT_TELL), (SHOULD, Outcome.PASSED)], UNSEEN.grade, False),
        ([(MUST, Outcome.FAILED), (SHOULD, Outcome.FAILED)], BROKEN.grade, False),
        ([(MUST, Outcome.PASSED), (UNKNOWN, Outcome.FAILED)], Grade.A, True),
        ([(MUST, Outcome.UNTESTED)], NOTHING.grade, False),
        ([], NOTHING.grade, False),
    ],
)
def test_a_grade_is_held_down_by_what_failed_or_was_not_seen(
    results: list[tuple[str, Outcome]], grade: Grade, *, conforms: bool
) -> None:
    found = assess(run(*(result(*one) for one in results)))
    assert (found.grade, found.conforms) == (grade, conforms)
    assert sum(found.counts.values()) == len(results)


def test_the_worst_cap_stands_first_and_names_each_case_once() -> None:
    found = assess(every())
    assert [cap for cap, _ in found.caps] == [BROKEN, UNSEEN, UNWISE]
    assert dict(found.caps) == {BROKEN: (MUST,), UNSEEN: (MUST,), UNWISE: (SHOULD,)}
    assert found.grade == found.caps[0][0].grade


def test_cases_are_numbered_by_role_and_each_is_about_a_clause() -> None:
    ranges = {Role.DOCUMENT: "0", Role.ISSUER: "1", Role.CARRIER: "2", Role.VERIFIER: "3"}
    for code, case in CASES.items():
        assert code == case.code
        assert code.startswith(f"ATT-{ranges[case.role]}")
        assert len(code) == 7
        assert case.clauses or case.role is Role.CARRIER  # what relays do without the profile
        assert case.title.endswith(".")
        assert case.advice
        assert case.cap is None or case.level is not Level.MAY
    assert [*CASES] == sorted(CASES)
    assert len(CASES) == sum(len(table) for table in TABLES)  # none was given twice


def test_what_changed_between_two_runs() -> None:
    before = run(
        result(MUST, Outcome.FAILED, "a"),
        result(MUST, Outcome.PASSED, "b"),
        result(MUST, Outcome.PASSED, "same"),
        result(SHOULD, Outcome.CANNOT_TELL),
        result(SHOULD, Outcome.PASSED, "gone"),
    )
    after = run(
        result(MUST, Outcome.PASSED, "a"),
        result(MUST, Outcome.PASSED, "b"),
        result(MUST, Outcome.FAILED, "b"),  # the worst counts
        result(MUST, Outcome.PASSED, "same"),
        result(SHOULD, Outcome.INAPPLICABLE),
        result(SHOULD, Outcome.PASSED, "new"),
    )
    found = {(one.code, one.subject): one.change for one in compare(before, after)}
    assert found == {
        (MUST, "a"): Change.BETTER,
        (MUST, "b"): Change.WORSE,
        (SHOULD, ""): Change.OTHER,
        (SHOULD, "gone"): Change.GONE,
        (SHOULD, "new"): Change.NEW,
    }
    assert not compare(before, before)
