"""The subscribers of the fan-out in memory: who may be sent what, next.

Each subscriber is a track along the log. Tracks with something to send stand in one line and take turns, one
position a turn, so that all advance together and nobody waits for a slow one. A host that failed rests; tracks of
resting hosts and stragglers wait in a heap until they are due.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relay.domain.catchup import Backlog, pace
from relay.domain.delivery import Host
from relay.domain.rates import Bucket
from relay.domain.software import checks
from relay.domain.subscriber_profile import POSTS, Skip, in_sample
from relay.domain.subscription import Dialect, State
from relay.protocol.httpsig import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from relay.domain.delivery import Progress
    from relay.domain.log import LogEntry, Rendered
    from relay.domain.software import Software
    from relay.domain.subscription import Subscription
    from relay.ports import Clock
    from relay.services.logreader import LogReader
    from relay.services.selection import Selector, Selectors

AHEAD: Final = 64
"""Positions that one subscriber may be settled ahead of its cursor."""
UNPROVEN_WINDOW: Final = 2
"""Deliveries in flight to a host that fails or was not heard of: two tell a bad activity from a bad host."""
PROBE_EVERY: Final = 24 * 3600.0
"""Seconds between attempts at an inbox that answered 410."""


@dataclass(frozen=True, slots=True)
class FanOutLimits:
    """Bounds of the fan-out.

    `window`: deliveries under way to one host. `batch`: signatures per hop. `flying`: deliveries under way in all.
    `suspects`: of these, to hosts that fail or were not heard of yet. `timeout`: seconds per delivery.
    `retention`: seconds that the log is kept. `feeders`: batches that are signed at the same time. `catch_up`: old
    posts per second to one subscriber, None for any number (`domain.catchup`). `leaving`: seconds for which a
    process that stops waits for what is under way.
    """

    window: int = 8
    batch: int = 32
    flying: int = 1024
    suspects: int = 256
    timeout: float = 15.0
    retention: float = 72 * 3600.0
    feeders: int = 3
    catch_up: float | None = 20.0
    leaving: float = 3.0


@dataclass(slots=True)
class Peer:
    """One server: its health and how many deliveries to it are under way."""

    health: Host
    flying: int = 0
    proven: bool = False
    """Whether it accepted anything since the start."""
    tracks: list[Track] = field(default_factory=list)

    @property
    def steady(self) -> bool:
        """Whether it is known to work."""
        return self.proven and self.health.failures == 0

    def room(self, window: int) -> bool:
        """Whether one more delivery may start."""
        return self.flying < (window if self.steady else UNPROVEN_WINDOW)


@dataclass(slots=True, eq=False)
class Track:
    """One subscriber's way along the log."""

    subscription: Subscription
    progress: Progress
    target: Target
    peer: Peer
    selector: Selector
    counts: list[int] = field(default_factory=lambda: [0, 0, 0])
    """Delivered, refused and failed since the counters were written."""
    skipped: Counter[Skip] = field(default_factory=Counter)
    """What it did not get since the counters were written, by reason."""
    objects: set[str] = field(default_factory=set)
    """Objects in flight or straggling: a later activity about one of them must wait its turn."""
    straggling: dict[int, str] = field(default_factory=dict)
    """The objects of positions that straggle."""
    gone: Host | None = None
    """The health of its inbox since that answered 410: the next probe is at `retry_at`."""
    waiting: bool = False
    """Whether the track stands in the line."""
    software: Software | None = None
    """What its server runs, as far as is known."""
    announce_only: bool = False
    """Whether it refused bytes that others signed and took our Announce instead."""
    bucket: Bucket | None = None
    """How many posts it may still get, when it wants no more than so many in a time."""
    missed: Bucket | None = None
    """How many old posts it may get now, while it catches up."""
    counted: bool = False
    """Whether the counters changed since they were written."""
    left: bool = False
    """Whether it was taken from this process: nothing may be started any more."""

    @property
    def id(self) -> int:
        """The number of the subscription."""
        return self.subscription.id

    @property
    def unreachable(self) -> bool:
        """Whether its inbox answered 410 and it is only probed."""
        return self.subscription.state is State.UNREACHABLE

    def renew(self, subscription: Subscription, selectors: Selectors) -> None:
        """Go on with what the subscription is by now."""
        if self.subscription.inbox != subscription.inbox:
            self.target = Target.of(subscription.inbox)
        if subscription.state is State.ACCEPTED:
            self.gone = None
        if self.subscription.profile != subscription.profile:
            self.selector, self.bucket = selectors.of(subscription.profile), None
        self.subscription = subscription

    def straggle(self, position: int, object_id: str) -> None:
        """Hold back what follows about an object until a position is done with."""
        self.straggling[position] = object_id
        self.objects.add(object_id)

    def freed(self, position: int) -> None:
        """A position does not straggle any more."""
        object_id = self.straggling.pop(position, None)
        if object_id is not None:
            self.objects.discard(object_id)

    def due_at(self, now: float) -> float:
        """The time before which nothing is sent."""
        probed = 0.0 if self.gone is None else self.gone.rests_until(now)
        return max(probed, self.peer.health.rests_until(now))

    def probed(self, error: str, now: float) -> Host:
        """Its inbox answered 410, for the first time or again; return what is known of it now."""
        health = self.gone = self.gone or Host()
        health.probed(error, now, PROBE_EVERY)
        return health

    def room(self, window: int) -> bool:
        """Whether one more delivery may start; an inbox that is gone gets a single one."""
        return self.peer.room(window) and not (self.gone and self.progress.flying)

    def rendering(self, entry: LogEntry, now: float) -> Rendered | None:
        """What the subscriber gets of an entry, if anything: never what came from it (FEP-ae0c)."""
        if self.subscription.server in entry.origins:
            return None
        if self.subscription.dialect is Dialect.MASTODON:
            forward = entry.forwardable(now) if self._takes(entry) or entry.announce is None else None
            return entry.announce if forward is None else forward
        return entry.announce

    def skip(self, entry: LogEntry) -> Skip | None:
        """Why the subscriber does not want an entry."""
        traits, profile = entry.traits, self.subscription.profile
        if traits.first is not None and traits.first <= self.subscription.profile_since:
            return self.selector.skip_again(entry)
        reason = self.selector.skip(entry)
        if reason is not None or profile.sample >= 1.0:
            return reason
        of_a_post = traits.kind in POSTS or traits.original is not None
        kept = not of_a_post or in_sample(profile.sample, self.subscription.actor, entry.object_id)
        return None if kept else Skip.SAMPLE

    def wanted(self, entry: LogEntry, now: float) -> Rendered | None:
        """What the subscriber is sent of an entry; None, and counted, when it does not want it."""
        rendered = self.rendering(entry, now)
        reason = None if rendered is None else self.skip(entry)
        if reason is not None:
            self._skipped(reason)
        return rendered if reason is None else None

    def in_time(self, entry: LogEntry, now: float) -> bool:
        """Whether the subscriber wants one more post now, and counted when not; `now` never goes back.

        What failed before was in time then. Only posts count: what changes one must not be lost.
        """
        rate = self.subscription.profile.rate
        if rate is None or entry.traits.kind not in POSTS or entry.position in self.progress.failures:
            return True
        if self.bucket is None:
            self.bucket = Bucket(float(rate.count), now)
        if self.bucket.take(rate, now) == 0.0:
            return True
        self._skipped(Skip.RATE)
        return False

    def pause(self, entry: LogEntry, head: int, least: float | None, clock: Clock) -> float:
        """Seconds until an entry may be sent: what is no news any more has a rate, `least` posts per second."""
        now, ticks = clock.now(), clock.monotonic()
        backlog = Backlog(head - entry.position + 1, entry.published_at)
        if least is None or not backlog.late(now):
            self.missed = None
            return 0.0
        rate = pace(backlog.per_second(least, now))
        if self.missed is None:
            self.missed = Bucket(float(rate.count), ticks)
        return self.missed.take(rate, ticks)

    def _skipped(self, reason: Skip) -> None:
        self.skipped[reason] += 1
        self.counted = True

    def _takes(self, entry: LogEntry) -> bool:
        """Whether what others signed in this way gets through to the subscriber, as far as is known."""
        return not self.announce_only and entry.proven is not None and checks(self.software, entry.proven.by)


