"""Runs the examples of a policy: `{given: {media: none}, expect: relay, by: Text only}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.config.actions import read_action
from relay.config.document import Mapping, Scalar, Sequence
from relay.config.rules import check_keys
from relay.domain.facts import NONE, AttestationState, Fact, Facts, Scan, Standing
from relay.domain.media import MatchKind, MediaKind
from relay.domain.policy import Action, Between, Verb, decide
from relay.domain.rates import WINDOWS, PostCounts

if TYPE_CHECKING:
    from relay.config.conditions import ConditionReader
    from relay.config.diagnostics import Findings, Span
    from relay.config.document import Node
    from relay.domain.policy import Decision, Policy

EXAMPLE_KEYS: Final = ("given", "expect", "by")
_PLURAL: Final = frozenset({Fact.MEDIA, Fact.FROM, Fact.ATTESTED_BY})
_LONG: Final = 10 * 365 * 86400


def run_examples(
    node: Node | None,
    policy: Policy | None,
    conditions: ConditionReader,
    *,
    now: float,
    findings: Findings,
) -> None:
    """Decide every example at `now`; one that comes out differently is an error P303.

    What counts is what `enforce` would do, so that examples mean the same in both modes. Without a `policy`
    the examples are read but not decided.
    """
    if node is None:
        return
    if not isinstance(node, Sequence):
        findings.error("P104", "policy.examples", node.span, "examples must be a list")
        return
    for place, item in enumerate(node.items):
        _Example(f"policy.examples.{place}", conditions, findings).run(item, policy, now)


class _Example:
    def __init__(self, path: str, conditions: ConditionReader, findings: Findings) -> None:
        self._path = path
        self._conditions = conditions
        self._findings = findings

    def run(self, node: Node, policy: Policy | None, now: float) -> None:
        given = node.get("given") if isinstance(node, Mapping) else None
        expect = node.get("expect") if isinstance(node, Mapping) else None
        if not isinstance(node, Mapping) or not isinstance(given, Mapping) or expect is None:
            cause = "an example needs given (facts) and expect (an action)"
            self._findings.error("P103", self._path, node.span, cause)
            return
        check_keys(node, EXAMPLE_KEYS, self._path, self._findings)
        facts = self._facts(given)
        wanted = _expected(expect, f"{self._path}.expect", self._findings)
        if policy is not None and facts is not None and wanted is not None:
            self._compare(decide(policy, facts, now), wanted, expect.span, node.get("by"))

    def _compare(self, decision: Decision, wanted: Action, span: Span, by: Node | None) -> None:
        found = f'{Action(decision.would, decision.seconds)} by "{decision.rule}"'
        seconds = wanted.seconds or decision.seconds
        if decision.would is not wanted.verb or decision.seconds != seconds:
            cause = f"this example gives {found}, not {wanted}"
            self._findings.error("P303", self._path, span, cause)
        elif isinstance(by, Scalar) and by.text != decision.rule:
            cause = f'this example gives {found}, not by "{by.text}"'
            self._findings.error("P303", self._path, by.span, cause)

    def _facts(self, given: Mapping) -> Facts | None:
        """The facts that `given` names, the others as if there were nothing; None after an error."""
        before = self._findings.errors
        values: dict[Fact, list[str]] = {}
        numbers: dict[tuple[Fact, str], int | None] = {}
        for condition in self._conditions.read(given, f"{self._path}.given"):
            if isinstance(condition, Between):
                numbers[condition.fact, condition.per] = self._exact(condition, given.span)
            else:
                values[condition.fact] = self._single(condition.fact, sorted(condition.values), given.span)
        return None if self._findings.errors > before else _facts(values, numbers)

    def _exact(self, condition: Between, span: Span) -> int | None:
        if condition.least == condition.most:
            return condition.least
        self._findings.error("P206", self._path, span, f"an example needs one number as {condition.fact}")
        return None

    def _single(self, fact: Fact, values: list[str], span: Span) -> list[str]:
        if len(values) > 1 and fact not in _PLURAL:
            self._findings.error("P202", self._path, span, f"an example needs one {fact}")
        return values


def _expected(node: Node, path: str, findings: Findings) -> Action | None:
    if isinstance(node, Scalar) and node.text == Verb.DEFER:
        return Action(Verb.DEFER)
    return read_action(node, path, findings)


def _facts(values: dict[Fact, list[str]], numbers: dict[tuple[Fact, str], int | None]) -> Facts:
    first = {fact: words[0] for fact, words in values.items() if words and words[0] != NONE}
    match = first.get(Fact.MATCH)
    # Where something matched, a scan has said so: writing it twice would be a nuisance.
    scan = first.get(Fact.SCAN) or (Scan.MATCH if match else None)
    return Facts(
        media=frozenset(MediaKind(kind) for kind in values.get(Fact.MEDIA, []) if kind != NONE),
        attestation=AttestationState(first.get(Fact.ATTESTATION, AttestationState.MISSING)),
        attested_by=frozenset(values.get(Fact.ATTESTED_BY, [])),
        scan=Scan(scan) if scan else None,
        match=MatchKind(match) if match else None,
        match_distance=numbers.get((Fact.MATCH_DISTANCE, "")),
        category=first.get(Fact.CATEGORY),
        from_hosts=frozenset(values.get(Fact.FROM, [])),
        type=first.get(Fact.TYPE, "Create"),
        standing=Standing(
            # An example that says nothing about it is about a server that has long been known.
            subscribed_for=_or_long(numbers.get((Fact.SUBSCRIBED_FOR, ""))),
            first_seen=_or_long(numbers.get((Fact.FIRST_SEEN, ""))),
            posts=PostCounts(*(numbers.get((Fact.POSTS_FROM_SERVER, window)) or 0 for window in WINDOWS)),
            software=first.get(Fact.SOFTWARE),
        ),
    )


def _or_long(age: int | None) -> int:
    return _LONG if age is None else age
