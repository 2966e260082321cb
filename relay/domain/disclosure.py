"""What is told outside about what became of a post: to anybody, to a subscriber, to the server that it came from.

Whoever can post pictures and ask why they were not relayed would learn what is on the hash lists. So what a decision
about media says is never told outside, whatever it is: such a post was relayed, which every subscriber sees, or it was
not. That it was not is told late, at a time that depends on when it came and on its id alone, never on what was found,
when it was found, or what a person made of it; until then it is a post that waits, as all are at first.

What cannot have to do with a match is told at once, with the reason code: decisions about posts without media, and that
there was nothing to relay. What would tell who blocks whom is kept back like a decision about media.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.log import ActivityState
from relay.domain.subscriber_profile import POSTS

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLD: Final = POSTS | {"Update"}
"""Kinds of activities that are told of outside: posts and their edits."""
_SPACE: Final = 1 << 64
_BY_BLOCKS: Final = frozenset({"blocked", "opted-out", "object-blocked"})
"""Reasons that would tell who blocks whom."""
_NOBODYS: Final = frozenset({"needs-review"})
"""Reasons that would tell that a person looks at a post."""
_AFTER_FETCHING: Final = _BY_BLOCKS | {"object-wrong-author", "repeat"}
"""Reasons without facts that are found only once a post turned out to be public."""
NOT_PUBLIC: Final = "object-not-public"


class Level(StrEnum):
    """Who asks: anybody, a subscriber or the server that a post came from, or the relay's operator."""

    PUBLIC = "public"
    SUBSCRIBER = "subscriber"
    OPERATOR = "operator"


class Outside(StrEnum):
    """Where a post stands, as it is told outside. A person who looks at it is not told of."""

    WAITING = "waiting"
    RELAYED = "relayed"
    NOT_RELAYED = "not-relayed"
    WITHDRAWN = "withdrawn"


STATES: Final = {
    Outside.WAITING: "It came, and is not relayed so far.",
    Outside.RELAYED: "It was relayed.",
    Outside.NOT_RELAYED: "It is not relayed.",
    Outside.WITHDRAWN: "It was deleted by its own server.",
}
"""The states in a sentence."""
LATE: Final = (
    "What was decided about posts with media is told hours after they came, and never which of several reasons it was: "
    "else people would try out what the relay looks for."
)


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision, as far as it matters here.

    `media`: whether the post had media; None when the decision rests on no facts. `relays`: whether it lets the post
    through by itself, without the policy only observing. `by_person`: a person decided, no policy.
    """

    rule: str
    reason: str
    media: bool | None
    relays: bool
    by_person: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """What is stored of an activity, as far as it matters here. `decisions` are in their order, oldest first.

    `deleted`: its own server deleted the object.
    """

    kind: str
    object_id: str
    state: ActivityState
    received_at: float
    deleted: bool
    decisions: Sequence[Decided]

    @property
    def is_public(self) -> bool:
        """Whether the post is known to be public. What was announced shows that only once it was fetched."""
        if any(one.reason == NOT_PUBLIC for one in self.decisions):
            return False
        return self.kind != "Announce" or any(
            one.media is not None or one.reason in _AFTER_FETCHING for one in self.decisions
        )

    @property
    def decided(self) -> Decided | None:
        """The decision that stands, without what a person made of it; None while the post is looked at, or anew."""
        if self.state is ActivityState.SCREENING:
            return None
        return next((one for one in reversed(self.decisions) if not one.by_person), None)


@dataclass(frozen=True, slots=True)
class Delay:
    """How late it is told that a post is not relayed: `shortest` to twice as many seconds after it came.

    Where between is a function of the post's id under `key` (32 bytes): asking again tells nothing, and nobody without
    the key knows it before.
    """

    key: bytes
    shortest: float

    def until(self, record: Record) -> float:
        """When it is told, in seconds since 1970."""
        drawn = hashlib.blake2b(record.object_id.encode(), digest_size=8, key=self.key).digest()
        return record.received_at + self.shortest * (1.0 + int.from_bytes(drawn) / _SPACE)


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What is told: where it stands, a reason code, and the rule's name where a rule may be named.

    `shows_media`: whether the states of the attestations of its media may be told to who has that level.
    """

    state: Outside
    reason: str
    rule: str | None = None
    shows_media: bool = False


def is_kept_back(record: Record, *, author: bool = False) -> bool:
    """Whether what was decided must not be told, because a match could be told from it, or who blocks whom.

    `author`: the server asks that the post is on, so that it may know what its own users want.
    """
    decided = record.decided
    if decided is None or decided.media or decided.reason in _NOBODYS:
        return True
    return decided.reason in _BY_BLOCKS and not (author and decided.reason == "opted-out")


def disclose(
    record: Record, level: Level, now: float, delay: Delay, *, author: bool = False
) -> Disclosure | None:
    """Return what somebody of a level below the operator's may know; None for what nobody may know anything of."""
    unfetched = author and not any(one.reason == NOT_PUBLIC for one in record.decisions)
    if record.kind not in TOLD or not (record.is_public or (unfetched and record.decided is not None)):
        return None
    if record.state is ActivityState.WITHDRAWN and not record.deleted:
        return None  # an edit that a newer one replaced
    if record.deleted:
        return None if level is Level.PUBLIC else Disclosure(Outside.WITHDRAWN, Outside.WITHDRAWN.value)
    kept_back, decided = is_kept_back(record, author=author), record.decided
    if record.state is ActivityState.PUBLISHED:
        state = Outside.RELAYED
    elif kept_back:
        state = Outside.NOT_RELAYED if now >= delay.until(record) else Outside.WAITING
    else:
        state = Outside.WAITING if record.state is ActivityState.DEFERRED else Outside.NOT_RELAYED
    if kept_back or decided is None:
        return Disclosure(
            state, state.value, shows_media=state is not Outside.WAITING and decided is not None
        )
    if state is Outside.RELAYED and not decided.relays:
        return Disclosure(state, state.value)
    rule = None if level is Level.PUBLIC else decided.rule
    return Disclosure(state, decided.reason, rule)
