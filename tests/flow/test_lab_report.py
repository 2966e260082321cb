"""`assay lab report` and `assay lab compare`: reports for people, for build servers, and beside each other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from relay.cli.lab.report import REPORT
from relay.domain.lab.model import Outcome
from relay.protocol.lab.rendering import FORMATS
from relay.protocol.lab.report import dump
from tests.flow.operators import Operator, at_a_prompt
from tests.unit.protocol.lab.runs import MUST, SHOULD, every, result, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return at_a_prompt(tmp_path, monkeypatch)


@pytest.fixture
def reports(operator: Operator, tmp_path: Path) -> dict[str, Path]:
    made = {
        "good": run(result(MUST, Outcome.PASSED, "a"), result(SHOULD, Outcome.PASSED)),
        "bad": run(result(MUST, Outcome.FAILED, "a"), result(SHOULD, Outcome.PASSED)),
        "all": every(),
    }
    paths = {name: tmp_path / f"{name}.json" for name in made}
    for name, path in paths.items():
        path.write_bytes(dump(made[name]))
    return paths


def test_a_report_for_people_says_what_failed_and_what_to_do(
    operator: Operator, reports: dict[str, Path]
) -> None:
    good = operator.run("lab", "report", str(reports["good"])).stdout
    assert good.startswith(f"passed          {MUST} ")
    assert "Grade A, class Publisher reached: 2 passed" in good
    bad = operator.run("lab", "report", str(reports["bad"]), status=1).stdout
    assert "What to do: " in bad
    assert "No better than D" in bad


@pytest.mark.parametrize("name", FORMATS)
def test_a_report_is_written_in_every_format(operator: Operator, reports: dict[str, Path], name: str) -> None:
    text = operator.run("lab", "report", str(reports["all"]), "--format", name, status=1).stdout
    assert MUST in text


def test_a_report_for_programs_is_the_report(operator: Operator, reports: dict[str, Path]) -> None:
    document = operator.ask("lab", "report", str(reports["bad"]), status=1)
    assert document == json.loads(reports["bad"].read_bytes())
    documented_keys = set(" ".join(REPORT).replace(",", "").replace("[]", "").split())
    assert documented_keys == set(document)


def test_two_reports_beside_each_other(operator: Operator, reports: dict[str, Path]) -> None:
    good, bad = str(reports["good"]), str(reports["bad"])
    assert "Nothing changed." in operator.run("lab", "compare", bad, bad).stdout
    better = operator.run("lab", "compare", bad, good).stdout
    assert "Grade D before, A after." in better
    assert "better" in better
    worse = operator.ask("lab", "compare", good, bad, status=1)
    assert worse["after"]["grade"] == "D"
    [difference] = worse["differences"]
    assert (difference["code"], difference["before"], difference["change"]) == (MUST, "passed", "worse")


def test_what_is_no_report(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"version": 7}')
    result = operator.run("lab", "report", "other.json", status=2)
    assert "other.json: This is not a report: version must be 1." in result.stderr
    assert operator.run("lab", "report", "missing.json", status=2).stderr
