"""Looks at a policy as a whole: rules that never apply, that have ended, that would undo the safety floor."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from relay.config.conditions import BY_NAME
from relay.domain.facts import Fact, Scan, covering_names
from relay.domain.policy import FLOORED, RELAYING, Between, Mode, OneOf, Verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.config.diagnostics import Findings, Span
    from relay.config.document import Mapping
    from relay.config.rules import Placed
    from relay.domain.policy import Condition, Policy, Rule


def check_rules(always: Sequence[Placed], rules: Sequence[Placed], *, now: float, findings: Findings) -> None:
    """Add what is wrong with rules beside each other, and with each when `now` is the time."""
    _check_names([*always, *rules], findings)
    for placed in (*always, *rules):
        _check_floor(placed, findings)
        _check_end(placed, now, findings)
    for place, placed in enumerate(rules):
        if placed.sound and not _after_scanner_error(placed, findings):
            _check_reach(placed, [*always, *rules[:place]], findings)
    for place, placed in enumerate(always):
        if placed.sound:
            _check_reach(placed, always[:place], findings)


def check_policy(policy: Policy, node: Mapping, findings: Findings) -> None:
    """Add what is risky in the policy's own keys."""
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


def _place(placed: Placed, key: str) -> Span:
    value = placed.node.get(key)
    return value.span if value is not None else placed.node.span


def _check_names(placed: list[Placed], findings: Findings) -> None:
    seen = set[str]()
    for one in placed:
        name = one.rule.name
        if name and name in seen:
            fix = "Decisions name their rule: give each its own name."
            cause = f'there is another rule "{name}" above'
            findings.error("P109", one.path, _place(one, "name"), cause, fix=fix)
        seen.add(name)


def _check_floor(placed: Placed, findings: Findings) -> None:
    matches = [condition for condition in placed.rule.when if condition.fact is Fact.MATCH]
    named = {kind for one in matches if isinstance(one, OneOf) for kind in FLOORED & one.values}
    if named and placed.rule.then.verb in RELAYING and placed.sound:
        cause = f"{'a known match' if 'known' in named else 'an NCII match'} must not be relayed"
        findings.error("P401", placed.path, _place(placed, "then"), cause, fix="Use quarantine or drop")


def _check_end(placed: Placed, now: float, findings: Findings) -> None:
    until = placed.rule.until
    if until is not None and now >= until:
        day = datetime.fromtimestamp(until - 1, UTC).date()
        cause = f'rule "{placed.rule.name}" ended on {day} and does nothing'
        findings.warn("P301", placed.path, _place(placed, "until"), cause)


def _after_scanner_error(placed: Placed, findings: Findings) -> bool:
    conditions = placed.rule.when
    failed = {Scan.UNAVAILABLE, Scan.PENDING}
    about_failure = any(
        isinstance(one, OneOf) and one.fact is Fact.SCAN and one.values <= failed for one in conditions
    )
    # With a match in spite of the failure, the rules do decide.
    if not about_failure or any(one.fact is Fact.MATCH for one in conditions):
        return False
    cause = f'rule "{placed.rule.name}" can never apply: on_scanner_error decides before the rules'
    findings.warn("P302", placed.path, _place(placed, "name"), cause)
    return True


def _check_reach(placed: Placed, above: Sequence[Placed], findings: Findings) -> None:
    # A rule that ends leaves the one below it something to do, and a rule with a mistake means something
    # else.
    lasting = (one for one in above if one.sound and one.rule.until is None)
    taker = next((one for one in lasting if _covers(one.rule, placed.rule)), None)
    if taker is not None:
        cause = (
            f'rule "{placed.rule.name}" can never apply: '
            f'rule "{taker.rule.name}" above already takes everything it describes'
        )
        findings.warn("P302", placed.path, _place(placed, "name"), cause)


def _covers(above: Rule, below: Rule) -> bool:
    """Whether `above` fits whenever `below` does; False where that cannot be told."""
    return all(
        _always_fits(wide)
        or any(wide.fact is narrow.fact and _includes(wide, narrow) for narrow in below.when)
        for wide in above.when
    )


def _always_fits(condition: Condition) -> bool:
    closed = BY_NAME[condition.fact].values
    # A scan may not have been made at all, so no set of outcomes always fits.
    return (
        isinstance(condition, OneOf)
        and condition.fact in {Fact.MEDIA, Fact.ATTESTATION, Fact.MATCH}
        and condition.values >= set(closed)
    )


def _includes(wide: Condition, narrow: Condition) -> bool:
    if isinstance(wide, Between):
        if not isinstance(narrow, Between) or wide.per != narrow.per:
            return False
        top = wide.most is None or (narrow.most is not None and narrow.most <= wide.most)
        return wide.least <= narrow.least and top
    if not isinstance(narrow, OneOf):
        return False
    if wide.fact in {Fact.FROM, Fact.ATTESTED_BY}:
        return all(not wide.values.isdisjoint(covering_names(name)) for name in narrow.values)
    return narrow.values <= wide.values
