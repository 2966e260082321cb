"""Comparing two ways to decide on the same facts: two policies, a policy and what was decided, observe and enforce.

Pure, and bounded in memory whatever the number of records: they are added one by one to a `Tally`, which keeps counters
and a few examples.

A replay decides an activity as of when it came: rules with `until` and facts that were counted then (rates, ages) are
what they were. Lists are those of the policy that is given. Where the activity had waited so long when it was decided
that a deferral became a hold, a deferral of the other side becomes one, too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from relay.domain.facts import Facts
from relay.domain.hosts import server_names
from relay.domain.policy import RELAYING, decide, in_the_end
from relay.domain.policy_rules import Verb
from relay.domain.replay_report import Comparison, Example, Others, RuleChange, ServerChange, Transition

if TYPE_CHECKING:
    from relay.domain.audience import Audience
    from relay.domain.history import Recorded
    from relay.domain.policy import Policy

MOST: Final = 50_000
"""Servers, accounts and pairs of rules that are told apart; there are names enough to fill any memory."""
LISTED: Final = 20
"""Servers and subscribers that are listed one by one unless somebody asks for more."""
RULES_LISTED: Final = 100
"""Pairs of rules that are listed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one side does with an activity: by which verb, by which rule and for which reason."""

    verb: Verb
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one side makes of an activity: what `enforce` does, and what is really done."""

    enforced: Outcome
    in_effect: Outcome


def facts_of(record: Recorded) -> Facts | None:
    """The facts of a record; None when they, or its verb, are of no version that this one knows."""
    try:
        Verb(record.verb)
        return None if record.facts is None else Facts.from_json(record.facts)
    except ValueError:
        return None


def decided_then(record: Recorded) -> Ruling:
    """What was decided about an activity when it came. Raises `ValueError` where `facts_of` gives None for the verb."""
    would = Outcome(Verb(record.verb), record.rule, record.reason)
    return _ruling(would, would.verb if record.enforced else Verb.RELAY)


def decided_by(policy: Policy, record: Recorded, facts: Facts) -> Ruling:
    """What a policy makes of an activity, as of when it came."""
    decision = decide(policy, facts, record.received_at)
    decision = in_the_end(decision, record.decided_at - record.received_at)
    return _ruling(Outcome(decision.would, decision.rule, decision.reason), decision.verb)


def _ruling(would: Outcome, verb: Verb) -> Ruling:
    return Ruling(would, would if would.verb is verb else Outcome(verb, would.rule, would.reason))


@dataclass(slots=True)
class Tally:
    """Adds up how two sides differ. `examples` is how many are kept for each pair of verbs."""

    audience: Audience
    examples: int
    _same: int = 0
    _moved: int = 0
    _before: Counter[Verb] = field(default_factory=Counter)
    _after: Counter[Verb] = field(default_factory=Counter)
    _verbs: Counter[tuple[Verb, Verb]] = field(default_factory=Counter)
    _rules: Counter[tuple[str, Verb, str, Verb]] = field(default_factory=Counter)
    _servers: dict[str, list[int]] = field(default_factory=dict)
    _beyond: list[int] = field(default_factory=lambda: [0, 0, 0])
    _actors: set[int] = field(default_factory=set)
    _examples: dict[tuple[Verb, Verb], list[Example]] = field(default_factory=dict)

    def add(self, record: Recorded, facts: Facts, before: Outcome, after: Outcome) -> None:
        """Count one activity and what the two sides make of it."""
        self._before[before.verb] += 1
        self._after[after.verb] += 1
        self.audience.count(record.object_id, record.kind, facts, before.verb, after.verb)
        if before == after:
            self._same += 1
            return
        pair = (before.rule, before.verb, after.rule, after.verb)
        if pair in self._rules or len(self._rules) < MOST:
            self._rules[pair] += 1
        if before.verb is after.verb:
            self._moved += 1
            return
        self._verbs[before.verb, after.verb] += 1
        self._change(record, before, after)

    def _change(self, record: Recorded, before: Outcome, after: Outcome) -> None:
        server = _server(record)
        lost = before.verb in RELAYING and after.verb not in RELAYING
        gained = after.verb in RELAYING and before.verb not in RELAYING
        counts = self._servers.get(server)
        if counts is None and len(self._servers) < MOST:
            counts = self._servers[server] = [0, 0, 0]
        for place, one in enumerate((1, lost, gained)):
            (self._beyond if counts is None else counts)[place] += one
        if len(self._actors) < MOST:
            self._actors.add(hash(record.actor))
        kept = self._examples.setdefault((before.verb, after.verb), [])
        if len(kept) < self.examples:
            kept.append(_example(record, server, before, after))

    def comparison(self, most: int = LISTED) -> Comparison:
        """What came of it, with `most` servers and subscribers listed one by one."""
        changed = self._verbs.total()
        rules = self._rules.most_common(RULES_LISTED)
        servers = [ServerChange(name, *counts) for name, counts in self._servers.items()]
        servers.sort(key=lambda one: (-one.changed, one.server))
        rest = servers[most:]
        subscribers, other_subscribers = self.audience.changes(most)
        return Comparison(
            same=self._same,
            moved=self._moved,
            changed=changed,
            verbs_before={verb.value: self._before[verb] for verb in Verb if self._before[verb]},
            verbs_after={verb.value: self._after[verb] for verb in Verb if self._after[verb]},
            transitions=tuple(
                Transition(before, after, count) for (before, after), count in self._verbs.most_common()
            ),
            rules=tuple(RuleChange(*pair, count) for pair, count in rules),
            other_rules=changed + self._moved - sum(count for _, count in rules),
            servers=tuple(servers[:most]),
            other_servers=Others(
                len(rest),
                self._beyond[0] + sum(one.changed for one in rest),
                self._beyond[1] + sum(one.lost for one in rest),
                self._beyond[2] + sum(one.gained for one in rest),
            ),
            actors=len(self._actors),
            at_least=len(self._actors) >= MOST or len(self._servers) >= MOST,
            subscribers=subscribers,
            other_subscribers=other_subscribers,
            examples=tuple(one for pair, _ in self._verbs.most_common() for one in self._examples[pair]),
        )


def _server(record: Recorded) -> str:
    return _server_of(record.actor) or record.server


@lru_cache(maxsize=4096)  # the same accounts write again and again
def _server_of(actor: str) -> str:
    return next(iter(server_names([actor])), "")


def _example(record: Recorded, server: str, before: Outcome, after: Outcome) -> Example:
    return Example(
        object=record.object_id,
        kind=record.kind,
        server=server,
        received_at=record.received_at,
        before=before.verb,
        rule_before=before.rule,
        reason_before=before.reason,
        after=after.verb,
        rule_after=after.rule,
        reason_after=after.reason,
    )
