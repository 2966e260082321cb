"""Looking through media that are stored already: what is found, how far it has come, what is written down of it.

Files are looked at side by side and taken note of in their order, so that "everything up to here" is one name: whoever
goes on after it misses nothing and writes nothing twice.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from relay.domain.media import ScanOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.media import Match

COLUMNS: Final = (
    *("path", "outcome", "reason", "list", "category", "kind", "algorithm", "distance", "frames", "of"),
    *("sha256", "size", "type", "changed_at"),
)
"""What stands in a row of a report, in this order."""

_MATCHED: Final = frozenset({ScanOutcome.MATCH, ScanOutcome.VENDOR_TEST_MATCH})


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in a store, by its name there. `size` in bytes, `changed_at` in seconds since the epoch.

    `trouble` is why it cannot be looked at, known from the listing alone: `link`, `not-a-file`, `no-permission`.
    """

    name: str
    size: int
    changed_at: float
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """What was found out about a stored file. `digest` is its SHA-256 in hex, None when it was not read.

    `known`: it was scanned before, with the lists of now.
    """

    file: StoredFile
    outcome: ScanOutcome
    reason: str | None = None
    digest: str | None = None
    media_type: str | None = None
    matches: tuple[Match, ...] = ()
    known: bool = False

    @property
    def matched(self) -> bool:
        """Whether it is on a list."""
        return self.outcome in _MATCHED

    @property
    def clean(self) -> bool:
        """Whether it was checked, and nothing found."""
        return self.outcome is ScanOutcome.NO_KNOWN_MATCH

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Write it down: a row for each match, one for none; `path` is where the file is, in full."""
        shared = {
            "path": path,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "sha256": self.digest,
            "size": self.file.size,
            "type": self.media_type,
            "changed_at": datetime.fromtimestamp(self.file.changed_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        found: list[dict[str, Any]] = [
            {
                "list": match.scanner,
                "category": match.category,
                "kind": match.kind.value,
                "algorithm": match.algorithm,
                "distance": match.distance,
                "frames": match.frames,
                "of": match.of,
            }
            for match in self.matches
        ]
        return [{name: {**shared, **one}.get(name) for name in COLUMNS} for one in found or [{}]]


@dataclass(slots=True)
class Progress:
    """How far looking through a store has come: everything up to the file named `cursor` is counted here.

    `unchecked` counts what could not be checked, by reason; `skipped` what was changed before `since`; `known` what had
    been scanned before; `report` the bytes of the report that belong to all this. Times are seconds since the epoch.
    """

    begun_at: float
    since: float | None = None
    cursor: str | None = None
    looked_at: int = 0
    clean: int = 0
    matched: int = 0
    known: int = 0
    skipped: int = 0
    size: int = 0
    unchecked: dict[str, int] = field(default_factory=dict)
    report: int = 0
    finished: bool = False

    def skip(self, file: StoredFile) -> None:
        """Count a file that is older than what is looked for."""
        self.cursor = file.name
        self.skipped += 1

    def count(self, noted: Noted) -> None:
        """Count a file that was looked at."""
        self.cursor = noted.file.name
        self.looked_at += 1
        self.size += noted.file.size
        self.known += noted.known
        if noted.matched:
            self.matched += 1
        elif noted.clean:
            self.clean += 1
        else:
            why = noted.reason or noted.outcome.value
            self.unchecked[why] = self.unchecked.get(why, 0) + 1

    def as_json(self) -> dict[str, Any]:
        """The progress as JSON; `of` reads it."""
        return asdict(self)

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Self:
        """Read what `as_json` wrote."""
        return cls(**found)


class InOrder:
    """Files that are looked at side by side, given back in their order. None stands for one that was skipped."""

    def __init__(self) -> None:
        self._begun, self._next = 0, 0
        self._done: dict[int, tuple[StoredFile, Noted | None]] = {}

    def begin(self) -> int:
        """Return the number of the next file."""
        self._begun += 1
        return self._begun - 1

    def done(
        self, number: int, file: StoredFile, noted: Noted | None
    ) -> list[tuple[StoredFile, Noted | None]]:
        """Take what came of a file; return it and what waited for it, or nothing while an earlier one is missing."""
        self._done[number] = (file, noted)
        found = []
        while self._next in self._done:
            found.append(self._done.pop(self._next))
            self._next += 1
        return found
