"""A policy as plain JSON that is kept for good: everything by which it decides, of its lists only how large they were.

Whoever reads a record years later needs neither the files nor the presets of that time. What the members of a list
were is in nobody's record: a digest tells whether two records had the same ones. A record is only for reading: a policy
made of it has empty lists, and decides nothing.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from relay.domain.facts import Fact
from relay.domain.policy import Action, Between, Condition, Mode, OneOf, Policy, Rule, Verb

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Record = dict[str, Any]

ELSEWHERE: Final = "elsewhere"
"""What stands for the members of a list that others keep: it changes without a new version of the policy."""


def record_of(policy: Policy, elsewhere: Collection[str] = ()) -> Record:
    """The record of a policy; `elsewhere` are the names of the lists that others keep.

    Two policies with equal records decide equally, as long as what others keep is equal too.
    """
    return {
        "version": policy.version,
        "mode": policy.mode.value,
        "on_scanner_error": _action(policy.on_scanner_error),
        "observe_known_matches": policy.observe_known_matches,
        "profiles": [[name, sorted(verbs)] for name, verbs in policy.profiles],
        "always": [_rule(rule) for rule in policy.always],
        "rules": [_rule(rule) for rule in policy.rules],
        "otherwise": _action(policy.otherwise),
        "lists": {name: ELSEWHERE if name in elsewhere else _size(held) for name, held in policy.lists},
    }


def read_record(record: Record) -> Policy:
    """The policy of a record, with empty lists. Raises KeyError, TypeError or ValueError for what is none."""
    return Policy(
        version=record["version"],
        mode=Mode(record["mode"]),
        always=tuple(map(_read_rule, record["always"])),
        rules=tuple(map(_read_rule, record["rules"])),
        otherwise=_read_action(record["otherwise"]),
        on_scanner_error=_read_action(record["on_scanner_error"]),
        observe_known_matches=record["observe_known_matches"],
        profiles=tuple((name, frozenset(map(Verb, verbs))) for name, verbs in record["profiles"]),
        lists=tuple((name, frozenset[str]()) for name in record["lists"]),
    )


def sizes(record: Record) -> dict[str, int | None]:
    """How many members each list had, by name; None where others keep it."""
    return {
        name: None if held == ELSEWHERE else held["members"] for name, held in record.get("lists", {}).items()
    }


def _size(members: frozenset[str]) -> dict[str, object]:
    digest = hashlib.sha256(json.dumps(sorted(members)).encode()).hexdigest()
    return {"members": len(members), "sha256": digest}


def _action(action: Action) -> list[object]:
    return [action.verb.value, action.seconds]


def _read_action(found: list[Any]) -> Action:
    return Action(Verb(found[0]), found[1])


def _rule(rule: Rule) -> Record:
    return {
        "name": rule.name,
        "when": [_condition(condition) for condition in rule.when],
        "then": _action(rule.then),
        "reason": rule.reason,
        "until": rule.until,
        "tell": list(rule.tell),
    }


def _read_rule(found: Mapping[str, Any]) -> Rule:
    return Rule(
        found["name"],
        tuple(map(_read_condition, found["when"])),
        _read_action(found["then"]),
        found["reason"],
        found["until"],
        tuple(found["tell"]),
    )


def _condition(condition: Condition) -> Record:
    if isinstance(condition, OneOf):
        said = {"one_of": sorted(condition.values), "lists": list(condition.lists)}
        return {"fact": condition.fact.value, **said}
    said_between = {"least": condition.least, "most": condition.most, "per": condition.per}
    return {"fact": condition.fact.value, **said_between}


def _read_condition(found: Mapping[str, Any]) -> Condition:
    fact = Fact(found["fact"])
    if "one_of" in found:
        return OneOf(fact, frozenset(found["one_of"]), tuple(found["lists"]))
    return Between(fact, found["least"], found["most"], found["per"])
