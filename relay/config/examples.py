"""Runs the examples of a policy: `{given: {media: none}, expect: relay, by: Text only}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.config.actions import read_action
from relay.config.diagnostics import Source
from relay.config.document import Mapping, Scalar, Sequence, parse
from relay.config.rules import check_keys
from relay.domain.english import duration
from relay.domain.facts import NONE, Fact, Facts, Scan
from relay.domain.policy import Action, Between, OneOf, Verb, decide
from relay.domain.vocabulary import BY_NAME, FactKind

if TYPE_CHECKING:
    from relay.config.conditions import ConditionReader
    from relay.config.diagnostics import Diagnostic, Findings, Span
    from relay.config.document import Node
    from relay.config.lists import Lists
    from relay.domain.policy import Condition, Decision, Policy

EXAMPLE_KEYS: Final = ("given", "expect", "by")
_PLURAL: Final = frozenset(
    {
        *(Fact.MEDIA, Fact.MEDIA_TYPE, Fact.ATTESTED_BY, Fact.LIST, Fact.FROM, Fact.ACTOR, Fact.LANGUAGE),
        Fact.HASHTAGS,
    }
)
"""Facts of which an activity can have several values."""
_LONG: Final = 10 * 365 * 86400


@dataclass(frozen=True, slots=True)
class ExampleRun:
    """One example that was decided. `problem` says how it came out differently, None when it came out as expected."""

    given: str
    expected: str
    decision: Decision
    span: Span
    problem: str | None


class ExampleReader:
    """Reads and decides examples; adds to `findings` what is wrong."""

    def __init__(self, conditions: ConditionReader, lists: Lists, findings: Findings) -> None:
        """`conditions` and `lists` are those of the policy."""
        self._conditions, self._lists, self._findings = conditions, lists, findings

    def run(self, node: Node | None, policy: Policy | None, now: float) -> tuple[ExampleRun, ...]:
        """Decide every example at `now`; one that comes out differently is an error P303.

        What counts is what `enforce` would do, so that examples mean the same in both modes. Without a `policy`
        the examples are read but not decided.
        """
        if node is None:
            return ()
        if not isinstance(node, Sequence):
            fix = "Write for example - {given: {media: none}, expect: relay}"
            self._findings.error("P104", "policy.examples", node.span, "examples must be a list", fix=fix)
            return ()
        tried = [
            self._one(item, f"policy.examples.{place}", policy, now) for place, item in enumerate(node.items)
        ]
        return tuple(one for one in tried if one is not None)

    def _one(self, node: Node, path: str, policy: Policy | None, now: float) -> ExampleRun | None:
        given = node.get("given") if isinstance(node, Mapping) else None
        expect = node.get("expect") if isinstance(node, Mapping) else None
        if not isinstance(node, Mapping) or not isinstance(given, Mapping) or expect is None:
            cause = "an example needs given (facts) and expect (an action)"
            fix = "Write for example - {given: {media: none}, expect: relay}"
            self._findings.error("P103", path, node.span, cause, fix=fix)
            return None
        check_keys(node, EXAMPLE_KEYS, path, self._findings)
        facts = self.facts(given, path)
        wanted = _expected(expect, f"{path}.expect", self._findings)
        if policy is None or facts is None or wanted is None:
            return None
        by = node.get("by")
        tried = _compared(decide(policy, facts, now), wanted, expect.span, by, written(given))
        if tried.problem is not None:
            fix = f"Write what the policy does: {_done(tried.decision)}; or change the rules."
            self._findings.error("P303", path, tried.span, tried.problem, fix=fix)
        return tried

    def given(self, text: str) -> tuple[Facts | None, tuple[Diagnostic, ...]]:
        """The facts in a text such as `{media: image, match: near}`, and what is wrong with it."""
        first, source = len(self._findings.found), Source("--given", tuple(text.splitlines()))
        node = parse(source, self._findings, prefix="policy.given")
        facts = None
        if isinstance(node, Mapping):
            facts = self.facts(node, "policy")
        elif node is not None:
            fix = "Write for example {media: image, match: near}"
            self._findings.error("P104", "policy.given", node.span, "facts have names and values", fix=fix)
        wrong = tuple(self._findings.found[first:])
        return (facts if not wrong else None), wrong

    def facts(self, given: Mapping, path: str) -> Facts | None:
        """The facts that `given` names, the others as if there were nothing; None after an error.

        An example that says nothing about the age of a server is about one that has long been known.
        """
        before = self._findings.errors
        document: dict[str, object] = {Fact.SUBSCRIBED_FOR: _LONG, Fact.FIRST_SEEN: _LONG}
        spans = {key.text: value.span for key, value in given.entries}
        for condition in self._conditions.read(given, f"{path}.given"):
            name, span = condition.fact.value, spans[condition.fact.value]
            document[name] = self._value(condition, path, span)
        if self._findings.errors > before:
            return None
        # Where something matched, a scan has said so: writing it twice would be a nuisance.
        if document.get(Fact.MATCH) is not None:
            document.setdefault(Fact.SCAN, Scan.MATCH.value)
        return Facts.from_json(document)

    def _value(self, condition: Condition, path: str, span: Span) -> object:
        if isinstance(condition, Between):
            return self._exact(condition, path, span)
        words = sorted(self._words(condition, path, span))
        if condition.fact in _PLURAL:
            return [word for word in words if word != NONE]
        if len(words) > 1:
            fix = f"Write one of them, for example {condition.fact}: {words[0]}"
            self._findings.error("P202", path, span, f"an example needs one {condition.fact}", fix=fix)
        return None if words == [NONE] else next(iter(words), None)

    def _exact(self, condition: Between, path: str, span: Span) -> object:
        if condition.least != condition.most:
            number = condition.least if condition.most is None else condition.most
            sample = f"{number} per {condition.per}" if condition.per else str(number)
            units = {FactKind.AGE: " seconds", FactKind.SIZE: " bytes"}
            unit = units.get(BY_NAME[condition.fact].kind, "")
            fix = f"Write for example {condition.fact}: {sample}{unit}"
            cause = f"an example needs one number as {condition.fact}"
            self._findings.error("P206", path, span, cause, fix=fix)
        return {condition.per: condition.least} if condition.per else condition.least

    def _words(self, condition: OneOf, path: str, span: Span) -> frozenset[str]:
        words = condition.values
        for name in condition.lists:
            members = self._lists.members(name)
            if members is None:
                cause = f'what list "{name}" holds is not known before the relay fetched it'
                self._findings.error("P213", path, span, cause, fix="Write a server name in the example.")
            words |= members or frozenset()
        return words


def written(given: Mapping) -> str:
    """The facts of an example on one line."""
    return ", ".join(f"{key.text}: {_shown(value)}" for key, value in given.entries)


def _shown(node: Node) -> str:
    if isinstance(node, Scalar):
        return node.text
    items = node.items if isinstance(node, Sequence) else ()
    return f"[{', '.join(_shown(item) for item in items)}]"


def _done(decision: Decision) -> str:
    return _said(Action(decision.would, decision.seconds))


def _said(action: Action) -> str:
    return f"{action.verb} {duration(action.seconds)}" if action.seconds else action.verb.value


def _compared(decision: Decision, wanted: Action, span: Span, by: Node | None, given: str) -> ExampleRun:
    found = f'{_done(decision)} by "{decision.rule}"'
    seconds = wanted.seconds or decision.seconds
    expected, problem = _said(wanted), None
    if decision.would is not wanted.verb or decision.seconds != seconds:
        problem = f"this example gives {found}, not {expected}"
    elif isinstance(by, Scalar) and by.text != decision.rule:
        problem, span = f'this example gives {found}, not by "{by.text}"', by.span
    return ExampleRun(given, expected, decision, span, problem)


def _expected(node: Node, path: str, findings: Findings) -> Action | None:
    if isinstance(node, Scalar) and node.text == Verb.DEFER:
        return Action(Verb.DEFER)
    return read_action(node, path, findings)
