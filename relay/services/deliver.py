"""Fan-out: every subscriber follows the log with its own cursor.

One loop takes turns among the tracks (see `tracks`), passes over what a subscriber does not want (see `selection`),
signs the rest in batches, and sends each delivery in a task of its own. What came of it is settled in memory and
written about once a second, in one transaction whose size does not depend on the number of subscribers: one watermark
for all who keep up, a row for each of the few who do not (see `domain.delivery.checkpoint`). After a crash at most what
was sent since the last checkpoint is sent again; receivers deduplicate by activity id. While none can be written
nothing is sent.

A host that fails as a whole rests with exponential back-off and its cursor stays: nothing piles up for it, and the
deliveries to others neither wait for it nor slow down. One bad activity becomes a straggler after three failures.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from relay.domain.delivery import Verdict
from relay.domain.errors import Unavailable
from relay.services.dispatch import Attempt, Dispatch
from relay.services.enduring import attempted
from relay.services.landing import Landings
from relay.services.ledger import Ledger
from relay.services.logreader import LogReader
from relay.services.places import Places
from relay.services.settling import Settling
from relay.services.shares import Whole
from relay.services.tally import Tally
from relay.services.tracks import FanOutLimits, Line, due_straggler, in_memory, open_positions

if TYPE_CHECKING:
    from collections.abc import Collection

    from relay.domain.log import LogEntry, Rendered
    from relay.domain.remote import First
    from relay.ports import Clock, Store
    from relay.services.selection import Selectors
    from relay.services.shares import Part
    from relay.services.signals import Signals
    from relay.services.signing import Signed, Signing
    from relay.services.tracks import Track

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
        part: Part | None = None,
        tally: Tally | None = None,
    ) -> None:
        self._store, self._clock, self._signals, self._limits = store, clock, signals, limits
        self.selectors, self._part = selectors, part or Whole()
        self._dispatch, self._tally = Dispatch(signing, limits.timeout), tally or Tally()
        self._loading, self._saving = asyncio.Lock(), asyncio.Lock()
        self.delivered = 0
        """Deliveries since the start."""
        self._begin()

    def _begin(self) -> None:
        """Know nothing but what is stored: another process may have delivered meanwhile."""
        self._log, self._line = LogReader(self._store), Line()
        self._ledger = Ledger(self._store, self._clock, self._part)
        self._places = Places(self._store, self._part, self.selectors, self._ledger, self._line, self._tally)
        self._settling = Settling(self._store, self._clock, self._part, self._ledger, self._line, self._tally)
        self._landings = Landings(self._dispatch, self._delivered, self._send)
        self._tracks = self._places.tracks
        self._flying = self._suspects = self._awaited = 0

    async def run(self) -> None:
        """Deliver until cancelled; then wait for what is under way, not long, and write a last checkpoint."""
        self._begin()
        await self.look()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._landings.run(tasks))
                try:
                    await self._start_more(tasks)
                except asyncio.CancelledError:
                    await self._finish()
                    raise
        finally:
            await self._save_exactly()

    async def _start_more(self, tasks: asyncio.TaskGroup) -> None:
        async with asyncio.TaskGroup() as starting:
            for _ in range(self._limits.feeders):
                starting.create_task(self._feed(tasks))
            starting.create_task(self._watch())

    async def _finish(self) -> None:
        """Wait for what is under way to servers that work, while nobody else may send it: it would come twice."""
        left = min(self._limits.leaving, self._part.until - self._clock.now())
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                while self._awaited:
                    await self._signals.fanout.wait(left)

    async def run_once(self) -> int:
        """Deliver everything that is due now and write the checkpoint; return the number of attempts."""
        async with self._part.once() as kept:
            if not kept:
                self._begin()
            return await self.turn()

    async def turn(self) -> int:
        """Deliver what is due for the shares of this process, and hand over what it should; see `run_once`."""
        await self.look()
        attempts = 0
        while batch := await self._collect():
            async with asyncio.TaskGroup() as tasks:
                await self._launch(tasks, batch)
                await self._landings.finish(tasks)
            attempts += len(batch)
        await self._save_exactly()
        await self._hand_over()
        return attempts

    def sizes(self) -> dict[str, float]:
        """Return how much is in memory, for the metrics; what bounds it stands in docs/memory.md."""
        return in_memory(self._tracks, self._line, self._log) | {"in_flight": self._flying}

    async def look(self) -> None:
        """Look for new log entries and for subscriptions that came, went or changed."""
        async with self._loading:
            heard, withdrawn = self._signals.take()
            self._log.forget(withdrawn)
            if self.selectors.renew():
                self._places.select()
            await self._places.look()
            for server in heard:
                self._places.heard_from(server, self._clock.now())
            if await self._log.look():
                self._line.push_all(self._tracks.values())

    async def prune(self) -> None:
        """Forget what retention ended for; who has not come so far gets a gap on record and goes on after it."""
        async with self._store.reading() as tx:
            upto = await tx.fanout.prunable(self._clock.now() - self._limits.retention)
        if upto is None:
            return
        for track in self._tracks.values():
            if track.progress.cursor < upto:
                self._ledger.gap(track.id, track.progress.cursor, upto)
            for position in [at for at in track.progress.stragglers if at <= upto]:
                self._ledger.straggler(track.id, position, None)
                track.freed(position)
            track.progress.skip_to(upto)
        self._ledger.moved()
        await self._save()
        # Those whom other processes deliver to are passed over there: what they have not come past stays till then.
        async with self._store.transaction() as tx:
            await tx.fanout.prune(upto)

    async def _hand_over(self) -> None:
        """Write and release the shares that leave and have landed."""
        async with self._loading:
            landed = self._places.landed()
            if landed:
                await self._save(exact=self._places.of(landed))
                self._places.drop(landed)
                await self._part.release(landed)

    async def _save_exactly(self) -> None:
        await self._save(exact=self._places.of(self._places.shares))

    async def _save(self, *, exact: Collection[int] = ()) -> None:
        async with self._saving:
            places = self._places
            await self._ledger.save(places.all, places.shares, head=self._log.head, exact=exact)

    # ------------------------------------------------------------------ taking turns

    async def _feed(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            if self._signals.take_change():
                await attempted(self.look())
            batch = await self._collect()
            if not batch:
                await self._signals.fanout.wait(LOOK_EVERY / 4)
                continue
            await self._launch(tasks, batch)

    async def _watch(self) -> None:
        pruned_at = saved_at = self._clock.monotonic()
        while True:
            await self._clock.sleep(min(CHECKPOINT_EVERY, LOOK_EVERY) / 4)
            await attempted(self.look())
            await attempted(self._hand_over())
            if len(self._line):
                self._signals.fanout.set()
            if self._clock.monotonic() - saved_at >= CHECKPOINT_EVERY:
                saved_at = self._clock.monotonic()
                await attempted(self._save())
            if self._clock.monotonic() - pruned_at >= 600.0:
                pruned_at = self._clock.monotonic()
                await attempted(self.prune())

    async def _launch(self, tasks: asyncio.TaskGroup, batch: list[Attempt]) -> None:
        signed = await self._dispatch.sign(batch)
        self._awaited += sum(not attempt.suspect for attempt in batch)
        self._landings.launch(tasks, batch, signed)

    async def _collect(self) -> list[Attempt]:
        """Take turns until a batch is full or nothing may start."""
        now = self._clock.now()
        batch: list[Attempt] = []
        if now >= self._part.until or self._ledger.late:
            return batch
        self._line.wake(now)
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
        if (due := track.due_at(now)) > now:
            self._line.at(due, track)
            return None
        if not track.room(self._limits.window):
            return None  # a landing delivery pushes it
        if not track.peer.steady and self._suspects >= self._limits.suspects:
            self._line.at(now + LOOK_EVERY / 4, track)
            return None
        straggler = due_straggler(track, now)
        if straggler is not None:
            entry = await self._log.entry(straggler)
            if track.left or straggler != due_straggler(track, now):
                return None  # while the log was being read, as in `_ahead`
            rendered = None if entry is None else track.wanted(entry, now)
            if entry is not None and rendered is not None:
                return self._start(track, entry, rendered)
            self._settling.passed(track, straggler)
        while self._tracks.get(track.id) is track:
            before = track.progress.cursor
            attempt = await self._ahead(track, now)
            if attempt is not None or track.progress.cursor == before:
                return attempt
            await self._clock.sleep(0)  # who wants little passes much over: others have their turn in between
        return None

    async def _ahead(self, track: Track, now: float) -> Attempt | None:
        """Start the next position that may be, of those near the cursor; settle those before that are not wanted."""
        passed = set[str]()  # objects that were busy: they may be free again once the log has been read
        for position in open_positions(track, self._log.head):
            entry = await self._log.entry(position)
            if track.left or not track.progress.is_open(position):
                continue  # while the log was being read it was taken from here, or another feeder started it
            rendered = None if entry is None else track.wanted(entry, now)
            if entry is None or rendered is None:
                self._settling.passed(track, position)
            elif entry.object_id in track.objects or entry.object_id in passed:
                passed.add(entry.object_id)
            else:
                if pause := track.pause(entry, self._log.head, self._limits.catch_up, self._clock):
                    self._line.at(now + pause, track)
                    return None
                if track.in_time(entry, self._clock.monotonic()):
                    return self._start(track, entry, rendered)
                self._settling.passed(track, position)
        return None

    def _start(self, track: Track, entry: LogEntry, rendered: Rendered) -> Attempt:
        attempt = Attempt(track, entry, rendered, suspect=not track.peer.steady)
        track.progress.flying.add(entry.position)
        track.objects.add(entry.object_id)
        track.peer.flying += 1
        self._flying += 1
        self._suspects += attempt.suspect
        return attempt

    async def _send(self, attempt: Attempt, signed: Signed | None, first: First) -> None:
        track, entry = attempt.track, attempt.entry
        result = await self._dispatch.send(attempt, signed, first)
        self._land(attempt)
        match result.verdict:
            case Verdict.DELIVERED:
                self._took(track, entry.position)
                if track.unreachable:
                    await self._settling.back(track)
            case Verdict.REFUSED:
                self._settling.refused(track, entry)
            case Verdict.GONE:
                await self._settling.gone(track, result.error)
            case Verdict.RETRY:
                self._tally.add("deliveries_retried", result.reason)
                self._settling.failed(track, entry, result.error, result.retry_after)
        self._goes_on(track)

    def _land(self, attempt: Attempt) -> None:
        track = attempt.track
        track.progress.flying.discard(attempt.entry.position)
        if attempt.entry.position not in track.straggling:
            track.objects.discard(attempt.entry.object_id)
        track.peer.flying -= 1
        self._flying -= 1
        self._suspects -= attempt.suspect
        self._awaited -= not attempt.suspect

    def _delivered(self, attempt: Attempt) -> None:
        self._land(attempt)
        self._took(attempt.track, attempt.entry.position)
        self._goes_on(attempt.track)

    def _took(self, track: Track, position: int) -> None:
        self.delivered += 1
        self._settling.delivered(track, position)

    def _goes_on(self, track: Track) -> None:
        track.counted = True
        self._line.push_all(track.peer.tracks)
        self._signals.fanout.set()
