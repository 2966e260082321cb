"""Which subscribers this process delivers to: a track for each that is served and falls to it.

Subscribers come, go and change in the store; shares come from other processes and go to them. A share that is to be
handed over leaves in two steps: its tracks take no turns any more, and when what was under way has landed they are
dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.delivery import HEARD_FROM, Host
from relay.domain.shares import share_of
from relay.domain.subscription import SERVED
from relay.protocol.httpsig import Target
from relay.services.tracks import Peer, Track, gone_inbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.delivery import Progress
    from relay.domain.subscription import Subscription
    from relay.ports import Store
    from relay.services.ledger import Ledger
    from relay.services.selection import Selectors
    from relay.services.shares import Part
    from relay.services.tally import Tally
    from relay.services.tracks import Line


class Places:
    """The tracks of this process."""

    def __init__(
        self, store: Store, part: Part, selectors: Selectors, ledger: Ledger, line: Line, tally: Tally
    ) -> None:
        self._store, self._part, self._selectors = store, part, selectors
        self._ledger, self._line, self._tally = ledger, line, tally
        self.tracks: dict[int, Track] = {}
        """Those that take turns, by the number of the subscription."""
        self.peers: dict[str, Peer] = {}
        self._leaving: dict[int, Track] = {}
        self._mine: frozenset[int] = frozenset()
        self.shares: frozenset[int] = frozenset()
        """The shares of `all`: their subscribers are known."""
        self._version = -1

    @property
    def all(self) -> list[Track]:
        """Every track, also of those that leave."""
        return [*self.tracks.values(), *self._leaving.values()]

    async def look(self) -> None:
        """Look for subscriptions that came, went or changed, and for shares that did."""
        mine = self._part.mine
        async with self._store.reading() as tx:
            version = await tx.subscribers.version()
            if version == self._version and mine == self._mine:
                return
            subscriptions = await tx.subscribers.all()
            progress = await tx.fanout.progress()
            hosts = await tx.fanout.hosts()
            straggling = await tx.fanout.straggling()
            known = await tx.servers.all({one.server for one in subscriptions})
        # From here on nothing waits: a checkpoint meets these tracks with their shares, or neither.
        served = {s.id: s for s in subscriptions if s.state in SERVED and share_of(s.server) in mine}
        come = [progress[s.id].cursor for s in served.values() if share_of(s.server) not in self.shares]
        self._ledger.start(max(come, default=0))
        self._version, self._mine, self.shares = version, mine, self.shares | mine
        for gone in self.tracks.keys() - served.keys():
            self._leave(self.tracks.pop(gone))
        self.peers = {server: peer for server, peer in self.peers.items() if peer.tracks or peer.flying}
        for number, subscription in served.items():
            track = self.tracks.get(number) or self._add(subscription, progress[number], hosts, straggling)
            track.renew(subscription, self._selectors)
            self._line.push(track)
            server = known.get(subscription.server)
            track.software = None if server is None else server.software
        self._selectors.keep({track.selector for track in self.tracks.values()})

    def _leave(self, track: Track) -> None:
        track.left = True
        track.peer.tracks.remove(track)
        if share_of(track.subscription.server) in self._mine:
            self._ledger.forget(track.id)
        else:
            self._leaving[track.id] = track

    def of(self, shares: frozenset[int]) -> frozenset[int]:
        """Return the subscriptions of shares."""
        return frozenset(track.id for track in self.all if share_of(track.subscription.server) in shares)

    def landed(self) -> frozenset[int]:
        """Return the shares that leave and have nothing under way any more."""
        flying = {share_of(t.subscription.server) for t in self._leaving.values() if t.progress.flying}
        return self._part.leaving - self._mine - flying

    def drop(self, shares: frozenset[int]) -> None:
        """Forget shares that are written as far as they came."""
        self.shares -= shares
        for track in [one for one in self._leaving.values() if share_of(one.subscription.server) in shares]:
            del self._leaving[track.id]
            self._ledger.forget(track.id)

    def _add(
        self,
        subscription: Subscription,
        progress: Progress,
        hosts: Mapping[str, Host],
        straggling: Mapping[int, str],
    ) -> Track:
        peer = self.peers.get(subscription.server)
        if peer is None:
            peer = self.peers[subscription.server] = Peer(hosts.get(subscription.server) or Host())
        selector = self._selectors.of(subscription.profile)
        track = Track(subscription, progress, Target.of(subscription.inbox), peer, selector)
        peer.tracks.append(track)
        track.gone = gone_inbox(subscription, hosts)
        self.tracks[subscription.id] = track
        for position, straggler in progress.stragglers.items():
            self._line.at(straggler.due_at, track)
            if position in straggling:
                track.straggle(position, straggling[position])
        self._line.push(track)
        return track

    def select(self) -> None:
        """Another policy is in force: what its profiles take may be something else."""
        for track in self.tracks.values():
            track.selector = self._selectors.of(track.subscription.profile)
            self._line.push(track)

    def heard_from(self, server: str, now: float) -> None:
        """A valid request came from this server, so it is up: end its rest (Synapse does the same)."""
        peer = self.peers.get(server)
        if peer is not None and peer.health.rests_until(now) > now:
            peer.health.retry_at = HEARD_FROM
            self._ledger.host(server, peer.health)
            self._tally.add("deliveries_resumed", "heard-from")
            self._line.push_all(peer.tracks)
