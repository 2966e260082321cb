"""Looks for what is risky in a policy.

What would undo the safety floor is an error, what lets unchecked media through is a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.config.checks import place_of
from relay.domain.facts import NONE, AttestationState, Fact, Scan
from relay.domain.media import MatchKind
from relay.domain.policy import FLOORED, RELAYING, Between, Mode, OneOf, Verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.config.diagnostics import Findings
    from relay.config.document import Mapping
    from relay.config.rules import Placed
    from relay.domain.policy import Condition, Policy, Rule

_UNSURE: Final = frozenset({MatchKind.NEAR.value, MatchKind.CLASSIFIER.value, MatchKind.TEST.value})
"""Matches that a policy may relay, though it rarely should."""
_OF_A_MATCH: Final = frozenset({Fact.MATCH_DISTANCE, Fact.CATEGORY, Fact.LIST})
_READ: Final = {Scan.CLEAN.value, Scan.UNSCANNABLE.value}


def check_risks(
    policy: Policy,
    always: Sequence[Placed],
    rules: Sequence[Placed],
    node: Mapping,
    *,
    idle: frozenset[str],
    findings: Findings,
) -> None:
    """Add what is risky in the rules and in the policy's own keys; `node` is the policy as it is written.

    `idle` are the paths of rules that can never apply: of these only what is an error is said.
    """
    for placed in (*always, *rules):
        undone = placed.sound and _undoes_the_floor(placed, findings)
        if placed.sound and not undone and placed.path not in idle:
            _check_match(placed, findings)
            _check_trust(placed, findings)
            _check_attesting(placed, findings)
    for placed in always:
        _check_always(placed, findings)
    for place, placed in enumerate(rules):
        if placed.path not in idle:
            _check_unchecked(placed, [*always, *rules[:place]], findings)
    _check_keys(policy, node, findings)


def _check_keys(policy: Policy, node: Mapping, findings: Findings) -> None:
    unchecked = node.get("on_scanner_error")
    if unchecked is not None and policy.on_scanner_error.verb is Verb.RELAY:
        cause = "media is relayed unchecked while the scanner is down"
        findings.warn("P402", "policy.on_scanner_error", unchecked.span, cause, fix="Safer: defer")
    known = node.get("observe_known_matches")
    if known is not None and policy.observe_known_matches:
        effect = (
            "known matches are relayed" if policy.mode is Mode.OBSERVE else "this has no effect in enforce"
        )
        findings.warn("P403", "policy.observe_known_matches", known.span, effect, fix="Safer: false")
    otherwise = node.get("otherwise")
    if otherwise is not None and policy.otherwise.verb in {Verb.RELAY, Verb.RELAY_AND_ATTEST}:
        cause = "what no rule names is relayed, whatever our scan found"
        fix = "Safer: quarantine, and a rule for what may be relayed"
        findings.warn("P406", "policy.otherwise", otherwise.span, cause, fix=fix)


def _relays(placed: Placed) -> bool:
    return placed.rule.then.verb in RELAYING


def _undoes_the_floor(placed: Placed, findings: Findings) -> bool:
    matches = [condition for condition in placed.rule.when if condition.fact is Fact.MATCH]
    named = {kind for one in matches if isinstance(one, OneOf) for kind in FLOORED & one.values}
    if not named or not _relays(placed):
        return False
    cause = f"{'a known match' if 'known' in named else 'an NCII match'} must not be relayed"
    fix = "Use quarantine or drop"
    if not any(isinstance(one, OneOf) and one.values <= FLOORED for one in matches):
        fix = "Use quarantine or drop, or name only the matches that may be relayed"
    findings.error("P401", placed.path, place_of(placed, "then"), cause, fix=fix)
    return True


def _check_match(placed: Placed, findings: Findings) -> None:
    if _relays(placed) and any(_is_of_a_match(condition) for condition in placed.rule.when):
        cause = f'rule "{placed.rule.name}" relays what matched a list'
        findings.warn("P404", placed.path, place_of(placed, "then"), cause, fix="Safer: quarantine")


def _is_of_a_match(condition: Condition) -> bool:
    if isinstance(condition, Between):
        return condition.fact in _OF_A_MATCH
    if condition.fact is Fact.MATCH:
        return not _UNSURE.isdisjoint(condition.values)
    return condition.fact in _OF_A_MATCH and NONE not in condition.values


def _check_trust(placed: Placed, findings: Findings) -> None:
    """One item of a post may be attested and another not: `attested by` alone says nothing about the other."""
    facts = {condition.fact for condition in placed.rule.when}
    if Fact.ATTESTED_BY in facts and Fact.ATTESTATION not in facts and _relays(placed):
        cause = f'rule "{placed.rule.name}" trusts an issuer, but media beside the attested may have no attestation'
        fix = "Add attestation: valid to its conditions."
        findings.warn("P409", placed.path, place_of(placed, "when"), cause, fix=fix)


def _check_attesting(placed: Placed, findings: Findings) -> None:
    if placed.rule.then.verb is not Verb.RELAY_AND_ATTEST:
        return
    clean = any(_names_only(one, Fact.SCAN, {Scan.CLEAN.value}) for one in placed.rule.when)
    if not clean:
        cause = f'rule "{placed.rule.name}" attests only what our scan found clean, and does not ask for it'
        fix = "Add scan: clean to its conditions, or write then: relay"
        findings.warn("P408", placed.path, place_of(placed, "then"), cause, fix=fix)


def _check_always(placed: Placed, findings: Findings) -> None:
    if placed.sound and _relays(placed):
        cause = f'rule "{placed.rule.name}" of always relays, so no rule can hold what it describes'
        fix = "Move it to rules, or use quarantine or drop."
        findings.warn("P407", placed.path, place_of(placed, "then"), cause, fix=fix)


def _check_unchecked(placed: Placed, above: Sequence[Placed], findings: Findings) -> None:
    """Warn of a rule that relays media without asking what came of checking it, when no rule above holds matches."""
    if not placed.sound or not _relays(placed) or _asks(placed.rule):
        return
    holding = (one.rule for one in above if one.sound and not _relays(one) and one.rule.until is None)
    if any(_holds_near_matches(rule) for rule in holding):
        return
    cause = f'rule "{placed.rule.name}" relays media whatever our scan found'
    fix = "Add scan: clean, match: none or media: none, or put a rule about match: near above it."
    findings.warn("P405", placed.path, place_of(placed, "then"), cause, fix=fix)


def _holds_near_matches(rule: Rule) -> bool:
    return any(
        isinstance(one, OneOf) and one.fact is Fact.MATCH and MatchKind.NEAR.value in one.values
        for one in rule.when
    )


def _asks(rule: Rule) -> bool:
    """Whether a rule asks about the media it relays: there is none, or something is known about it."""
    return any(
        _names_only(one, Fact.MEDIA, {NONE})
        or _names_only(one, Fact.SCAN, _READ)
        or _names_only(one, Fact.ATTESTATION, {AttestationState.VALID.value})
        or one.fact in {Fact.MATCH, *_OF_A_MATCH}
        or (isinstance(one, Between) and one.fact is Fact.MEDIA_COUNT and one.most == 0)
        for one in rule.when
    )


def _names_only(condition: object, fact: Fact, words: set[str]) -> bool:
    return isinstance(condition, OneOf) and condition.fact is fact and condition.values <= words
