"""Questions for verifiers: every vector is asked, and an answer is worth what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from relay.protocol.lab.vectors import Fit, judge, question, vectors

FOLDER = Path(__file__).resolve().parents[3] / "fep" / "vectors"
VALID = {"verdict": "valid", "step": 11, "temporary": False, "issuer_class": "trusted"}
MEDIA = [{"url": "https://a.example/1", "hashes": [], "attestations": []}, {"url": None}]


def test_every_vector_that_asks_a_verifier_is_shipped() -> None:
    names = [path.stem for path in FOLDER.glob("*.json")]
    asked = [name for name in names if name.startswith(("verify-", "header", "document", "status-list"))]
    published = [vector for name in asked for vector in json.loads((FOLDER / f"{name}.json").read_text())]
    assert len(vectors()) == len(published) > 200
    assert {vector.name for vector in vectors()} == {vector["name"] for vector in published}


def test_a_question_is_one_line() -> None:
    lines = [question(vector.kind, vector.input) for vector in vectors()]
    assert not any(b"\n" in line for line in lines)
    assert [json.loads(line)["input"] for line in lines] == [vector.input for vector in vectors()]


@pytest.mark.parametrize("given", [VALID, {"verdict": "valid"}, {"verdict": "valid", "more": 1}])
def test_a_verdict_may_say_as_little_as_it_likes(given: dict[str, Any]) -> None:
    assert judge("verify", VALID, json.dumps(given).encode()).fit is Fit.RIGHT


@pytest.mark.parametrize("name", VALID)
def test_a_verdict_may_not_be_wrong(name: str) -> None:
    found = judge("verify", VALID, json.dumps(VALID | {name: "other"}).encode())
    assert found.fit is Fit.WRONG
    assert f"answered {'verdict other' if name == 'verdict' else 'verdict valid'}" in found.detail


def test_media_may_come_in_any_order() -> None:
    assert judge("document", MEDIA, json.dumps({"media": MEDIA[::-1]}).encode()).fit is Fit.RIGHT
    for wrong in (MEDIA[:1], [], None, "text"):
        assert judge("document", MEDIA, json.dumps({"media": wrong}).encode()).fit is Fit.WRONG


def test_tokens_come_in_order() -> None:
    assert judge("header", ["a", "b"], b'{"tokens": ["a", "b"]}').fit is Fit.RIGHT
    found = judge("header", ["a", "b"], json.dumps({"tokens": ["b" * 400]}).encode())
    assert (found.fit, found.detail[-1]) == (Fit.WRONG, "…")


@pytest.mark.parametrize("said", ["unavailable", None])
def test_a_list_that_is_not_taken_says_nothing(said: str | None) -> None:
    assert judge("status-list", None, json.dumps({"status": said}).encode()).fit is Fit.RIGHT
    assert judge("status-list", "revoked", json.dumps({"status": said}).encode()).fit is Fit.WRONG


@pytest.mark.parametrize("answer", [b"", b"valid", b"[]", b"{}", b'{"verdict": 1, "verdict": 1}', b"\xff"])
def test_what_is_no_answer(answer: bytes) -> None:
    assert judge("verify", VALID, answer).fit is Fit.UNREADABLE


def test_what_is_not_supported_is_said_so() -> None:
    assert judge("header", [], b'{"unsupported": true}').fit is Fit.UNSUPPORTED
    assert judge("header", [], b'{"unsupported": false}').fit is Fit.UNREADABLE
