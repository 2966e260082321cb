"""Rules of a policy: what they are. `relay.domain.evaluation` finds the first that fits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from relay.domain.facts import Fact


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
    """The fact is one of `values`, or of what the named `lists` of the policy hold.

    Where an activity can have several values, such as `media`, `from` or `hashtags`, it is enough that one fits;
    a value may cover others: `*.example` subdomains, `image/*` types, `pt` regions. `attested by`: there is at
    least one issuer and all of them are named, because the condition is used to trust, and one trusted issuer must
    not carry another's media through. `none` stands for no media, no match, no category, no hashtag.
    """

    fact: Fact
    values: frozenset[str]
    lists: tuple[str, ...] = ()

    def normal(self) -> list[object]:
        """A JSON-able form, the same for equal conditions."""
        return [self.fact.value, sorted(self.values), *([sorted(self.lists)] if self.lists else [])]


@dataclass(frozen=True, slots=True)
class Between:
    """The fact is a number, at least `least` and at most `most`; a number that is not known does not fit.

    Ages are in seconds, sizes in bytes. `per` is the window of a rate (`minute`, `hour`, `day`), empty for all others.
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

    `unmet` is a fact that did not fit, `until` for an ended rule, None when it fitted. `phase` is
    `always`, `on_scanner_error`, `rules`, `otherwise` or `floor`.
    """

    phase: str
    rule: str
    unmet: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """The step as JSON."""
        return {"phase": self.phase, "rule": self.rule, "unmet": self.unmet}
