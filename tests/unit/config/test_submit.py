"""What the page for hashes of people's own pictures needs."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from relay.config.load import Loaded, load

if TYPE_CHECKING:
    from pathlib import Path

ADULTS = '{name: own, kind: submitted, category: ncii, purpose: "Why", country: DE}'


def loaded(folder: Path, scanner: str, more: str = "submit: {pages: true}") -> Loaded:
    path = folder / "config.yaml"
    path.write_text(f"scanners:\n  - {scanner}\n{more}\n")
    return load(path, {}, 1_790_000_000.0)


def codes(found: Loaded) -> list[str]:
    return [one.code for one in found.diagnostics]


def test_a_page_with_its_list(tmp_path: Path) -> None:
    own = files("relay.config").joinpath("helplines.json").read_text()
    (tmp_path / "own.json").write_text(own)
    assert codes(loaded(tmp_path, ADULTS, "submit: {pages: true, helplines: own.json}")) == []
    found = loaded(tmp_path, ADULTS)
    assert codes(found) == ["C403"]  # somebody has to look through them first
    assert found.require().settings.submit.review == "after"


@pytest.mark.parametrize(
    ("scanner", "code"),
    [
        ("{name: canary, kind: list, builtin: canary}", "C321"),
        (f"{ADULTS}\n  - {ADULTS.replace('own', 'other')}", "C322"),
        (ADULTS.replace("category: ncii, ", ""), "C324"),
        (ADULTS.replace("category: ncii", "category: csam"), "C324"),
        (ADULTS.replace("category: ncii", "category: ncii, file: f.csv"), "C324"),
        (ADULTS.replace(', purpose: "Why"', ""), "C304"),
        (ADULTS.replace(", country: DE", ""), "C304"),
        (ADULTS.replace("category: ncii", "builtin: canary, category: ncii"), "C303"),
        (ADULTS.replace("category: ncii", "category: ncii, attest: true"), "C316"),
    ],
)
def test_what_is_missing_or_too_much_is_said(tmp_path: Path, scanner: str, code: str) -> None:
    assert set(codes(loaded(tmp_path, scanner))) - {"C403"} == {code}


@pytest.mark.parametrize(("content", "code"), [(None, "C302"), ("{}", "C323"), ("no JSON", "C323")])
def test_own_helplines_must_be_readable(tmp_path: Path, content: str | None, code: str) -> None:
    if content is not None:
        (tmp_path / "own.json").write_text(content)
    assert codes(loaded(tmp_path, ADULTS, "submit: {pages: true, helplines: own.json}")) == [code]
