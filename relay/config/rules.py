"""Reads the rules of a policy, with every mistake at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from relay.config.actions import read_action
from relay.config.diagnostics import guess
from relay.config.document import Mapping, Scalar, Sequence
from relay.domain.policy import DEFAULT_REASONS, QUARANTINE, Rule, Verb
from relay.domain.vocabulary import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Collection

    from relay.config.conditions import ConditionReader
    from relay.config.diagnostics import Findings
    from relay.config.document import Node
    from relay.domain.policy import Action, Condition

RULE_KEYS: Final = ("name", "when", "then", "reason", "until", "tell")
RESTRICTING: Final = frozenset({Verb.DROP, Verb.QUARANTINE, Verb.DEFER})
CODE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
"""Reason codes, profiles and groups: lower-case letters, digits and hyphens."""

MOST_RULES: Final = 500
"""Most rules in `always`, and in `rules`: deciding takes longer with each, and nobody can read more."""

_NEEDED: Final = {
    "name": "Write name: and a few words.",
    "when": 'Write for example when: {media: image}; for everything else there is "otherwise".',
    "then": "Write then: and relay, relay-and-attest, relay-marked, defer 10 minutes, quarantine or drop.",
}
_SHAPE: Final = "Write for example - {name: Videos, when: {media: video}, then: relay-marked}"
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule and where it stands. `sound` is False when something in it is wrong."""

    rule: Rule
    node: Mapping
    path: str
    sound: bool


def check_keys(node: Mapping, known: tuple[str, ...], path: str, findings: Findings) -> None:
    """Add an error P102 for every key that is not one of `known`."""
    for key, _ in node.entries:
        if key.text not in known:
            close = guess(key.text, known)
            fix = "" if close else f"Keys are: {', '.join(known)}."
            cause = f'unknown key "{key.text}"'
            findings.error("P102", f"{path}.{key.text}", key.span, cause, fix=fix, guess=close)


