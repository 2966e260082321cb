"""Lists of servers that others publish, and what a refresh of one changes.

What a source says is kept apart from what is in force: a refresh is the difference between the two, applied as one
batch that can be looked at and undone. A difference that is too large for a list that grew by hand waits for a person:
a list that was taken over or broke off must neither empty the block list nor fill it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain import hosts
from relay.domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MOST_ENTRIES: Final = 500_000
"""Most servers that one list may name; the largest lists in use have some thousands."""
POLICY_PREFIX: Final = "policy:"
"""What the name of a list begins with that a policy names; no configured list can be called so."""
SUDDEN_ENTRIES: Final = 20
"""Up to so many servers a difference is never sudden."""
SUDDEN_SHARE: Final = 0.5
"""Share of the servers in force from which a gain or a loss is sudden."""


class ListFormat(StrEnum):
    """How a list is written (`federation.blocklists[].format`)."""

    MASTODON_CSV = "mastodon-csv"
    FIRES = "fires"


class Effect(StrEnum):
    """What an entry asks for: `BLOCK` refuses the server, `OBSERVE` only counts what would have been refused."""

    BLOCK = "block"
    OBSERVE = "observe"


class BatchState(StrEnum):
    """Where a batch stands. `PENDING` waits for a person, `UNDONE` and `REJECTED` are kept from coming back."""

    APPLIED = "applied"
    PENDING = "pending"
    UNDONE = "undone"
    REJECTED = "rejected"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Blocklist:
    """A list as configured. `place` is its address, or the path of its file when `is_file`; `refresh` in seconds.

    `action` `OBSERVE` makes observations of all its entries. `for_policy`: it neither blocks nor observes, but holds
    the servers of a list that the policy names: those that the source says to block.
    """

    name: str
    place: str
    format: ListFormat
    refresh: float
    action: Effect
    is_file: bool = False
    for_policy: bool = False


@dataclass(frozen=True, slots=True)
class ListedServer:
    """One entry: `server` and its subdomains. `severity` is the source's own word, `comment` its public reason.

    `ref` is the id under which the source may take the entry back without naming the server (FIRES tombstones).
    """

    server: str
    effect: Effect
    severity: str = ""
    comment: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class ReadList:
    """What was read: entries by server; `obfuscated` and `unusable` count the lines that cannot be matched."""

    entries: Mapping[str, ListedServer]
    obfuscated: int = 0
    unusable: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One server of a difference: its entry before and after, None where there is none."""

    server: str
    before: ListedServer | None
    after: ListedServer | None

    @property
    def effects(self) -> tuple[Effect | None, Effect | None]:
        """What was in force, and what will be."""
        return (
            self.before.effect if self.before else None,
            self.after.effect if self.after else None,
        )

    def reversed(self) -> Change:
        """The change back."""
        return Change(self.server, self.after, self.before)


def listed_name(text: str) -> str | None:
    """The canonical server of an entry, None when it cannot be one. Total.

    `*.example.org` says no more than `example.org`, whose subdomains are meant too. A name without a dot would
    block a whole top-level domain, so it is none.
    """
    try:
        name = hosts.parse_pattern(text.strip()).removeprefix("*.")
    except Malformed:
        return None
    return name if "." in name or name.startswith("[") else None


def differences(
    in_force: Mapping[str, ListedServer],
    wanted: Mapping[str, ListedServer],
    kept_back: Collection[tuple[str, Effect | None]] = (),
) -> tuple[Change, ...]:
    """What has to change for `wanted` to be in force, by server name.

    `kept_back` are effects that a person undid or refused: they are left out until the source changes its mind.
    """
    found = []
    for server in sorted(in_force.keys() | wanted.keys()):
        change = Change(server, in_force.get(server), wanted.get(server))
        before, after = change.effects
        if before is not after and (server, after) not in kept_back:
            found.append(change)
    return tuple(found)


def gained_and_lost(changes: Collection[Change]) -> tuple[int, int]:
    """How many servers the changes add and take away; one that is blocked instead of observed is a gain."""
    gained = sum(1 for change in changes if change.effects in _GAINS)
    lost = sum(1 for change in changes if change.effects in _LOSSES)
    return gained, lost


def is_sudden(size: int, changes: Collection[Change]) -> bool:
    """Whether the changes to a list of `size` entries in force are too many to be applied without a person."""
    limit = max(SUDDEN_ENTRIES, size * SUDDEN_SHARE)
    return any(count > limit for count in gained_and_lost(changes))


_GAINS: Final = frozenset({(None, Effect.BLOCK), (None, Effect.OBSERVE), (Effect.OBSERVE, Effect.BLOCK)})
_LOSSES: Final = frozenset({(Effect.BLOCK, None), (Effect.OBSERVE, None), (Effect.BLOCK, Effect.OBSERVE)})
