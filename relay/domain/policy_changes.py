"""What is different between two policies, in sentences: rules by their names, everything else by its key."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.english import Shown, action_phrase, rule_sentence
from relay.domain.policy_record import read_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relay.domain.policy import Policy, Rule
    from relay.domain.policy_record import Record


class Kind(StrEnum):
    """What happened."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `what`: what it is about; `old` and `new` are sentences, empty where there was or is nothing."""

    kind: Kind
    what: str
    old: str = ""
    new: str = ""

    def as_json(self) -> dict[str, str]:
        """The difference for programs."""
        return {"kind": self.kind.value, "what": self.what, "old": self.old, "new": self.new}


_PHASES: Final = {"always": "rule of the safety floor", "rules": "rule"}


def changes(old: Record, new: Record, shown: Shown = Shown.ALL) -> tuple[Change, ...]:
    """Every difference between two records, the same for equal ones: none.

    With `Shown.OUTLINE` differences that only hidden words make are there too, with equal sentences: that something
    changed is no secret.
    """
    before, after = read_record(old), read_record(new)
    return (
        *_keys(before, after),
        *_rules("always", before.always, after.always, shown),
        *_rules("rules", before.rules, after.rules, shown),
        *_profiles(before, after),
        *_lists(old["lists"], new["lists"]),
    )


def _keys(old: Policy, new: Policy) -> Iterator[Change]:
    told = (
        ("version", "Version {}.", old.version, new.version),
        ("mode", "The policy is in mode {}.", old.mode.value, new.mode.value),
        (
            "on_scanner_error",
            "When our scan could not be made: {}.",
            action_phrase(old.on_scanner_error),
            action_phrase(new.on_scanner_error),
        ),
        (
            "observe_known_matches",
            "Known matches are relayed in observe: {}.",
            _yes(yes=old.observe_known_matches),
            _yes(yes=new.observe_known_matches),
        ),
        ("otherwise", "When no rule fits: {}.", action_phrase(old.otherwise), action_phrase(new.otherwise)),
    )
    for what, sentence, before, after in told:
        if before != after:
            yield Change(Kind.CHANGED, what, sentence.format(before), sentence.format(after))


def _yes(*, yes: bool) -> str:
    return "yes" if yes else "no"


def _rules(phase: str, old: Sequence[Rule], new: Sequence[Rule], shown: Shown) -> Iterator[Change]:
    """Rules are the same rule when they have the same name; their order counts, because the first that fits decides."""
    before, after = {rule.name: rule for rule in old}, {rule.name: rule for rule in new}
    for name, rule in before.items():
        if name not in after:
            yield Change(Kind.REMOVED, _what(phase, name, shown), old=rule_sentence(rule, shown))
    moved = _moved([name for name in before if name in after], [name for name in after if name in before])
    for name, rule in after.items():
        what = _what(phase, name, shown)
        if name not in before:
            yield Change(Kind.ADDED, what, new=rule_sentence(rule, shown))
        elif before[name].normal() != rule.normal():
            yield Change(Kind.CHANGED, what, rule_sentence(before[name], shown), rule_sentence(rule, shown))
        if name in moved:
            place = list(after).index(name) + 1
            yield Change(Kind.MOVED, what, new=f"It is now tried as number {place} of {len(after)}.")


def _moved(old: list[str], new: list[str]) -> set[str]:
    """The rules that are not where they were among those that stay: as few as explain the order."""
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    stayed = {name for block in blocks for name in old[block.a : block.a + block.size]}
    return set(old) - stayed


def _what(phase: str, name: str, shown: Shown) -> str:
    return _PHASES[phase] if shown is Shown.OUTLINE else f'{_PHASES[phase]} "{name}"'


def _profiles(old: Policy, new: Policy) -> Iterator[Change]:
    before, after = dict(old.profiles), dict(new.profiles)
    for name in sorted(before.keys() | after.keys()):
        sent = [
            f'Profile "{name}" is sent what was decided as {", ".join(sorted(held[name])) or "nothing"}.'
            if name in held
            else ""
            for held in (before, after)
        ]
        if sent[0] != sent[1]:
            yield Change(_kind(*sent), f'profile "{name}"', *sent)


def _lists(old: Record, new: Record) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name):
            continue
        told = [_held(name, lists[name]) if name in lists else "" for lists in (old, new)]
        yield Change(_kind(*told), f'list "{name}"', *told)


def _held(name: str, held: object) -> str:
    if not isinstance(held, dict):
        return f'The list "{name}" is kept by somebody else and refreshed.'
    return f'The list "{name}" has {held["members"]:,} members.'


def _kind(old: str, new: str) -> Kind:
    if old and new:
        return Kind.CHANGED
    return Kind.ADDED if new else Kind.REMOVED
