"""Fan-out: every subscriber follows the log with its own cursor.

One loop takes turns among the tracks (see `tracks`), passes over what a subscriber does not want (see `selection`),
signs the rest in batches, and sends each delivery in a task of its own. What came of it is settled in memory and
written about once a second, in one transaction whose size does not depend on the number of subscribers: one watermark
for all who keep up, a row for each of the few who do not (see `domain.delivery.checkpoint`). After a crash at most what
was sent since the last checkpoint is sent again; receivers deduplicate by activity id.

A host that fails as a whole rests with exponential back-off and its cursor stays: nothing piles up for it, and the
deliveries to others neither wait for it nor slow down. One bad activity becomes a straggler after three failures.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relay.domain.delivery import Host, Verdict
from relay.domain.errors import Unavailable
from relay.domain.subscription import State
from relay.protocol.httpsig import Target
from relay.services.dispatch import Attempt, Dispatch
from relay.services.enduring import attempted
from relay.services.landing import Landings
from relay.services.ledger import Ledger, alone
from relay.services.logreader import LogReader
from relay.services.tracks import (
    PROBE_EVERY,
    FanOutLimits,
    Line,
    Peer,
    Track,
    due_straggler,
    open_positions,
)

if TYPE_CHECKING:
    from relay.domain.delivery import Progress
    from relay.domain.log import LogEntry, Rendered
    from relay.domain.remote import First
    from relay.domain.subscription import Subscription
    from relay.ports import Clock, Store
    from relay.services.ledger import Fence
    from relay.services.selection import Selectors
    from relay.services.signals import Signals
    from relay.services.signing import Signed, Signing

CHECKPOINT_EVERY: Final = 1.0
LOOK_EVERY: Final = 1.0


class FanOut:
    """Delivers the log to every accepted subscriber."""

    def __init__(
        self,
        *,
        store: Store,
        signing: Signing,
        clock: Clock,
        signals: Signals,
        selectors: Selectors,
        limits: FanOutLimits,
        check: Fence = alone,
    ) -> None:
        self._store, self._clock, self._signals, self._limits = store, clock, signals, limits
        self.selectors, self._check = selectors, check
        self._dispatch = Dispatch(signing, limits.timeout)
        self._loading = asyncio.Lock()
        self.delivered = 0
        """Deliveries since the start."""
        self._begin()

    def _begin(self) -> None:
        """Know nothing but what is stored: another process may have delivered meanwhile."""
        self._log, self._line = LogReader(self._store), Line()
        self._tracks: dict[int, Track] = {}
        self._peers: dict[str, Peer] = {}
        self._ledger = Ledger(self._store, self._clock, self._check)
        self._version, self._flying, self._suspects = -1, 0, 0
        self._landings = Landings(self._dispatch, self._delivered, self._send)

    async def run(self) -> None:
        """Deliver until cancelled; a last checkpoint is written on the way out."""
        self._begin()
        await self.look()
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(self._limits.feeders):
                    tasks.create_task(self._feed(tasks))
                tasks.create_task(self._landings.run(tasks))
                tasks.create_task(self._watch())
        finally:
            await self._ledger.save(self._tracks.values(), everything=True)

    async def run_once(self) -> int:
        """Deliver everything that is due now and write the checkpoint; return the number of attempts."""
        await self.look()
        attempts = 0
        while batch := await self._collect():
            async with asyncio.TaskGroup() as tasks:
                self._landings.launch(tasks, batch, await self._dispatch.sign(batch))
                await self._landings.finish(tasks)
            attempts += len(batch)
        await self._ledger.save(self._tracks.values(), everything=True)
        return attempts

    async def look(self) -> None:
        """Look for new log entries and for subscriptions that came, went or changed."""
        async with self._loading:
            heard, withdrawn = self._signals.take()
            self._log.forget(withdrawn)
            if self.selectors.renew():
                self._select()
            await self._look_at_subscriptions()
            for server in heard:
                self._heard_from(server)
            if await self._log.look():
                self._line.push_all(self._tracks.values())

    async def prune(self) -> None:
        """Forget what retention ended for; who has not come so far gets a gap on record and goes on after it."""
        now = self._clock.now()
        async with self._store.reading() as tx:
            upto = await tx.fanout.prunable(now - self._limits.retention)
        if upto is None:
            return
        cursors = {track.id: track.progress.cursor for track in self._tracks.values()}
        await self._ledger.prune(upto, cursors)
        for track in self._tracks.values():
            for position in [at for at in track.progress.stragglers if at <= upto]:
                self._ledger.straggler(track.id, position, None)
            track.progress.skip_to(upto)
        self._ledger.moved()
        await self._ledger.save(self._tracks.values())

    # ------------------------------------------------------------------ subscriptions

    async def _look_at_subscriptions(self) -> None:
        async with self._store.reading() as tx:
            version = await tx.subscribers.version()
            if version == self._version:
                return
            subscriptions = await tx.subscribers.all()
            progress = await tx.fanout.progress()
            hosts = await tx.fanout.hosts()
            known = await tx.servers.all({one.server for one in subscriptions})
        first = self._version < 0
        self._version = version
        served = {s.id: s for s in subscriptions if s.state in {State.ACCEPTED, State.UNREACHABLE}}
        for gone in self._tracks.keys() - served.keys():
            track = self._tracks.pop(gone)
            track.peer.tracks.remove(track)
            self._ledger.forget(gone)
        self._peers = {server: peer for server, peer in self._peers.items() if peer.tracks or peer.flying}
        for number, subscription in served.items():
            track = self._tracks.get(number) or self._add(subscription, progress[number], hosts)
            self._renew(track, subscription)
            server = known.get(subscription.server)
            track.software = None if server is None else server.software
        self.selectors.keep({track.selector for track in self._tracks.values()})
        if first:
            self._ledger.start(max((t.progress.cursor for t in self._tracks.values()), default=0))

    def _add(self, subscription: Subscription, progress: Progress, hosts: dict[str, Host]) -> Track:
        peer = self._peers.get(subscription.server)
        if peer is None:
            peer = self._peers[subscription.server] = Peer(hosts.get(subscription.server) or Host())
        selector = self.selectors.of(subscription.profile)
        track = Track(subscription, progress, Target.of(subscription.inbox), peer, selector)
        peer.tracks.append(track)
        if track.unreachable:
            track.rest_until = subscription.changed_at + PROBE_EVERY
        self._tracks[subscription.id] = track
        for straggler in progress.stragglers.values():
            self._line.at(straggler.due_at, track)
        self._line.push(track)
        return track

    def _renew(self, track: Track, subscription: Subscription) -> None:
        if track.subscription.inbox != subscription.inbox:
            track.target = Target.of(subscription.inbox)
        if track.unreachable and subscription.state is State.ACCEPTED:
            track.rest_until = 0.0
        if track.subscription.profile != subscription.profile:
            track.selector, track.bucket = self.selectors.of(subscription.profile), None
        track.subscription = subscription
        self._line.push(track)

    def _select(self) -> None:
        """Another policy is in force: what its profiles take may be something else."""
        for track in self._tracks.values():
            track.selector = self.selectors.of(track.subscription.profile)
            self._line.push(track)

    def _heard_from(self, server: str) -> None:
        """A valid request came from this server, so it is up: end its rest (Synapse does the same)."""
        peer = self._peers.get(server)
        if peer is not None and peer.health.retry_at > 0:
            peer.health.retry_at = 0.0
            self._line.push_all(peer.tracks)

    async def _feed(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            if self._signals.take_change():
                await attempted(self.look())
            batch = await self._collect()
            if not batch:
                await self._signals.fanout.wait(LOOK_EVERY / 4)
                continue
            self._landings.launch(tasks, batch, await self._dispatch.sign(batch))

    async def _watch(self) -> None:
        pruned_at = self._clock.now()
        saved_at = self._clock.monotonic()
        while True:
            await self._clock.sleep(min(CHECKPOINT_EVERY, LOOK_EVERY) / 4)
            await attempted(self.look())
            if len(self._line):
                self._signals.fanout.set()
            if self._clock.monotonic() - saved_at >= CHECKPOINT_EVERY:
                saved_at = self._clock.monotonic()
                await attempted(self._ledger.save(self._tracks.values()))
            if self._clock.now() - pruned_at >= 600.0:
                pruned_at = self._clock.now()
                await attempted(self.prune())

    async def _collect(self) -> list[Attempt]:
        """Take turns until a batch is full or nothing may start."""
        now = self._clock.now()
        self._line.wake(now)
        batch: list[Attempt] = []
        turns = len(self._line)
        while turns and len(batch) < self._limits.batch and self._flying < self._limits.flying:
            turns -= 1
            track = self._line.pop()
            if track is None:
                break
            if self._tracks.get(track.id) is not track:
                continue
            try:
                attempt = await self._next(track, now)
            except Unavailable:  # the log cannot be read on just now
                self._line.push(track)
                break
            if attempt is not None:
                batch.append(attempt)
                self._line.push(track)
                turns = max(turns, 1)
        return batch

    async def _next(self, track: Track, now: float) -> Attempt | None:
        """Start the next delivery of a track if one may start; it comes back into the line when that changes."""
        if track.due_at() > now:
            self._line.at(track.due_at(), track)
            return None
        if not track.peer.room(self._limits.window):
            return None  # a landing delivery pushes it
        if not track.peer.steady and self._suspects >= self._limits.suspects:
            self._line.at(now + LOOK_EVERY / 4, track)
            return None
        straggler = due_straggler(track, now)
        if straggler is not None:
            entry = await self._entry(straggler)
            rendered = None if entry is None else track.wanted(entry, now)
            if entry is not None and rendered is not None:
                return self._start(track, entry, rendered)
            self._settle(track, straggler)
        while self._tracks.get(track.id) is track:
            before = track.progress.cursor
            attempt = await self._ahead(track, now)
            if attempt is not None or track.progress.cursor == before:
                return attempt
            await self._clock.sleep(0)  # who wants little passes much over: others have their turn in between
        return None

    async def _ahead(self, track: Track, now: float) -> Attempt | None:
        """Start the next position that may be, of those near the cursor; settle those before that are not wanted."""
        for position in open_positions(track, self._log.head):
            entry = await self._entry(position)
            if not track.progress.is_open(position):
                continue  # another feeder started it while the log was being read
            rendered = None if entry is None else track.wanted(entry, now)
            if entry is None or rendered is None:
                self._settle(track, position)
            elif entry.object_id not in track.objects:
                if track.in_time(entry, self._clock.monotonic()):
                    return self._start(track, entry, rendered)
                self._settle(track, position)
        return None

    async def _entry(self, position: int) -> LogEntry | None:
        cached, entry = self._log.cached(position)
        if not cached:
            await self._log.load(position)
            _, entry = self._log.cached(position)
        return entry

    def _start(self, track: Track, entry: LogEntry, rendered: Rendered) -> Attempt:
        attempt = Attempt(track, entry, rendered, suspect=not track.peer.steady)
        track.progress.flying.add(entry.position)
        track.objects.add(entry.object_id)
        track.peer.flying += 1
        self._flying += 1
        self._suspects += attempt.suspect
        return attempt

    async def _send(self, attempt: Attempt, signed: Signed, first: First) -> None:
        track, entry = attempt.track, attempt.entry
        result = await self._dispatch.send(attempt, signed, first)
        self._land(attempt)
        match result.verdict:
            case Verdict.DELIVERED:
                self._count_delivered(track, entry.position)
                if track.unreachable:
                    await self._set_state(track, State.ACCEPTED, None)
            case Verdict.REFUSED:
                track.counts[1] += 1
                self._worked(track.peer, track.subscription.server)
                self._settle(track, entry.position)
            case Verdict.GONE:
                await self._gone(track, result.error)
            case Verdict.RETRY:
                self._failed(track, entry, result.error, result.retry_after)
        self._goes_on(track)

    def _land(self, attempt: Attempt) -> None:
        track = attempt.track
        track.progress.flying.discard(attempt.entry.position)
        track.objects.discard(attempt.entry.object_id)
        track.peer.flying -= 1
        self._flying -= 1
        self._suspects -= attempt.suspect

    def _delivered(self, attempt: Attempt) -> None:
        self._land(attempt)
        self._count_delivered(attempt.track, attempt.entry.position)
        self._goes_on(attempt.track)

    def _goes_on(self, track: Track) -> None:
        track.counted = True
        self._line.push_all(track.peer.tracks)
        self._signals.fanout.set()

    def _count_delivered(self, track: Track, position: int) -> None:
        self.delivered += 1
        track.counts[0] += 1
        self._worked(track.peer, track.subscription.server)
        self._settle(track, position)

    def _worked(self, peer: Peer, server: str) -> None:
        if peer.health.failures:
            self._ledger.host(server, peer.health)
        peer.proven = True
        peer.health.succeeded(self._clock.now())

    def _settle(self, track: Track, position: int) -> None:
        if position in track.progress.stragglers:
            self._ledger.straggler(track.id, position, None)
        track.progress.settle(position)
        self._ledger.moved()

    async def _gone(self, track: Track, error: str) -> None:
        track.rest_until = self._clock.now() + PROBE_EVERY
        track.counts[2] += 1
        if not track.unreachable:
            await self._set_state(track, State.UNREACHABLE, f"the inbox is gone ({error})")

    async def _set_state(self, track: Track, state: State, reason: str | None) -> None:
        known = track.subscription
        track.subscription = replace(known, state=state, reason=reason)
        try:
            async with self._store.transaction() as tx:
                await tx.subscribers.save(track.subscription, self._clock.now())
        except Unavailable:
            track.subscription = known  # the next attempt notices it as well

    def _failed(self, track: Track, entry: LogEntry, error: str, retry_after: float | None) -> None:
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
            track.objects.add(entry.object_id)
            self._line.at(straggler.due_at, track)
        elif not kept:
            self._ledger.straggler(track.id, entry.position, None)
        if not was_straggler:
            track.peer.health.failed(error, now, jitter, retry_after)
            self._ledger.host(track.subscription.server, track.peer.health)
        self._ledger.moved()
