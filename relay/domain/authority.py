"""May this actor do this? What can be told from the activity alone.

FEP-fe34: an actor speaks for its own origin and for nothing else. The checks hold whoever signed; that the
signer is the actor is checked before.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain.attachments import ACTOR_TYPES
from relay.domain.hosts import same_origin

if TYPE_CHECKING:
    from relay.domain.activity import Activity

_ABOUT_OWN: Final = frozenset({"Create", "Update", "Delete"})
_ANSWERS: Final = frozenset({"Accept", "Reject"})
"""Takahe names these after the Follow that they answer, so on our own origin; what counts is that Follow."""


class Overreach(StrEnum):
    """Why an activity is dropped: it claims what its actor has no say in."""

    ID = "id"
    """The activity's id is on another origin than its actor (Misskey demands it, relays.md B4)."""
    AUTHOR = "author"
    """The object is attributed to others (row 34)."""
    ACCOUNT = "account"
    """An actor is updated, deleted or moved by another one (row 35)."""
    OBJECT = "object"
    """The object is on another origin than the actor (row 36)."""
    ACTIVITY = "activity"
    """An activity is undone by another than its actor (row 35)."""


def overreach(activity: Activity) -> Overreach | None:
    """What the activity claims beyond its actor's authority, or None. Total.

    A Delete that names an account by its bare id on the same origin cannot be told from that of a post.
    """
    if activity.type in _ANSWERS:
        return None
    if activity.id is not None and not same_origin(activity.id, activity.actor):
        return Overreach.ID
    if activity.type == "Move":
        return None if activity.object_ids == (activity.actor,) else Overreach.ACCOUNT
    if activity.type == "Undo":
        return _undone(activity)
    return _own(activity) if activity.type in _ABOUT_OWN else None


def _undone(activity: Activity) -> Overreach | None:
    embedded = activity.object
    if embedded is not None and embedded.actor is not None:
        return None if embedded.actor == activity.actor else Overreach.ACTIVITY
    is_near = all(same_origin(found, activity.actor) for found in activity.object_ids)
    return None if is_near else Overreach.ACTIVITY


def _own(activity: Activity) -> Overreach | None:
    if not all(same_origin(found, activity.actor) for found in activity.object_ids):
        return Overreach.OBJECT
    embedded = activity.object
    if embedded is None:
        return None
    if embedded.type in ACTOR_TYPES and embedded.id != activity.actor:
        return Overreach.ACCOUNT
    if embedded.attributed_to and activity.actor not in embedded.attributed_to:
        return Overreach.AUTHOR
    return None
