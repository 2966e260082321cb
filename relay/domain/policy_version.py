"""A version of the policy: what was in force, since when, by whom and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.domain.policy_record import Record


class Why(StrEnum):
    """How a policy came into force."""

    START = "start"
    RELOAD = "reload"
    APPLY = "apply"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class WrittenPolicy:
    """A policy as somebody wrote it.

    `place` is where it was written, for people: a file, a block of one, the built-in policy. `text` is a policy in a
    file of its own, comments included. `preset` is the name of the one it begins with, and `expanded` what that said
    then, both None without one.
    """

    place: str
    text: str
    preset: str | None = None
    expanded: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One entry of the history; entries are never changed.

    `number` counts from 1 without gaps. `policy` is `Policy.id` when it came into force; `record` is all of it by which
    it decides. `at` is in seconds since the epoch; `who` gave the command, `relay` for none. `salt` is 32 secret bytes:
    without them nobody can try what the sealed parts of the statement may be. `statement` is the signed one, a compact
    JWS that names the statement before.
    """

    number: int
    policy: str
    at: float
    who: str
    why: Why
    note: str
    written: WrittenPolicy
    record: Record
    salt: bytes
    statement: str
