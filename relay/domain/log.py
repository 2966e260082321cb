"""The log of what was published, and holds: what waits for a person."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from relay.domain.traits import Traits


class Proof(StrEnum):
    """How received bytes were shown to be their actor's own, whoever delivers them."""

    LINKED_DATA = "ld"
    """A Linked Data signature (RsaSignature2017)."""
    INTEGRITY = "proof"
    """A data integrity proof (FEP-8b32)."""


@dataclass(frozen=True, slots=True)
class Proven:
    """Bytes that others can check without the relay: how, and until when they do (seconds since 1970, or None)."""

    by: Proof
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """A body as it is sent, and its `Digest` header."""

    body: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class NewEntry:
    """One published activity, rendered once for everybody.

    `origins` are the servers it must not go back to. `announce` is our Announce of the object, for what can be
    announced; `forward` are the exact bytes as received, for what is proven. `attestations` is the
    `Media-Attestation` header that goes with either. `traits` tell who wants it; of an Update, where its post stands
    in the log is added when it is stored.
    """

    object_id: str
    origins: frozenset[str]
    announce: Rendered | None
    forward: Rendered | None
    proven: Proven | None
    attestations: str | None
    traits: Traits = field(default_factory=Traits, kw_only=True)


@dataclass(frozen=True, slots=True)
class LogEntry(NewEntry):
    """An entry at its place; `position` orders the log."""

    position: int
    published_at: float

    def forwardable(self, now: float) -> Rendered | None:
        """The exact bytes, unless who receives them would refuse them as too old."""
        if self.proven is None or (self.proven.until is not None and self.proven.until <= now):
            return None
        return self.forward


class HoldState(StrEnum):
    """What became of a hold."""

    OPEN = "open"
    RELEASED = "released"
    DROPPED = "dropped"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class LongHeld:
    """Holds that wait for long: how many, the number of the newest of them, and since when that waits."""

    count: int
    newest: int
    since: float


class ActivityState(StrEnum):
    """Where a received activity stands. `SCREENING` and `DEFERRED` are work; the others are ends."""

    SCREENING = "screening"
    DEFERRED = "deferred"
    HELD = "held"
    PUBLISHED = "published"
    DROPPED = "dropped"
    WITHDRAWN = "withdrawn"
