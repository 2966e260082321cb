"""The inbox: from a signed request to something durable, or to a reason why not.

Order: parse (bounded), authenticate, look at it once, one transaction, and only then the answer. Nothing slow
stands before the answer; the only network is the fetch of a key that is not known yet.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mediaattest import parse_header
from relay.domain import hosts
from relay.domain.activity import Activity, loop_key, parse_activity, relayed
from relay.domain.authority import overreach
from relay.domain.errors import KeyUnavailable, Refused, RemoteError, TooMany, Unauthorized
from relay.domain.facts import Facts
from relay.domain.intake import Incoming
from relay.domain.log import ActivityState
from relay.protocol.actors import check_inbox
from relay.services.decide import Subject
from relay.services.keyring import KeyGone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.domain.intake import Settled
    from relay.ports import Clock, Store
    from relay.protocol.httpsig import SignedRequest
    from relay.services.authenticate import Authenticator, Sender
    from relay.services.blocks import Blocks
    from relay.services.decide import Decider
    from relay.services.fetch import Fetcher
    from relay.services.identity import Identity
    from relay.services.intake import Intake
    from relay.services.limits import Limits
    from relay.services.optouts import OptOuts
    from relay.services.signals import Signals
    from relay.services.standing import Standings
    from relay.services.subscribers import Subscribers
    from relay.services.tally import Tally

PARSED_ON_THE_LOOP: Final = 64 * 1024
"""Bytes of a body that is parsed on the loop; posts are a few thousand."""
TOKENS: Final = 7
"""Attestations that are read from one request (attestation.md, carriage)."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of a request that was answered 202: `code` is stable, `seq` the number of what was stored."""

    code: str
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that is authentic: what it says, who sent it, as it was sent, and every server that it names."""

    activity: Activity
    sender: Sender
    request: SignedRequest
    servers: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReceiveRules:
    """What the operator lets in."""

    anyone: bool = False
    unlisted: bool = False
    allow_http: bool = False


class Receiver:
    """Receives activities. `rules` may be replaced while running."""

    def __init__(
        self,
        *,
        store: Store,
        intake: Intake,
        clock: Clock,
        signals: Signals,
        authenticator: Authenticator,
        subscribers: Subscribers,
        fetcher: Fetcher,
        decider: Decider,
        blocks: Blocks,
        opt_outs: OptOuts,
        limits: Limits,
        standings: Standings,
        tally: Tally,
        identity: Identity,
        rules: ReceiveRules,
    ) -> None:
        self._store, self._intake, self._clock, self._signals = store, intake, clock, signals
        self._authenticator, self._subscribers, self._fetcher = authenticator, subscribers, fetcher
        self._decider, self._blocks, self._identity = decider, blocks, identity
        self._opt_outs, self._limits, self._standings, self._tally = opt_outs, limits, standings, tally
        self.rules = rules
        self._handlers: dict[str, Callable[[Arrival], Awaitable[Receipt]]] = {
            "Follow": self._follow,
            "Undo": self._undo,
            "Block": self._block,
            "Accept": self._answer,
            "Reject": self._answer,
            "Create": self._create,
            "Announce": self._announce,
            "Update": self._update,
            "Delete": self._delete,
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
        if sender.actor != activity.actor:
            # CVE-2025-54888: a valid signature by somebody else proves nothing about this activity.
            raise Unauthorized("The key does not belong to the activity's actor.", code="wrong-actor")
        arrival = Arrival(activity, sender, request, servers_of(activity))
        self._admit(arrival)
        if sender.replayed:
            return Receipt("ignored-replay")
        excess = overreach(activity)
        if excess is not None:
            return Receipt(f"ignored-{excess}")
        handler = self._handlers.get(activity.type)
        receipt = Receipt("ignored-type") if handler is None else await handler(arrival)
        self._authenticator.acted_on(sender)
        self._signals.heard_from(sender.server)
        return receipt

    def _admit(self, arrival: Arrival) -> None:
        """Refuse what names a blocked server, and more than a server may send. Raises `Refused`, `TooMany`."""
        if self._blocks.any_blocked(arrival.servers):
            self._tally.add("inbox", "blocked")
            raise Refused("This server is blocked here.", code="blocked")
        try:
            self._limits.check(arrival.sender.server, arrival.activity.type)
        except TooMany as error:
            self._tally.add("inbox", error.code)
            raise
        for name in self._blocks.observe(arrival.servers):
            self._tally.add("blocklist_observed", name)

    # ------------------------------------------------------------------ subscriptions

    async def _follow(self, arrival: Arrival) -> Receipt:
        activity, sender = arrival.activity, arrival.sender
        try:
            actor = await self._fetcher.actor(sender.actor)
        except RemoteError as error:
            problem = KeyUnavailable if error.temporary else Unauthorized
            raise problem(f"The actor could not be fetched: {error}", code="no-actor") from error
        check_inbox(actor.inbox, self._identity.server, allow_http=self.rules.allow_http)
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

    async def _is_follow(self, object_id: str | None, actor: str) -> bool:
        async with self._store.reading() as tx:
            subscription = await tx.subscribers.by_actor(actor)
        return subscription is not None and subscription.follow_id == object_id

    async def _answer(self, arrival: Arrival) -> Receipt:
        activity, sender = arrival.activity, arrival.sender
        accepted = activity.type == "Accept"
        known = await self._subscribers.answered(sender.actor, activity.object_id, accepted=accepted)
        return Receipt(f"follow-back-{activity.type.lower()}ed" if known else "ignored-answer")

    # ------------------------------------------------------------------ posts

    async def _create(self, arrival: Arrival) -> Receipt:
        activity = arrival.activity
        refusal = await self._unfit(arrival)
        if refusal is not None:
            return Receipt(refusal)
        post = activity.object
        if post is None or activity.object_id is None or not hosts.is_http_url(activity.object_id):
            return Receipt("ignored-object")
        settled = None
        self._standings.count(arrival.sender.server)
        if not post.media and post.media_complete:
            settled = await self._settle_text(arrival)
        return await self._store_post(arrival, settled)

    async def _announce(self, arrival: Arrival) -> Receipt:
        """Relay what another relay or a LitePub server announces; the boost of a person is no relay's business."""
        activity, sender = arrival.activity, arrival.sender
        refusal = await self._unfit(arrival, audience=False)
        if refusal is not None:
            return Receipt(refusal)
        if activity.object_id is None or not hosts.is_http_url(activity.object_id):
            return Receipt("ignored-object")
        if not self.rules.anyone and not await self._subscribers.is_subscriber(sender.actor):
            return Receipt("ignored-boost")
        self._standings.count(sender.server)
        return await self._store_post(arrival, None)

    async def _unfit(self, arrival: Arrival, *, audience: bool = True) -> str | None:
        """Say why a post is not relayed, before anything is stored."""
        if not self.rules.anyone and not await self._subscribers.serves(arrival.sender.server):
            return "ignored-stranger"
        if audience and not self._public(arrival.activity):
            return "ignored-not-public"
        if self._identity.server in arrival.servers:
            return "ignored-own"
        if self._blocks.opted_out(authors_of(arrival.activity), arrival.servers):
            return "ignored-opt-out"
        return None

    def _public(self, activity: Activity) -> bool:
        """Whether both the activity and what it embeds are public; an object without audience has the activity's."""
        seen = relayed(unlisted=self.rules.unlisted)
        post = activity.object
        hidden = post is not None and post.visibility not in seen
        addressed = post is not None and ("to" in post.document or "cc" in post.document)
        return activity.visibility in seen and not (hidden and addressed)

    async def _settle_text(self, arrival: Arrival) -> Settled:
        """Decide at once what has no media: there is nothing to fetch and nothing to scan."""
        server = arrival.sender.server
        standing = await self._standings.of(server)
        facts = Facts(from_hosts=arrival.servers | {server}, type=arrival.activity.type, standing=standing)
        now = self._clock.now()
        subject = Subject(arrival.activity.object_id or "", facts.from_hosts, now)
        decision = self._decider.decision(facts, now)
        return self._decider.settle(subject, decision, facts, None, ())

    async def _store_post(self, arrival: Arrival, settled: Settled | None) -> Receipt:
        activity, sender = arrival.activity, arrival.sender
        object_id = activity.object_id or ""
        keys = [loop_key(activity.type, object_id, activity.version)]
        if activity.id is not None:
            keys.append(f"id {activity.id}")
        seq = await self._intake.put(
            Incoming(
                activity_id=activity.id,
                kind=activity.type,
                actor=sender.actor,
                server=sender.server,
                object_id=object_id,
                body=activity.body,
                received_at=self._clock.now(),
                tokens=tokens_beside(arrival.request, activity),
                keys=tuple(keys),
            ),
            settled,
        )
        if seq is None:
            return Receipt("ignored-repeat")
        if settled is None:
            self._signals.screening.set()
            return Receipt("screening", seq)
        if settled.state is ActivityState.PUBLISHED:
            self._signals.changed()
        return Receipt(settled.state.value, seq)

    # ------------------------------------------------------------------ changes by the origin

    async def _update(self, arrival: Arrival) -> Receipt:
        """Screen what waits as it is now. Unsigned updates of what was published cannot be passed on."""
        activity, sender = arrival.activity, arrival.sender
        if activity.object is None or activity.object_id is None:
            return Receipt("ignored-update")
        async with self._store.transaction() as tx:
            renewed = await tx.activities.renew(
                activity.object_id, sender.server, activity.body, self._clock.now()
            )
        self._signals.screening.set()
        return Receipt("renewed" if renewed else "ignored-update")

    async def _delete(self, arrival: Arrival) -> Receipt:
        """Purge what its own server deletes: holds, log entries, text and media facts."""
        activity, sender = arrival.activity, arrival.sender
        if activity.object_id is None:
            return Receipt("ignored-delete")
        async with self._store.transaction() as tx:
            await tx.activities.withdraw(activity.object_id, sender.server, self._clock.now())
        self._signals.withdrawn(activity.object_id)
        return Receipt("withdrawn")


