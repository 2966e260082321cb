"""A policy in plain sentences: what `assay policy explain` reads aloud, and what the public reads of it.

Made from the tables of `relay.domain.vocabulary` alone, so that a fact that can be written can be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.facts import NONE, Fact
from relay.domain.policy import FLOORED, RELAYING, Mode, OneOf, Verb
from relay.domain.vocabulary import BY_NAME, BY_VERB, FactKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from relay.domain.policy import Action, Between, Condition, Policy, Rule
    from relay.domain.vocabulary import FactInfo

_TIMES: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_SIZES: Final = (
    ("GiB", 1024**3),
    ("MiB", 1024**2),
    ("KiB", 1024),
    ("MB", 1000**2),
    ("kB", 1000),
    ("bytes", 1),
)
_ANY: Final = {Fact.MEDIA: "media of any sort", Fact.MATCH: "matches or resembles something"}
_HOLDS: Final = {FactKind.NAMES: "name", FactKind.ACTORS: "account"}


class Shown(StrEnum):
    """How much of a policy is read aloud.

    `ALL`: to the operator. `MOST`: all but how alike two pictures must be, which tells how much to change one.
    `OUTLINE`: neither names of rules nor numbers to stay below, nor which servers, accounts, hashtags and names are
    meant, nor who is told: whoever wants to get around the rules learns nothing to do it with.
    """

    ALL = "all"
    MOST = "most"
    OUTLINE = "outline"


_NAMING: Final = frozenset({FactKind.NAMES, FactKind.SERVERS, FactKind.ACTORS, FactKind.HASHTAGS})
"""Kinds whose values name somebody or something that could take another name."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences under one heading; `numbered` where their order decides."""

    heading: str
    lines: tuple[str, ...]
    numbered: bool = False


def explain(
    policy: Policy,
    elsewhere: Collection[str] = (),
    shown: Shown = Shown.ALL,
    sizes: Mapping[str, int] | None = None,
) -> tuple[Paragraph, ...]:
    """The whole policy, in the order in which it decides.

    `elsewhere` are the names of lists that others keep: what they hold may be another thing tomorrow. `sizes`: how
    many members lists have that are empty in `policy`, because it was read from a record.
    """
    held = {name: len(members) for name, members in policy.lists} | dict(sizes or {})
    always, rules = (
        tuple(rule_sentence(rule, shown) for rule in phase) for phase in (policy.always, policy.rules)
    )
    paragraphs = [
        Paragraph("What it does", (_mode(policy),)),
        Paragraph("First, always; no rule below can undo it", always, numbered=True),
        Paragraph("When our scan could not be made and nothing matched", (_do(policy.on_scanner_error),)),
        Paragraph("Then, from top to bottom; the first that fits decides", rules, numbered=True),
        Paragraph("When no rule fits", (_do(policy.otherwise),)),
        Paragraph("Whatever the rules say", (_floor(policy),)),
        Paragraph("What subscribers get", tuple(_profile(*profile) for profile in policy.profiles)),
        Paragraph("Lists", tuple(_lists(policy, elsewhere, held))),
    ]
    return tuple(paragraph for paragraph in paragraphs if paragraph.lines)


def rule_sentence(rule: Rule, shown: Shown = Shown.ALL) -> str:
    """One rule: its name, when it fits, what is done then."""
    when = " and ".join(condition_phrase(condition, shown) for condition in rule.when)
    what = f"{f'if {when}, ' if when else ''}{action_phrase(rule.then)}."
    parts = [f"{what[0].upper()}{what[1:]}" if shown is Shown.OUTLINE else f'"{rule.name}": {what}']
    if rule.reason is not None:
        parts.append(f"Reason code: {rule.reason}.")
    if rule.tell and shown is not Shown.OUTLINE:
        parts.append(f"To be told: {_and(rule.tell)}.")
    if rule.until is not None:
        parts.append(f"Applies to the end of {datetime.fromtimestamp(rule.until - 1, UTC).date()} (UTC).")
    return " ".join(parts)


def action_phrase(action: Action) -> str:
    """What is to be done: `hold it for a person`, `decide again after 10 minutes`."""
    if action.verb is Verb.DEFER:
        return f"decide again after {duration(action.seconds)}"
    return BY_VERB[action.verb].phrase


def condition_phrase(condition: Condition, shown: Shown = Shown.ALL) -> str:
    """One condition: `it carries an image or a video`."""
    info = BY_NAME[condition.fact]
    if isinstance(condition, OneOf):
        said = _words(info, condition, shown)
    elif shown is Shown.OUTLINE or (shown is Shown.MOST and info.fact is Fact.MATCH_DISTANCE):
        said = _veiled(info, condition)
    else:
        said = _compared(info, condition)
    return info.phrase.format(said)


def duration(seconds: int) -> str:
    """A length of time in its largest whole unit: `10 minutes`, `1 day`."""
    return _in_units(seconds, _TIMES)[0]


def _do(action: Action) -> str:
    phrase = action_phrase(action)
    return f"{phrase[0].upper()}{phrase[1:]}."


def _mode(policy: Policy) -> str:
    if policy.mode is Mode.ENFORCE:
        return f"Version {policy.version} acts on what it decides."
    return f"Version {policy.version} only observes: it decides and records, and relays anyway."


