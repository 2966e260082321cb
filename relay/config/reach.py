"""Which rules can never apply: sound, so that what is said here is so, and silent where it cannot be told.

A rule is covered when whatever fits it fits a rule above it; also when several rules above cover it together,
one for each word that a fact can have.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relay.domain.content import covering_languages, covering_types
from relay.domain.facts import NONE, Fact, Scan, covering_names
from relay.domain.policy import Between, OneOf
from relay.domain.vocabulary import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.domain.policy import Condition, Rule

_TOTAL: Final = (Fact.MEDIA, Fact.ATTESTATION, Fact.MATCH, Fact.SENSITIVE)
"""Facts of which every activity has at least one of the closed set of words."""
_KNOWN: Final = frozenset(
    {Fact.MEDIA_COUNT, Fact.MENTIONS, Fact.SUBSCRIBED_FOR, Fact.FIRST_SEEN, Fact.POSTS_FROM_SERVER}
)
"""Numbers that are always known."""
_COVERING: Final[Mapping[Fact, Callable[[str], frozenset[str]]]] = {
    Fact.FROM: covering_names,
    Fact.ATTESTED_BY: covering_names,
    Fact.LANGUAGE: covering_languages,
    Fact.MEDIA_TYPE: covering_types,
}
_NO_MATCH: Final = frozenset({Fact.MATCH_DISTANCE, Fact.CATEGORY, Fact.LIST})
"""Facts that are there only when something matched."""
_NO_MEDIA: Final = _NO_MATCH | {Fact.MEDIA_SIZE, Fact.MEDIA_TYPE, Fact.ATTESTED_BY, Fact.SCAN, Fact.MATCH}
"""Facts that are there only when there is media."""


def takers(below: Rule, above: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules above that leave nothing to `below`; none when it can apply, or when that cannot be told.

    The rules are those of `flattened`.
    """
    one = next((rule for rule in above if _covers(rule, below)), None)
    if one is not None:
        return (one,)
    for fact in dict.fromkeys((*_TOTAL, *(condition.fact for condition in below.when))):
        # What says nothing about the fact would cover the rule by itself.
        about = [rule for rule in above if any(condition.fact is fact for condition in rule.when)]
        together = _for_each_word(below, about, fact) if about else ()
        if together:
            return together
    return ()


def _for_each_word(below: Rule, above: Sequence[Rule], fact: Fact) -> tuple[Rule, ...]:
    """The rules above that cover `below` for each word of a fact."""
    written = next((one for one in below.when if one.fact is fact), None)
    words = written.values if isinstance(written, OneOf) and not written.lists else frozenset[str]()
    if written is None:
        words = frozenset(map(str, BY_NAME[fact].words))
    others = tuple(condition for condition in below.when if condition.fact is not fact)
    found: dict[str, Rule] = {}
    for word in sorted(words) if BY_NAME[fact].words else ():
        narrowed = replace(below, when=(*others, OneOf(fact, frozenset({word}))))
        taker = next((rule for rule in above if _covers(rule, narrowed)), None)
        if taker is None:
            return ()
        found[taker.name] = taker
    return tuple(rule for rule in above if found.get(rule.name) is rule)


def flattened(rule: Rule, lists: Mapping[str, frozenset[str]]) -> Rule:
    """The rule with what `lists` hold in place of their names; other lists stay named."""
    return replace(rule, when=tuple(_flat(condition, lists) for condition in rule.when))


def _flat(condition: Condition, lists: Mapping[str, frozenset[str]]) -> Condition:
    if not isinstance(condition, OneOf):
        return condition
    members = [lists[name] for name in condition.lists if name in lists]
    rest = tuple(name for name in condition.lists if name not in lists)
    return OneOf(condition.fact, condition.values.union(*members), rest)


def excluding(rule: Rule) -> tuple[Condition, Condition] | None:
    """Two conditions of a rule that no activity meets together; None when there are none that are known."""
    for first in rule.when:
        for second in rule.when:
            if any(exclude(first, second) for exclude in (_without_media, _without_match, _clean)):
                return first, second
    return None


def _without_media(first: Condition, second: Condition) -> bool:
    """Whether `first` says that there is no media and `second` that there is some."""
    nothing = _is(first, Fact.MEDIA, NONE) or (
        isinstance(first, Between) and first.fact is Fact.MEDIA_COUNT and first.most == 0
    )
    if not nothing:
        return False
    if isinstance(second, Between):
        return second.fact in _NO_MEDIA or (second.fact is Fact.MEDIA_COUNT and second.least > 0)
    absent = {Fact.ATTESTATION: "missing", Fact.MEDIA: NONE}.get(second.fact, NONE)
    return second.fact in {*_NO_MEDIA, Fact.ATTESTATION, Fact.MEDIA} and absent not in second.values


def _without_match(first: Condition, second: Condition) -> bool:
    if not _is(first, Fact.MATCH, NONE):
        return False
    named = second.fact in _NO_MATCH and (isinstance(second, Between) or NONE not in second.values)
    return named or _is(second, Fact.SCAN, Scan.MATCH)


def _clean(first: Condition, second: Condition) -> bool:
    """Whether the scan found nothing, and yet something matched."""
    found_nothing = _is(first, Fact.SCAN, Scan.CLEAN, Scan.UNSCANNABLE)
    matched = isinstance(second, OneOf) and second.fact is Fact.MATCH and NONE not in second.values
    return found_nothing and (matched or (second.fact is Fact.MATCH_DISTANCE))


def _is(condition: Condition, fact: Fact, *words: str) -> bool:
    """Whether a condition is on this fact and names none but these words."""
    return (
        isinstance(condition, OneOf)
        and condition.fact is fact
        and not condition.lists
        and condition.values <= set(words)
    )


def _covers(above: Rule, below: Rule) -> bool:
    """Whether `above` fits whenever `below` does; False where that cannot be told."""
    return all(
        _always_fits(wide)
        or any(wide.fact is narrow.fact and _includes(wide, narrow) for narrow in below.when)
        for wide in above.when
    )


def _always_fits(condition: Condition) -> bool:
    if isinstance(condition, Between):
        return condition.fact in _KNOWN and condition.least == 0 and condition.most is None
    return condition.fact in _TOTAL and condition.values >= set(BY_NAME[condition.fact].words)


def _includes(wide: Condition, narrow: Condition) -> bool:
    if isinstance(wide, Between):
        if not isinstance(narrow, Between) or wide.per != narrow.per:
            return False
        top = wide.most is None or (narrow.most is not None and narrow.most <= wide.most)
        return wide.least <= narrow.least and top
    if not isinstance(narrow, OneOf) or not set(narrow.lists) <= set(wide.lists):
        return False
    covering = _COVERING.get(wide.fact)
    rest = narrow.values - wide.values
    return all(covering is not None and not wide.values.isdisjoint(covering(name)) for name in rest)
