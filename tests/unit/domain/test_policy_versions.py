"""Records of policies, what is different between two, and how much of it the public is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given

from relay.domain.english import Shown, explain, rule_sentence
from relay.domain.facts import Fact
from relay.domain.policy import Action, Between, Mode, OneOf, Policy, Rule, Verb
from relay.domain.policy_changes import Kind, changes
from relay.domain.policy_record import read_record, record_of, sizes
from relay.domain.policy_yaml import written_out
from relay.domain.reload import Outcome, ReloadAnswer, read_answer
from tests.unit.domain.test_policy import policies

DROP = Action(Verb.DROP)
HOLD = Action(Verb.QUARANTINE)
BAD = OneOf(Fact.FROM, frozenset({"bad.example"}), ("dni",))
FEW = Between(Fact.MATCH_DISTANCE, most=31)
POLICY = Policy(
    version=3,
    mode=Mode.ENFORCE,
    always=(Rule("Known", (OneOf(Fact.MATCH, frozenset({"known"})),), HOLD, "known-match"),),
    rules=(
        Rule("Bad", (BAD,), DROP, "unwanted", until=86_400.0, tell=("safety",)),
        Rule("Near", (FEW,), HOLD),
        Rule("Young", (Between(Fact.SUBSCRIBED_FOR, most=1_209_599),), HOLD),
        Rule("Flood", (Between(Fact.POSTS_FROM_SERVER, least=61, per="minute"),), Action(Verb.DEFER, 600)),
        Rule("Many", (Between(Fact.MENTIONS, least=11),), HOLD),
    ),
    lists=(("dni", frozenset({"one.example", "two.example"})), ("other", frozenset({"x.example"}))),
)


@given(policies)
def test_a_record_reads_back_as_the_same_policy_without_what_lists_hold(policy: Policy) -> None:
    record = json.loads(json.dumps(record_of(policy)))
    found = read_record(record)
    assert found == replace(policy, lists=tuple((name, frozenset()) for name, _ in policy.lists))
    assert changes(record, record) == ()
    assert sizes(record) == {name: len(held) for name, held in policy.lists}


@given(policies, policies)
def test_policies_differ_exactly_when_there_is_something_to_tell(one: Policy, other: Policy) -> None:
    unique = [
        replace(policy, always=tuple(named(policy.always)), rules=tuple(named(policy.rules)))
        for policy in (one, other)
    ]
    old, new = map(record_of, unique)
    alike = unique[0].normal() == unique[1].normal()
    assert (changes(old, new) == ()) == alike
    for shown in Shown:
        assert bool(changes(old, new, shown)) is not alike


def named(rules: tuple[Rule, ...]) -> list[Rule]:
    """The first rule of each name: a policy that was read has no two of one name."""
    return list({rule.name: rule for rule in reversed(rules)}.values())


def test_no_member_of_a_list_is_in_a_record() -> None:
    text = json.dumps(record_of(POLICY, ["other"]))
    assert "one.example" not in text
    assert "x.example" not in text
    assert sizes(record_of(POLICY, ["other"])) == {"dni": 2, "other": None}
    assert record_of(POLICY, ["other"]) == record_of(
        POLICY.with_lists({"other": frozenset({"y.example"})}), ["other"]
    )
    assert record_of(POLICY) != record_of(POLICY.with_lists({"dni": frozenset({"a.example", "b.example"})}))


def told(new: Policy, shown: Shown = Shown.ALL, old: Policy = POLICY) -> list[tuple[str, str, str, str]]:
    found = changes(record_of(old), record_of(new), shown)
    return [(one.kind.value, one.what, one.old, one.new) for one in found]


def test_rules_that_came_went_and_changed_are_told_by_name() -> None:
    bad, near, *others = POLICY.rules
    new = replace(POLICY, rules=(replace(near, then=DROP), *others, Rule("New", (), DROP)))
    found = told(new)
    assert [one[:2] for one in found] == [
        ("removed", 'rule "Bad"'),
        ("changed", 'rule "Near"'),
        ("added", 'rule "New"'),
    ]
    assert found[0][2] == rule_sentence(bad)
    assert found[1][3].endswith("drop it.")


def test_a_rule_that_moved_is_told_and_not_those_that_it_passed() -> None:
    first, *others = POLICY.rules
    found = told(replace(POLICY, rules=(*others, first)))
    assert found == [("moved", 'rule "Bad"', "", "It is now tried as number 5 of 5.")]
    [one] = changes(record_of(POLICY), record_of(replace(POLICY, version=4)))
    assert one.as_json() == {"kind": "changed", "what": "version", "old": "Version 3.", "new": "Version 4."}


def test_a_rule_that_goes_to_the_floor_is_another_one() -> None:
    first, *others = POLICY.rules
    found = told(replace(POLICY, always=(*POLICY.always, first), rules=tuple(others)))
    assert [one[:2] for one in found] == [
        ("added", 'rule of the safety floor "Bad"'),
        ("removed", 'rule "Bad"'),
    ]


def test_every_other_key_is_told() -> None:
    new = Policy(
        version=4,
        mode=Mode.OBSERVE,
        always=POLICY.always,
        rules=POLICY.rules,
        otherwise=DROP,
        on_scanner_error=HOLD,
        observe_known_matches=True,
        profiles=(("strict", frozenset({Verb.RELAY})), ("none", frozenset())),
        lists=(("dni", frozenset({"one.example"})), ("third", frozenset())),
    )
    found = {what: (kind, old, now) for kind, what, old, now in told(new)}
    assert found["mode"] == (
        "changed",
        "The policy is in mode enforce.",
        "The policy is in mode observe.",
    )
    assert found["otherwise"][2] == "When no rule fits: drop it."
    assert found["observe_known_matches"][2] == "Known matches are relayed in observe: yes."
    assert found["on_scanner_error"][0] == "changed"
    assert found["version"][1:] == ("Version 3.", "Version 4.")
    assert found['profile "strict"'][0] == "changed"
    assert found['profile "open"'][0] == "removed"
    assert found['profile "none"'] == (
        "added",
        "",
        'Profile "none" is sent what was decided as nothing.',
    )
    assert found['list "dni"'][1:] == ('The list "dni" has 2 members.', 'The list "dni" has 1 member.')
    assert found['list "other"'][0] == Kind.REMOVED
    assert found['list "third"'][0] == Kind.ADDED


def test_a_list_that_somebody_else_keeps_now_is_told() -> None:
    [one] = changes(record_of(POLICY), record_of(POLICY, ["dni"]))
    assert one.new == 'The list "dni" is kept by somebody else and refreshed.'


SECRETS = ("bad.example", "31", "14 days", "60", "more than 10", "Young", "Flood", "safety", "Version 3")


def test_the_outline_names_nothing_to_get_around_the_rules_with() -> None:
    text = "\n".join(line for one in explain(POLICY, (), Shown.OUTLINE) for line in one.lines)
    assert [one for one in SECRETS if one in text] == []
    assert "a server not named here or a server of the list" in text
    assert "below a limit that is not published" in text
    assert "above a limit that is not published" in text
    assert "for less than a time that is not published" in text
    assert "sent too many posts in the last minute" in text
    assert "Reason code: unwanted." in text


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (OneOf(Fact.FROM, frozenset({"a.example", "b.example"})), "one of 2 servers not named here"),
        (OneOf(Fact.HASHTAGS, frozenset({"none"})), "it has no hashtag"),
        (OneOf(Fact.LANGUAGE, frozenset({"de"})), "its language is de"),
        (OneOf(Fact.ACTOR, frozenset({"https://a.example/users/ann"})), "an account not named here"),
        (Between(Fact.POSTS_FROM_SERVER, most=3, per="day"), "sent few posts in the last day"),
        (Between(Fact.FIRST_SEEN, least=9), "for more than a time that is not published"),
    ],
)
def test_conditions_in_the_outline(condition: OneOf | Between, said: str) -> None:
    assert said in rule_sentence(Rule("A", (condition,), DROP), Shown.OUTLINE)


def test_most_is_everything_but_how_alike_pictures_must_be() -> None:
    text = "\n".join(line for one in explain(POLICY, (), Shown.MOST) for line in one.lines)
    assert "31" not in text
    assert all(one in text for one in ("bad.example", "14 days", '"Young"', "more than 60", "safety"))


def test_a_change_of_a_hidden_number_is_told_without_it() -> None:
    bad, near, *others = POLICY.rules
    new = replace(POLICY, rules=(bad, replace(near, when=(replace(FEW, most=20),)), *others))
    [(kind, what, old, now)] = told(new, Shown.OUTLINE)
    assert (kind, what, old == now) == ("changed", "rule", True)
    assert told(replace(POLICY, version=9), Shown.OUTLINE) == []


def test_the_text_for_the_public_has_no_members_and_no_distance() -> None:
    text = written_out(record_of(POLICY, ["other"]))
    assert "  dni: []  # 2 members, not published\n" in text
    assert "  other: []  # kept by somebody else, not published\n" in text
    assert 'when: {from: ["bad.example", "list:dni"]}' in text
    assert "match distance: not published" in text
    assert "one.example" not in text
    assert "posts from server: more than 60 per minute" in text
    assert "    until: 1970-01-01\n" in text
    assert '    tell: ["safety"]\n' in text


def test_a_policy_without_anything_is_written_out() -> None:
    assert "rules" not in written_out(record_of(Policy(1, Mode.ENFORCE, ())))
    text = written_out(record_of(Policy(1, Mode.ENFORCE, (Rule("All", (), DROP),))))
    assert '  - name: "All"\n    then: drop\n' in text


def test_lists_of_a_record_are_counted_though_it_does_not_hold_them() -> None:
    record = record_of(POLICY)
    found = explain(read_record(record), (), sizes={"dni": 2, "other": 1})
    assert '"dni" holds 2 servers.' in found[-1].lines
    assert '"dni" holds nothing.' in explain(read_record(record))[-1].lines


def test_an_answer_reads_back() -> None:
    answer = ReloadAnswer(Outcome.REFUSED, ("policy",), ("media.decoders",), 4, True, "no", ({"code": "P1"},))
    assert read_answer(json.loads(json.dumps(answer.as_json()))) == answer
