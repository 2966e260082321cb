"""The language as a whole: whatever validates keeps the floor, and what is made from its tables agrees with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config.comparisons import read_comparison
from relay.config.default_policy import DEFAULT_POLICY
from relay.config.diagnostics import Findings, Source
from relay.config.document import parse, plain
from relay.config.load import load
from relay.config.policy_file import LoadedPolicy, load_policy
from relay.config.policy_form import form_model
from relay.config.policy_schema import policy_schema
from relay.config.presets import ARCHIVE, PRESETS
from relay.config.rules import MOST_RULES
from relay.domain.blocklist import ListFormat
from relay.domain.english import explain
from relay.domain.facts import Fact, Facts
from relay.domain.policy import FLOORED, RELAYING, Between, Mode, OneOf, Verb, decide
from relay.domain.vocabulary import FACTS, SAMPLE, VERBS, FactInfo
from tests.unit.domain.test_policy import facts_values

if TYPE_CHECKING:
    from pathlib import Path

    from relay.domain.media import MatchKind

NOW = 1_790_000_000.0
SCHEMA = jsonschema.Draft202012Validator(json.loads(policy_schema()))
"""Made once: `jsonschema.validate` would check the schema itself each time, which takes longer than all the rest."""
VALUES = {info.fact.value: list(info.choices) or [SAMPLE[info.kind]] for info in FACTS}

whens = st.dictionaries(st.sampled_from(sorted(VALUES)), st.none(), min_size=1, max_size=3).flatmap(
    lambda keys: st.fixed_dictionaries({key: st.sampled_from(VALUES[key]) for key in keys})
)
written_actions = st.sampled_from([verb.value for verb in Verb if verb is not Verb.DEFER] + ["defer 1 hour"])
written_rules = st.lists(
    st.fixed_dictionaries({"when": whens, "then": written_actions, "reason": st.just("because")}), max_size=4
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "preset": st.sampled_from([name for name in PRESETS if name != ARCHIVE]),
        "mode": st.sampled_from([mode.value for mode in Mode]),
        "on_scanner_error": st.sampled_from(["defer", "quarantine", "relay"]),
        "observe_known_matches": st.just(value=False),
        "always": written_rules,
        "rules": written_rules,
        "otherwise": written_actions,
    },
)


def named(document: dict[str, Any]) -> dict[str, Any]:
    """The document with a name for each rule."""
    for key in ("always", "rules"):
        for number, rule in enumerate(document.get(key, [])):
            rule["name"] = f"{key} {number}"
    return document


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("language")


def read(folder: Path, text: str) -> LoadedPolicy:
    (folder / "policy.yaml").write_text(text)
    return load_policy(folder / "policy.yaml", NOW)


def test_the_schema_is_one() -> None:
    SCHEMA.check_schema(SCHEMA.schema)


@given(documents.map(named), st.lists(facts_values, min_size=3, max_size=6), st.sampled_from(sorted(FLOORED)))
def test_a_match_is_never_relayed_under_any_policy_that_validates(
    folder: Path, document: dict[str, Any], several: list[Facts], match: MatchKind
) -> None:
    reading = read(folder, json.dumps(document)).reading
    assert reading is not None
    SCHEMA.validate(document)
    if reading.policy is None:
        return
    assert explain(reading.policy)
    for facts in several:
        found = {**facts.as_json(), "match": match.value, "scan": "match"}
        assert decide(reading.policy, Facts.from_json(found), NOW).verb not in RELAYING


@pytest.mark.parametrize("info", FACTS, ids=lambda info: info.fact)
def test_every_fact_can_be_written_and_decides(folder: Path, info: FactInfo) -> None:
    value = VALUES[info.fact][0]
    exact = value.split(" ", 2)[2] if info.compared else value
    rule = {"name": "A", "when": {info.fact: value}, "then": "quarantine", "reason": "x"}
    facts = {info.fact: exact}
    if info.compared:
        found = read_comparison(info, value)
        number = found.least + 1 if found.most is None else found.most
        unit = exact.lstrip("0123456789").strip()
        small = {"MiB": f"{number} bytes", "days": f"{number} seconds"}.get(unit, f"{number} {unit}".strip())
        facts = {info.fact: small}
    text = {"rules": [rule], "examples": [{"given": facts, "expect": "quarantine", "by": "A"}]}
    if info.fact is Fact.TYPE:
        value = "Create"
    loaded = read(folder, json.dumps({"on_scanner_error": "quarantine", **text}))
    assert [one.code for one in loaded.diagnostics] == []
    SCHEMA.validate(text)


@pytest.mark.parametrize(
    "text", [DEFAULT_POLICY, *(text for name, (text, _) in PRESETS.items() if name != ARCHIVE)]
)
def test_the_schema_accepts_what_the_reader_accepts(text: str) -> None:
    node = parse(Source("x", tuple(text.split("\n"))), Findings())
    assert node is not None
    SCHEMA.validate(json.loads(json.dumps(plain(node))))


@pytest.mark.parametrize(
    "document",
    [
        {"rule": []},
        {"rules": [{"name": "A", "when": {"media": "imge"}, "then": "drop"}]},
        {"rules": [{"name": "A", "when": {"media": "image"}, "then": "delete"}]},
        {"rules": [{"name": "A", "when": {"mentions": "many"}, "then": "drop"}]},
        {"rules": [{"name": "A", "when": {"from": "https://a.example/"}, "then": "drop"}]},
        {"rules": [{"name": "A", "then": "drop"}]},
        {"preset": "mine"},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(folder: Path, document: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        SCHEMA.validate(document)
    reading = read(folder, json.dumps(document)).reading
    assert reading is not None
    assert reading.policy is None


def test_the_form_has_every_fact_verb_and_preset() -> None:
    model: dict[str, Any] = form_model()
    assert [one["fact"] for one in model["facts"]] == [info.fact for info in FACTS]
    assert [one["verb"] for one in model["verbs"]] == [info.verb for info in VERBS]
    assert [one["name"] for one in model["presets"]] == list(PRESETS)
    for one in model["facts"]:
        assert one["input"] in {"choice", "words", "comparison"}
        assert ("choices" in one) == (one["input"] == "choice")


# ------------------------------------------------------------------------------ with a configuration
def test_scanners_are_known_where_there_is_a_configuration(tmp_path: Path) -> None:
    rule = "{name: A, when: {list: %s}, then: quarantine, reason: x}"
    path = tmp_path / "config.yaml"
    for name, codes, guess in (("canary", [], ""), ("none", [], ""), ("canari", ["P214"], "canary")):
        path.write_text(f"policy: {{rules: [{rule % name}]}}\n")
        found = load(path, {}, NOW).diagnostics
        assert [one.code for one in found] == codes
        assert [one.guess for one in found] == [guess][: len(codes)]
    path.write_text(f"policy: {{rules: [{rule % 'xyz'}]}}\n")
    assert load(path, {}, NOW).diagnostics[0].fix == "Scanners are: canary."


def test_too_many_rules_are_an_error(folder: Path) -> None:
    rules = [
        {"name": f"{n}", "when": {"from": f"{n}.example"}, "then": "drop"} for n in range(MOST_RULES + 1)
    ]
    assert [one.code for one in read(folder, json.dumps({"rules": rules})).diagnostics] == ["P111"]
    assert read(folder, json.dumps({"rules": rules[:-1]})).diagnostics == ()


def test_lists_at_addresses_are_sources_and_empty_until_fetched(tmp_path: Path) -> None:
    text = """\
