"""The library as a verifier that can be asked: it answers every published vector as expected, and anything at all."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from mediaattest.__main__ import main
from mediaattest.answer import answers

FOLDER = Path(__file__).resolve().parents[3] / "fep" / "vectors"
NAMES = {"header": "tokens", "document": "media", "status-list": "status"}


@pytest.mark.parametrize("kind", ["verify", *NAMES])
def test_every_vector_is_answered_as_expected(kind: str) -> None:
    known = [
        vector
        for path in sorted(FOLDER.glob(f"{kind}*.json"))
        for vector in json.loads(path.read_text())
        if kind != "verify" or path.stem.startswith("verify-")
    ]
    lines = [json.dumps({"kind": kind, "input": vector["input"]}) for vector in known]
    found = [json.loads(answer) for answer in answers(lines)]
    name = NAMES.get(kind)
    expected = [vector["expected"] or ("unavailable" if name == "status" else []) for vector in known]
    assert [answer[name] if name else answer for answer in found] == expected
    assert len(found) > 20


@pytest.mark.parametrize(
    "line", ["", "x", "[]", "{}", '{"kind": "verify", "input": 1}', '{"kind": [], "input": 1}', "[" * 100_000]
)
def test_what_is_no_question_is_unsupported(line: str) -> None:
    assert list(answers([line])) == ['{"unsupported": true}']


def test_the_command_answers_line_by_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"kind": "header", "input": ""}\n?\n'))
    assert main(["answer"]) == 0
    assert capsys.readouterr().out == '{"tokens": []}\n{"unsupported": true}\n'
