"""Policies: ordered rules on facts, and the decision they give.

The order, which nothing in a policy can change:

1. `always`, the safety floor, top to bottom; the first rule that fits decides.
2. `on_scanner_error`, when the scan is `unavailable` or `pending` and nothing has matched so far.
3. `rules`, top to bottom, then `otherwise`.
4. The built-in floor: an activity with a `known` or `ncii` match is never relayed. Where 1 to 3 would relay
   it, it is quarantined. An NCII match is floored like a known one because relaying it does the same kind of
   harm.

In `observe` the effective verb is `relay` and `would` keeps what `enforce` had done; what step 4 speaks of is
enforced even then, unless the policy says `observe_known_matches`. A policy is compiled when it is made;
deciding costs a few look-ups for each fact, however long the lists are, and is total: every `Facts` gets a
decision.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Self

from relay.domain.evaluation import Compiled, compile_rules, first_fit
from relay.domain.facts import Scan
from relay.domain.media import MatchKind
from relay.domain.policy_rules import (
    QUARANTINE,
    RELAY,
    Action,
    Between,
    Condition,
    Mode,
    OneOf,
    Rule,
    Tried,
    Verb,
)
from relay.domain.vocabulary import VERBS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.facts import Facts

__all__ = [
    "BACK_OFF",
    "DEFAULT_BACK_OFF",
    "DEFAULT_PROFILES",
    "DEFAULT_REASONS",
    "FLOORED",
    "LONGEST_DEFERRAL",
    "QUARANTINE",
    "RELAY",
    "RELAYING",
    "Action",
    "Between",
    "Condition",
    "Decision",
    "Mode",
    "OneOf",
    "Policy",
    "Rule",
    "Tried",
    "Verb",
    "decide",
    "in_the_end",
]


RELAYING: Final = frozenset({Verb.RELAY, Verb.RELAY_AND_ATTEST, Verb.RELAY_MARKED})
"""Verbs after which somebody receives the activity."""

FLOORED: Final = frozenset({MatchKind.KNOWN, MatchKind.NCII})
"""Matches that are never relayed."""

DEFAULT_BACK_OFF: Final = 600
"""Seconds that `on_scanner_error: defer` waits unless it says otherwise."""

BACK_OFF: Final = Action(Verb.DEFER, DEFAULT_BACK_OFF)
"""What `on_scanner_error` does unless a policy says otherwise."""

LONGEST_DEFERRAL: Final = 24 * 3600.0
"""Seconds after which an activity that is still deferred is held for a person instead: never lost, never clean."""

DEFAULT_PROFILES: Final = (
    ("strict", frozenset({Verb.RELAY, Verb.RELAY_AND_ATTEST})),
    ("open", RELAYING),
)
"""What subscribers choose from unless a policy says otherwise."""

DEFAULT_REASONS: Final = {info.verb: info.reason for info in VERBS}
"""The reason code of a rule that gives none."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with an activity, and why.

    `verb` is what to do now. `would` is what `enforce` does; it differs from `verb` only when `enforced` is
    False, and then `verb` is `relay`. `seconds` is how long to wait when `would` is `defer`. `policy` is
    `Policy.id`.
    """

    verb: Verb
    would: Verb
    enforced: bool
    seconds: int
    rule: str
    reason: str
    policy: str
    trace: tuple[Tried, ...]
    tell: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The decision as JSON, with its trace."""
        return {
            "verb": self.verb.value,
            "would": self.would.value,
            "enforced": self.enforced,
            "seconds": self.seconds,
            "rule": self.rule,
            "reason": self.reason,
            "policy": self.policy,
            "tell": list(self.tell),
            "trace": [step.as_json() for step in self.trace],
        }


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy, compiled when it is made.

    `version` is the number its author gave it. `profiles` are what subscribers choose from: the verbs after
    which a subscriber with that profile receives an activity. `lists` are what conditions refer to by name.
    `id` is `version-hash`, where the hash is the first 12 hex digits of the SHA-256 of the normalized policy: equal
    exactly when everything in it is equal, the members of its lists included.
    """

    version: int
    mode: Mode
    rules: tuple[Rule, ...]
    otherwise: Action = QUARANTINE
    always: tuple[Rule, ...] = ()
    on_scanner_error: Action = BACK_OFF
    observe_known_matches: bool = False
    profiles: tuple[tuple[str, frozenset[Verb]], ...] = DEFAULT_PROFILES
    lists: tuple[tuple[str, frozenset[str]], ...] = field(default=(), repr=False)
    id: str = field(init=False)
    _compiled: Compiled = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # The dataclass is frozen; what is derived from its fields can only be put there this way.
        digest = hashlib.sha256(json.dumps(self.normal(), separators=(",", ":")).encode()).hexdigest()
        object.__setattr__(self, "id", f"{self.version}-{digest[:12]}")
        compiled = compile_rules({"always": self.always, "rules": self.rules}, dict(self.lists))
        object.__setattr__(self, "_compiled", compiled)

    def normal(self) -> list[object]:
        """The normalized form that `id` is the hash of: JSON-able, lists expanded and sorted."""
        return [
            self.version,
            self.mode.value,
            [rule.normal() for rule in self.always],
            [rule.normal() for rule in self.rules],
            str(self.otherwise),
            str(self.on_scanner_error),
            self.observe_known_matches,
            sorted([name, sorted(verbs)] for name, verbs in self.profiles),
            *([[name, sorted(members)] for name, members in sorted(self.lists)] if self.lists else []),
        ]

    def with_lists(self, members: Mapping[str, frozenset[str]]) -> Self:
        """The policy with what the named lists hold now; itself when nothing changed. Other names are ignored."""
        lists = tuple((name, members.get(name, held)) for name, held in self.lists)
        return self if lists == self.lists else replace(self, lists=lists)


def _chosen(policy: Policy, facts: Facts, now: float, trace: list[Tried]) -> Rule:
    """The rule that decides, before the built-in floor; what is no rule in the policy is given as one."""
    compiled = policy._compiled  # noqa: SLF001 - one module, compiled for this function
    unmet = compiled.unmet(facts, now)
    rule = first_fit(compiled.phases["always"], unmet, trace)
    if rule is not None:
        return rule
    # A match has been found in spite of the failure: it must not be waved through as "could not scan".
    if facts.scan in {Scan.UNAVAILABLE, Scan.PENDING} and facts.match is None:
        trace.append(Tried("on_scanner_error", "on_scanner_error"))
        return Rule("on_scanner_error", (), policy.on_scanner_error, f"scan-{facts.scan}")
    rule = first_fit(compiled.phases["rules"], unmet, trace)
    if rule is None:
        trace.append(Tried("otherwise", "otherwise"))
        return Rule("otherwise", (), policy.otherwise)
    return rule


def decide(policy: Policy, facts: Facts, now: float) -> Decision:
    """Decide one activity at `now`, in seconds since the epoch. Pure and total; see the top of the module."""
    trace: list[Tried] = []
    rule = _chosen(policy, facts, now, trace)
    floored = facts.match in FLOORED
    if floored and rule.then.verb in RELAYING:
        trace.append(Tried("floor", "built-in floor"))
        rule = Rule("built-in floor", (), QUARANTINE, f"{facts.match}-match", tell=rule.tell)
    would = rule.then.verb
    enforced = policy.mode is Mode.ENFORCE or (floored and not policy.observe_known_matches)
    return Decision(
        verb=would if enforced else Verb.RELAY,
        would=would,
        enforced=enforced,
        seconds=rule.then.seconds,
        rule=rule.name,
        reason=rule.reason or DEFAULT_REASONS[would],
        policy=policy.id,
        trace=tuple(trace),
        tell=rule.tell,
    )


def in_the_end(decision: Decision, waited: float) -> Decision:
    """The decision about an activity that came `waited` seconds ago: one that is deferred for too long is held."""
    if decision.verb is not Verb.DEFER or waited <= max(LONGEST_DEFERRAL, decision.seconds):
        return decision
    trace = (*decision.trace, Tried("floor", "deferred for too long"))
    return replace(decision, verb=Verb.QUARANTINE, would=Verb.QUARANTINE, trace=trace)
