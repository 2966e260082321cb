"""What came of a delivery: settled in memory, and noted for the next checkpoint."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.domain.delivery import Host
from relay.domain.errors import Unavailable
from relay.domain.subscription import State

if TYPE_CHECKING:
    from relay.domain.log import LogEntry
    from relay.ports import Clock, Store
    from relay.services.ledger import Ledger
    from relay.services.shares import Part
    from relay.services.tally import Tally
    from relay.services.tracks import Line, Peer, Track


class Settling:
    """Settles deliveries one by one."""

    def __init__(
        self, store: Store, clock: Clock, part: Part, ledger: Ledger, line: Line, tally: Tally
    ) -> None:
        self._store, self._clock, self._part = store, clock, part
        self._ledger, self._line, self._tally = ledger, line, tally

    def passed(self, track: Track, position: int) -> None:
        """A position is done with."""
        if position in track.progress.stragglers:
            self._ledger.straggler(track.id, position, None)
            track.freed(position)
        track.progress.settle(position)
        self._ledger.moved()

    def delivered(self, track: Track, position: int) -> None:
        """The subscriber took it."""
        track.counts[0] += 1
        self._worked(track.peer, track.subscription.server)
        self.passed(track, position)

    async def back(self, track: Track) -> None:
        """An inbox that was gone took something: it is served as before."""
        self._tally.add("deliveries_resumed", "probe")
        self._ledger.host(track.subscription.inbox, Host())
        await self._set_state(track, State.ACCEPTED, None)

    def refused(self, track: Track, entry: LogEntry) -> None:
        """The subscriber does not want it, and is well."""
        track.counts[1] += 1
        self._worked(track.peer, track.subscription.server)
        self.passed(track, entry.position)

    async def gone(self, track: Track, error: str) -> None:
        """The inbox is gone: it is only probed from now on."""
        self._ledger.host(track.subscription.inbox, track.probed(error, self._clock.now()))
        track.counts[2] += 1
        if not track.unreachable:
            await self._set_state(track, State.UNREACHABLE, f"the inbox is gone ({error})")

    def failed(self, track: Track, entry: LogEntry, error: str, retry_after: float | None) -> None:
        """It is tried again: this position later, or the whole server when it fails as a whole."""
        now, jitter = self._clock.now(), self._clock.jitter()
        track.counts[2] += 1
        was_straggler = entry.position in track.progress.stragglers
        kept = track.progress.fail(
            entry.position,
            error=error,
            now=now,
            jitter=jitter,
            host_succeeded_at=track.peer.health.succeeded_at,
        )
        straggler = track.progress.stragglers.get(entry.position)
        if straggler is not None:
            self._ledger.straggler(track.id, entry.position, straggler)
            track.straggle(entry.position, entry.object_id)
            self._line.at(straggler.due_at, track)
        elif not kept:
            self._ledger.straggler(track.id, entry.position, None)
            track.freed(entry.position)
        if not was_straggler or retry_after:
            track.peer.health.failed(error, now, jitter, retry_after)
            self._ledger.host(track.subscription.server, track.peer.health)
        self._ledger.moved()

    def _worked(self, peer: Peer, server: str) -> None:
        if peer.health.failures:
            self._tally.add("deliveries_resumed", "retry")
            self._ledger.host(server, peer.health)
        peer.proven = True
        peer.health.succeeded(self._clock.now())

    async def _set_state(self, track: Track, state: State, reason: str | None) -> None:
        known = track.subscription
        track.subscription = replace(known, state=state, reason=reason)
        try:
            async with self._store.transaction() as tx:
                await self._part.check(tx)
                await tx.subscribers.save(track.subscription, self._clock.now())
        except Unavailable:
            track.subscription = known  # the next attempt notices it as well
