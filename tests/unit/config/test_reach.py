"""What is said about rules that can never apply is so: proven against facts of every sort."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from relay.config.reach import excluding, flattened, takers
from relay.domain.evaluation import compile_rules
from relay.domain.facts import AttestationState, Fact, Facts, Scan
from relay.domain.media import MatchKind, MediaKind
from relay.domain.policy import RELAY, Between, OneOf, Rule
from tests.unit.domain.test_policy import LISTS, NOW, facts_values, rules


def fits(rule: Rule, facts: Facts) -> bool:
    compiled = compile_rules({"rules": (rule,)}, LISTS)
    return not compiled.unmet(facts, NOW) & compiled.phases["rules"][0][0]


def of(fact: Fact, *words: str) -> OneOf:
    return OneOf(fact, frozenset(words))


@given(rules, st.lists(rules, min_size=1, max_size=4), st.lists(facts_values, max_size=8))
def test_a_covered_rule_never_applies(below: Rule, above: list[Rule], several: list[Facts]) -> None:
    lasting = [flattened(rule, LISTS) for rule in above if rule.until is None]
    if not takers(flattened(below, LISTS), lasting):
        return
    for facts in several:
        if fits(below, facts):
            assert any(fits(rule, facts) for rule in above if rule.until is None)


@given(rules, facts_values)
def test_flattening_changes_nothing_that_is_known(rule: Rule, facts: Facts) -> None:
    assert fits(rule, facts) == fits(flattened(rule, LISTS), facts)


def real(facts: Facts) -> Facts:
    """The facts as they can come from screening: without media nothing is known about media, and so on."""
    if not facts.media:
        return Facts(type=facts.type, content=facts.content, standing=facts.standing)
    matched = facts.scan is Scan.MATCH
    return replace(
        facts,
        media_count=max(facts.media_count, len(facts.media)),
        match=(facts.match or MatchKind.NEAR) if matched else None,
        match_distance=facts.match_distance if matched else None,
        category=facts.category if matched else None,
        lists=facts.lists if matched else frozenset(),
    )


@given(rules, facts_values.map(real))
def test_conditions_that_exclude_each_other_never_fit_what_is_real(rule: Rule, facts: Facts) -> None:
    if excluding(rule) is not None:
        assert not fits(rule, facts)


def test_rules_that_take_everything_together_are_named() -> None:
    text = Rule("text", (of(Fact.MEDIA, "none"),), RELAY)
    media = Rule("media", (of(Fact.MEDIA, *MediaKind),), RELAY)
    other = Rule("other", (of(Fact.FROM, "a.example"),), RELAY)
    rest = Rule("rest", (of(Fact.FROM, "b.example"), Between(Fact.MENTIONS, 3)), RELAY)
    assert takers(rest, [text, other, media]) == (text, media)
    assert takers(rest, [text, other]) == ()


def test_words_of_the_rule_itself_can_be_taken_one_by_one() -> None:
    near = Rule("near", (of(Fact.MATCH, "near"),), RELAY)
    scan = Rule("scan", (of(Fact.SCAN, "clean"),), RELAY)
    pending = Rule("pending", (of(Fact.SCAN, "pending"),), RELAY)
    rule = Rule("both", (of(Fact.SCAN, "clean", "pending"), of(Fact.TYPE, "Create")), RELAY)
    assert takers(rule, [near, scan, pending]) == (scan, pending)
    # A scan may not have been made at all: all outcomes are not everything.
    every = [Rule(scan, (of(Fact.SCAN, scan),), RELAY) for scan in Scan]
    assert takers(near, every) == ()


def test_what_is_known_of_every_activity_always_fits() -> None:
    below = Rule("below", (of(Fact.HASHTAGS, "art"),), RELAY)
    assert takers(below, [Rule("any", (Between(Fact.MENTIONS),), RELAY)])
    assert takers(below, [Rule("all", (of(Fact.ATTESTATION, *AttestationState),), RELAY)])
    assert not takers(below, [Rule("size", (Between(Fact.MEDIA_SIZE),), RELAY)])
    assert not takers(below, [Rule("match", (of(Fact.MATCH, *MatchKind),), RELAY)])


def test_a_list_of_others_covers_only_itself() -> None:
    listed = Rule("listed", (OneOf(Fact.FROM, frozenset({"a.example"}), ("dni",)),), RELAY)
    same = Rule("same", (OneOf(Fact.FROM, frozenset(), ("dni",)),), RELAY)
    more = Rule("more", (OneOf(Fact.FROM, frozenset(), ("dni", "other")),), RELAY)
    assert takers(same, [flattened(listed, {})]) == (listed,)
    assert takers(more, [listed]) == ()
    assert takers(listed, [same]) == ()
