"""A policy as somebody writes it: its parts as text, which may be wrong, and what is to be said about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.policy import Policy
    from relay.domain.policy_changes import Change

SECTIONS: Final = ("always", "rules")
"""The parts of a policy that hold rules."""


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """A rule as it is written. `when` has the words of each condition, a comparison being one word.

    `then`, `reason` and `until` are empty where nothing is written; `others` are keys that no rule has, with their
    values as plain data.
    """

    name: str = ""
    when: tuple[tuple[str, tuple[str, ...]], ...] = ()
    then: str = ""
    reason: str = ""
    until: str = ""
    tell: tuple[str, ...] = ()
    others: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class PlacedRule:
    """A rule of a text: its first and last line, counted from 1, what is written there, and the rule.

    `rule` is None where it is not made as rules are, so that only its text can be changed.
    """

    first: int
    last: int
    text: str
    rule: WrittenRule | None


@dataclass(frozen=True, slots=True)
class Outline:
    """What a policy consists of. `keys` are the values of `preset`, `mode`, `otherwise` and `on_scanner_error`.

    `lists` are the members of each list that is written out, None for one that is kept elsewhere.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, tuple[PlacedRule, ...]] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    profiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that is wrong or doubtful: where, the line, why, what to write instead.

    `line` and `column` count from 1, `width` in characters. `file` is empty for the text itself; else it is another
    file that the text names, whose words are not repeated. `key` leads to the place within a rule: `when.media`.
    """

    error: bool
    code: str
    line: int
    column: int
    width: int
    text: str
    cause: str
    fix: str = ""
    guess: str = ""
    file: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class TriedExample:
    """An example of the policy: what is given, how it comes out, and what is wrong with that."""

    given: str
    decided: str
    rule: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class DraftReading:
    """What a text says. `policy` is None when there is an error; `draft` is there when only an example failed.

    `outline` is None for what is no policy at all. `elsewhere` are lists that others keep.
    """

    policy: Policy | None
    draft: Policy | None
    remarks: Sequence[Remark]
    examples: Sequence[TriedExample]
    outline: Outline | None
    elsewhere: frozenset[str] = frozenset()

    @property
    def errors(self) -> int:
        """How many things keep it from being used."""
        return sum(one.error for one in self.remarks)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A policy without errors, and how it differs from the one in force: not at all when it decides alike."""

    policy: Policy
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class SavedPolicy:
    """What came of saving a policy.

    `path` is the file that it is written in, `backup` that file as it was before, None when it says the same already.
    `version` is the number of the one in force, and whether that is a `new` one. `restart` are keys of the
    configuration that wait for a restart.
    """

    path: str
    backup: str | None
    version: int | None
    new: bool
    restart: Sequence[str]
