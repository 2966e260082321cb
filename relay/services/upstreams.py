"""The relays that this one follows: what they send is relayed on.

The operator's commands only write what is wanted; the running relay fetches the actor and sends the Follow, and both
are tried again for as long as it is wanted.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relay.domain import hosts
from relay.domain.activity import AS_PUBLIC
from relay.domain.errors import Conflict, Malformed, NotFound, RelayError
from relay.domain.subscription import Dialect, Upstream, UpstreamState
from relay.protocol import documents
from relay.protocol.actors import check_inbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.ports import Clock, Store
    from relay.services.fetch import Fetcher
    from relay.services.identity import Identity
    from relay.services.peers import Peers
    from relay.services.signals import Signals

LOOK_EVERY: Final = 5.0
RETRY_EVERY: Final = 300.0
"""Seconds between two attempts at an actor that could not be fetched."""
FOLLOW: Final = "follow"
UNDO: Final = "undo-follow"
_log: Final = logging.getLogger(__name__)


class Upstreams:
    """Follows and leaves other relays."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        signals: Signals,
        identity: Identity,
        peers: Peers,
        allow_http: bool,
    ) -> None:
        self._store, self._clock, self._signals, self._identity = store, clock, signals, identity
        self._peers, self._allow_http = peers, allow_http

    async def all(self) -> Sequence[Upstream]:
        """Return every relay that this one follows, oldest first."""
        async with self._store.reading() as tx:
            return await tx.upstreams.all()

    async def follow(self, actor: str, dialect: Dialect, *, who: str) -> Upstream:
        """Want to follow a relay. Raises `Malformed` for what is no actor id, `Conflict` when it is followed."""
        try:
            hosts.check_url(actor, allow_http=self._allow_http)
        except Malformed as error:
            message = f"{actor} is no actor id: write one such as https://relay.example/actor"
            raise Malformed(message, code="bad-actor") from error
        server, now = hosts.server_name(actor), self._clock.now()
        if server == self._identity.server:
            raise Conflict("a relay cannot follow itself", code="own-actor")
        follow_id = self._identity.new_id(self._clock.new_id())
        upstream = Upstream(actor, server, dialect, UpstreamState.NEW, follow_id, now, now)
        async with self._store.transaction() as tx:
            known = await tx.upstreams.by_actor(actor)
            if known is not None and known.state is not UpstreamState.REJECTED:
                raise Conflict(f"{actor} is followed already ({known.state})", code="followed")
            await tx.upstreams.save(upstream)
            await tx.subscribers.audit(
                at=now, who=who, action="follow-relay", subject=actor, detail=dialect.value
            )
        self._peers.changed()
        return upstream

    async def unfollow(self, text: str, *, who: str) -> Upstream:
        """Stop following a relay, named by actor or server, and tell it so. Raises `NotFound`."""
        found = next((one for one in await self.all() if text in {one.actor, one.server}), None)
        if found is None:
            raise NotFound(f"no relay called {text} is followed")
        now = self._clock.now()
        async with self._store.transaction() as tx:
            await tx.subscribers.recall_letters(found.actor, {FOLLOW})
            if found.inbox is not None:
                ours = documents.FollowEcho(found.follow_id, self._identity.actor, _followed(found))
                new_id = self._identity.new_id(self._clock.new_id())
                body = documents.dump(
                    documents.undo(id=new_id, actor=self._identity.actor, follow=ours, to=found.actor)
                )
                await tx.subscribers.send([(UNDO, found.actor, found.inbox, body)], now)
            await tx.upstreams.remove(found.actor)
            await tx.subscribers.audit(
                at=now, who=who, action="unfollow-relay", subject=found.actor, detail=""
            )
        self._peers.changed()
        self._signals.letters.set()
        return found

    async def answered(self, actor: str, follow_id: str | None, *, accepted: bool) -> bool:
        """Handle Accept or Reject of our Follow; ignored (False) unless we sent that Follow to that actor."""
        async with self._store.transaction() as tx:
            known = await tx.upstreams.by_actor(actor)
            if known is None or known.follow_id != follow_id:
                return False
            state = UpstreamState.ACCEPTED if accepted else UpstreamState.REJECTED
            await tx.upstreams.save(replace(known, state=state, error=None, changed_at=self._clock.now()))
        self._peers.changed()
        return True

    async def run(self, fetcher: Fetcher) -> None:
        """Send the Follows that are wanted, until cancelled."""
        while True:
            await self.run_once(fetcher)
            await self._clock.sleep(LOOK_EVERY)

    async def run_once(self, fetcher: Fetcher) -> None:
        """Send the Follows that are wanted and due."""
        now = self._clock.now()
        for upstream in await self.all():
            waited = upstream.error is None or now - upstream.changed_at >= RETRY_EVERY
            if upstream.state is UpstreamState.NEW and waited:
                await self._send(upstream, fetcher)

    async def _send(self, upstream: Upstream, fetcher: Fetcher) -> None:
        try:
            inbox = (await fetcher.actor(upstream.actor, max_age=0.0)).inbox
            check_inbox(inbox, self._identity.server, allow_http=self._allow_http)
        except RelayError as error:
            _log.warning("relay %s cannot be followed: %s", upstream.actor, error)
            sent = replace(upstream, error=str(error), changed_at=self._clock.now())
            letters = []
        else:
            sent = replace(
                upstream, inbox=inbox, state=UpstreamState.SENT, error=None, changed_at=self._clock.now()
            )
            letters = [(FOLLOW, upstream.actor, inbox, self._follow(upstream))]
        async with self._store.transaction() as tx:
            if await tx.upstreams.by_actor(upstream.actor) != upstream:
                return  # the operator changed his mind meanwhile
            await tx.upstreams.save(sent)
            await tx.subscribers.send(letters, self._clock.now())
        self._signals.letters.set()

    def _follow(self, upstream: Upstream) -> bytes:
        return documents.dump(
            documents.follow(
                id=upstream.follow_id,
                actor=self._identity.actor,
                target=_followed(upstream),
                to=upstream.actor,
            )
        )


def _followed(upstream: Upstream) -> str:
    """What is followed: the relay's actor, or the public collection (FEP-ae0c)."""
    return upstream.actor if upstream.dialect is Dialect.LITEPUB else AS_PUBLIC
