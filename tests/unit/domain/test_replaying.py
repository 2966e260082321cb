"""Comparing policies on stored facts: nothing changes by itself, every activity is counted, no match gets through."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain import replaying
from relay.domain.audience import Audience
from relay.domain.content import Content
from relay.domain.facts import Facts
from relay.domain.history import Recorded, author_of, shortened
from relay.domain.media import MediaKind
from relay.domain.policy import (
    DEFAULT_PROFILES,
    FLOORED,
    LONGEST_DEFERRAL,
    RELAYING,
    Action,
    Mode,
    Policy,
    Rule,
)
from relay.domain.policy_rules import Verb
from relay.domain.replay_report import Comparison, ObserveReport, Others, ReplayReport, RuleChange, Side
from relay.domain.replaying import Difference, Outcome, Ruling, Tally, decided_by, decided_then, facts_of
from relay.domain.subscriber_profile import Direction, SubscriberProfile, accepted_verbs, in_sample, skip
from relay.domain.subscription import Dialect, State, Subscription
from relay.domain.traits import Traits
from tests.unit.domain.test_policy import NOW, facts_values, policies

ANN = "https://a.example/users/ann"
KINDS = st.sampled_from(["Create", "Update", "Announce"])
WIDE = (("strict", RELAYING), ("open", RELAYING))


def record(facts: Facts | None = None, verb: str = "relay", /, **more: object) -> Recorded:
    values: dict[str, object] = {
        "seq": 1,
        "object_id": "https://a.example/1",
        "actor": ANN,
        "server": "a.example",
        "kind": "Create",
        "received_at": NOW,
        "decided_at": NOW,
        "verb": verb,
        "enforced": True,
        "rule": "r",
        "reason": "c",
        "policy": "1-x",
        "facts": None if facts is None else json.loads(json.dumps(shortened(facts.as_json()))),
    }
    return Recorded(**{**values, **more})  # type: ignore[arg-type]


def subscriber(name: str, dialect: Dialect = Dialect.MASTODON, /, **profile: object) -> Subscription:
    actor = f"https://{name}/actor"
    wants = SubscriberProfile(**profile)  # type: ignore[arg-type]
    return Subscription(1, actor, name, actor, dialect, State.ACCEPTED, {}, 0.0, 0.0, profile=wants)


def audience(
    *subscribers: Subscription, before: object = DEFAULT_PROFILES, after: object = DEFAULT_PROFILES
) -> Audience:
    return Audience(subscribers, before, after, None)  # type: ignore[arg-type]


def outcome(verb: Verb = Verb.RELAY, rule: str = "r") -> Outcome:
    return Outcome(verb, rule, "c")


def tallied(*pairs: tuple[Recorded, Outcome, Outcome], most: int = 20, examples: int = 3) -> Comparison:
    tally = Tally(audience(subscriber("s.example")), examples)
    for one, before, after in pairs:
        tally.add(one, Facts(), before, after)
    assert tally.counted == len(pairs)
    return tally.comparison(most)


# ------------------------------------------------------------------ what holds for every policy
@given(policies, st.lists(facts_values, max_size=5))
def test_a_policy_against_itself_changes_nothing(policy: Policy, found: list[Facts]) -> None:
    subscribers = [subscriber("a.example"), subscriber("s.example", sample=0.5)]
    difference = Difference(Audience(subscribers, policy.profiles, policy.profiles, None), 3)
    for facts in found:
        one = record(facts)
        read = facts_of(one)
        assert read is not None
        difference.add(one, read, decided_by(policy, one, read), decided_by(policy, one, read))
    for comparison in difference.comparisons(20):
        assert (comparison.same, comparison.counted) == (len(found), len(found))
        assert comparison.verbs_before == comparison.verbs_after
        nothing = (comparison.transitions, comparison.rules, comparison.servers, comparison.subscribers)
        assert nothing == ((), (), (), ())
        assert comparison.examples == ()


@given(policies, policies, st.lists(facts_values, max_size=5))
def test_every_activity_is_counted_once_on_each_side(old: Policy, new: Policy, found: list[Facts]) -> None:
    difference = Difference(Audience([subscriber("s.example")], old.profiles, new.profiles, None), 1)
    for facts in found:
        one = record(facts)
        difference.add(one, facts, decided_by(old, one, facts), decided_by(new, one, facts))
    for comparison in difference.comparisons(1):
        assert comparison.counted == len(found)
        assert sum(comparison.verbs_before.values()) == sum(comparison.verbs_after.values()) == len(found)
        assert sum(one.count for one in comparison.transitions) == comparison.changed
        assert sum(one.count for one in comparison.rules) == comparison.changed + comparison.moved
        listed = sum(one.changed for one in comparison.servers)
        assert listed + comparison.other_servers.changed == comparison.changed
        json.dumps(comparison.as_json())


@given(policies, facts_values, st.sampled_from(sorted(FLOORED)))
def test_no_policy_relays_a_known_match_in_a_replay(policy: Policy, facts: Facts, match: str) -> None:
    policy = replace(policy, observe_known_matches=False)
    one = record(replace(facts, match=match))
    ruling = decided_by(policy, one, replace(facts, match=match))
    assert ruling.enforced.verb not in RELAYING
    assert ruling.in_effect.verb not in RELAYING


@given(facts_values)
def test_short_facts_are_the_same_facts(facts: Facts) -> None:
    kept = shortened(facts.as_json())
    assert Facts.from_json(json.loads(json.dumps(kept))) == facts
    assert len(kept) <= len(facts.as_json())


def test_the_facts_of_a_plain_post_are_short() -> None:
    assert shortened(Facts(from_hosts=frozenset({"a.example"})).as_json()) == {"from": ["a.example"]}


def test_facts_that_cannot_be_read_are_none() -> None:
    assert facts_of(record()) is None
    assert facts_of(record(Facts(), facts={"scan": "spotless"})) is None
    assert facts_of(record(Facts(), "sell")) is None
    assert facts_of(record(Facts(), facts={})) == Facts()


@pytest.mark.parametrize(
    ("kind", "actors", "author"),
    [
        ("Create", [ANN], "https://b.example/actor"),
        ("Announce", ["https://b.example/actor", ANN], ANN),
        ("Announce", ["https://b.example/actor"], "https://b.example/actor"),
        ("Announce", None, "https://b.example/actor"),
        ("Announce", [3], "https://b.example/actor"),
    ],
)
def test_the_author_is_who_wrote_and_not_who_announces(kind: str, actors: object, author: str) -> None:
    assert author_of(kind, "https://b.example/actor", {"actor": actors}) == author


# ------------------------------------------------------------------ what a side makes of an activity
def test_what_was_decided_and_only_observed_was_relayed() -> None:
    ruling = decided_then(record(Facts(), "drop", enforced=False))
    assert (ruling.enforced.verb, ruling.in_effect.verb, ruling.alike) == (Verb.DROP, Verb.RELAY, False)
    assert decided_then(record(Facts(), "drop")).alike
    assert decided_then(record(Facts(), "relay-and-attest", enforced=False)).alike  # it is attested anyway


def test_a_deferral_that_had_lasted_too_long_is_a_hold_on_both_sides() -> None:
    policy = Policy(1, Mode.ENFORCE, (), otherwise=Action(Verb.DEFER, 60))
    fresh = record(Facts(), "defer", decided_at=NOW + LONGEST_DEFERRAL)
    old = record(Facts(), "quarantine", decided_at=NOW + LONGEST_DEFERRAL + 1)
    assert decided_by(policy, fresh, Facts()).enforced.verb is Verb.DEFER
    assert decided_by(policy, old, Facts()).enforced.verb is Verb.QUARANTINE


def test_rules_end_as_of_when_the_activity_came() -> None:
    policy = Policy(1, Mode.ENFORCE, (Rule("until", (), Action(Verb.DROP), until=NOW),))
    assert decided_by(policy, record(received_at=NOW - 1), Facts()).enforced.rule == "until"
    assert decided_by(policy, record(received_at=NOW), Facts()).enforced.rule == "otherwise"


# ------------------------------------------------------------------ the sums
def test_what_differs_is_told_apart() -> None:
    first = (record(), outcome(), outcome(Verb.DROP, "new"))
    found = tallied(
        first,
        first,
        (record(), outcome(Verb.DROP), outcome()),
        (record(), outcome(), outcome(rule="other")),
        (record(), outcome(), outcome()),
        (record(), outcome(Verb.DROP), outcome(Verb.QUARANTINE)),
    )
    assert (found.same, found.moved, found.changed) == (1, 1, 4)
    assert found.rules[0] == RuleChange("r", Verb.RELAY, "new", Verb.DROP, 2)
    [server] = found.servers
    assert (server.server, server.changed, server.lost, server.gained) == ("a.example", 4, 2, 1)
    assert [(one.before, one.after, one.count) for one in found.transitions] == [
        (Verb.RELAY, Verb.DROP, 2),
        (Verb.DROP, Verb.RELAY, 1),
        (Verb.DROP, Verb.QUARANTINE, 1),
    ]
    [gets] = found.subscribers
    assert (gets.lost, gets.gained) == (2, 1)


def test_lists_end_and_the_rest_is_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "MOST", 3)
    monkeypatch.setattr(replaying, "RULES_LISTED", 2)
    pairs = [
        (record(actor=f"https://{n}.example/u"), outcome(), outcome(Verb.DROP, str(n))) for n in range(5)
    ]
    found = tallied(*pairs, (pairs[0][0], outcome(), outcome()), *pairs, most=1, examples=2)
    assert [one.server for one in found.servers] == ["0.example"]
    assert found.other_servers == Others(2, 8, 8, 0)
    assert (found.actors, found.at_least) == (3, True)
    assert len(found.rules) == 2
    assert found.other_rules == 6
    assert len(found.examples) == 2
    assert not tallied(*pairs[:2]).at_least


def test_an_author_without_a_server_counts_for_who_sent_it() -> None:
    found = tallied((record(actor="urn:x"), outcome(), outcome(Verb.DROP)))
    assert found.servers[0].server == "a.example"


def test_what_is_really_done_is_counted_apart_from_where_it_differs() -> None:
    difference = Difference(audience(subscriber("s.example")), 3)
    drop = outcome(Verb.DROP)
    enforced, observed = Ruling(drop, drop), Ruling(drop, outcome())
    difference.add(record(), Facts(), enforced, enforced)
    first, second = difference.comparisons(20)
    assert first is second
    difference.add(record(), Facts(), observed, enforced)
    difference.add(record(), Facts(), enforced, enforced)
    first, second = difference.comparisons(20)
    assert (first.same, first.changed) == (3, 0)
    assert (second.same, second.changed, second.verbs_before) == (2, 1, {"relay": 1, "drop": 2})
    assert (first.subscribers, len(second.subscribers)) == ((), 1)


# ------------------------------------------------------------------ who gets what
def changes(
    *subscribers: Subscription, facts: Facts, before: Verb, after: Verb, kind: str = "Create"
) -> dict[str, int]:
    """By how much each subscriber's number of posts changes."""
    found = audience(*subscribers)
    found.count("https://a.example/1", kind, facts, before, after)
    return {one.server: one.gained - one.lost for one in found.changes(20)[0]}


