"""The tables of facts and verbs: complete, and readable in English."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.english import (
    action_phrase,
    condition_phrase,
    duration,
    explain,
    rule_sentence,
)
from relay.domain.facts import AttestationState, Fact, Facts, Scan
from relay.domain.media import MatchKind, MediaKind
from relay.domain.policy import (
    DEFAULT_REASONS,
    QUARANTINE,
    RELAY,
    Action,
    Between,
    Condition,
    Mode,
    OneOf,
    Policy,
    Rule,
    Verb,
)
from relay.domain.vocabulary import (
    BY_NAME,
    BY_VERB,
    COMPARED,
    FACTS,
    LISTABLE,
    SAMPLE,
    UNASKED,
    WRITTEN,
    FactKind,
)
from tests.unit.domain.test_policy import policies


def test_every_fact_and_verb_has_one_row() -> None:
    assert [info.fact for info in FACTS] == sorted(Fact, key=list(BY_NAME).index)
    assert len(FACTS) == len(Fact) == len(BY_NAME)
    assert set(BY_VERB) == set(Verb) == set(DEFAULT_REASONS)


def test_closed_sets_are_those_of_the_facts() -> None:
    assert set(BY_NAME["media"].words) == {"none", *MediaKind}
    assert set(BY_NAME["attestation"].words) == set(AttestationState)
    assert set(BY_NAME["scan"].words) == set(Scan)
    assert set(BY_NAME["match"].words) == {"none", *MatchKind}
    assert set(BY_NAME["type"].words) > UNASKED


def test_every_kind_is_described() -> None:
    assert set(WRITTEN) == set(FactKind)
    assert set(SAMPLE) == set(FactKind) - {FactKind.CHOICE}
    assert LISTABLE.isdisjoint(COMPARED)
    for info in FACTS:
        assert info.meaning.endswith(".")
        assert info.phrase.count("{}") == 1
        assert bool(info.words) is (info.kind is FactKind.CHOICE)
        assert set(info.any_of) <= set(info.words)


def test_facts_are_kept_under_their_names() -> None:
    assert set(Facts().as_json()) == set(BY_NAME)


def of(fact: Fact, *words: str, lists: tuple[str, ...] = ()) -> OneOf:
    return OneOf(fact, frozenset(words), lists)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (of(Fact.MEDIA, "video", "image"), "it carries an image or a video"),
        (of(Fact.MEDIA, "image", "video", "audio", "other"), "it carries media of any sort"),
        (of(Fact.MATCH, *MatchKind), "its media matches or resembles something"),
        (
            of(Fact.FROM, "a.example", "*.b.example", lists=("dni",)),
            'it comes from or names any server under b.example, a.example or a server of the list "dni"',
        ),
        (of(Fact.FROM), "it comes from or names nothing"),
        (of(Fact.HASHTAGS, "art", "none"), "it has #art or no hashtag"),
        (of(Fact.SENSITIVE, "yes"), "its author marks it as sensitive"),
        (
            of(Fact.SOFTWARE, "none"),
            "the server that sent it runs something that it does not tell",
        ),
        (of(Fact.CATEGORY, lists=("bad",)), 'the category of the match is a name of the list "bad"'),
        (Between(Fact.MATCH_DISTANCE, most=31), "the distance of the match is up to 31 bits"),
        (Between(Fact.MENTIONS, least=11), "the number of accounts that it mentions is more than 10"),
        (Between(Fact.MENTIONS, least=10), "the number of accounts that it mentions is at least 10"),
        (Between(Fact.MENTIONS, 3, 3), "the number of accounts that it mentions is 3"),
        (Between(Fact.MENTIONS, 3, 5), "the number of accounts that it mentions is from 3 to 5"),
        (Between(Fact.MENTIONS), "the number of accounts that it mentions is at least 0"),
        (
            Between(Fact.SUBSCRIBED_FOR, most=14 * 86_400 - 1),
            "the server that sent it has subscribed for less than 14 days",
        ),
        (
            Between(Fact.FIRST_SEEN, 7_200),
            "the server that sent it has been known here for at least 2 hours",
        ),
        (
            Between(Fact.MEDIA_SIZE, 8 * 1024 * 1024 + 1),
            "the size of its largest media file is more than 8 MiB",
        ),
        (
            Between(Fact.POSTS_FROM_SERVER, 61, None, "minute"),
            "the server that sent it sent more than 60 posts in the last minute",
        ),
    ],
)
def test_conditions_in_english(condition: Condition, said: str) -> None:
    assert condition_phrase(condition) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 seconds"), (1, "1 second"), (600, "10 minutes"), (86_400, "1 day"), (90, "90 seconds")],
)
def test_durations(seconds: int, said: str) -> None:
    assert duration(seconds) == said


def test_actions_in_english() -> None:
    assert action_phrase(Action(Verb.DEFER, 600)) == "decide again after 10 minutes"
    assert action_phrase(QUARANTINE) == "hold it for a person"


def test_a_rule_in_english() -> None:
    rule = Rule(
        "Incident July",
        (of(Fact.FROM, "*.bad.example"), of(Fact.MEDIA, "video")),
        Action(Verb.DROP),
        "incident",
        1_909_872_000.0,  # 2030-07-10T00:00Z
        ("child-safety", "admin"),
    )
    assert rule_sentence(rule) == (
        '"Incident July": if it comes from or names any server under bad.example and it carries a video, drop it. '
        "Reason code: incident. To be told: child-safety and admin. Applies to the end of 2030-07-09 (UTC)."
    )
    assert rule_sentence(Rule("All", (), RELAY)) == '"All": relay it.'


def policy(mode: Mode = Mode.OBSERVE, **changes: bool) -> Policy:
    rules = (
        Rule("A", (of(Fact.FROM, lists=("dni",)),), Action(Verb.DROP)),
        Rule("B", (of(Fact.HASHTAGS, lists=("tags",)), Between(Fact.MENTIONS, most=1)), RELAY),
        Rule("C", (of(Fact.ACTOR, lists=("people",)), of(Fact.LANGUAGE, lists=("tongues",))), RELAY),
    )
    lists = (
        ("dni", frozenset[str]()),
        ("people", frozenset({"https://a.example/users/ann"})),
        ("tags", frozenset({"art", "cats"})),
        ("tongues", frozenset[str]()),
        ("unused", frozenset({"x"})),
    )
    return Policy(7, mode, rules, lists=lists, profiles=(("text", frozenset[Verb]()),), **changes)


def lines(subject: Policy, *elsewhere: str) -> dict[str, tuple[str, ...]]:
    return {one.heading.split(",")[0].split(";")[0]: one.lines for one in explain(subject, elsewhere)}


def test_a_whole_policy_in_english() -> None:
    found = lines(policy(), "dni")
    assert found["What it does"] == ("Version 7 only observes: it decides and records, and relays anyway.",)
    assert len(found["Then"]) == 3
    assert found["Lists"] == (
        '"dni" is kept by somebody else and refreshed.',
        '"people" holds 1 account.',
        '"tags" holds 2 hashtags.',
        '"tongues" holds nothing.',
    )
    assert found["What subscribers get"] == ('Profile "text": what was decided as nothing.',)
    assert "First" not in found  # there are no rules in always
    assert "So it is although the policy only observes." in found["Whatever the rules say"][0]


def test_the_floor_is_told_as_it_is() -> None:
    enforced = lines(policy(Mode.ENFORCE))["Whatever the rules say"][0]
    assert enforced.endswith("it is held for a person.")
    relayed = lines(policy(observe_known_matches=True))["Whatever the rules say"][0]
    assert "is relayed, too" in relayed


@given(policies, st.booleans())
def test_every_policy_can_be_read_aloud(subject: Policy, elsewhere: bool) -> None:  # noqa: FBT001
    paragraphs = explain(subject, ["first"] if elsewhere else [])
    said = [line for one in paragraphs for line in one.lines]
    assert all(line and "{" not in line for line in said)
    assert sum(len(one.lines) for one in paragraphs if one.numbered) == len(subject.always) + len(
        subject.rules
    )