def _floor(policy: Policy) -> str:
    words = BY_NAME["match"].words
    floored = _or(words[kind] for kind in sorted(FLOORED))
    never = f"What {floored} is never relayed: where a rule would relay it, it is held for a person."
    if policy.mode is Mode.ENFORCE:
        return never
    if policy.observe_known_matches:
        return f"What {floored} is relayed, too, because the policy only observes and says `observe_known_matches`."
    return f"{never} So it is although the policy only observes."


def _profile(name: str, verbs: frozenset[Verb]) -> str:
    if verbs >= RELAYING:
        return f'Profile "{name}": everything that is relayed.'
    return f'Profile "{name}": what was decided as {_or(sorted(verbs)) or "nothing"}.'


def _lists(policy: Policy, elsewhere: Collection[str], held: Mapping[str, int]) -> Iterable[str]:
    kinds = {
        name: BY_NAME[condition.fact].kind
        for rule in (*policy.always, *policy.rules)
        for condition in rule.when
        if isinstance(condition, OneOf)
        for name in condition.lists
    }
    for name, _ in policy.lists:
        if name in elsewhere:
            yield f'"{name}" is kept by somebody else and refreshed.'
        elif name in kinds:
            yield f'"{name}" holds {_many(held[name], kinds[name])}.'


def _many(count: int, kind: FactKind) -> str:
    if not count:
        return "nothing"
    one = _HOLDS.get(kind, kind.removesuffix("s"))
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"


def _words(info: FactInfo, condition: OneOf, shown: Shown) -> str:
    if info.any_of and condition.values == set(info.any_of):
        return _ANY[info.fact]
    # Closed words in the order of the table, open ones in that of the alphabet.
    words = [word for word in info.words if word in condition.values] or sorted(condition.values)
    if shown is Shown.OUTLINE and info.kind in _NAMING:
        named = [word for word in words if not (word == NONE and info.none)]
        said = [info.none] if len(named) < len(words) else []
        said += [f"one of {_many(len(named), info.kind)} not named here"] if named else []
    else:
        said = [_word(info, word) for word in words]
    said += [f'{_the(info.kind)} of the list "{name}"' for name in condition.lists]
    return _or(said) or "nothing"


def _the(kind: FactKind) -> str:
    return {
        FactKind.SERVERS: "a server",
        FactKind.ACTORS: "an account",
        FactKind.HASHTAGS: "a hashtag",
        FactKind.LANGUAGES: "a language",
    }.get(kind, "a name")


def _word(info: FactInfo, word: str) -> str:
    if word == NONE and info.none:
        return info.none
    if info.kind is FactKind.SERVERS and word.startswith("*."):
        return f"any server under {word[2:]}"
    if info.kind is FactKind.HASHTAGS:
        return f"#{word}"
    return info.words.get(word, word)


def _veiled(info: FactInfo, condition: Between) -> str:
    """Which way a number is compared, without the number."""
    upwards = condition.most is None
    if info.kind is FactKind.RATE:
        return f"{'too many' if upwards else 'few'} posts in the last {condition.per}"
    if info.kind is FactKind.AGE:
        return f"{'more' if upwards else 'less'} than a time that is not published"
    return f"{'above' if upwards else 'below'} a limit that is not published"


def _compared(info: FactInfo, condition: Between) -> str:
    least, most = condition.least, condition.most
    if most is None:
        said = _rounder(info, f"at least {_number(info, least)}", "more than", least, least - 1)
    elif least == most:
        said = _number(info, least)
    elif least == 0:
        said = _rounder(info, f"up to {_number(info, most)}", "less than", most, most + 1)
    else:
        said = f"from {_number(info, least)} to {_number(info, most)}"
    return f"{said} posts in the last {condition.per}" if condition.per else said


def _rounder(info: FactInfo, inclusive: str, how: str, number: int, beside: int) -> str:
    """`less than 14 days` rather than `up to 1209599 seconds`: whichever number is rounder."""
    if beside > 0 and _roundness(info, beside) > _roundness(info, number):
        return f"{how} {_number(info, beside)}"
    return inclusive


def _roundness(info: FactInfo, number: int) -> int:
    if info.kind is FactKind.AGE:
        return _in_units(number, _TIMES)[1]
    if info.kind is FactKind.SIZE:
        return _in_units(number, _SIZES)[1]
    return len(str(number)) - len(str(number).rstrip("0"))


def _number(info: FactInfo, number: int) -> str:
    if info.kind is FactKind.AGE:
        return duration(number)
    if info.kind is FactKind.SIZE:
        return _in_units(number, _SIZES)[0]
    return f"{number} {info.unit}" if info.unit else str(number)


def _in_units(number: int, units: tuple[tuple[str, int], ...]) -> tuple[str, int]:
    """The number in the largest unit that divides it, and the size of that unit."""
    name, size = next(unit for unit in units if number % unit[1] == 0 and (number or unit[1] == 1))
    count = number // size
    plural = "" if count == 1 or units is _SIZES else "s"
    return f"{count:,} {name}{plural}", size


def _or(words: Iterable[str]) -> str:
    return _joined(list(words), "or")


def _and(words: Iterable[str]) -> str:
    return _joined(list(words), "and")


def _joined(words: list[str], last: str) -> str:
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)