class RuleReader:
    """Reads rules; `conditions` knows the lists of the policy."""

    def __init__(
        self, conditions: ConditionReader, findings: Findings, channels: Collection[str] | None
    ) -> None:
        """What is wrong is added to `findings`. `channels` are those that can be told, None when not known."""
        self._conditions = conditions
        self._findings = findings
        self._channels = channels

    def read(self, listed: Node | None, phase: str) -> list[Placed]:
        """The rules under `phase`: those that are rules at all."""
        path = f"policy.{phase}"
        if listed is None:
            return []
        if not isinstance(listed, Sequence):
            cause = f"{phase} must be a list of rules"
            self._findings.error("P104", path, listed.span, cause, fix=_SHAPE)
            return []
        if len(listed.items) > MOST_RULES:
            cause = f"there are {len(listed.items):,} rules; {MOST_RULES:,} are the most"
            fix = "Put the names that many rules differ in into one list, and write one rule about it."
            self._findings.error("P111", path, listed.items[MOST_RULES].span, cause, fix=fix)
            return []
        found = [self._rule(item, f"{path}.{place}") for place, item in enumerate(listed.items)]
        return [placed for placed in found if placed is not None]

    def _rule(self, node: Node, path: str) -> Placed | None:
        if not isinstance(node, Mapping):
            self._findings.error("P104", path, node.span, "a rule is made of name, when and then", fix=_SHAPE)
            return None
        before = self._findings.errors
        check_keys(node, RULE_KEYS, path, self._findings)
        name, when, then = self._name(node, path), self._when(node, path), self._then(node, path)
        rule = Rule(
            name=name,
            when=when,
            then=then or QUARANTINE,
            reason=self._reason(node.get("reason"), f"{path}.reason"),
            until=self._until(node.get("until"), f"{path}.until"),
            tell=self._tell(node.get("tell"), f"{path}.tell"),
        )
        if then is not None:
            self._needs_reason(rule, node, path)
        return Placed(rule, node, path, self._findings.errors == before)

    def _needed(self, node: Mapping, key: str, path: str) -> Node | None:
        value = node.get(key)
        if value is None:
            first = node.entries[0][0].span if node.entries else node.span
            self._findings.error("P103", path, first, f'this rule has no "{key}"', fix=_NEEDED[key])
        return value

    def _name(self, node: Mapping, path: str) -> str:
        value = self._needed(node, "name", path)
        name = " ".join(value.text.split()) if isinstance(value, Scalar) else ""
        if value is not None and not 0 < len(name) <= 100:
            fix = "Write for example name: Near match; 100 characters at most."
            self._findings.error("P104", f"{path}.name", value.span, "a name is a few words", fix=fix)
        return name

    def _then(self, node: Mapping, path: str) -> Action | None:
        value = self._needed(node, "then", path)
        return None if value is None else read_action(value, f"{path}.then", self._findings)

    def _when(self, node: Mapping, path: str) -> tuple[Condition, ...]:
        value = self._needed(node, "when", path)
        if isinstance(value, Mapping) and value.entries:
            return self._conditions.read(value, f"{path}.when")
        if value is not None:
            fix = 'Write for example {media: image}; for everything else there is "otherwise".'
            cause = "when needs at least one condition"
            self._findings.error("P209", f"{path}.when", value.span, cause, fix=fix)
        return ()

    def _reason(self, node: Node | None, path: str) -> str | None:
        if node is None:
            return None
        text = node.text if isinstance(node, Scalar) else ""
        if CODE.fullmatch(text):
            return text
        fix = "Write lower-case letters, digits and hyphens, such as possible-match"
        self._findings.error("P107", path, node.span, f'"{text}" is not a reason code', fix=fix)
        return None

    def _until(self, node: Node | None, path: str) -> float | None:
        """The end of the named day in UTC."""
        if node is None:
            return None
        text = node.text if isinstance(node, Scalar) else ""
        try:
            day = date.fromisoformat(text if _DATE.fullmatch(text) else "")
            return datetime.combine(day + timedelta(days=1), time(), UTC).timestamp()
        except (ValueError, OverflowError):
            fix = "Write for example 2030-07-09"
            self._findings.error("P210", path, node.span, f'"{text}" is not a date', fix=fix)
            return None

    def _tell(self, node: Node | None, path: str) -> tuple[str, ...]:
        if node is None:
            return ()
        items = node.items if isinstance(node, Sequence) else (node,)
        groups = tuple(item.text for item in items if isinstance(item, Scalar) and CODE.fullmatch(item.text))
        if len(groups) < len(items):
            cause = "tell names channels in lower-case letters, digits and hyphens"
            fix = "Write for example tell: [child-safety]"
            self._findings.error("P104", path, node.span, cause, fix=fix)
        elif self._channels is not None:
            for item, name in zip(items, groups, strict=True):
                if name not in self._channels:
                    self._nobody(item, name, path, self._channels)
        return groups

    def _nobody(self, node: Node, name: str, path: str, channels: Collection[str]) -> None:
        close = guess(name, channels)
        fix = f"Add a channel: alerts: {{channels: [{{name: {name}, kind: webhook, url: …}}]}}"
        cause = f'"{name}" is no channel, so nobody is told'
        self._findings.warn("P108", path, node.span, cause, fix="" if close else fix, guess=close)

    def _needs_reason(self, rule: Rule, node: Mapping, path: str) -> None:
        about_media = any(BY_NAME[condition.fact].about_media for condition in rule.when)
        then = node.get("then")
        if then is not None and about_media and rule.then.verb in RESTRICTING and node.get("reason") is None:
            cause = f'rule "{rule.name}" restricts media but gives no reason'
            code = DEFAULT_REASONS[rule.then.verb]
            fix = f"Add for example reason: {code}; it is shown to the sender's admin and counted."
            self._findings.error("P106", f"{path}.then", then.span, cause, fix=fix)
