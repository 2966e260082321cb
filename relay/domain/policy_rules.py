"""Rules of a policy: what they are, and finding the first that fits.

Compiled once into tuples: to look at a condition costs one set operation, and the steps of the trace are made
beforehand.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from relay.domain.facts import NONE, Fact, Facts, covering_names

if TYPE_CHECKING:
    from collections.abc import Callable


class Verb(StrEnum):
    """What is done with an activity."""

    RELAY = "relay"
    RELAY_AND_ATTEST = "relay-and-attest"
    RELAY_MARKED = "relay-marked"
    DEFER = "defer"
    QUARANTINE = "quarantine"
    DROP = "drop"


class Mode(StrEnum):
    """Whether decisions are acted on or only recorded."""

    OBSERVE = "observe"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class Action:
    """A verb, with the seconds to wait when it is `defer` (0 otherwise).

    `relay-and-attest` is `relay` plus the wish for our attestation.
    """

    verb: Verb
    seconds: int = 0

    def __str__(self) -> str:
        """The action as a policy writes it."""
        return f"{self.verb} {self.seconds} seconds" if self.verb is Verb.DEFER else self.verb.value


RELAY: Final = Action(Verb.RELAY)
QUARANTINE: Final = Action(Verb.QUARANTINE)


@dataclass(frozen=True, slots=True)
class OneOf:
    """The fact is one of `values`.

    `media` and `from`: any of the activity's values is (for `from`, `*.example` covers subdomains). `attested
    by`: there is at least one issuer and all of them are, because the condition is used to trust, and one
    trusted issuer must not carry another's media through. `none` stands for no media, no match, no category.
    """

    fact: Fact
    values: frozenset[str]

    def normal(self) -> list[object]:
        """A JSON-able form, the same for equal conditions."""
        return [self.fact.value, sorted(self.values)]


@dataclass(frozen=True, slots=True)
class Between:
    """The fact is a number, at least `least` and at most `most`.

    Ages are in seconds. `per` is the window of a rate (`minute`, `hour`, `day`), empty for all others.
    """

    fact: Fact
    least: int = 0
    most: int | None = None
    per: str = ""

    def normal(self) -> list[object]:
        """A JSON-able form, the same for equal conditions."""
        return [self.fact.value, self.least, self.most, *([self.per] if self.per else [])]


Condition: TypeAlias = OneOf | Between


@dataclass(frozen=True, slots=True)
class Rule:
    """`then` is done when all conditions in `when` fit; without conditions always.

    `reason`: code shown to senders and counted; None gives the verb's default. `until`: seconds since the
    epoch from which the rule does nothing. `tell`: names of groups to alert; carried to the decision.
    """

    name: str
    when: tuple[Condition, ...]
    then: Action
    reason: str | None = None
    until: float | None = None
    tell: tuple[str, ...] = ()

    def normal(self) -> list[object]:
        """A JSON-able form, the same for rules that decide the same under the same name."""
        conditions = sorted((condition.normal() for condition in self.when), key=json.dumps)
        return [self.name, conditions, str(self.then), self.reason, self.until, list(self.tell)]


@dataclass(frozen=True, slots=True)
class Tried:
    """One step of a decision.

    `unmet` is the first fact that did not fit, `until` for an ended rule, None when it fitted. `phase` is
    `always`, `on_scanner_error`, `rules`, `otherwise` or `floor`.
    """

    phase: str
    rule: str
    unmet: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """The step as JSON."""
        return {"phase": self.phase, "rule": self.rule, "unmet": self.unmet}


# A fact made ready to be looked up; its place in the tuple is `PLACES`. Facts of several values are sets or
# tuples.
Prepared: TypeAlias = "tuple[Any, ...]"
# Where to look, a test, what the test returns when the condition is not met, and the step to record then.
# Membership in a set is the cheapest test there is and tells what fits; `isdisjoint` tells what does not.
Check: TypeAlias = "tuple[int, Callable[[Any], bool], bool, Tried]"
PLACES: Final = {fact: place for place, fact in enumerate(Fact)}
_PLURAL: Final = frozenset({Fact.MEDIA, Fact.FROM})

# When it ends, its checks, the rule, and the steps to record when it fitted and when it has ended. Plain
# tuples: taking them apart is most of what a decision costs.
Compiled: TypeAlias = tuple[float, tuple[Check, ...], Rule, Tried, Tried]


def _inside(condition: Between) -> Callable[[Any], bool]:
    least, most = condition.least, math.inf if condition.most is None else condition.most
    if condition.per:
        count = attrgetter(condition.per)
        return lambda posts: bool(least <= count(posts) <= most)
    return lambda number: number is not None and least <= number <= most


def _all_covered(names: frozenset[str]) -> Callable[[frozenset[str]], bool]:
    def fits(servers: frozenset[str]) -> bool:
        return bool(servers) and not any(names.isdisjoint(covering_names(server)) for server in servers)

    return fits


def _test(condition: Condition) -> tuple[Callable[[Any], bool], bool]:
    """A test of the prepared fact, and what it returns when the condition is not met."""
    if isinstance(condition, Between):
        return _inside(condition), False
    if condition.fact is Fact.ATTESTED_BY:
        return _all_covered(condition.values), False
    if condition.fact in _PLURAL:
        return condition.values.isdisjoint, True
    return condition.values.__contains__, False


def compile_rules(phase: str, rules: tuple[Rule, ...]) -> tuple[Compiled, ...]:
    """The rules, ready for `first_fit`; `phase` is what their trace steps say."""
    return tuple(
        (
            math.inf if rule.until is None else rule.until,
            tuple(
                (PLACES[condition.fact], *_test(condition), Tried(phase, rule.name, condition.fact.value))
                for condition in rule.when
            ),
            rule,
            Tried(phase, rule.name),
            Tried(phase, rule.name, "until"),
        )
        for rule in rules
    )


def prepare(facts: Facts) -> Prepared:
    """The facts in the order of `Fact`, each ready to be looked up."""
    servers: set[str] = set()
    for host in facts.from_hosts:
        servers |= covering_names(host)
    return (
        facts.media or (NONE,),
        facts.attestation,
        facts.attested_by,
        facts.scan,
        facts.match or NONE,
        facts.match_distance,
        facts.category or NONE,
        servers,
        facts.type,
        facts.standing.software or NONE,
        facts.standing.subscribed_for,
        facts.standing.first_seen,
        facts.standing.posts,
    )


def first_fit(rules: tuple[Compiled, ...], view: Prepared, now: float, trace: list[Tried]) -> Rule | None:
    """The first rule that fits at `now` (seconds since the epoch), or None; each step is put on `trace`."""
    record = trace.append
    for ends, checks, rule, fits, ended in rules:
        if now >= ends:
            record(ended)
            continue
        for place, test, missed, step in checks:
            if test(view[place]) is missed:
                record(step)
                break
        else:
            record(fits)
            return rule
    return None
