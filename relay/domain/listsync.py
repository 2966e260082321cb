"""Lists that somebody keeps and that are fetched from there: what the keeper says, and how far we have come.

A keeper speaks of entries of its own, each with several hashes. Two entries may have a hash in common, and an entry
that is taken back comes without its hashes; so what was said of each entry is kept (`Statement`), and what changes on
our list follows from what was said before and what is said now.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from relay.domain.hashlist import HashAlgorithm, ListChange, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relay.domain.hashlist import ListEntry

Value: TypeAlias = tuple[HashAlgorithm, str]
"""What an entry is about."""

OVERLAP: Final = 3600.0
"""Seconds before the checkpoint that are asked for again: keepers' clocks differ, and what is new may show up late."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a keeper says of one of its entries.

    `owner` names the entry among all of this keeper's. `at` is when it last changed there, in seconds since the epoch.
    `entries` are its hashes as far as we use them: none when it was taken back.
    """

    owner: str
    at: float
    entries: tuple[ListEntry, ...] = ()

    @property
    def key(self) -> bytes:
        """Stands for `owner` in the store, 16 bytes."""
        return hashlib.sha256(self.owner.encode()).digest()[:16]

    @property
    def content(self) -> bytes:
        """The entries as the store keeps them."""
        return pack([ListChange(entry) for entry in self.entries])


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a keeper.

    `more` asks for the next page, None after the last. `reached` is the newest time that it tells of, None for none.
    `unused` counts what is not for us, by what it is.
    """

    statements: tuple[Statement, ...]
    more: str | None
    reached: float | None
    unused: Mapping[str, int]


@dataclass(slots=True)
class Progress:
    """How far fetching has come: what pages are asked for, and what comes after those that are stored.

    `since` and `until` bound what is asked for, 0 is everything. `noted_at` is when this was stored. `complete`: there
    are no more pages; then `merged` is the key, in hexadecimal, up to which the changes are worked out. `who` is at it.
    """

    since: float
    until: float
    who: str
    cursor: str = ""
    noted_at: float = 0.0
    reached: float | None = None
    pages: int = 0
    statements: int = 0
    complete: bool = False
    merged: str = ""
    unused: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Progress:
        """Read what `as_text` wrote."""
        return cls(**json.loads(text))

    def as_text(self) -> str:
        """Write it."""
        return json.dumps(asdict(self))

    def take(self, page: Page, now: float) -> None:
        """Count a page, and stand behind it."""
        self.pages += 1
        self.statements += len(page.statements)
        for why, count in page.unused.items():
            self.unused[why] = self.unused.get(why, 0) + count
        if page.reached is not None:
            self.reached = max(page.reached, self.reached or 0.0)
        self.cursor, self.complete = page.more or "", page.more is None
        self.noted_at = now

    def begin_again(self, now: float) -> None:
        """Ask for the first page again, because the keeper no longer knows the next one. What is stored stays."""
        self.cursor, self.until = "", now

    @property
    def checkpoint(self) -> float:
        """From where to ask next time: what was really seen counts, not what time it is here."""
        if self.reached is None:
            return self.since or self.until
        return max(self.since, min(self.reached, self.until))


@dataclass(frozen=True, slots=True)
class SyncState:
    """How a list that is fetched is doing. Times are in seconds since the epoch.

    `place`: what the checkpoint belongs to, address and choice together. `checkpoint` is 0 until the list was fetched
    once. `waits`: a batch was undone, so nothing is fetched before somebody says so. `unused`: what the last fetch
    found and did not use, by what it is.
    """

    list: str
    place: str
    checkpoint: float = 0.0
    synced_at: float | None = None
    next_at: float = 0.0
    failures: int = 0
    error: str | None = None
    error_at: float | None = None
    waits: bool = False
    unused: Mapping[str, int] = field(default_factory=dict)


def newest(statements: Iterable[Statement]) -> list[Statement]:
    """Each owner's newest statement; of two of one time the later one."""
    found = dict[str, Statement]()
    for one in statements:
        before = found.get(one.owner)
        if before is None or one.at >= before.at:
            found[one.owner] = one
    return list(found.values())


def differences(before: bytes | None, now: bytes) -> tuple[list[ListChange], set[Value]]:
    """What is new in a statement's content against the one before, and the hashes that it no longer has."""
    old = {} if before is None else {value_of(one): one for one in _entries(before)}
    new = {value_of(one): one for one in _entries(now)}
    return [ListChange(one) for value, one in new.items() if old.get(value) != one], old.keys() - new.keys()


def held(content: bytes, values: set[Value]) -> Sequence[ListEntry]:
    """The entries of a statement's content that have one of these hashes."""
    return [one for one in _entries(content) if value_of(one) in values]


def value_of(entry: ListEntry) -> Value:
    """Return what an entry is about."""
    return entry.algorithm, entry.value


def _entries(content: bytes) -> list[ListEntry]:
    return [change.entry for change in unpack(content)]
