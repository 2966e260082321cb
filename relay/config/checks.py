"""Looks at a policy as a whole: rules that never apply, that have ended, that are called alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from relay.config.document import Mapping
from relay.config.reach import excluding, flattened, takers
from relay.domain.english import condition_phrase
from relay.domain.facts import Fact, Scan
from relay.domain.policy import Between, OneOf
from relay.domain.vocabulary import BY_NAME, SAMPLE, UNASKED, FactKind

if TYPE_CHECKING:
    from collections.abc import Mapping as Dict
    from collections.abc import Sequence

    from relay.config.diagnostics import Findings, Span
    from relay.config.rules import Placed
    from relay.domain.policy import Rule


def check_rules(
    always: Sequence[Placed],
    rules: Sequence[Placed],
    *,
    lists: Dict[str, frozenset[str]],
    now: float,
    findings: Findings,
) -> frozenset[str]:
    """Add what is wrong with rules beside each other, and with each when `now` is the time.

    `lists` are what the lists hold that are known here. Returns the paths of the rules that can never apply.
    """
    _check_names([*always, *rules], findings)
    for placed in (*always, *rules):
        _check_end(placed, now, findings)
        _check_exact(placed, findings)
    reach = _Reach(lists, findings)
    for placed in always:
        reach.check(placed, after_scanner_error=False)
    for placed in rules:
        reach.check(placed, after_scanner_error=True)
    return frozenset(reach.idle)


def place_of(placed: Placed, key: str) -> Span:
    """Where a key of a rule has its value, or where the rule stands."""
    value = placed.node.get(key)
    return value.span if value is not None else placed.node.span


def _check_names(placed: list[Placed], findings: Findings) -> None:
    seen = set[str]()
    for one in placed:
        name = one.rule.name
        if name and name in seen:
            fix = "Decisions name their rule: give each its own name."
            cause = f'there is another rule "{name}" above'
            findings.error("P109", one.path, place_of(one, "name"), cause, fix=fix)
        seen.add(name)


def _check_end(placed: Placed, now: float, findings: Findings) -> None:
    until = placed.rule.until
    if until is not None and now >= until:
        day = datetime.fromtimestamp(until - 1, UTC).date()
        cause = f'rule "{placed.rule.name}" ended on {day} and does nothing'
        fix = "Remove it, or write a later day."
        findings.warn("P301", placed.path, place_of(placed, "until"), cause, fix=fix)


def _check_exact(placed: Placed, findings: Findings) -> None:
    """Warn of an age, size or rate without comparison: it fits for one second, one byte, one post."""
    for condition in placed.rule.when:
        info = BY_NAME[condition.fact]
        if not isinstance(condition, Between) or info.kind is FactKind.NUMBER:
            continue
        if condition.least and condition.least == condition.most:
            said = condition_phrase(condition)
            cause = f'rule "{placed.rule.name}" fits only when {said} exactly'
            fix = f"Write less than or at least before it, for example {info.fact}: {SAMPLE[info.kind]}"
            when = placed.node.get("when")
            value = when.get(info.fact) if isinstance(when, Mapping) else None
            span = value.span if value is not None else place_of(placed, "when")
            findings.warn("P307", placed.path, span, cause, fix=fix)


class _Reach:
    """Finds rules that can never apply, asked in the order in which they decide; each gets one warning."""

    def __init__(self, lists: Dict[str, frozenset[str]], findings: Findings) -> None:
        self._lists, self._findings = lists, findings
        self.idle = set[str]()
        self._above: list[Rule] = []

    def check(self, placed: Placed, *, after_scanner_error: bool) -> None:
        """Warn when a rule does nothing in its place. Rules with mistakes mean something else: they are left alone."""
        if not placed.sound:
            return
        rule = flattened(placed.rule, self._lists)
        names = [f'"{one.name}"' for one in takers(rule, self._above)]
        if rule.until is None:  # one that ends leaves the one below it something to do
            self._above.append(rule)
        by_itself = _never_by_itself(rule, after_scanner_error=after_scanner_error)
        if by_itself is not None:
            code, why, fix = by_itself
            self._warn(code, placed, why, fix)
            return
        if not names:
            return
        fix = "Remove it, move it up, or let the rule above describe less."
        if len(names) == 1:
            why = f"rule {names[0]} above already takes everything it describes"
        else:
            why = f"rules {', '.join(names[:-1])} and {names[-1]} above together take everything it describes"
        self._warn("P302", placed, why, fix)

    def _warn(self, code: str, placed: Placed, why: str, fix: str) -> None:
        self.idle.add(placed.path)
        cause = f'rule "{placed.rule.name}" can never apply: {why}'
        self._findings.warn(code, placed.path, place_of(placed, "name"), cause, fix=fix)


def _never_by_itself(rule: Rule, *, after_scanner_error: bool) -> tuple[str, str, str] | None:
    """Code, reason and fix when nothing fits a rule whatever stands above it."""
    if after_scanner_error and _is_about_failure(rule):
        fix = "Write on_scanner_error: quarantine, or what else should be done then."
        return "P302", "on_scanner_error decides before the rules", fix
    pair = excluding(rule)
    if pair is not None:
        first, second = (condition.fact.value for condition in pair)
        what = f'its conditions "{first}" and "{second}" exclude each other'
        return "P306", what, "Remove one of the two; a rule fits when all its conditions do."
    types = next((one for one in rule.when if one.fact is Fact.TYPE), None)
    if isinstance(types, OneOf) and types.values <= UNASKED:
        named = " or ".join(sorted(types.values))
        what = f"what is of type {named} never reaches the policy and is passed on as it is"
        return "P305", what, "Remove it, or write Create, Update or Announce."
    return None


def _is_about_failure(rule: Rule) -> bool:
    failed = {Scan.UNAVAILABLE, Scan.PENDING}
    about_failure = any(
        isinstance(one, OneOf) and one.fact is Fact.SCAN and one.values <= failed for one in rule.when
    )
    # With a match in spite of the failure, the rules do decide.
    return about_failure and not any(one.fact is Fact.MATCH for one in rule.when)