class Line:
    """The tracks that have something to send, in turn, and those that wait for a time."""

    def __init__(self) -> None:
        self._ready: deque[Track] = deque()
        self._timed: list[tuple[float, int, Track]] = []
        self._known: set[tuple[float, Track]] = set()
        self._count, self._woken = 0, 0.0

    @property
    def waiting(self) -> int:
        """How many times tracks wait for: each for the end of its host's rest, and one more for each straggler."""
        return len(self._timed)

    def push(self, track: Track) -> None:
        """Let a track take turns again."""
        if not track.waiting:
            track.waiting = True
            self._ready.append(track)

    def push_all(self, tracks: Iterable[Track]) -> None:
        """Let tracks take turns again."""
        for track in tracks:
            self.push(track)

    def pop(self) -> Track | None:
        """Return the track whose turn it is."""
        if not self._ready:
            return None
        track = self._ready.popleft()
        track.waiting = False
        return track

    def at(self, when: float, track: Track) -> None:
        """Let a track take a turn at a time; nothing more when it waits for that already."""
        if (when, track) in self._known:
            return
        self._known.add((when, track))
        self._count += 1
        heapq.heappush(self._timed, (when, self._count, track))

    def wake(self, now: float) -> float | None:
        """Let everybody who is due take turns; return when the next one is.

        All are when the clock was set back: what they wait for may be hours off now.
        """
        if now < self._woken:
            for _, _, track in self._timed:
                self.push(track)
            self._timed.clear()
            self._known.clear()
        self._woken = now
        while self._timed and self._timed[0][0] <= now:
            when, _, track = heapq.heappop(self._timed)
            self._known.discard((when, track))
            self.push(track)
        return self._timed[0][0] if self._timed else None

    def __len__(self) -> int:
        return len(self._ready)


def open_positions(track: Track, head: int) -> Iterator[int]:
    """Yield the positions that may be started, lowest first, no further ahead than `AHEAD`."""
    progress = track.progress
    for position in range(progress.cursor + 1, min(head, progress.cursor + AHEAD) + 1):
        if progress.is_open(position):
            yield position


def in_memory(tracks: Mapping[int, Track], line: Line, log: LogReader) -> dict[str, float]:
    """How much there is of them, by name."""
    return {
        "fanout_subscribers": len(tracks),
        "fanout_waiting": line.waiting,
        "fanout_stragglers": sum(len(track.progress.stragglers) for track in tracks.values()),
        "log_window_bytes": log.size,
    }


def gone_inbox(subscription: Subscription, hosts: Mapping[str, Host]) -> Host | None:
    """What is known of an inbox that answered 410, None of others: it is kept under its address, beside the servers."""
    if subscription.state is not State.UNREACHABLE:
        return None
    probed_at = subscription.changed_at + PROBE_EVERY
    return hosts.get(subscription.inbox) or Host(1, probed_at, failing_since=subscription.changed_at)


def due_straggler(track: Track, now: float) -> int | None:
    """Return the lowest straggler whose time has come."""
    if not track.progress.stragglers:
        return None
    due = (
        at for at, s in track.progress.stragglers.items() if s.is_due(now) and at not in track.progress.flying
    )
    return min(due, default=None)