async def _parse(body: bytes) -> Activity:
    """Parse on the loop what is small and in a thread what is not: a hostile megabyte takes tenths of a second."""
    if len(body) <= PARSED_ON_THE_LOOP:
        return parse_activity(body)
    return await asyncio.to_thread(parse_activity, body)


def servers_of(activity: Activity) -> frozenset[str]:
    """Return every server an activity names: of its actor, its object, and whom the object is attributed to.

    Of an announced activity (Lemmy's) also those of its actor and its object.
    """
    urls = [activity.actor, *activity.object_ids]
    post = activity.object
    if post is not None:
        urls += post.attributed_to
        if activity.type == "Announce":
            urls += [one for one in (post.actor, post.object_id) if one is not None]
    return hosts.server_names(urls)


def authors_of(activity: Activity) -> frozenset[str]:
    """Return the actors that an activity is by: its own, and whom an embedded object is attributed to."""
    post = activity.object
    return frozenset((activity.actor, *(post.attributed_to if post is not None else ())))


def tokens_beside(request: SignedRequest, activity: Activity) -> tuple[str, ...]:
    """Return the compact attestations in the header and in `mediaAttestation`; a bad header counts as none."""
    header = ", ".join(request.values("media-attestation"))
    tokens = list(parse_header(header)) if header else []
    beside = activity.document.get("mediaAttestation")
    for value in beside if isinstance(beside, list) else [beside]:
        if isinstance(value, str) and value.startswith("data:application/jwt,"):
            tokens.append(value.removeprefix("data:application/jwt,"))
    return tuple(dict.fromkeys(tokens))[:TOKENS]