policy:
  lists:
    dni: {fires: "https://fires.example/datasets/1", refresh: 2 hours}
    csv: {csv: "https://lists.example/dni.csv"}
    unused: {fires: "https://fires.example/datasets/2"}
  rules:
    - {name: A, when: {from: [list:dni, list:csv, b.example]}, then: drop}
"""
    (tmp_path / "config.yaml").write_text(text)
    loaded = load(tmp_path / "config.yaml", {}, NOW)
    assert [one.code for one in loaded.diagnostics] == ["P304"]
    configuration = loaded.require()
    sources = {one.name: one for one in configuration.policy_lists}
    assert set(sources) == {"policy:dni", "policy:csv"}
    assert (sources["policy:dni"].format, sources["policy:dni"].refresh) == (ListFormat.FIRES, 7_200)
    assert sources["policy:csv"].format is ListFormat.MASTODON_CSV
    assert all(one.for_policy for one in sources.values())
    facts = Facts(from_hosts=frozenset({"a.example"}))
    assert decide(configuration.policy, facts, NOW).rule == "otherwise"
    filled = configuration.policy.with_lists({"dni": frozenset({"a.example"}), "else": frozenset({"x"})})
    assert decide(filled, facts, NOW).rule == "A"
    assert filled.id != configuration.policy.id
    assert filled.with_lists({"dni": frozenset({"a.example"})}) is filled


def test_a_list_holds_what_its_condition_needs(folder: Path) -> None:
    (folder / "tags.txt").write_text("# what we do not want\nSpam\nCrypto # all of it\n")
    (folder / "people.csv").write_text("name,account\nAnn,https://a.example/users/ann\n,\nBob\n")
    text = """\
