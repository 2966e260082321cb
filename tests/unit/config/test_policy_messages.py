"""Broken policies and what people are told: `tests/golden/policy/NAME.yaml` gives `NAME.txt`.

`ASSAY_UPDATE_GOLDEN=1` writes the texts anew; read them before you commit them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from relay.config.codes import POLICY_CODES, WARNINGS
from relay.config.diagnostics import Diagnostic, Severity, render
from relay.config.policy_file import LoadedPolicy, load_policy

GOLDEN = Path(__file__).parents[2] / "golden" / "policy"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.yaml"))
NOW = 1_790_000_000.0  # 2026-09-21
ELSEWHERE = {"P108", "P111", "P214"}
"""Codes that take more than a file of its own: channels, five hundred rules, scanners."""


def loaded(name: str) -> LoadedPolicy:
    return load_policy(Path(f"{name}.yaml"), NOW)


def everything() -> list[Diagnostic]:
    return [one for name in NAMES for one in loaded(name).diagnostics]


@pytest.fixture(autouse=True)
def _there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)


def test_there_are_enough_broken_files() -> None:
    assert len(NAMES) >= 60


@pytest.mark.parametrize("name", NAMES)
def test_message(name: str) -> None:
    found = loaded(name)
    expected = GOLDEN / f"{name}.txt"
    if os.environ.get("ASSAY_UPDATE_GOLDEN"):
        expected.write_text(render(found.diagnostics), encoding="utf-8")
    assert found.diagnostics
    assert render(found.diagnostics) == expected.read_text(encoding="utf-8")
    errors = any(one.severity is Severity.ERROR for one in found.diagnostics)
    assert errors == (found.reading is None or found.reading.policy is None)


@pytest.mark.parametrize("name", NAMES)
def test_every_message_says_what_to_write_instead_and_has_its_place(name: str) -> None:
    for one in loaded(name).diagnostics:
        assert one.fix or one.guess, one
        assert one.span.line <= len(one.span.source.lines)
        assert one.cause[0] != one.cause[0].upper() or not one.cause[0].isalpha()


def test_every_code_is_documented_and_shown() -> None:
    codes = {one.code for one in everything() if one.code.startswith("P")}
    assert codes == set(POLICY_CODES) - ELSEWHERE


def test_warnings_are_those_that_are_documented() -> None:
    severities = {(one.code, one.severity) for one in everything() if one.code.startswith("P")}
    assert {code for code, severity in severities if severity is Severity.WARNING} - {"P207"} == WARNINGS - ELSEWHERE
    assert not WARNINGS & {code for code, severity in severities if severity is Severity.ERROR}
