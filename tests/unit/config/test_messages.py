"""Broken configurations and what people are told: `tests/golden/config/NAME.yaml` gives `NAME.txt`.

`ASSAY_UPDATE_GOLDEN=1` writes the texts anew; read them before you commit them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from relay.config.diagnostics import Severity
from relay.config.load import InvalidConfiguration, load

GOLDEN = Path(__file__).parents[2] / "golden" / "config"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.yaml"))
NOW = 1_790_000_000.0  # 2026-09-21
ONLY_WARNINGS = {
    "alerts-in-the-clear",
    "tell-nobody",
    "url-plain-http",
    "risky",
    "list-row-warning",
    "unreachable",
}


def test_there_are_enough_broken_files() -> None:
    assert len(NAMES) >= 40


@pytest.mark.parametrize("name", NAMES)
def test_message(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)
    loaded = load(Path(f"{name}.yaml"), {}, NOW)
    expected = GOLDEN / f"{name}.txt"
    if os.environ.get("ASSAY_UPDATE_GOLDEN"):
        expected.write_text(loaded.render(), encoding="utf-8")
    assert loaded.render() == expected.read_text(encoding="utf-8")
    json.dumps([diagnostic.as_json() for diagnostic in loaded.diagnostics])
    if name in ONLY_WARNINGS:
        assert loaded.require().settings == loaded.settings
        assert {diagnostic.severity for diagnostic in loaded.diagnostics} == {Severity.WARNING}
    else:
        with pytest.raises(InvalidConfiguration) as caught:
            loaded.require()
        assert caught.value.diagnostics == loaded.diagnostics
        assert str(caught.value) == loaded.render()


def test_all_errors_of_a_broken_file_are_shown_at_once() -> None:
    loaded = load(GOLDEN / "ten-mistakes.yaml", {}, NOW)
    codes = {diagnostic.code for diagnostic in loaded.diagnostics}
    settings = {"C007", "C102", "C104", "C105", "C106", "C204", "C205", "C304"}
    policy = {"P101", "P105", "P106", "P201", "P202", "P203", "P205", "P206", "P301", "P401", "P402"}
    assert codes == settings | policy
    assert len(loaded.diagnostics) > 20
    places = [(diagnostic.span.line, diagnostic.span.column) for diagnostic in loaded.diagnostics]
    assert places == sorted(places)


def test_json_form_has_position_and_text() -> None:
    loaded = load(GOLDEN / "unknown-key.yaml", {}, NOW)
    assert [diagnostic.as_json() for diagnostic in loaded.diagnostics] == [
        {
            "severity": "error",
            "code": "C102",
            "path": "relay.lsten",
            "file": str(GOLDEN / "unknown-key.yaml"),
            "line": 2,
            "column": 3,
            "text": "lsten",
            "cause": 'unknown key "lsten"',
            "fix": "",
            "guess": "listen",
        }
    ]
