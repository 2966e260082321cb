"""What became of published activities for subscribers: told from the cursors, by the same rules as the fan-out's.

What is read is the last checkpoint, so the running relay may be about a second ahead of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.delivery import Host, Progress
from relay.domain.fate import Sendable, passage
from relay.protocol.httpsig import Target
from relay.services.tracks import Peer, Track

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.fate import Passage
    from relay.domain.log import LogEntry
    from relay.domain.subscription import Subscription
    from relay.ports import Clock, Tx
    from relay.services.selection import Selectors


class Passages:
    """Looks up what became of an activity. `selectors` are its own, not those of the fan-out."""

    def __init__(self, clock: Clock, selectors: Selectors) -> None:
        self._clock, self._selectors = clock, selectors

    async def of(
        self, tx: Tx, published: Mapping[int, float], subscriptions: Sequence[Subscription]
    ) -> dict[int, tuple[Passage, ...]]:
        """Say by position what became of activities for each of the subscriptions, in their order.

        `published` are positions of the log, and when something was published there.
        """
        self._selectors.renew()
        progress, hosts = await tx.fanout.progress(), await tx.fanout.hosts()
        found = {}
        for position, at in published.items():
            entries = await tx.fanout.entries(position - 1, position, stopped=True)
            missing = await tx.fanout.missing(position)
            passages = []
            for one in subscriptions:
                come, host = progress.get(one.id, Progress(0)), hosts.get(one.server, Host())
                sendable = self._sendable(one, entries[0], come) if entries else None
                missed = one.id in missing
                passages.append(passage(one, position, at, sendable, come, host, missed=missed))
            found[position] = tuple(passages)
        return found

    def _sendable(self, subscription: Subscription, entry: LogEntry, progress: Progress) -> Sendable:
        selector = self._selectors.of(subscription.profile)
        track = Track(subscription, progress, Target.of(subscription.inbox), Peer(Host()), selector)
        # Proofs end: what was sent already was sent when it still held.
        at = entry.published_at if entry.position <= progress.cursor else self._clock.now()
        rendered = track.rendering(entry, at)
        return Sendable(
            own=subscription.server in entry.origins,
            can_be_said=rendered is not None,
            part=track.skip(entry),
        )