POST = Facts(
    media=frozenset({MediaKind.IMAGE}),
    from_hosts=frozenset({"a.example"}),
    content=Content(languages=frozenset({"de"}), hashtags=frozenset({"art"})),
)


@pytest.mark.parametrize(
    ("profile", "change"),
    [
        ({}, -1),
        ({"direction": Direction.PUSH}, 0),
        ({"languages": frozenset({"en"})}, 0),
        ({"hashtags": frozenset({"art"})}, -1),
        ({"media": False}, 0),
    ],
)
def test_only_who_would_have_had_a_post_loses_it(profile: dict[str, object], change: int) -> None:
    found = changes(subscriber("s.example", **profile), facts=POST, before=Verb.RELAY, after=Verb.DROP)
    assert found.get("s.example", 0) == change


def test_nothing_goes_back_to_its_origin() -> None:
    subscribers = subscriber("a.example"), subscriber("b.example")
    assert changes(*subscribers, facts=POST, before=Verb.RELAY, after=Verb.DROP) == {"b.example": -1}
    assert changes(*subscribers, facts=POST, before=Verb.DROP, after=Verb.RELAY) == {"b.example": 1}


def test_an_edit_is_nothing_for_who_takes_announces_only() -> None:
    subscribers = subscriber("a.test"), subscriber("b.test", Dialect.LITEPUB)
    about = {"facts": POST, "before": Verb.RELAY, "after": Verb.DROP}
    assert changes(*subscribers, **about, kind="Update") == {"a.test": -1}  # type: ignore[arg-type]
    assert changes(*subscribers, **about) == {"a.test": -1, "b.test": -1}  # type: ignore[arg-type]


