"""What became of a published activity for one subscriber, told from how far the subscriber has come in the log.

Single deliveries are not recorded: a subscriber has a cursor, and what lies behind it is settled in one way or another
(see `domain.delivery`). What is said here is only what follows from that, from its profile, and from what is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.subscriber_profile import Skip
from relay.domain.subscription import State

if TYPE_CHECKING:
    from relay.domain.delivery import Host, Progress
    from relay.domain.subscription import Subscription

SERVED: Final = frozenset({State.ACCEPTED, State.UNREACHABLE})
"""States in which a subscriber is sent something, or would be if its inbox answered."""


class Fate(StrEnum):
    """What became of an activity for a subscriber."""

    SETTLED = "settled"
    """Its cursor has passed it: delivered, refused, given up, or passed over."""
    COMING = "coming"
    """It is still to be sent."""
    RETRYING = "retrying"
    """It failed while others arrived, and waits for its own next attempt."""
    UNWANTED = "unwanted"
    """Its profile does not take it."""
    OWN = "own"
    """It came from there."""
    CANNOT = "cannot"
    """It cannot be said in its dialect."""
    MISSED = "missed"
    """It was away for longer than the log is kept."""
    BEFORE = "before"
    """It subscribed later."""
    UNSERVED = "unserved"
    """It is not served at present."""
    TAKEN_BACK = "taken-back"
    """It was deleted, or taken back by its author, before it was sent."""


SENTENCES: Final = {
    Fate.SETTLED: "delivered, or settled otherwise (refused, given up, passed over); which is not recorded",
    Fate.COMING: "still to be sent",
    Fate.RETRYING: "failed while others arrived; it is tried again",
    Fate.UNWANTED: "not wanted by its profile",
    Fate.OWN: "its own post: what comes from a server is not sent back there",
    Fate.CANNOT: "cannot be said to it: edits and deletions travel only as bytes that their server signed",
    Fate.MISSED: "missed: its server was away for longer than posts are kept",
    Fate.BEFORE: "published before it subscribed",
    Fate.UNSERVED: "not served at present",
    Fate.TAKEN_BACK: "deleted, or taken back by its author, before it was sent",
}
"""The fates in words."""

PARTS: Final = {
    Skip.DIRECTION: "it only sends",
    Skip.PROFILE: "its profile does not take what was decided about the post, such as media that could not be checked",
    Skip.LANGUAGE: "another language",
    Skip.HASHTAG: "other hashtags",
    Skip.MEDIA: "with media",
    Skip.SAMPLE: "not in its share of posts",
    Skip.RATE: "over its rate",
}
"""What in a profile does not take a post, in words."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One subscriber and one activity.

    `part` is what in the profile does not take it. For what is still to come or tried again: how often it, or any
    delivery to the server, failed in a row (`attempts`), the last `error`, and when the next attempt is due
    (`retry_at`, seconds since 1970); `error` is None while nothing failed.
    """

    subscription: Subscription
    fate: Fate
    part: Skip | None = None
    attempts: int = 0
    error: str | None = None
    retry_at: float | None = None

    def as_json(self) -> dict[str, object]:
        """What became of it as JSON, without times."""
        return {
            "subscriber": self.subscription.actor,
            "fate": self.fate.value,
            "part": self.part and self.part.value,
            "attempts": self.attempts,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class Sendable:
    """What of a log entry concerns one subscriber: whether it came from there, can be said to it, and is wanted."""

    own: bool
    can_be_said: bool
    part: Skip | None


def passage(
    subscription: Subscription,
    position: int,
    published_at: float,
    sendable: Sendable | None,
    progress: Progress,
    host: Host,
    *,
    missed: bool,
) -> Passage:
    """Say what became of the activity at a position of the log.

    `sendable` is None when the log does not hold it any more. `progress` and `host` are as they were saved last.
    `missed`: the position is in a gap of the subscriber.
    """
    if subscription.state not in SERVED:
        return Passage(subscription, Fate.UNSERVED)
    if published_at < subscription.created_at:
        return Passage(subscription, Fate.BEFORE)
    if missed:
        return Passage(subscription, Fate.MISSED)
    straggler = progress.stragglers.get(position)
    if straggler is not None and sendable is not None:
        return Passage(
            subscription,
            Fate.RETRYING,
            attempts=straggler.attempts,
            error=straggler.error,
            retry_at=straggler.due_at,
        )
    if sendable is not None and sendable.own:
        return Passage(subscription, Fate.OWN)
    if sendable is not None and not sendable.can_be_said:
        return Passage(subscription, Fate.CANNOT)
    passed = progress.is_settled(position)
    # What was passed before the profile became what it is was decided by another one.
    if sendable is not None and sendable.part and not (passed and position <= subscription.profile_since):
        return Passage(subscription, Fate.UNWANTED, sendable.part)
    if passed:
        return Passage(subscription, Fate.SETTLED)
    if sendable is None:
        return Passage(subscription, Fate.TAKEN_BACK)
    waits = host.failures > 0
    return Passage(
        subscription,
        Fate.COMING,
        attempts=host.failures,
        error=host.error if waits else None,
        retry_at=host.retry_at if waits else None,
    )
