"""What the relay keeps of received activities and their media, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.facts import AttestationState
    from relay.domain.log import ActivityState, HoldState, NewEntry, Proven
    from relay.domain.media import (
        Decoded,
        Digests,
        FrameHash,
        Match,
        MediaKind,
        ScanOutcome,
        ScanResult,
        Undecodable,
    )
    from relay.domain.policy import Decision


@dataclass(frozen=True, slots=True)
class Incoming:
    """An activity that was accepted and is to be stored.

    `kind` is its type, `server` the server that signed it, `object_id` what it is about, `body` its exact bytes.
    `tokens` are compact attestations that came beside it (header, own Announce), `keys` what it must not repeat: its
    id and its loop key; `unless` are keys that others may have left to keep it out. `proven`: the bytes may be
    passed on as they are.
    """

    activity_id: str | None
    kind: str
    actor: str
    server: str
    object_id: str
    body: bytes
    received_at: float
    tokens: tuple[str, ...]
    keys: tuple[str, ...]
    unless: tuple[str, ...] = ()
    proven: Proven | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What was decided about an activity: its new state and everything that is written together with it.

    `facts` are the facts the decision rests on, as JSON. `entry` is appended to the log when there is one;
    `due_at` is when a deferred activity is looked at again. `about` is the object when it turned out to be another
    than the activity names. `brake` is the number of the brake that stopped it, or would have.
    """

    state: ActivityState
    decision: Decision
    facts: Mapping[str, object]
    at: float
    entry: NewEntry | None = None
    due_at: float = 0.0
    about: str | None = None
    brake: int | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A stored activity taken for screening. `attempts` counts this one."""

    seq: int
    activity_id: str | None
    kind: str
    actor: str
    server: str
    object_id: str
    body: bytes
    received_at: float
    tokens: tuple[str, ...]
    attempts: int
    proven: Proven | None = None


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What is known about some bytes: digests, what the sandbox made of them, what scanning said, and when."""

    digests: Digests
    decoded: Decoded | Undecodable
    result: ScanResult
    scanned_at: float


@dataclass(frozen=True, slots=True)
class Item:
    """One media item of an activity after screening.

    `digest` is None when the bytes could not be had. `reason` says why it was not scanned. `issuer` is the actor id
    of the attester whose statement is valid. `size` in bytes and `media_type` are for the policy and not stored: the
    type by content, else as the post says. `frame` is the first one, for the brake, and not stored either.
    """

    url: str
    kind: MediaKind
    digest: str | None
    outcome: ScanOutcome
    reason: str | None
    attestation: AttestationState
    issuer: str | None = None
    matches: tuple[Match, ...] = ()
    size: int | None = None
    media_type: str | None = None
    frame: FrameHash | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """Our attestation of a digest. `jws` is None when it is withheld on purpose; `key` is the name of its key."""

    digest: str
    jws: str | None
    issued_at: float
    expires_at: float
    retracted_at: float | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """An activity in quarantine."""

    id: int
    seq: int
    reason: str
    rule: str
    created_at: float
    state: HoldState
    activity_id: str | None
    kind: str
    actor: str
    server: str
    object_id: str
    body: bytes
    decided_at: float | None
    decided_by: str | None
    note: str | None
    proven: Proven | None = None


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A public key of another server's actor, with the time it was fetched."""

    id: str
    actor: str
    pem: str
    fetched_at: float


@dataclass(frozen=True, slots=True)
class Letter:
    """A message of our own on its way to one inbox: Accept, Reject, Follow, Undo. `attempts` counts this one."""

    id: int
    kind: str
    actor: str
    inbox: str
    body: bytes
    created_at: float
    attempts: int
