"""Finding the first rule that fits, fast: what a policy asks is compiled into look-ups.

Every different condition of a policy is one bit. For each fact there is a table from its words to the bits of
the conditions that hold then, so that one look-up answers all conditions on that fact at once and a list of a
hundred thousand servers costs no more than one of two. Comparisons are made one by one. A rule fits when all of
its bits are met; the steps of the trace are made beforehand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from relay.domain.content import covering_languages, covering_types
from relay.domain.facts import NO, NONE, YES, Fact, Facts, covering_names
from relay.domain.policy_rules import Between, Condition, OneOf, Rule, Tried

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Asking: TypeAlias = "tuple[int, dict[int, Tried], Rule, Tried]"
"""What one rule asks: its bits, the step to record for each that is not met, the rule, the step when it fits."""
Lookup: TypeAlias = "Callable[[str, int], int]"
"""From a word to the bits of the conditions that name it, `dict.get`."""

_NOTHING: Final = frozenset({NONE})


def _covered(names: frozenset[str], covering: Callable[[str], frozenset[str]]) -> frozenset[str]:
    if len(names) == 1:
        return covering(next(iter(names)))
    return frozenset().union(*map(covering, names))


_ONE: Final[Mapping[Fact, Callable[[Facts], str | None]]] = {
    Fact.ATTESTATION: lambda facts: facts.attestation,
    Fact.SCAN: lambda facts: facts.scan,
    Fact.MATCH: lambda facts: facts.match or NONE,
    Fact.CATEGORY: lambda facts: facts.category or NONE,
    Fact.TYPE: lambda facts: facts.type,
    Fact.SENSITIVE: lambda facts: YES if facts.content.sensitive else NO,
    Fact.SOFTWARE: lambda facts: facts.standing.software or NONE,
}
"""Facts of one word; None for a fact that fits nothing."""

_SEVERAL: Final[Mapping[Fact, Callable[[Facts], frozenset[str]]]] = {
    Fact.MEDIA: lambda facts: facts.media or _NOTHING,
    Fact.MEDIA_TYPE: lambda facts: _covered(facts.media_types, covering_types),
    Fact.LIST: lambda facts: facts.lists or _NOTHING,
    Fact.FROM: lambda facts: _covered(facts.from_hosts, covering_names),
    Fact.ACTOR: lambda facts: facts.content.actors,
    Fact.LANGUAGE: lambda facts: _covered(facts.content.languages, covering_languages) or _NOTHING,
    Fact.HASHTAGS: lambda facts: facts.content.hashtags or _NOTHING,
}
"""Facts of several words, one of which has to fit, with every name that covers them."""

_NUMBERS: Final[Mapping[tuple[Fact, str], Callable[[Facts], int | None]]] = {
    (Fact.MEDIA_COUNT, ""): lambda facts: facts.media_count,
    (Fact.MEDIA_SIZE, ""): lambda facts: facts.media_size,
    (Fact.MATCH_DISTANCE, ""): lambda facts: facts.match_distance,
    (Fact.MENTIONS, ""): lambda facts: facts.content.mentions,
    (Fact.SUBSCRIBED_FOR, ""): lambda facts: facts.standing.subscribed_for,
    (Fact.FIRST_SEEN, ""): lambda facts: facts.standing.first_seen,
    (Fact.POSTS_FROM_SERVER, "minute"): lambda facts: facts.standing.posts.minute,
    (Fact.POSTS_FROM_SERVER, "hour"): lambda facts: facts.standing.posts.hour,
    (Fact.POSTS_FROM_SERVER, "day"): lambda facts: facts.standing.posts.day,
}
"""Facts that are numbers, by the window of a rate; None for one that is not known."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """The rules of a policy by phase, and how to find out what they ask; `every` are the bits of all of it."""

    phases: Mapping[str, tuple[Asking, ...]]
    every: int
    words: tuple[tuple[Callable[[Facts], str | None], Lookup], ...]
    sets: tuple[tuple[Callable[[Facts], frozenset[str]], Lookup], ...]
    issuers: Lookup | None
    numbers: tuple[tuple[Callable[[Facts], int | None], tuple[tuple[float, float, int], ...]], ...]
    ends: tuple[tuple[float, int], ...]

    def unmet(self, facts: Facts, now: float) -> int:
        """The bits of every condition that does not hold at `now`, in seconds since the epoch."""
        met = 0
        for read_word, get in self.words:
            word = read_word(facts)
            if word is not None:
                met |= get(word, 0)
        for read_words, get in self.sets:
            for word in read_words(facts):
                met |= get(word, 0)
        if self.issuers is not None and facts.attested_by:
            met |= _common(facts.attested_by, self.issuers)
        for read_number, ranges in self.numbers:
            met |= _within(read_number(facts), ranges)
        for until, bit in self.ends:
            if now < until:
                met |= bit
        return self.every & ~met


def _within(number: int | None, ranges: tuple[tuple[float, float, int], ...]) -> int:
    """The bits of the ranges that a number is in; none for one that is not known."""
    met = 0
    if number is not None:
        for least, most, bit in ranges:
            if least <= number <= most:
                met |= bit
    return met


def _common(servers: frozenset[str], get: Lookup) -> int:
    """The bits that hold for all of the servers."""
    common = -1
    for server in servers:
        found = 0
        for name in covering_names(server):
            found |= get(name, 0)
        common &= found
    return common


def compile_rules(phases: Mapping[str, tuple[Rule, ...]], lists: Mapping[str, frozenset[str]]) -> Compiled:
    """The rules, ready to be asked; `lists` are the members of the lists that conditions name."""
    bits = _bits([rule for among in phases.values() for rule in among])
    tables = _tables(bits, lists)
    issuers = tables.pop(Fact.ATTESTED_BY, None)
    return Compiled(
        phases={
            phase: tuple(_asking(phase, rule, bits) for rule in among) for phase, among in phases.items()
        },
        every=(1 << len(bits)) - 1,
        words=tuple((_ONE[fact], table.get) for fact, table in tables.items() if fact in _ONE),
        sets=tuple((_SEVERAL[fact], table.get) for fact, table in tables.items() if fact in _SEVERAL),
        issuers=None if issuers is None else issuers.get,
        numbers=tuple((_NUMBERS[asked], tuple(ranges)) for asked, ranges in _ranges(bits).items()),
        ends=tuple((one, bit) for one, bit in bits.items() if isinstance(one, float)),
    )


def _bits(rules: list[Rule]) -> dict[Condition | float, int]:
    """A bit for each different condition, and for each end of a rule.

    Ends come first, so that the trace names the end of a rule rather than what else does not fit.
    """
    asked: list[Condition | float] = [float(rule.until) for rule in rules if rule.until is not None]
    asked += [condition for rule in rules for condition in rule.when]
    return {one: 1 << place for place, one in enumerate(dict.fromkeys(asked))}


def _tables(
    bits: Mapping[Condition | float, int], lists: Mapping[str, frozenset[str]]
) -> dict[Fact, dict[str, int]]:
    tables: dict[Fact, dict[str, int]] = {}
    for one, bit in bits.items():
        if isinstance(one, OneOf):
            table = tables.setdefault(one.fact, {})
            for word in one.values.union(*(lists.get(name, ()) for name in one.lists)):
                table[word] = table.get(word, 0) | bit
    return tables


def _ranges(
    bits: Mapping[Condition | float, int],
) -> dict[tuple[Fact, str], list[tuple[float, float, int]]]:
    ranges: dict[tuple[Fact, str], list[tuple[float, float, int]]] = {}
    for one, bit in bits.items():
        if isinstance(one, Between):
            most = math.inf if one.most is None else one.most
            ranges.setdefault((one.fact, one.per), []).append((one.least, most, bit))
    return ranges


def _asking(phase: str, rule: Rule, bits: Mapping[Condition | float, int]) -> Asking:
    steps = {bits[condition]: Tried(phase, rule.name, condition.fact.value) for condition in rule.when}
    if rule.until is not None:
        steps[bits[rule.until]] = Tried(phase, rule.name, "until")
    return sum(steps), steps, rule, Tried(phase, rule.name)


def first_fit(rules: tuple[Asking, ...], unmet: int, trace: list[Tried]) -> Rule | None:
    """The first rule none of whose bits is `unmet`, or None; each step is put on `trace`."""
    record = trace.append
    for needed, steps, rule, fits in rules:
        missing = needed & unmet
        if not missing:
            record(fits)
            return rule
        record(steps[missing & -missing])
    return None
