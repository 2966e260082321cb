"""Posts and what changes them: what is stored, passed on, renewed or purged (architecture.md, "What travels to whom").

Bytes that carry their actor's proof are passed on as they are, whoever brought them. Of everything else only the
object's id is believed, and the object is fetched from its own server.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mediaattest import parse_header
from relay.domain import hosts
from relay.domain.activity import ACTIVITY_TYPES, loop_key, relayed
from relay.domain.content import Content, content_of
from relay.domain.errors import Busy, KeyUnavailable, RemoteError
from relay.domain.facts import Facts
from relay.domain.intake import Incoming
from relay.domain.log import ActivityState
from relay.domain.policy import Verb
from relay.domain.subscription import INSTANCE_TYPES
from relay.domain.traits import traits_of
from relay.services.arrival import Receipt, authors_of
from relay.services.braking import Post
from relay.services.decide import ANNOUNCED, Subject, ruled

if TYPE_CHECKING:
    from relay.domain.activity import Activity
    from relay.domain.intake import Settled
    from relay.domain.log import Proven
    from relay.ports import Clock, Store
    from relay.protocol.httpsig import SignedRequest
    from relay.services.arrival import Arrival, ReceiveRules
    from relay.services.blocks import Blocks
    from relay.services.braking import Braking
    from relay.services.consent import Consent
    from relay.services.decide import Decider
    from relay.services.fetch import Fetcher
    from relay.services.identity import Identity
    from relay.services.intake import Intake
    from relay.services.peers import Peers
    from relay.services.proofs import Proofs
    from relay.services.signals import Signals
    from relay.services.standing import Standings

TOKENS: Final = 7
"""Attestations that are read from one request (attestation.md, carriage)."""


class Posts:
    """Takes what servers publish, change and delete. `rules` may be replaced while running."""

    def __init__(
        self,
        *,
        store: Store,
        intake: Intake,
        clock: Clock,
        signals: Signals,
        peers: Peers,
        fetcher: Fetcher,
        decider: Decider,
        braking: Braking,
        proofs: Proofs,
        identity: Identity,
        blocks: Blocks,
        consent: Consent,
        standings: Standings,
        rules: ReceiveRules,
    ) -> None:
        self._store, self._intake, self._clock, self._signals = store, intake, clock, signals
        self._peers, self._fetcher, self._decider, self._braking = peers, fetcher, decider, braking
        self._proofs, self._identity = proofs, identity
        self._blocks, self._consent, self._standings = blocks, consent, standings
        self.rules = rules

    async def create(self, arrival: Arrival) -> Receipt:
        """Take a post: settled at once when there is nothing to look at, else work for screening."""
        activity = arrival.activity
        refusal = await self._unfit(arrival)
        if refusal is not None:
            return Receipt(refusal)
        if activity.object_id is None or not hosts.is_http_url(activity.object_id):
            return Receipt("ignored-object")
        if not arrival.authentic:
            # A relay passed it on without proof: only what its own server says of it counts.
            return await self._put(arrival, activity.object_id, None, kind="Announce")
        if activity.object is None:
            return Receipt("ignored-object")
        return await self._put(arrival, activity.object_id, await self._proven(arrival))

    async def announce(self, arrival: Arrival) -> Receipt:
        """Relay what another relay, a LitePub server or a group announces; a person's boost is no relay's business."""
        refusal = await self._unfit(arrival, audience=False)
        if refusal is not None:
            return Receipt(refusal)
        object_id = _announced(arrival.activity)
        if object_id is None:
            return Receipt("ignored-object")
        if not await self._may_announce(arrival.sender.actor):
            return Receipt("ignored-boost")
        return await self._put(arrival, object_id, None)

    async def update(self, arrival: Arrival) -> Receipt:
        """Screen what waits as it is now; pass on the change of what was published, if its bytes are proven."""
        activity = arrival.activity
        if activity.object is None or activity.object_id is None:
            return Receipt("ignored-update")
        if activity.object_id == activity.actor:
            await self._consent.told(activity.actor, activity.object.document)
        async with self._store.transaction() as tx:
            renewed = await tx.activities.renew(activity.object_id, activity.body, self._clock.now())
        if renewed:
            self._signals.screening.set()
            return Receipt("renewed")
        if await self._unfit(arrival, brings=False) is not None or await self._is_new_of_a_receiver(arrival):
            return Receipt("ignored-update")
        proven = await self._proven_or_again(arrival)
        if proven is None:
            return Receipt("ignored-update")
        return await self._put(arrival, activity.object_id, proven)

    async def delete(self, arrival: Arrival) -> Receipt:
        """Purge what its own server deletes: holds, log entries, text and media facts; pass on what is proven."""
        object_id = arrival.activity.object_id
        if object_id is None:
            return Receipt("ignored-delete")
        # That something is gone is what an author who has opted out wants to be known.
        refusal = await self._unfit(arrival, audience=False, brings=False, despite_opt_out=True)
        proven, later = None, None
        if refusal is None:
            try:
                proven = await self._proven_or_again(arrival)
            except (Busy, KeyUnavailable) as error:
                later = error  # what we have of it goes at once, all the same
        incoming = None if proven is None else self._incoming(arrival, object_id, proven)
        async with self._store.transaction() as tx:
            before = await tx.fanout.head()
            whole_actor = object_id == arrival.activity.actor
            gone = await tx.activities.withdraw(object_id, self._clock.now(), whole_actor=whole_actor)
            if incoming is not None:
                await tx.activities.receive([(incoming, self._passed_on(incoming, arrival))])
            elif refusal is None and later is None:
                # The post may still come by another way.
                await tx.activities.remember([loop_key("Delete", object_id)], self._clock.now())
        self._signals.withdrawn(gone, before)
        if later is not None:
            raise later
        return Receipt("withdrawn")

    async def move(self, arrival: Arrival) -> Receipt:
        """Pass on that an account moved, if the bytes are proven."""
        object_id = arrival.activity.object_id
        if object_id is None or await self._unfit(arrival, audience=False, brings=False) is not None:
            return Receipt("ignored-move")
        proven = await self._proven_or_again(arrival)
        if proven is None:
            return Receipt("ignored-move")
        incoming = self._incoming(arrival, object_id, proven)
        return await self._store_it(incoming, self._passed_on(incoming, arrival))

    # ------------------------------------------------------------------ may it?

    async def takes_from(self, server: str) -> bool:
        """Whether what this server sends is relayed at all."""
        return self.rules.anyone or await self._peers.serves(server)

    async def _unfit(
        self,
        arrival: Arrival,
        *,
        audience: bool = True,
        brings: bool = True,
        despite_opt_out: bool = False,
    ) -> str | None:
        """Say why a post is not relayed, before anything is stored. `brings`: it is new, no change of an older one."""
        if not await self.takes_from(arrival.sender.server):
            return "ignored-stranger"
        if audience and not arrival.activity.shown_to(relayed(unlisted=self.rules.unlisted)):
            return "ignored-not-public"
        if self._identity.server in arrival.servers:
            return "ignored-own"
        if not despite_opt_out and await self._opted_out(arrival):
            return "ignored-opt-out"
        if brings and await self._peers.only_receive(arrival.servers | {arrival.sender.server}):
            return "ignored-direction"
        return None

    async def _opted_out(self, arrival: Arrival) -> bool:
        """Whether an author blocked the relay, or says in a profile that is known that he wants no machines."""
        authors = authors_of(arrival.activity)
        if self._blocks.opted_out(authors, arrival.servers):
            return True
        return arrival.authentic and await self._consent.recall(authors) is True

    async def _is_new_of_a_receiver(self, arrival: Arrival) -> bool:
        """Whether an edit is of a post that was not relayed, of a server that only receives: it would be new."""
        if not await self._peers.only_receive(arrival.servers | {arrival.sender.server}):
            return False
        async with self._store.reading() as tx:
            return await tx.fanout.first(arrival.activity.object_id or "") is None

    async def _may_announce(self, actor_id: str) -> bool:
        """Relays that take part may, and groups: a forum's Announce is how it publishes (relays.md B4)."""
        if await self._peers.publishes(actor_id):
            return True
        try:
            return (await self._fetcher.actor(actor_id)).type in INSTANCE_TYPES
        except RemoteError:
            return False

    async def _proven(self, arrival: Arrival) -> Proven | None:
        """How the bytes are proven; looked at only once, and only when they may be passed on."""
        return await self._proofs.of(arrival.activity) if arrival.direct else arrival.proven

    async def _proven_or_again(self, arrival: Arrival) -> Proven | None:
        """The same for what cannot be announced. Raises `KeyUnavailable`, `Busy`: with 202 it would be lost."""
        return await self._proofs.look(arrival.activity) if arrival.direct else arrival.proven

    # ------------------------------------------------------------------ storing

    async def _put(
        self, arrival: Arrival, object_id: str, proven: Proven | None, *, kind: str | None = None
    ) -> Receipt:
        incoming = self._incoming(arrival, object_id, proven, kind=kind)
        self._standings.count(incoming.server)
        post = arrival.activity.object
        if incoming.kind == "Announce" or post is None or post.media or not post.media_complete:
            return await self._store_it(incoming, None)
        if await self._consent.recall(authors_of(arrival.activity)) is None:
            return await self._store_it(incoming, None)  # the author has to be asked first
        return await self._store_it(incoming, await self._settle_text(incoming, arrival))

    def _incoming(
        self, arrival: Arrival, object_id: str, proven: Proven | None, *, kind: str | None = None
    ) -> Incoming:
        activity, kind = arrival.activity, kind or arrival.activity.type
        keys = [loop_key(kind, object_id, activity.version)]
        if activity.id is not None and arrival.authentic:
            keys.append(f"id {activity.id}")
        return Incoming(
            activity_id=activity.id,
            kind=kind,
            actor=activity.actor,
            server=arrival.sender.server,
            object_id=object_id,
            body=activity.body,
            received_at=self._clock.now(),
            tokens=tokens_beside(arrival.request, activity),
            keys=tuple(keys),
            unless=(loop_key("Delete", object_id),) if kind in ANNOUNCED else (),
            proven=proven,
        )

    async def _settle_text(self, incoming: Incoming, arrival: Arrival) -> Settled:
        """Decide at once what has no media: there is nothing to fetch and nothing to scan."""
        actor, post = arrival.activity.actor, arrival.activity.object
        content = Content() if post is None else content_of(post.document, (actor, *post.attributed_to))
        subject = _subject(incoming, arrival, content)
        standing = await self._standings.of(incoming.server)
        facts = Facts(from_hosts=subject.origins, type=incoming.kind, content=content, standing=standing)
        decision = self._decider.decision(facts, incoming.received_at)
        about = (incoming.object_id, incoming.kind, actor, incoming.server, incoming.received_at)
        decision, brake = await self._braking.decide(decision, Post(*about, post, standing))
        settled = self._decider.settle(subject, decision, facts, None, ())
        return settled if brake is None else replace(settled, brake=brake)

    def _passed_on(self, incoming: Incoming, arrival: Arrival) -> Settled:
        """Pass on without asking the policy: that something is gone, or has moved, must reach whoever has it."""
        subject = _subject(incoming, arrival)
        facts = Facts(from_hosts=subject.origins, type=incoming.kind)
        return self._decider.settle(subject, ruled(Verb.RELAY, "by its own actor", ""), facts, None, ())

    async def _store_it(self, incoming: Incoming, settled: Settled | None) -> Receipt:
        seq = await self._intake.put(incoming, settled)
        if seq is None:
            return Receipt("ignored-repeat")
        if settled is None:
            self._signals.screening.set()
            return Receipt("screening", seq)
        if settled.state is ActivityState.PUBLISHED:
            self._signals.changed()
        return Receipt(settled.state.value, seq)


