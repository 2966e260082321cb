"""Presets: each is right by itself, and what an operator writes goes before it without lowering its floor."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given

from relay.config.policy_file import LoadedPolicy, load_policy
from relay.config.presets import ARCHIVE, PRESETS, preset_text
from relay.domain.facts import AttestationState, Facts, Scan
from relay.domain.media import MatchKind, MediaKind
from relay.domain.policy import FLOORED, RELAYING, Mode, Policy, Verb, decide
from tests.unit.domain.test_policy import facts_values

NOW = 1_790_000_000.0
NAMES = ["archive-country-de" if name == ARCHIVE else name for name in PRESETS]
PICTURE = Facts(media=frozenset({MediaKind.IMAGE}), media_count=1, scan=Scan.CLEAN)


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("presets")


@cache
def preset(name: str) -> Policy:
    """The policy that a preset is."""
    text = preset_text(name)
    assert text is not None
    with TemporaryDirectory() as folder:
        return policy(Path(folder), text)


def read(folder: Path, text: str) -> LoadedPolicy:
    (folder / "policy.yaml").write_text(text)
    return load_policy(folder / "policy.yaml", NOW)


def policy(folder: Path, text: str, *codes: str) -> Policy:
    loaded = read(folder, text)
    assert [one.code for one in loaded.diagnostics] == list(codes)
    assert loaded.reading is not None
    assert loaded.reading.policy is not None
    return loaded.reading.policy


@pytest.mark.parametrize("name", NAMES)
def test_each_preset_is_right_and_its_examples_come_out(folder: Path, name: str) -> None:
    text = preset_text(name)
    assert text is not None
    alone = read(folder, text)
    assert alone.diagnostics == ()
    assert alone.reading is not None
    assert len(alone.reading.examples) >= 3
    assert alone.reading.policy == policy(folder, f"preset: {name}")


@pytest.mark.parametrize("name", NAMES)
def test_no_preset_relays_what_matched(folder: Path, name: str) -> None:
    subject = preset(name)
    for match in MatchKind:
        for attestation in AttestationState:
            facts = Facts(PICTURE.media, attestation, scan=Scan.MATCH, match=match)
            decision = decide(subject, facts, NOW)
            assert decision.would not in RELAYING
            if match in FLOORED:
                assert decision.verb not in RELAYING


@given(facts=facts_values)
@pytest.mark.parametrize("name", ["strict", "attested-only"])
def test_what_is_neither_checked_nor_attested_is_not_relayed(name: str, facts: Facts) -> None:
    decision = decide(preset(name), facts, NOW)
    checked = facts.scan is Scan.CLEAN and name == "strict"
    attested = facts.attestation is AttestationState.VALID
    if facts.media and not checked and not attested:
        assert decision.would not in RELAYING


def test_keys_of_ones_own_stand_in_place_of_the_presets(folder: Path) -> None:
    subject = policy(folder, "preset: strict\nmode: observe\nversion: 4\notherwise: drop\n")
    assert (subject.mode, subject.version, subject.otherwise.verb) == (Mode.OBSERVE, 4, Verb.DROP)
    assert [name for name, _ in subject.profiles] == ["strict"]


def test_rules_of_ones_own_come_first_or_take_the_place_of_those_of_their_name(folder: Path) -> None:
    text = """\
preset: small-instance
rules:
  - {name: Flood, when: {posts from server: more than 5 per hour}, then: defer 1 hour}
  - {name: Incident, when: {from: bad.example, media: any}, then: drop, reason: incident}
"""
    names = [rule.name for rule in policy(folder, text).rules]
    preset = [rule.name for rule in policy(folder, "preset: small-instance").rules]
    assert names == ["Incident", *preset]
    flood = next(rule for rule in policy(folder, text).rules if rule.name == "Flood")
    assert flood.then.seconds == 3600


def test_a_rule_that_takes_everything_makes_no_noise_about_the_presets(folder: Path) -> None:
    text = "preset: strict\nrules:\n  - {name: All, when: {media: any}, then: quarantine, reason: x}\n"
    assert policy(folder, text).rules[0].name == "All"


FLOOR: list[Policy] = []
LOWERING = """\
preset: attested-only
always:
  - {name: Friends, when: {from: "*.example"}, then: relay}
rules:
  - {name: All, when: {type: [Create, Update, Announce]}, then: relay}
"""


@given(facts=facts_values)
def test_the_floor_of_a_preset_is_not_lowered(folder: Path, facts: Facts) -> None:
    if not FLOOR:
        FLOOR.append(policy(folder, LOWERING, "P407"))
    own, before = decide(FLOOR[0], facts, NOW), decide(preset("attested-only"), facts, NOW)
    if before.trace[-1].phase == "always":
        assert (own.would, own.rule) == (before.would, before.rule)


def test_a_rule_in_always_cannot_take_the_place_of_the_presets(folder: Path) -> None:
    text = "preset: strict\nalways:\n  - {name: Known match, when: {match: known}, then: drop, reason: x}\n"
    loaded = read(folder, text)
    assert "P109" in [one.code for one in loaded.diagnostics]


def test_a_list_of_an_archive_is_the_operators(folder: Path) -> None:
    text = "preset: archive-country-de\nlists:\n  not-legal-de: [there.example]\n"
    facts = Facts(from_hosts=frozenset({"there.example"}))
    decision = decide(policy(folder, text), facts, NOW)
    assert (decision.verb, decision.reason) == (Verb.DROP, "local-law-de")
    assert decide(policy(folder, "preset: archive-country-de"), facts, NOW).verb is Verb.RELAY


def test_two_rules_of_one_name_are_told_although_the_preset_has_one(folder: Path) -> None:
    rule = "  - {name: Flood, when: {posts from server: more than 5 per hour}, then: defer 1 hour}\n"
    loaded = read(folder, f"preset: strict\nrules:\n{rule}{rule}")
    assert "P109" in [one.code for one in loaded.diagnostics]


@pytest.mark.parametrize(
    "name", ["", "archive-country-", "archive-country-deu", ARCHIVE, "archive-country-DE"]
)
def test_names_that_are_no_preset(name: str) -> None:
    assert preset_text(name) is None
