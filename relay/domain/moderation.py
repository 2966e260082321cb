"""What the relay keeps about unwanted servers, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relay.domain.blocklist import BatchState, Change
    from relay.domain.software import Software


@dataclass(frozen=True, slots=True)
class ListState:
    """How the refreshes of one blocklist go.

    `source` is its address or file: another one starts anew. `cursor`, `etag` and `modified` belong to the source.
    `loaded_at` is when its content was first in force, `checked_at` when it was last read without an error, `next_at`
    when it is due. `observed` counts what it would have refused.
    """

    name: str
    source: str
    etag: str = ""
    modified: str = ""
    cursor: str = ""
    loaded_at: float | None = None
    checked_at: float | None = None
    next_at: float = 0.0
    failures: int = 0
    error: str | None = None
    obfuscated: int = 0
    unusable: int = 0
    observed: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """One refresh of a list that changed something, or would if a person accepted it. Times are since the epoch."""

    id: int
    list: str
    at: float
    who: str
    source: str
    state: BatchState
    gained: int
    lost: int
    changes: tuple[Change, ...]
    decided_at: float | None = None
    decided_by: str | None = None


@dataclass(frozen=True, slots=True)
class OptOut:
    """An actor that blocked the relay; `whole_server` when it stands for its server."""

    actor: str
    server: str
    whole_server: bool
    activity_id: str | None
    at: float


class Cause(StrEnum):
    """Why the relay itself suspended a subscription."""

    BLOCKED = "blocked"
    SOFTWARE = "software"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about a server. `due_at`: when its NodeInfo is fetched again; `error`: why it could not be."""

    server: str
    first_seen_at: float
    software: Software | None = None
    fetched_at: float | None = None
    due_at: float = 0.0
    error: str | None = None