def _announced(activity: Activity) -> str | None:
    """The object that an Announce is about; a Create inside it is unwrapped (Lemmy announces activities, B4)."""
    inner, object_id = activity.object, activity.object_id
    if inner is not None and inner.type in ACTIVITY_TYPES:
        by_its_server = inner.actor is not None and inner.object_id is not None
        if inner.type != "Create" or not by_its_server:
            return None
        object_id = inner.object_id
        if not hosts.same_origin(inner.actor or "", object_id or ""):
            return None
    return object_id if object_id is not None and hosts.is_http_url(object_id) else None


def _subject(incoming: Incoming, arrival: Arrival, content: Content | None = None) -> Subject:
    servers = arrival.servers | {arrival.sender.server}
    traits = traits_of(incoming.kind, arrival.activity.object, content)
    return Subject(incoming.object_id, servers, incoming.kind, incoming.body, incoming.proven, traits)


def tokens_beside(request: SignedRequest, activity: Activity) -> tuple[str, ...]:
    """Return the compact attestations in the header and in `mediaAttestation`; a bad header counts as none."""
    header = ", ".join(request.values("media-attestation"))
    tokens = list(parse_header(header)) if header else []
    beside = activity.document.get("mediaAttestation")
    for value in beside if isinstance(beside, list) else [beside]:
        if isinstance(value, str) and value.startswith("data:application/jwt,"):
            tokens.append(value.removeprefix("data:application/jwt,"))
    return tuple(dict.fromkeys(tokens))[:TOKENS]
