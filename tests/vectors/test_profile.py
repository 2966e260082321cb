"""fep/profile.md holds together: statements, tests, examples, grammar, and the words for each outcome."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from mediaattest import EXPLANATIONS, Step, Verdict, Verification, explain
from relay.domain.lab.cases import CASES

ROOT = Path(__file__).resolve().parents[2]
FEP = ROOT / "fep"
TEXT = (FEP / "profile.md").read_text()
TABLE = json.loads((FEP / "clauses.json").read_text())
CLAUSES: dict[str, dict[str, Any]] = {clause["id"]: clause for clause in TABLE["clauses"]}
VECTORS = {
    f"{path.stem}: {vector['name']}": vector
    for path in (FEP / "vectors").glob("*.json")
    for vector in json.loads(path.read_text())
}
KEYWORD = re.compile(r"\b(?:MUST|SHOULD|SHALL|MAY|REQUIRED|RECOMMENDED|OPTIONAL)\b(?: NOT\b)?")
STATEMENT = re.compile(r"^ *- \*\*\[[A-Z]-\d\d\]\*\* .+(?:\n +[^ -].*)*", re.MULTILINE)
BLOCK = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
ID = re.compile(r"\b[A-Z]-\d\d\b")
LEVELS = ("MAY", "SHOULD", "MUST")


def named_in(name: str) -> set[str]:
    """The names of the tests in a file."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.parse((ROOT / name).read_text()).body if isinstance(node, kinds)}


def test_the_number_of_the_proposal_is_made_from_its_title() -> None:  # FEP-a4ed
    [(slug, title)] = re.findall(r"^# FEP-([0-9a-f]{4}): (.+)$", TEXT, re.MULTILINE)
    assert slug == hashlib.sha256(title.encode()).hexdigest()[:4]
    assert f'slug: "{slug}"' in TEXT.partition("\n---\n")[0]


def test_statements_are_numbered_without_a_gap_and_in_order() -> None:
    prefixes = dict.fromkeys(clause[0] for clause in CLAUSES)
    assert [*CLAUSES] == [
        f"{prefix}-{number:02}"
        for prefix in prefixes
        for number in range(1, 1 + sum(clause[0] == prefix for clause in CLAUSES))
    ]


def test_each_statement_has_one_level_and_a_class() -> None:
    for clause in CLAUSES.values():
        assert set(KEYWORD.findall(clause["statement"])) == {clause["level"]}, clause["id"]
        assert clause["class"], clause["id"]


def test_nothing_binds_outside_the_statements() -> None:
    assert len(STATEMENT.findall(TEXT)) == len(CLAUSES)
    rest = STATEMENT.sub("", TEXT).replace(TEXT[TEXT.index("## Requirements") : TEXT.index("## Motiv")], "")
    assert KEYWORD.findall(BLOCK.sub("", rest)) == []


def test_the_text_names_statements_that_exist() -> None:
    assert set(ID.findall(BLOCK.sub("", TEXT))) == set(CLAUSES)


def test_vectors_name_statements_that_exist() -> None:
    named = {name: vector["clause"].partition(";")[0].split(", ") for name, vector in VECTORS.items()}
    assert {name: ids for name, ids in named.items() if not set(ids) <= set(CLAUSES)} == {}


def test_cases_of_the_lab_name_statements_that_exist() -> None:
    assert {case.code: case.clauses for case in CASES.values() if not set(case.clauses) <= set(CLAUSES)} == {}


def test_no_case_of_the_lab_asks_for_more_than_its_statements() -> None:
    def rank(level: str) -> int:
        return LEVELS.index(level.partition(" ")[0])

    stricter = [
        case.code
        for case in CASES.values()
        if case.clauses and rank(case.level) > max(rank(CLAUSES[clause]["level"]) for clause in case.clauses)
    ]
    assert stricter == []


def test_every_must_is_tested() -> None:
    untested = {
        clause["id"] for clause in CLAUSES.values() if "MUST" in clause["level"] and not clause["tests"]
    }
    assert untested == set()


def test_every_must_of_the_library_and_the_relay_is_tested_here_and_not_in_the_lab_alone() -> None:
    alone = {
        clause["id"]
        for clause in CLAUSES.values()
        if "MUST" in clause["level"] and all(test in CASES for test in clause["tests"])
    }
    assert alone == set()


