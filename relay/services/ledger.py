"""What the fan-out has to write: gathered in memory, written about once a second in one transaction.

Its size does not depend on the number of subscribers: one watermark for all who keep up, a row for each of the few
who do not and moved, one per straggler, position left open, and host whose state changed (see
`domain.delivery.checkpoint`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from relay.domain.delivery import Gap, Reached, Saved, checkpoint

if TYPE_CHECKING:
    from collections.abc import Collection

    from relay.domain.delivery import Host, Straggler
    from relay.ports import Clock, Store
    from relay.services.shares import Part
    from relay.services.tracks import Track

COUNTS_EVERY: Final = 60.0
"""Seconds between two writes of the delivery counters: they are for people."""
UNWRITTEN_SECONDS: Final = 2.0
"""Seconds for which deliveries go on without a checkpoint: two of those that are written each second."""
_NOWHERE: Final = Reached(-1)
"""Stands for what is not known to be written."""


class Ledger:
    """Keeps what changed since the last checkpoint, and writes it for the shares of this process."""

    def __init__(self, store: Store, clock: Clock, part: Part) -> None:
        self._store, self._clock, self._part = store, clock, part
        self._written: dict[int, Reached | None] = {}
        self._cursors: dict[int, int] = {}
        """Of the last checkpoint."""
        self._stragglers: dict[tuple[int, int], Straggler | None] = {}
        self._hosts: dict[str, Host] = {}
        self._gaps: dict[int, Gap] = {}
        self._moved = False
        self._unwritten: float | None = None
        self._leader = 0
        self._counted_at = 0.0

    def start(self, cursor: int) -> None:
        """Take on subscribers of whom the furthest was saved there: who is behind it keeps a cursor of its own."""
        self._leader = max(self._leader, cursor)

    def moved(self) -> None:
        """Some cursor moved."""
        self._moved = True
        if self._unwritten is None:
            self._unwritten = self._clock.monotonic()

    @property
    def late(self) -> bool:
        """Whether what moved long ago is not written: a crash now would repeat more than it may."""
        return self._unwritten is not None and self._clock.monotonic() - self._unwritten > UNWRITTEN_SECONDS

    def straggler(self, subscription: int, position: int, straggler: Straggler | None) -> None:
        """A position started to straggle, failed again, or (None) is settled."""
        self._stragglers[subscription, position] = straggler

    def host(self, server: str, health: Host) -> None:
        """A server's health changed."""
        self._hosts[server] = health

    def gap(self, subscription: int, after: int, upto: int) -> None:
        """A subscriber will never get what the log holds after one position, up to another."""
        self._gaps[subscription] = Gap(after, upto, self._clock.now())

    def forget(self, subscription: int) -> None:
        """A subscription is not served any more."""
        self._written.pop(subscription, None)

    async def save(
        self, tracks: Collection[Track], shares: frozenset[int], *, head: int, exact: Collection[int] = ()
    ) -> None:
        """Write a checkpoint of these shares if anything changed; counters at most once a minute unless `exact`.

        It is written exactly how far the subscriptions have come that are `exact` (another process goes on for them, or
        this one when it is started again) and those that have taken something while their cursor stood still. `tracks`
        are all of the shares. Where there are none, whoever comes starts at the `head` of the log.
        """
        now = self._clock.monotonic()
        counting = bool(exact) or now - self._counted_at >= COUNTS_EVERY
        cursors = {track.id: track.progress.cursor for track in tracks}
        reached = {
            track.id: track.progress.reached
            if track.id in exact or (track.progress.settled and self._stood(track))
            else Reached(track.progress.cursor)
            for track in tracks
        }
        saved = checkpoint(reached, self._leader, exact) if reached else Saved(head, {})
        wanted = {who: saved.apart.get(who) for who in reached}
        moved = {who: at for who, at in wanted.items() if self._written.get(who, _NOWHERE) != at}
        counted = [track for track in tracks if track.counted] if counting else []
        advanced = not reached and head > self._leader
        if not (self._moved or moved or self._stragglers or self._hosts or counted or advanced):
            return
        stragglers, self._stragglers = self._stragglers, {}
        hosts, self._hosts = self._hosts, {}
        gaps, self._gaps = self._gaps, {}
        self._moved = False
        counts = {track.id: (track.counts[0], track.counts[1], track.counts[2]) for track in counted}
        skipped = {(track.id, why): times for track in counted for why, times in track.skipped.items()}
        try:
            async with self._store.transaction() as tx:
                await tx.fanout.save(
                    saved,
                    moved=moved,
                    stragglers=stragglers,
                    hosts=hosts,
                    counts=counts,
                    skipped=skipped,
                    gaps=gaps,
                    held=self._part.held(shares),
                )
        except BaseException:
            # It is written with the next one, whether or not this one took effect; what came meanwhile is newer.
            self._moved = True
            for who in moved:
                self._written.pop(who, None)
            self._stragglers, self._hosts = stragglers | self._stragglers, hosts | self._hosts
            self._gaps = gaps | self._gaps
            raise
        self._unwritten = now if self._moved else None
        self._written.update(moved)
        self._cursors = cursors
        self.start(max((one.upto for one in reached.values()), default=head))
        if counting:
            self._counted_at = now
            for track in counted:
                # What was counted while this was written stays for the next time.
                track.counts = [now - then for now, then in zip(track.counts, counts[track.id], strict=True)]
                track.skipped = Counter(
                    {why: times - skipped.get((track.id, why), 0) for why, times in track.skipped.items()}
                )
                track.counted = any(track.counts) or any(track.skipped.values())

    def _stood(self, track: Track) -> bool:
        return self._cursors.get(track.id) == track.progress.cursor
