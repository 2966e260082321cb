"""What the fan-out has to write: gathered in memory, written about once a second in one transaction.

Its size does not depend on the number of subscribers: one watermark for all who keep up, a row for each of the few
who do not and moved, one per straggler and host whose state changed (see `domain.delivery.checkpoint`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from relay.domain.delivery import checkpoint

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from relay.domain.delivery import Host, Straggler
    from relay.ports import Clock, Store, Tx
    from relay.services.tracks import Track

COUNTS_EVERY: Final = 60.0
"""Seconds between two writes of the delivery counters: they are for people."""


Fence = Callable[["Tx"], Awaitable[None]]


async def alone(tx: Tx) -> None:
    """Let everything be written: there is only one process."""


class Ledger:
    """Keeps what changed since the last checkpoint, and writes it.

    `check` raises, in the transaction that writes, when another process delivers by now.
    """

    def __init__(self, store: Store, clock: Clock, check: Fence) -> None:
        self._store, self._clock, self._check = store, clock, check
        self._written: dict[int, int | None] = {}
        self._stragglers: dict[tuple[int, int], Straggler | None] = {}
        self._hosts: dict[str, Host] = {}
        self._moved = False
        self._leader = 0
        self._counted_at = 0.0

    def start(self, cursor: int) -> None:
        """Begin with the furthest cursor that was saved."""
        self._leader = cursor

    def moved(self) -> None:
        """Some cursor moved."""
        self._moved = True

    def straggler(self, subscription: int, position: int, straggler: Straggler | None) -> None:
        """A position started to straggle, failed again, or (None) is settled."""
        self._stragglers[subscription, position] = straggler

    def host(self, server: str, health: Host) -> None:
        """A server's health changed."""
        self._hosts[server] = health

    def forget(self, subscription: int) -> None:
        """A subscription is not served any more."""
        self._written.pop(subscription, None)

    async def prune(self, upto: int, cursors: Mapping[int, int]) -> None:
        """Let the log be forgotten up to a position; who has not come so far gets a gap on record."""
        async with self._store.transaction() as tx:
            await self._check(tx)
            await tx.fanout.prune(upto, cursors, self._clock.now())

    async def save(self, tracks: Collection[Track], *, everything: bool = False) -> None:
        """Write a checkpoint if anything changed; counters at most once a minute unless `everything`."""
        now = self._clock.monotonic()
        counting = everything or now - self._counted_at >= COUNTS_EVERY
        cursors = {track.id: track.progress.cursor for track in tracks}
        saved = checkpoint(cursors, self._leader)
        wanted = {who: saved.apart.get(who) for who in cursors}
        moved = {who: at for who, at in wanted.items() if self._written.get(who, -1) != at}
        counted = [track for track in tracks if track.counted] if counting else []
        if not (self._moved or moved or self._stragglers or self._hosts or counted):
            return
        stragglers, self._stragglers = self._stragglers, {}
        hosts, self._hosts = self._hosts, {}
        self._moved = False
        counts = {track.id: (track.counts[0], track.counts[1], track.counts[2]) for track in counted}
        skipped = {(track.id, why): times for track in counted for why, times in track.skipped.items()}
        try:
            async with self._store.transaction() as tx:
                await self._check(tx)
                await tx.fanout.save(
                    saved, moved=moved, stragglers=stragglers, hosts=hosts, counts=counts, skipped=skipped
                )
        except BaseException:
            # It is written with the next one; what came meanwhile is newer.
            self._moved = True
            self._stragglers, self._hosts = stragglers | self._stragglers, hosts | self._hosts
            raise
        self._written.update(moved)
        self._leader = max(cursors.values(), default=self._leader)
        if counting:
            self._counted_at = now
            for track in counted:
                # What was counted while this was written stays for the next time.
                track.counts = [now - then for now, then in zip(track.counts, counts[track.id], strict=True)]
                track.skipped = Counter(
                    {why: times - skipped.get((track.id, why), 0) for why, times in track.skipped.items()}
                )
                track.counted = any(track.counts) or any(track.skipped.values())