def test_tests_that_are_named_exist() -> None:
    named = {test for clause in CLAUSES.values() for test in clause["tests"]}
    found = {test for test in named if test.startswith("tests/")}
    assert [test for test in found if test.partition("::")[2] not in named_in(test.partition("::")[0])] == []
    assert len(found) > 30
    assert set(VECTORS) <= named  # no vector is left out
    assert named - found - set(VECTORS) <= set(CASES)


def test_examples_are_vectors() -> None:
    examples = [(info.partition(" ")[2], text) for info, text in BLOCK.findall(TEXT) if ": " in info]
    assert len(examples) > 7
    for info, text in examples:
        name, _, part = info.partition("; ")
        given = VECTORS[name]["input"]
        if part == "attestation":
            assert text.strip() == given["attestation"]
        elif part == "actor":
            assert json.loads(text) in given["actors"].values()
        elif part:
            parts = given["attestation"].partition(",")[2].split(".")
            again = json.dumps(json.loads(text), separators=(",", ":"), sort_keys=True).encode()
            assert again.hex() == _decoded(parts[("header", "claims").index(part)]).hex()
        else:
            assert json.loads(text) == given
    other = {info for info, _ in BLOCK.findall(TEXT) if ": " not in info}
    assert other == {"abnf"}


def _decoded(text: str) -> bytes:
    from mediaattest.jws import decode_part

    return decode_part(text) or b""


# ---------------------------------------------------------------- outcomes
def test_every_outcome_is_explained_and_nothing_else() -> None:
    expected = [v["expected"] for name, v in VECTORS.items() if name.startswith("verify-")]
    assert set(EXPLANATIONS) == {(Verdict(one["verdict"]), Step(one["step"])) for one in expected}
    source = "".join(
        path.read_text() for path in (FEP / "mediaattest").glob("*.py") if path.stem != "explain"
    )
    made = re.findall(r"Verdict\.([A-Z_]+),\s*Step\.([A-Z_]+)", source)
    made += [("MALFORMED", step) for step in re.findall(r"_malformed\(\s*Step\.([A-Z_]+)", source)]
    made += [("MALFORMED", "HEADER")]  # _header_fault says why, and its caller the step
    assert {(Verdict[verdict], Step[step]) for verdict, step in made} == set(EXPLANATIONS)


def test_every_verdict_has_an_explanation() -> None:
    assert {verdict for verdict, _ in EXPLANATIONS} == set(Verdict)
    assert explain(Verification(Verdict.EXPIRED, Step.CLAIMS, "")).code == "expired"
    with pytest.raises(KeyError):
        explain(Verification(Verdict.EXPIRED, Step.GRAMMAR, ""))


def test_codes_are_unique_and_fit_for_a_url() -> None:
    codes = [why.code for why in EXPLANATIONS.values()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(?:-[a-z]+)*", code) for code in codes)


@pytest.mark.parametrize("outcome", EXPLANATIONS, ids=lambda outcome: f"{outcome[0]} {outcome[1]:d}")
def test_each_explanation_says_what_it_means_and_what_to_do(outcome: tuple[Verdict, Step]) -> None:
    verdict, _ = outcome
    why = EXPLANATIONS[outcome]
    assert why.code.startswith(verdict) or verdict is Verdict.KEY_UNAVAILABLE
    assert why.clause in CLAUSES
    assert f"`{verdict}`" in CLAUSES[why.clause]["statement"]
    assert all(text.endswith(".") and len(text) > 7 for text in (why.meaning, why.advice))


def test_explanations_call_nothing_safe() -> None:
    words = [text for why in EXPLANATIONS.values() for text in (why.meaning, why.advice)]
    assert [text for text in words if re.search(r"\b(?:safe|clean)\b", text)] == [
        "Nothing. Do not show it as safe or clean."
    ]


def test_the_steps_of_the_text_are_those_of_the_library() -> None:
    part = TEXT[TEXT.index("### The steps") : TEXT.index("### What a verdict")]
    assert re.findall(r"^(\d+)\. \*", part, re.MULTILINE) == [str(int(step)) for step in Step]
