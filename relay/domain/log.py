"""The log of what was published, and holds: what waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One published activity, rendered once for everybody.

    `position` orders the log. `origins` are the servers it must not go back to. `body` is the activity as sent;
    `digest` its `Digest` header; `attestations` the `Media-Attestation` header, if any.
    """

    position: int
    object_id: str
    origins: frozenset[str]
    body: bytes
    digest: str
    attestations: str | None
    published_at: float


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A log entry before it has its position."""

    object_id: str
    origins: frozenset[str]
    body: bytes
    digest: str
    attestations: str | None


class HoldState(StrEnum):
    """What became of a hold."""

    OPEN = "open"
    RELEASED = "released"
    DROPPED = "dropped"
    WITHDRAWN = "withdrawn"


class ActivityState(StrEnum):
    """Where a received activity stands. `SCREENING` and `DEFERRED` are work; the others are ends."""

    SCREENING = "screening"
    DEFERRED = "deferred"
    HELD = "held"
    PUBLISHED = "published"
    DROPPED = "dropped"
    WITHDRAWN = "withdrawn"