def test_what_is_marked_is_for_who_takes_it() -> None:
    subscribers = subscriber("strict.test"), subscriber("open.test", name="open")
    assert changes(*subscribers, facts=POST, before=Verb.RELAY, after=Verb.RELAY_MARKED) == {
        "strict.test": -1
    }


def test_other_profiles_change_who_gets_what_is_decided_alike() -> None:
    found = audience(subscriber("strict.test"), subscriber("open.test", name="open"), after=WIDE)
    found.count("https://a.example/1", "Create", POST, Verb.RELAY_MARKED, Verb.RELAY_MARKED)
    [change], rest = found.changes(20)
    assert (change.server, change.gained, rest) == ("strict.test", 1, Others())


@given(
    st.lists(
        st.builds(
            subscriber,
            st.sampled_from(["a.example", "b.example", "c.example"]),
            st.sampled_from(Dialect),
            name=st.sampled_from([None, "open"]),
            direction=st.sampled_from(Direction),
            languages=st.frozensets(st.sampled_from(["de", "en"]), max_size=1),
            media=st.booleans(),
            sample=st.sampled_from([1.0, 0.5]),
        ),
        max_size=6,
        unique_by=lambda one: one.actor,
    ),
    st.lists(
        st.tuples(
            facts_values,
            st.sampled_from(["Create", "Update", "Announce"]),
            st.sampled_from(Verb),
            st.sampled_from(Verb),
        ),
        max_size=4,
    ),
    st.sampled_from([DEFAULT_PROFILES, WIDE]),
)
def test_groups_agree_with_asking_every_subscriber(
    subscribers: list[Subscription], found: list[tuple[Facts, str, Verb, Verb]], after: object
) -> None:
    counted = audience(*subscribers, after=after)
    expected: dict[str, tuple[int, int]] = {}
    for number, (facts, kind, before, then) in enumerate(found):
        object_id = f"https://a.example/{number}"
        counted.count(object_id, kind, facts, before, then)
        for one in subscribers:
            had, has = (
                gets(one, facts, kind, verb, profiles, object_id)
                for verb, profiles in ((before, DEFAULT_PROFILES), (then, after))
            )
            lost, gained = expected.get(one.actor, (0, 0))
            expected[one.actor] = lost + (had and not has), gained + (has and not had)
    rows, _ = counted.changes(20)
    assert {one.actor: (one.lost, one.gained) for one in rows} == {
        actor: counts for actor, counts in expected.items() if counts != (0, 0)
    }


