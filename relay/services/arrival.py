"""A request to the inbox on its way through the services, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.domain import hosts

if TYPE_CHECKING:
    from relay.domain.activity import Activity
    from relay.domain.log import Proven
    from relay.protocol.httpsig import SignedRequest
    from relay.services.authenticate import Sender


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of a request that was answered 202: `code` is stable, `seq` the number of what was stored."""

    code: str
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request whose sender is known: what it says, who sent it, as it was sent, and every server that it names.

    `proven` is set when somebody else than the activity's actor sent it, with that actor's proof.
    """

    activity: Activity
    sender: Sender
    request: SignedRequest
    servers: frozenset[str]
    proven: Proven | None = None

    @property
    def direct(self) -> bool:
        """Whether the activity's own actor sent it."""
        return self.sender.actor == self.activity.actor

    @property
    def authentic(self) -> bool:
        """Whether the activity's own actor said this; otherwise only a relay says so."""
        return self.direct or self.proven is not None


@dataclass(frozen=True, slots=True)
class ReceiveRules:
    """What the operator lets in."""

    anyone: bool = False
    unlisted: bool = False


def servers_of(activity: Activity) -> frozenset[str]:
    """Return every server an activity names: of its actor, its object, and whom the object is attributed to.

    When the object is an activity in turn, its actor and its object count, too.
    """
    urls = [activity.actor, *activity.object_ids]
    inner = activity.object
    if inner is not None:
        urls += inner.attributed_to
        urls += [url for url in (inner.actor, inner.object_id) if url is not None]
    return hosts.server_names(urls)


def authors_of(activity: Activity) -> frozenset[str]:
    """Return the actors that an activity is by: its own, and whom an embedded object is attributed to."""
    post = activity.object
    return frozenset((activity.actor, *(post.attributed_to if post is not None else ())))
