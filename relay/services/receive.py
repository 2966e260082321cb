"""The inbox: from a signed request to something durable, or to a reason why not.

Order: parse (bounded), authenticate, look at it once, one transaction, and only then the answer. Nothing slow
stands before the answer; the only network is the fetch of a key that is not known yet.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from relay.domain import hosts
from relay.domain.activity import Activity, parse_activity
from relay.domain.authority import overreach
from relay.domain.errors import KeyUnavailable, Refused, RemoteError, TooMany, Unauthorized
from relay.protocol.actors import check_inbox
from relay.services.arrival import Arrival, Receipt, servers_of
from relay.services.keyring import KeyGone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.domain.log import Proven
    from relay.ports import Store
    from relay.protocol.httpsig import SignedRequest
    from relay.services.authenticate import Authenticator, Sender
    from relay.services.blocks import Blocks
    from relay.services.fetch import Fetcher
    from relay.services.identity import Identity
    from relay.services.limits import Limits
    from relay.services.optouts import OptOuts
    from relay.services.peers import Peers
    from relay.services.posts import Posts
    from relay.services.proofs import Proofs
    from relay.services.recalls import Recalls
    from relay.services.signals import Signals
    from relay.services.subscribers import Subscribers
    from relay.services.tally import Tally
    from relay.services.upstreams import Upstreams

PARSED_ON_THE_LOOP: Final = 64 * 1024
"""Bytes of a body that is parsed on the loop; posts are a few thousand."""
PASSED_ON: Final = frozenset({"Create", "Update", "Delete", "Move"})
"""Kinds that others than their actor may deliver; whoever wants something of the relay itself has to ask himself."""


class Receiver:
    """Receives activities and hands them to whoever they concern."""

    def __init__(
        self,
        *,
        store: Store,
        signals: Signals,
        authenticator: Authenticator,
        proofs: Proofs,
        peers: Peers,
        subscribers: Subscribers,
        upstreams: Upstreams,
        recalls: Recalls,
        posts: Posts,
        fetcher: Fetcher,
        blocks: Blocks,
        opt_outs: OptOuts,
        limits: Limits,
        tally: Tally,
        identity: Identity,
        allow_http: bool,
    ) -> None:
        self._store, self._signals, self._fetcher = store, signals, fetcher
        self._authenticator, self._proofs, self._peers = authenticator, proofs, peers
        self._subscribers, self._upstreams, self._posts = subscribers, upstreams, posts
        self._blocks, self._identity, self._allow_http = blocks, identity, allow_http
        self._recalls = recalls
        self._opt_outs, self._limits, self._tally = opt_outs, limits, tally
        self._handlers: dict[str, Callable[[Arrival], Awaitable[Receipt]]] = {
            "Follow": self._follow,
            "Undo": self._undo,
            "Block": self._block,
            "Accept": self._answer,
            "Reject": self._answer,
            "Create": posts.create,
            "Announce": posts.announce,
            "Update": posts.update,
            "Delete": posts.delete,
            "Move": posts.move,
        }

    async def receive(self, request: SignedRequest) -> Receipt:
        """Take a request to the inbox; it is durable, or deliberately ignored, when this returns.

        Raises `Malformed` (400), `Unauthorized` (401), `Refused` (403), `TooMany` (429), `KeyUnavailable` and
        `Busy` (503).
        """
        activity = await _parse(request.body)
        try:
            sender = await self._authenticator.authenticate(request)
        except KeyGone:
            if activity.type == "Delete":
                return Receipt("ignored-gone")  # relays.md C16: the account is gone, senders must not retry
            raise
        servers = servers_of(activity)
        self._admit(sender, servers, activity.type)
        if sender.replayed:
            return Receipt("ignored-replay")
        proven = await self._brought(activity, sender)
        receipt = await self._handle(Arrival(activity, sender, request, servers, proven))
        self._authenticator.acted_on(sender)
        self._signals.heard_from(sender.server)
        return receipt

    async def _brought(self, activity: Activity, sender: Sender) -> Proven | None:
        """How the activity's actor proves what somebody else brings; None when he brings it himself.

        Also None for what a relay that takes part brings without proof. Raises `Unauthorized` for what others do
        (CVE-2025-54888).
        """
        if sender.actor == activity.actor:
            return None
        proven = None
        if activity.type in PASSED_ON and await self._posts.takes_from(sender.server):
            proven = await self._proofs.passed_on(activity)
        if proven is None and not await self._peers.publishes(sender.actor):
            raise Unauthorized("The key does not belong to the activity's actor.", code="wrong-actor")
        return proven

    async def _handle(self, arrival: Arrival) -> Receipt:
        if not arrival.authentic and arrival.activity.type != "Create":
            # A relay that takes part says so: no reason to refuse it, none to believe it either.
            return Receipt("ignored-unproven")
        excess = overreach(arrival.activity)
        if excess is not None and not await self._is_farewell(arrival):
            return Receipt(f"ignored-{excess}")
        handler = self._handlers.get(arrival.activity.type)
        return Receipt("ignored-type") if handler is None else await handler(arrival)

    def _admit(self, sender: Sender, servers: frozenset[str], kind: str) -> None:
        """Refuse what names a blocked server, and more than a server may send. Raises `Refused`, `TooMany`."""
        if self._blocks.any_blocked(servers | {sender.server}):
            self._tally.add("inbox", "blocked")
            raise Refused("This server is blocked here.", code="blocked")
        try:
            self._limits.check(sender.server, kind)
        except TooMany as error:
            self._tally.add("inbox", error.code)
            raise
        for name in self._blocks.observe(servers):
            self._tally.add("blocklist_observed", name)

    # ------------------------------------------------------------------ subscriptions

    async def _follow(self, arrival: Arrival) -> Receipt:
        activity, sender = arrival.activity, arrival.sender
        try:
            actor = await self._fetcher.actor(sender.actor)
        except RemoteError as error:
            problem = KeyUnavailable if error.temporary else Unauthorized
            raise problem(f"The actor could not be fetched: {error}", code="no-actor") from error
        check_inbox(actor.inbox, self._identity.server, allow_http=self._allow_http)
        if not hosts.same_origin(actor.inbox, actor.id):
            raise Refused("The inbox is of another origin than the actor.", code="bad-inbox")
        subscription = await self._subscribers.follow(activity, actor)
        return Receipt(f"follow-{subscription.state}")

    async def _undo(self, arrival: Arrival) -> Receipt:
        activity, sender = arrival.activity, arrival.sender
        undone = activity.object
        if await self._opt_outs.undo(activity, sender.actor):
            return Receipt("opt-out-ended")
        if undone is not None and undone.type not in {None, "Follow"}:
            return Receipt("ignored-undo")
        if undone is None and not await self._is_follow(activity.object_id, sender.actor):
            return Receipt("ignored-undo")
        gone = await self._subscribers.undo(sender.actor)
        return Receipt("unfollowed" if gone else "ignored-undo")

    async def _block(self, arrival: Arrival) -> Receipt:
        return Receipt(await self._opt_outs.block(arrival.activity, arrival.sender.actor))

    async def _is_farewell(self, arrival: Arrival) -> bool:
        """Whether a bare id is undone that stands for the sender's own subscription, though it is on our server."""
        activity = arrival.activity
        is_bare = activity.type == "Undo" and activity.object is None
        return is_bare and await self._is_follow(activity.object_id, arrival.sender.actor)

    async def _is_follow(self, object_id: str | None, actor: str) -> bool:
        async with self._store.reading() as tx:
            subscription = await tx.subscribers.by_actor(actor)
        if subscription is None or object_id is None:
            return False
        # ActivityRelay 0.3.5 undoes the last Follow between us, and that may be ours of it.
        return object_id in {subscription.follow_id, subscription.back_id}

    async def _answer(self, arrival: Arrival) -> Receipt:
        activity, sender = arrival.activity, arrival.sender
        accepted = activity.type == "Accept"
        answered = (sender.actor, activity.object_id)
        known = await self._subscribers.answered(*answered, accepted=accepted)
        if not known and await self._upstreams.answered(*answered, accepted=accepted):
            return Receipt(f"relay-{activity.type.lower()}ed")
        if not known and await self._recalls.answered(sender.server, activity.object_id, accepted=accepted):
            return Receipt("recall-answered")
        return Receipt(f"follow-back-{activity.type.lower()}ed" if known else "ignored-answer")


async def _parse(body: bytes) -> Activity:
    """Parse on the loop what is small and in a thread what is not: a hostile megabyte takes tenths of a second."""
    if len(body) <= PARSED_ON_THE_LOOP:
        return parse_activity(body)
    return await asyncio.to_thread(parse_activity, body)