lists:
  tags: {file: tags.txt}
  people: {csv: people.csv, column: account}
  tongues: [DE, pt_BR]
rules:
  - {name: A, when: {hashtags: [list:tags, none]}, then: drop}
  - {name: B, when: {actor: list:people}, then: drop}
  - {name: C, when: {language: list:tongues}, then: drop}
examples:
  - {given: {hashtags: "#SPAM"}, expect: drop, by: A}
  - {given: {hashtags: art, actor: list:people}, expect: drop, by: B}
  - {given: {hashtags: art, language: pt-br}, expect: drop, by: C}
  - {given: {hashtags: art, language: pt}, expect: quarantine}
"""
    loaded = read(folder, text)
    assert loaded.diagnostics == ()
    assert loaded.reading is not None
    assert loaded.reading.policy is not None
    assert dict(loaded.reading.policy.lists) == {
        "tags": {"spam", "crypto"},
        "people": {"https://a.example/users/ann"},
        "tongues": {"de", "pt-br"},
    }


def test_files_that_are_no_csv_and_no_policy_are_told(folder: Path) -> None:
    (folder / "long.csv").write_text(f"domain\n{'x' * 200_000}\n")
    rule = "rules: [{name: A, when: {from: list:a}, then: drop}]\n"
    (found,) = read(folder, f"lists: {{a: {{csv: long.csv}}}}\n{rule}").diagnostics
    assert (found.code, found.span.source.name) == ("P207", "long.csv")
    (folder / "empty.csv").write_text("")
    (found,) = read(folder, f"lists: {{a: {{csv: empty.csv}}}}\n{rule}").diagnostics
    assert (found.code, found.fix) == ("P208", "Its columns are: none.")
    assert read(folder, "- a\n- b\n").reading is None
    assert [one.code for one in load_policy(folder / "nowhere.yaml", NOW).diagnostics] == ["C001"]
    assert read(folder, "policy:\n  mode: observe\n").reading is not None
    (folder / "config.yaml").write_text("policy: {file: 7}\n")
    assert [one.code for one in load(folder / "config.yaml", {}, NOW).diagnostics] == ["P104"]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("{media: image, match: near}", []),
        ('{"media": ["image", "video"]}', []),
        ("mentions: 3", []),
        ("[media]", ["P104"]),
        ("{media: imge}", ["P202"]),
        ("{media: image", ["C004"]),
        ("{mentions: more than 3}", ["P206"]),
    ],
)
def test_facts_of_ones_own(folder: Path, text: str, codes: list[str]) -> None:
    reading = read(folder, "preset: strict").reading
    assert reading is not None
    facts, wrong = reading.reader.given(text)
    assert [one.code for one in wrong] == codes
    assert (facts is None) == bool(codes)


def test_conditions_are_what_they_were_written_as(folder: Path) -> None:
    when = "{media type: [image/*, Video/MP4], sensitive: true, media size: up to 1 kB, language: pt_BR}"
    reading = read(folder, f"rules: [{{name: A, when: {when}, then: drop, reason: x}}]").reading
    assert reading is not None
    assert reading.policy is not None
    assert set(reading.policy.rules[0].when) == {
        OneOf(Fact.MEDIA_TYPE, frozenset({"image/*", "video/mp4"})),
        OneOf(Fact.SENSITIVE, frozenset({"yes"})),
        Between(Fact.MEDIA_SIZE, 0, 1000),
        OneOf(Fact.LANGUAGE, frozenset({"pt-br"})),
    }