def gets(one: Subscription, facts: Facts, kind: str, verb: Verb, profiles: object, object_id: str) -> bool:
    """Whether a subscriber gets an activity, asked on its own."""
    content = facts.content
    about = tuple(sorted(content.languages)), tuple(sorted(content.hashtags)), bool(facts.media)
    verbs = accepted_verbs(one.profile, profiles, "strict")  # type: ignore[arg-type]
    return (
        one.server not in facts.from_hosts
        and (kind != "Update" or one.dialect is Dialect.MASTODON)
        and skip(one.profile, verbs, Traits(kind, verb, *about)) is None
        and in_sample(one.profile.sample, one.actor, object_id)
    )


def test_subscribers_that_are_not_listed_are_summed() -> None:
    found = audience(*(subscriber(f"{name}.test") for name in "abc"))
    found.count("https://a.example/1", "Create", POST, Verb.DROP, Verb.RELAY)
    rows, rest = found.changes(1)
    assert ([one.server for one in rows], rest) == (["a.test"], Others(2, 2, 0, 2))


# ------------------------------------------------------------------ reports
def test_a_report_is_plain_values() -> None:
    found = tallied((record(), outcome(), outcome(Verb.DROP, "new")), (record(), outcome(), outcome()))
    frame = {
        "since": 1.0,
        "until": 2.0,
        "reached": 1.0,
        "complete": True,
        "facts_since": None,
        "unreadable": 0,
    }
    sides = {"old": Side(), "new": Side("1-x", Mode.OBSERVE)}
    report = ReplayReport(**sides, **frame, **found.parts(), in_effect=found)  # type: ignore[arg-type]
    assert report.all_in_effect
    document = json.loads(json.dumps(report.as_json()))
    assert document["old"] == {"policy": None, "mode": None}
    assert (document["counted"], document["changed"], document["since"]) == (2, 1, 1.0)
    assert document["transitions"] == [{"before": "relay", "after": "drop", "count": 1}]
    assert document["in_effect"] == {name: document[name] for name in document["in_effect"]}
    seen = ObserveReport(**frame, **found.parts(), observing_since=1.5, acted_on=3)  # type: ignore[arg-type]
    assert seen.as_json()["observing_since"] == 1.5
    assert set(seen.as_json()) == set(document) - {"old", "new", "in_effect"} | {
        "observing_since",
        "acted_on",
    }
