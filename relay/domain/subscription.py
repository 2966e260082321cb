"""Subscriptions: who follows the relay, and what each event means for them.

The table of `on_follow` is the whole protocol of relays.md B1 and B2 as values; effects are the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.activity import is_public_collection
from relay.domain.subscriber_profile import SubscriberProfile

if TYPE_CHECKING:
    from collections.abc import Mapping

INSTANCE_TYPES: Final = frozenset({"Application", "Service", "Organization", "Group"})
"""Actor types that stand for a server and not for a person."""


class Dialect(StrEnum):
    """How a subscriber speaks to relays: `mastodon` follows the public collection, `litepub` follows the actor."""

    MASTODON = "mastodon"
    LITEPUB = "litepub"


class Mode(StrEnum):
    """Who may subscribe (`federation.subscriptions`)."""

    OPEN = "open"
    APPROVE = "approve"
    ALLOW_LIST = "allow-list"
    CLOSED = "closed"


class State(StrEnum):
    """Where a subscription stands.

    Only `ACCEPTED` receives and publishes. `UNREACHABLE` was set by the relay when the inbox answered 410 and
    ends by itself; `SUSPENDED` was set by the operator and ends by the operator.
    """

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    UNREACHABLE = "unreachable"


SERVED: Final = frozenset({State.ACCEPTED, State.UNREACHABLE})
"""States in which the log is followed."""


class Reply(StrEnum):
    """A message the relay owes a subscriber."""

    ACCEPT = "accept"
    REJECT = "reject"
    FOLLOW_BACK = "follow-back"
    UNDO_FOLLOW_BACK = "undo-follow-back"


class Back(StrEnum):
    """Our own Follow of a litepub subscriber: not sent, sent, or accepted by it."""

    NONE = "none"
    SENT = "sent"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One server that follows the relay.

    `server` is its name (host, with a port when unusual); `follow` the complete newest Follow, which Accept and
    Reject embed. Times are seconds since the epoch. `profile` is what it wants, since the log stood at `profile_since`;
    `profile_locked` tells that only operators change it.
    """

    id: int
    actor: str
    server: str
    inbox: str
    dialect: Dialect
    state: State
    follow: Mapping[str, object]
    created_at: float
    changed_at: float
    reason: str | None = None
    back: Back = Back.NONE
    back_id: str | None = None
    profile: SubscriberProfile = field(default_factory=SubscriberProfile)
    profile_since: int = 0
    profile_locked: bool = False

    @property
    def follow_id(self) -> str:
        """The id of the newest Follow."""
        return str(self.follow.get("id", ""))


class UpstreamState(StrEnum):
    """Where our Follow of another relay stands: to be sent, sent, answered, or to be taken back."""

    NEW = "new"
    SENT = "sent"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Upstream:
    """A relay that this one follows: what it sends is relayed on.

    `dialect` is how it is followed: `litepub` follows its actor, `mastodon` the public collection. `inbox` is None
    until its actor was fetched; `error` says why that, or the Follow, failed.
    """

    actor: str
    server: str
    dialect: Dialect
    state: UpstreamState
    follow_id: str
    created_at: float
    changed_at: float
    inbox: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an event leads to: the new state, the messages owed, and the reason shown to people."""

    state: State
    replies: tuple[Reply, ...] = ()
    reason: str | None = None


def dialect_of(followed: str, relay_actor: str) -> Dialect | None:
    """Tell the dialect from what is followed; None when it is neither the public collection nor the relay."""
    if is_public_collection(followed):  # FEP-ae0c, Mastodon relay protocol
        return Dialect.MASTODON
    if followed == relay_actor:  # FEP-ae0c, LitePub relay protocol
        return Dialect.LITEPUB
    return None


def is_server_actor(actor_type: str, actor_id: str) -> bool:
    """Whether an actor stands for a server.

    Pleroma and older Akkoma publish their relay actor as a Person whose path is `/relay` (relays.md B4).
    """
    return actor_type in INSTANCE_TYPES or actor_id.rstrip("/").endswith("/relay")


def on_follow(
    existing: Subscription | None,
    dialect: Dialect,
    mode: Mode,
    *,
    allowed: bool,
    person: bool,
    followed: bool = False,
) -> Outcome:
    """Decide what a Follow means.

    `allowed`: the server stands on the allow list. `person`: a LitePub Follow by an actor that is no server.
    `followed`: the relay follows this actor itself, so its Follow is the follow-back that LitePub asks for.
    A repeated Follow of an accepted subscriber gets Accept again and nothing else: a second follow-back would
    make two relays follow each other for ever (relays.md B4).
    """
    if person:
        return Outcome(State.REJECTED, (Reply.REJECT,), "only servers can subscribe")
    if existing is not None and existing.state is State.SUSPENDED:
        return Outcome(State.SUSPENDED, (), existing.reason)
    if existing is not None and existing.state in {State.ACCEPTED, State.UNREACHABLE}:
        changed = existing.dialect is not dialect
        return Outcome(State.ACCEPTED, accept_replies(dialect) if changed else (Reply.ACCEPT,))
    if followed:
        return Outcome(State.ACCEPTED, (Reply.ACCEPT,))
    if mode is Mode.OPEN or (allowed and mode is not Mode.CLOSED):
        return Outcome(State.ACCEPTED, accept_replies(dialect))
    if existing is not None and existing.state is State.REJECTED and mode is Mode.APPROVE:
        return Outcome(State.REJECTED, (Reply.REJECT,), existing.reason)
    if mode is Mode.APPROVE:
        return Outcome(State.PENDING, (), "waiting for approval")
    reason = "subscriptions are closed" if mode is Mode.CLOSED else "not on the allow list"
    return Outcome(State.REJECTED, (Reply.REJECT,), reason)


def accept_replies(dialect: Dialect) -> tuple[Reply, ...]:
    """Return what a newly accepted subscriber is owed: LitePub expects to be followed back (FEP-ae0c)."""
    return (Reply.ACCEPT, Reply.FOLLOW_BACK) if dialect is Dialect.LITEPUB else (Reply.ACCEPT,)


def leave_replies(subscription: Subscription) -> tuple[Reply, ...]:
    """Return what a subscriber that is rejected or removed is owed."""
    undo = () if subscription.back is Back.NONE else (Reply.UNDO_FOLLOW_BACK,)
    return (Reply.REJECT, *undo)


class Command(StrEnum):
    """What an operator can do to a subscription."""

    APPROVE = "approve"
    REJECT = "reject"
    SUSPEND = "suspend"
    RESUME = "resume"


_ALLOWED: Final[dict[Command, frozenset[State]]] = {
    Command.APPROVE: frozenset({State.PENDING, State.REJECTED}),
    Command.REJECT: frozenset({State.PENDING, State.ACCEPTED, State.UNREACHABLE}),
    Command.SUSPEND: frozenset({State.ACCEPTED, State.PENDING, State.UNREACHABLE}),
    Command.RESUME: frozenset({State.SUSPENDED, State.UNREACHABLE}),
}


def on_command(subscription: Subscription, command: Command, reason: str | None) -> Outcome | None:
    """Decide what an operator's command means; None when it does not fit the present state."""
    if subscription.state not in _ALLOWED[command]:
        return None
    match command:
        case Command.APPROVE:
            return Outcome(State.ACCEPTED, accept_replies(subscription.dialect))
        case Command.REJECT:
            return Outcome(State.REJECTED, leave_replies(subscription), reason)
        case Command.SUSPEND:
            return Outcome(State.SUSPENDED, (), reason)
        case _:  # resume
            return Outcome(State.ACCEPTED, (Reply.ACCEPT,))
