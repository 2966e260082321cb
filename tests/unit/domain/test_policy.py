"""The policy: order, safety floor, observe, and agreement with an evaluator that only follows the words."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay.domain import hosts
from relay.domain.content import Content
from relay.domain.facts import (
    AttestationState,
    Fact,
    Facts,
    Scan,
    Standing,
    covering_names,
    worst_attestation,
    worst_match,
    worst_scan,
)
from relay.domain.media import MatchKind, MediaKind
from relay.domain.policy import (
    BACK_OFF,
    DEFAULT_REASONS,
    FLOORED,
    QUARANTINE,
    RELAY,
    RELAYING,
    Action,
    Between,
    Condition,
    Mode,
    OneOf,
    Policy,
    Rule,
    Verb,
    decide,
)
from relay.domain.rates import PostCounts
from relay.domain.vocabulary import BY_NAME, FACTS, FactKind

NOW = 1_000_000.0
SERVERS = ("a.example", "b.a.example", "c.b.a.example", "other.example", "a.example:8080", "[::1]:8080")
NAMES = ("csam", "ncii")
ACTORS = ("https://a.example/users/ann", "https://b.example/users/bob")
PATTERNS = (*SERVERS, "*.example", "*.a.example", "*.b.a.example", "[::1]", "*.a.example:8080")

actions = st.one_of(
    st.sampled_from([Action(verb) for verb in Verb if verb is not Verb.DEFER]),
    st.builds(Action, st.just(Verb.DEFER), st.integers(1, 3600)),
)
facts_values = st.builds(
    Facts,
    media=st.frozensets(st.sampled_from(MediaKind)),
    attestation=st.sampled_from(AttestationState),
    attested_by=st.frozensets(st.sampled_from(SERVERS), max_size=3),
    scan=st.none() | st.sampled_from(Scan),
    match=st.none() | st.sampled_from(MatchKind),
    match_distance=st.none() | st.integers(0, 64),
    category=st.none() | st.sampled_from(NAMES),
    lists=st.frozensets(st.sampled_from(NAMES), max_size=2),
    media_count=st.integers(0, 60),
    media_size=st.none() | st.integers(0, 60),
    media_types=st.frozensets(st.sampled_from(["image/png", "image/jpeg", "video/mp4"]), max_size=2),
    from_hosts=st.frozensets(st.sampled_from(SERVERS), max_size=3),
    type=st.sampled_from(sorted(BY_NAME["type"].words)),
    content=st.builds(
        Content,
        actors=st.frozensets(st.sampled_from(ACTORS), max_size=2),
        languages=st.frozensets(st.sampled_from(["de", "pt-br", "pt", "zh-hans-cn"]), max_size=2),
        hashtags=st.frozensets(st.sampled_from(NAMES), max_size=2),
        mentions=st.integers(0, 60),
        sensitive=st.booleans(),
    ),
    standing=st.builds(
        Standing,
        subscribed_for=st.integers(0, 60),
        first_seen=st.integers(0, 60),
        posts=st.builds(PostCounts, st.integers(0, 60), st.integers(0, 60), st.integers(0, 60)),
        software=st.none() | st.sampled_from(NAMES),
    ),
)


OPEN = {
    FactKind.SERVERS: PATTERNS,
    FactKind.ACTORS: ACTORS,
    FactKind.LANGUAGES: ("de", "pt", "pt-br", "zh-hans", "none"),
    FactKind.MEDIA_TYPES: ("image/png", "image/*", "video/mp4"),
    FactKind.HASHTAGS: (*NAMES, "none"),
    FactKind.NAMES: (*NAMES, "none"),
}
WORDS = {info.fact: tuple(info.words) or OPEN[info.kind] for info in FACTS if not info.compared}
LISTS = {"first": frozenset({"a.example", "csam", "de"}), "second": frozenset[str]()}


def one_of() -> st.SearchStrategy[Condition]:
    return st.sampled_from(list(WORDS)).flatmap(
        lambda fact: st.builds(
            OneOf,
            st.just(fact),
            st.frozensets(st.sampled_from(WORDS[fact]), max_size=3),
            st.lists(st.sampled_from([*LISTS, "unknown"]), max_size=1).map(tuple),
        )
    )


bounds = {"least": st.integers(0, 40), "most": st.none() | st.integers(0, 60)}
conditions = (
    one_of()
    | st.builds(
        Between,
        st.sampled_from(
            [info.fact for info in FACTS if info.compared and info.fact is not Fact.POSTS_FROM_SERVER]
        ),
        **bounds,
    )
    | st.builds(
        Between, st.just(Fact.POSTS_FROM_SERVER), **bounds, per=st.sampled_from(["minute", "hour", "day"])
    )
)
rules = st.builds(
    Rule,
    name=st.sampled_from(["one", "two", "three"]),
    when=st.lists(conditions, max_size=3).map(tuple),
    then=actions,
    reason=st.none() | st.just("because"),
    until=st.none() | st.sampled_from([NOW - 1, NOW, NOW + 1]),
)
policies = st.builds(
    Policy,
    version=st.just(1),
    mode=st.sampled_from(Mode),
    always=st.lists(rules, max_size=2).map(tuple),
    rules=st.lists(rules, max_size=5).map(tuple),
    otherwise=actions,
    on_scanner_error=actions,
    observe_known_matches=st.booleans(),
    lists=st.just(tuple(LISTS.items())),
)


# ------------------------------------------------------------- the evaluator that only follows the words
def words_of(facts: Facts, fact: Fact) -> set[str]:
    single = {
        Fact.ATTESTATION: facts.attestation,
        Fact.SCAN: facts.scan,
        Fact.MATCH: facts.match or "none",
        Fact.CATEGORY: facts.category or "none",
        Fact.TYPE: facts.type,
        Fact.SENSITIVE: "yes" if facts.content.sensitive else "no",
        Fact.SOFTWARE: facts.standing.software or "none",
    }
    several = {
        Fact.MEDIA: {kind.value for kind in facts.media} or {"none"},
        Fact.MEDIA_TYPE: {f"{one.partition('/')[0]}/*" for one in facts.media_types} | facts.media_types,
        Fact.LIST: facts.lists or {"none"},
        Fact.ACTOR: facts.content.actors,
        Fact.HASHTAGS: facts.content.hashtags or {"none"},
        Fact.LANGUAGE: {
            tag[:end]
            for tag in facts.content.languages
            for end in range(1, len(tag) + 1)
            if tag[end:][:1] in {"", "-"}
        }
        or {"none"},
    }
    if fact in several:
        return set(several[fact])
    word = single[fact]
    return set() if word is None else {str(word)}


def fits(condition: Condition, facts: Facts) -> bool:
    if isinstance(condition, Between):
        number = {
            Fact.MATCH_DISTANCE: facts.match_distance,
            Fact.MEDIA_COUNT: facts.media_count,
            Fact.MEDIA_SIZE: facts.media_size,
            Fact.MENTIONS: facts.content.mentions,
            Fact.SUBSCRIBED_FOR: facts.standing.subscribed_for,
            Fact.FIRST_SEEN: facts.standing.first_seen,
            Fact.POSTS_FROM_SERVER: getattr(facts.standing.posts, condition.per or "day"),
        }[condition.fact]
        if number is None or number < condition.least:
            return False
        return condition.most is None or number <= condition.most
    values = condition.values.union(*(LISTS.get(name, set()) for name in condition.lists))
    patterns = [name for name in values if "." in name or ":" in name]
    if condition.fact is Fact.FROM:
        return any(hosts.matches(name, host) for name in patterns for host in facts.from_hosts)
    if condition.fact is Fact.ATTESTED_BY:
        named = [any(hosts.matches(name, host) for name in patterns) for host in facts.attested_by]
        return bool(named) and all(named)
    return bool(words_of(facts, condition.fact) & values)


def naive(policy: Policy, facts: Facts) -> tuple[Verb, Verb, int]:
    def first(among: tuple[Rule, ...]) -> Action | None:
        for rule in among:
            live = rule.until is None or rule.until > NOW
            if live and all(fits(condition, facts) for condition in rule.when):
                return rule.then
        return None

    action = first(policy.always)
    if action is None and facts.scan in {Scan.UNAVAILABLE, Scan.PENDING} and facts.match is None:
        action = policy.on_scanner_error
    if action is None:
        action = first(policy.rules) or policy.otherwise
    if facts.match in FLOORED and action.verb in RELAYING:
        action = QUARANTINE
    observed = policy.mode is Mode.OBSERVE
    if observed and facts.match in FLOORED and not policy.observe_known_matches:
        observed = False
    return (Verb.RELAY if observed else action.verb), action.verb, action.seconds


@given(policies, facts_values)
def test_compiled_policy_agrees_with_the_naive_evaluator(policy: Policy, facts: Facts) -> None:
    decision = decide(policy, facts, NOW)
    assert (decision.verb, decision.would, decision.seconds) == naive(policy, facts)


@given(policies, facts_values)
def test_every_facts_value_gets_the_same_decision_each_time(policy: Policy, facts: Facts) -> None:
    decision = decide(policy, facts, NOW)
    assert decision == decide(replace(policy), facts, NOW)
    assert decision.policy == policy.id
    assert decision.reason
    assert decision.trace[-1].unmet is None
    assert decision.enforced or decision.verb is Verb.RELAY
    json.dumps(decision.as_json())


@given(policies, facts_values, st.sampled_from(sorted(FLOORED)))
def test_no_policy_relays_a_known_match(policy: Policy, facts: Facts, match: MatchKind) -> None:
    policy = replace(policy, observe_known_matches=False)
    assert decide(policy, replace(facts, match=match), NOW).verb not in RELAYING


@given(policies, facts_values, st.lists(rules, max_size=5).map(tuple))
def test_rules_cannot_undo_what_always_decides(
    policy: Policy, facts: Facts, others: tuple[Rule, ...]
) -> None:
    floor = Rule("floor", (), Action(Verb.DROP))
    first = decide(replace(policy, always=(*policy.always, floor)), facts, NOW)
    second = decide(replace(policy, always=(*policy.always, floor), rules=others), facts, NOW)
    assert replace(first, policy="") == replace(second, policy="")


@given(facts_values)
def test_facts_survive_json(facts: Facts) -> None:
    assert Facts.from_json(json.loads(json.dumps(facts.as_json()))) == facts


@example("*.a.example", "a.example:8080")
@given(st.sampled_from(PATTERNS), st.sampled_from(SERVERS))
def test_covering_names_agree_with_patterns(pattern: str, server: str) -> None:
    assert (pattern in covering_names(server)) == hosts.matches(pattern, server)


def test_facts_that_are_absent_have_their_defaults() -> None:
    assert Facts.from_json({}) == Facts()


def test_facts_of_an_unknown_word_are_refused() -> None:
    with pytest.raises(ValueError, match="spotless"):
        Facts.from_json({"scan": "spotless"})


# ------------------------------------------------------------------------------------------ the order
KNOWN = OneOf(Fact.MATCH, frozenset({"known"}))
IMAGE = OneOf(Fact.MEDIA, frozenset({"image"}))
PICTURE = Facts(media=frozenset({MediaKind.IMAGE}), scan=Scan.CLEAN)


def policy(*among: Rule, mode: Mode = Mode.ENFORCE) -> Policy:
    return Policy(1, mode, among, always=(Rule("known", (KNOWN,), QUARANTINE, "known-match"),))


def test_first_rule_that_fits_decides_and_the_trace_says_why() -> None:
    video = OneOf(Fact.MEDIA, frozenset({"video"}))
    ended = Rule("ended", (), Action(Verb.DROP), until=NOW)
    subject = policy(
        ended, Rule("video", (video,), RELAY), Rule("image", (IMAGE,), RELAY), Rule("more", (), RELAY)
    )
    decision = decide(subject, PICTURE, NOW)
    assert decision.rule == "image"
    assert [(step.phase, step.rule, step.unmet) for step in decision.trace] == [
        ("always", "known", "match"),
        ("rules", "ended", "until"),
        ("rules", "video", "media"),
        ("rules", "image", None),
    ]


def test_a_rule_applies_until_its_end() -> None:
    subject = policy(Rule("incident", (), Action(Verb.DROP), until=NOW))
    assert decide(subject, PICTURE, NOW - 0.001).verb is Verb.DROP
    assert decide(subject, PICTURE, NOW).rule == "otherwise"


@pytest.mark.parametrize("scan", [Scan.UNAVAILABLE, Scan.PENDING])
def test_a_failed_scan_is_decided_before_the_rules(scan: Scan) -> None:
    decision = decide(policy(Rule("image", (IMAGE,), RELAY)), replace(PICTURE, scan=scan), NOW)
    assert (decision.verb, decision.seconds, decision.reason) == (
        Verb.DEFER,
        BACK_OFF.seconds,
        f"scan-{scan}",
    )


def test_a_match_in_spite_of_a_failed_scan_is_decided_by_the_rules() -> None:
    near = replace(PICTURE, scan=Scan.UNAVAILABLE, match=MatchKind.NEAR)
    subject = replace(policy(Rule("near", (), QUARANTINE)), on_scanner_error=RELAY)
    assert decide(subject, near, NOW).rule == "near"


def test_always_decides_before_a_failed_scan() -> None:
    known = replace(PICTURE, scan=Scan.UNAVAILABLE, match=MatchKind.KNOWN)
    assert decide(policy(), known, NOW).reason == "known-match"


@pytest.mark.parametrize("match", sorted(FLOORED))
@pytest.mark.parametrize("mode", list(Mode))
def test_the_built_in_floor_holds_without_any_rule_for_it(match: MatchKind, mode: Mode) -> None:
    decision = decide(Policy(1, mode, (), otherwise=RELAY), replace(PICTURE, match=match), NOW)
    assert (decision.verb, decision.rule, decision.reason) == (
        Verb.QUARANTINE,
        "built-in floor",
        f"{match}-match",
    )
    assert decision.enforced


def test_observe_relays_and_records_what_enforce_would_do() -> None:
    subject = policy(Rule("hold", (IMAGE,), Action(Verb.DEFER, 60), "later"), mode=Mode.OBSERVE)
    decision = decide(subject, PICTURE, NOW)
    assert (decision.verb, decision.would, decision.enforced) == (Verb.RELAY, Verb.DEFER, False)
    assert (decision.seconds, decision.reason) == (60, "later")


def test_observe_relays_known_matches_only_when_that_is_written_out() -> None:
    known = replace(PICTURE, match=MatchKind.KNOWN)
    observed = policy(mode=Mode.OBSERVE)
    assert decide(observed, known, NOW).verb is Verb.QUARANTINE
    written = decide(replace(observed, observe_known_matches=True), known, NOW)
    assert (written.verb, written.would) == (Verb.RELAY, Verb.QUARANTINE)


def test_observe_known_matches_does_nothing_in_enforce() -> None:
    subject = replace(policy(), observe_known_matches=True)
    assert decide(subject, replace(PICTURE, match=MatchKind.KNOWN), NOW).verb is Verb.QUARANTINE


@pytest.mark.parametrize("verb", list(Verb))
def test_each_verb_has_a_reason_of_its_own(verb: Verb) -> None:
    decision = decide(Policy(1, Mode.ENFORCE, (Rule("all", (), Action(verb)),)), Facts(), NOW)
    assert decision.reason == DEFAULT_REASONS[verb]


def test_one_trusted_issuer_does_not_carry_another_through() -> None:
    trusted = Rule("trusted", (OneOf(Fact.ATTESTED_BY, frozenset({"good.example"})),), RELAY)
    for issuers, rule in (
        ({"good.example"}, "trusted"),
        ({"good.example", "bad.example"}, "otherwise"),
        (set[str](), "otherwise"),
    ):
        assert decide(policy(trusted), replace(PICTURE, attested_by=frozenset(issuers)), NOW).rule == rule


def test_groups_to_alert_are_carried_to_the_decision_even_by_the_floor() -> None:
    told = Rule("known", (KNOWN,), RELAY, tell=("child-safety",))
    decision = decide(Policy(1, Mode.ENFORCE, (told,)), replace(PICTURE, match=MatchKind.KNOWN), NOW)
    assert (decision.verb, decision.tell) == (Verb.QUARANTINE, ("child-safety",))


# ------------------------------------------------------------------------------------------- identity
def test_id_is_the_same_for_equal_policies_and_differs_for_others() -> None:
    first = policy(Rule("one", (IMAGE, KNOWN), QUARANTINE))
    assert first.id == policy(Rule("one", (KNOWN, IMAGE), QUARANTINE)).id
    assert first.id.startswith("1-")
    assert len(first.id) == 14
    others = [
        replace(first, version=2),
        replace(first, mode=Mode.OBSERVE),
        replace(first, otherwise=RELAY),
        replace(first, observe_known_matches=True),
        replace(first, on_scanner_error=Action(Verb.DEFER, 60)),
        replace(first, profiles=(("all", RELAYING),)),
        policy(Rule("one", (Between(Fact.MATCH_DISTANCE, 1),), QUARANTINE)),
    ]
    assert len({other.id for other in [first, *others]}) == 8


# -------------------------------------------------------------------------------- several media items
def test_facts_are_about_the_worst_item() -> None:
    assert worst_attestation([]) is AttestationState.MISSING
    assert worst_attestation([AttestationState.VALID, AttestationState.MISSING]) is AttestationState.MISSING
    assert worst_attestation(AttestationState) is AttestationState.REVOKED
    assert worst_scan([]) is None
    assert worst_scan([Scan.CLEAN, Scan.UNSCANNABLE]) is Scan.UNSCANNABLE
    assert worst_scan(Scan) is Scan.MATCH
    assert worst_match([]) is None
    assert worst_match([MatchKind.TEST, MatchKind.NEAR]) is MatchKind.NEAR
    assert worst_match(MatchKind) is MatchKind.KNOWN
