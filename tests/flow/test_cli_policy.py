"""`assay policy`, as an operator uses it: read aloud, tried, and what is told of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.config.presets import ARCHIVE, PRESETS
from tests.flow.operators import Operator, at_a_prompt, documented, keys_of

POLICY = """\
preset: small-instance
lists:
  dni: {fires: "https://fires.example/datasets/1"}
rules:
  - {name: Unwanted, when: {from: [list:dni, "*.bad.example"], media: any}, then: drop, reason: unwanted}
examples:
  - {given: {media: none}, expect: relay, by: Text only}
  - {given: {media: image, from: very.bad.example}, expect: drop}
"""


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    Path(tmp_path, "policy.yaml").write_text(POLICY)
    return at_a_prompt(tmp_path, monkeypatch)


def test_the_policy_is_read_aloud(operator: Operator) -> None:
    found = operator.ask("policy", "explain", "policy.yaml")
    assert keys_of(found, "paragraphs") == documented("policy", "explain")
    text = operator.run("policy", "explain", "policy.yaml").stdout
    assert (
        '1. "Unwanted": if it comes from or names any server under bad.example or a server of the list "dni" '
        "and it carries media of any sort, drop it. Reason code: unwanted."
    ) in text
    assert '"dni" is kept by somebody else and refreshed.' in text
    assert '"Known match"' in text  # of the preset


def test_without_a_file_it_is_the_policy_of_the_configuration(operator: Operator) -> None:
    assert '"Text only": if it carries no media, relay it.' in operator.run("policy", "explain").stdout
    Path("config.yaml").write_text("policy: {file: policy.yaml}\n")
    assert '"Unwanted"' in operator.run("policy", "explain").stdout
    assert operator.ask("policy", "test")["examples"][0]["rule"] == "Text only"


@pytest.mark.parametrize("name", [name for name in PRESETS if name != ARCHIVE])
def test_every_preset_can_be_read_aloud(operator: Operator, name: str) -> None:
    Path("preset.yaml").write_text(f"preset: {name}\n")
    lines = operator.run("policy", "explain", "preset.yaml").stdout.splitlines()
    assert len(lines) > 20


def test_examples_are_tried(operator: Operator) -> None:
    found = operator.ask("policy", "test", "policy.yaml")
    assert [one["problem"] for one in found["examples"]] == [None, None]
    text = operator.run("policy", "test", "policy.yaml").stdout
    assert 'ok      media: image, from: very.bad.example: drop by "Unwanted"' in text
    assert "2 as expected, 0 not." in text


def test_an_example_that_comes_out_differently_is_no(operator: Operator) -> None:
    Path("policy.yaml").write_text(POLICY.replace("expect: drop", "expect: relay"))
    found = operator.ask("policy", "test", "policy.yaml", status=1)
    assert keys_of(found, "examples") <= documented("policy", "test")
    assert found["examples"][1]["problem"] == 'this example gives drop by "Unwanted", not relay'
    text = operator.run("policy", "test", "policy.yaml", status=1).stdout
    assert "FAILED  media: image" in text
    assert "line 8: this example gives" in text
    operator.fail("policy", "explain", "policy.yaml", status=78, code="invalid-configuration")


def test_a_policy_without_examples_says_so(operator: Operator) -> None:
    Path("policy.yaml").write_text("preset: strict\n")
    assert "no examples" in operator.run("policy", "test", "policy.yaml").stdout


def test_facts_of_ones_own_are_decided_and_explained(operator: Operator) -> None:
    given = ("--given", "{media: image, match: near, media size: 3 MiB, hashtags: art}")
    found = operator.ask("policy", "test", "policy.yaml", *given)
    assert set(found) <= {part for key in documented("policy", "test") for part in key.split(", ")}
    assert (found["decision"]["verb"], found["decision"]["rule"]) == ("quarantine", "Near match")
    assert found["facts"]["hashtags"] == ["art"]
    text = operator.run("policy", "test", "policy.yaml", *given).stdout
    assert 'Rule "Near match" fitted because match is near.' in text
    assert "So the decision was to hold it for a person; reason code possible-match." in text


def test_in_observe_it_says_what_would_be_done(operator: Operator) -> None:
    Path("policy.yaml").write_text("preset: observe-only\n")
    text = operator.run("policy", "test", "policy.yaml", "--given", "match: near, media: image", status=78)
    assert "C004" in text.stderr or "P104" in text.stderr
    text = operator.run("policy", "test", "policy.yaml", "--given", "{match: near, media: image}")
    assert "only observes" in text.stdout


def test_mistakes_are_told_with_their_place(operator: Operator) -> None:
    problem = operator.fail(
        "policy", "test", "policy.yaml", "--given", "{media: imge}", status=78, code="invalid-configuration"
    )
    assert problem["diagnostics"][0]["guess"] == "image"
    Path("policy.yaml").write_text("rules: [{name: A, when: {media: image}, then: quarentine}]\n")
    problem = operator.fail("policy", "test", "policy.yaml", status=78, code="invalid-configuration")
    assert {one["code"] for one in problem["diagnostics"]} == {"P105"}
    Path("policy.yaml").write_text("- nothing\n")
    operator.fail("policy", "explain", "policy.yaml", status=78, code="invalid-configuration")
