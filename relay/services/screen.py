"""Screening: what was received with media waits here until every item was looked at and the policy has decided."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mediaattest import format_header, to_data_url
from relay.domain import hosts
from relay.domain.activity import parse_activity, parse_object, relayed
from relay.domain.content import content_of
from relay.domain.delivery import backoff
from relay.domain.errors import Malformed, RelayError, RemoteError
from relay.domain.hashsubmission import held_for_review, is_unreviewed, without_unreviewed
from relay.domain.intake import Item, Settled
from relay.domain.log import ActivityState
from relay.domain.policy import RELAYING, Verb
from relay.domain.screening import facts_of
from relay.domain.traits import traits_of
from relay.services.braking import Post
from relay.services.decide import Subject, ruled
from relay.services.inspect import PATIENCE, given_up
from relay.services.leased import LeasedWork

if TYPE_CHECKING:
    from relay.domain.activity import ApObject
    from relay.domain.facts import Facts
    from relay.domain.intake import Work
    from relay.domain.policy import Decision
    from relay.ports import Clock, Store
    from relay.services.alerts import Alerts
    from relay.services.attestations import Attestor
    from relay.services.blocks import Blocks
    from relay.services.braking import Braking
    from relay.services.consent import Consent
    from relay.services.decide import Decider
    from relay.services.fetch import Fetcher
    from relay.services.flood import FloodGuard
    from relay.services.inspect import Inspector
    from relay.services.signals import Signals
    from relay.services.standing import Standings

LEASE: Final = 30.0
"""Seconds after which work whose process died is taken again: it is kept longer by who works on it."""


class Dropped(Exception):
    """There is nothing to decide on: the object cannot be relayed at all, for this reason code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Screening:
    """Takes work from the store, looks at the media, decides. `unlisted` may be replaced while running."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        signals: Signals,
        fetcher: Fetcher,
        inspector: Inspector,
        attestor: Attestor,
        decider: Decider,
        braking: Braking,
        flood: FloodGuard,
        blocks: Blocks,
        consent: Consent,
        standings: Standings,
        alerts: Alerts,
        unlisted: bool,
        at_once: int = 8,
    ) -> None:
        self._store, self._clock, self._signals = store, clock, signals
        self._fetcher, self._inspector, self._attestor = fetcher, inspector, attestor
        self._decider, self._blocks, self._standings = decider, blocks, standings
        self._consent, self._flood, self._braking, self._alerts = consent, flood, braking, alerts
        self.unlisted = unlisted
        self._due = LeasedWork(
            lambda work: f"screening activity {work.seq}",
            lambda tx: tx.activities,
            self._screen,
            store=store,
            clock=clock,
            wakeup=signals.screening,
            lease=LEASE,
            at_once=at_once,
            keep=lambda tx, work, until: tx.activities.keep(work, until),
        )

    async def run(self) -> None:
        """Screen until cancelled, several activities at a time."""
        await self._due.run()

    async def run_once(self) -> int:
        """Screen everything that is due; return the number of activities."""
        return await self._due.run_once()

    async def _screen(self, work: Work) -> None:
        try:
            object_id, post = await self._post(work)
            self._still_wanted(work, post)
            await self._ask_authors(work, post)
        except Dropped as drop:
            await self._settle(work, self._dropped(drop.reason), ())
            return
        except RemoteError as error:
            if not error.temporary or work.attempts >= PATIENCE:
                await self._settle(work, self._dropped(f"object-{error.code}"), ())
            else:
                await self._postpone(work, error)
            return
        about = None if object_id == work.object_id else object_id
        work = replace(work, object_id=object_id)
        items = await self._inspect(work, post)
        try:
            self._still_wanted(work, post)  # looking at media takes minutes; a block must not come too late
        except Dropped as drop:
            await self._settle(work, self._dropped(drop.reason), items)
            return
        await self._decide(work, post, items, about)

    def _still_wanted(self, work: Work, post: ApObject) -> None:
        """Raise `Dropped` when a server that the work names is blocked by now, or an author has opted out."""
        servers = _servers(work, post)
        if self._blocks.any_blocked(servers):
            raise Dropped("blocked")
        if self._blocks.opted_out(_authors(work, post), servers):
            raise Dropped("opted-out")

    async def _ask_authors(self, work: Work, post: ApObject) -> None:
        """Raise `Dropped` when an author's profile says no, `RemoteError` to ask later; else silence is a yes."""
        try:
            refused = await self._consent.ask(_authors(work, post))
        except RemoteError as error:
            if error.temporary and work.attempts < PATIENCE:
                raise
            refused = False
        if refused:
            raise Dropped("opted-out")

    async def _post(self, work: Work) -> tuple[str, ApObject]:
        """Return the object and its id: embedded by its author, or fetched. Raises `Dropped`, `RemoteError`."""
        if work.kind != "Announce":
            activity = parse_activity(work.body)
            if activity.object is not None:
                # Its author may have changed who is to see it while it waited.
                if not activity.shown_to(relayed(unlisted=self.unlisted)):
                    raise Dropped("object-not-public")
                return work.object_id, activity.object
        post = await self._fetch(work.object_id)
        if post.type == "Create" and post.object_id is not None:
            # Lemmy announces activities: one level is unwrapped, and only on one server (relays.md B4).
            if not hosts.same_origin(work.object_id, post.object_id):
                raise Dropped("object-wrong-author")
            post = await self._fetch(post.object_id)
        object_id = post.id or work.object_id
        if post.visibility not in relayed(unlisted=self.unlisted):
            raise Dropped("object-not-public")
        servers = hosts.server_names(post.attributed_to)
        if self._blocks.any_blocked(servers | {hosts.server_name(object_id)}):
            raise Dropped("object-blocked")
        if not post.attributed_to or servers != {hosts.server_name(object_id)}:
            raise Dropped("object-wrong-author")  # FEP-fe34
        return object_id, post

    async def _fetch(self, object_id: str) -> ApObject:
        try:
            return parse_object(await self._fetcher.document(object_id))
        except Malformed as error:
            raise Dropped(f"object-{error.code}") from error

    async def _inspect(self, work: Work, post: ApObject) -> list[Item]:
        items = await self._inspector.inspect_all(
            post.media, work.object_id, work.tokens, complete=post.media_complete
        )
        return [given_up(item) for item in items] if work.attempts >= PATIENCE else items

    async def _decide(self, work: Work, post: ApObject, items: list[Item], about: str | None) -> None:
        facts = await self._facts(work, post, items)
        decided = self._decider.decision(facts, work.received_at)
        if decided.verb is Verb.DROP and any(
            is_unreviewed(match) for item in items for match in item.matches
        ):
            decided = await self._reviewed(decided, work, post, items)
        decided = await self._flood.tempered(decided, items, work.object_id)
        seen = (work.object_id, work.kind, work.actor, work.server, work.received_at)
        decision, brake = await self._braking.decide(decided, Post(*seen, post, facts.standing, items))
        tokens: list[str] = []
        if decided.would is Verb.RELAY_AND_ATTEST and (brake is None or decision.verb in RELAYING):
            tokens = await self._attestor.tokens(items)
        header = format_header(tokens) or None
        traits = traits_of(work.kind, post)
        subject = Subject(work.object_id, facts.from_hosts, work.kind, work.body, work.proven, traits)
        urls = [to_data_url(token) for token in tokens]
        settled = self._decider.settle(subject, decision, facts, header, urls)
        await self._settle(work, replace(settled, about=about, brake=brake), items)

    async def _reviewed(self, decided: Decision, work: Work, post: ApObject, items: list[Item]) -> Decision:
        """Hold what is to be dropped for nothing but hashes that nobody has reviewed (ADR 0030)."""
        facts = await self._facts(work, post, without_unreviewed(items))
        other = self._decider.decision(facts, work.received_at)
        return decided if other.verb is Verb.DROP else held_for_review(decided)

    async def _facts(self, work: Work, post: ApObject, items: list[Item]) -> Facts:
        issuers = {hosts.server_name(item.issuer) for item in items if item.issuer}
        standing = await self._standings.of(work.server)
        return facts_of(
            items,
            servers=_servers(work, post),
            kind=work.kind,
            issuers=issuers,
            standing=standing,
            content=content_of(post.document, _actors(work, post)),
        )

    async def _settle(self, work: Work, settled: Settled, items: list[Item] | tuple[()]) -> None:
        async with self._store.transaction() as tx:
            done = await tx.activities.settle(work.seq, settled, items, attempt=work.attempts)
            if not done and settled.about is not None:
                # It turned out to be about something that was relayed, or deleted, before.
                settled = self._dropped("repeat")
                await tx.activities.settle(work.seq, settled, (), attempt=work.attempts)
            elif done:
                await self._alerts.decided(tx, work.seq, settled)
        if settled.state is ActivityState.PUBLISHED:
            self._signals.changed()

    def _dropped(self, reason: str) -> Settled:
        decision = ruled(Verb.DROP, "nothing to relay", reason)
        return Settled(ActivityState.DROPPED, decision, {}, self._clock.now())

    async def _postpone(self, work: Work, error: RelayError) -> None:
        retry_after = error.retry_after if isinstance(error, RemoteError) else None
        rest = backoff(work.attempts, self._clock.jitter(), retry_after)
        async with self._store.transaction() as tx:
            await tx.activities.postpone(work.seq, self._clock.now() + rest)


def _servers(work: Work, post: ApObject) -> frozenset[str]:
    """Every server that a work names: of the signer, the actor, the object and its authors."""
    return hosts.server_names((work.actor, work.object_id, *post.attributed_to)) | {work.server}


def _actors(work: Work, post: ApObject) -> tuple[str, ...]:
    """Who did and wrote it. Who is only said to have done it by a relay does not count: a rule might trust him."""
    if work.kind == "Announce" and hosts.server_names([work.actor]) != {work.server}:
        return post.attributed_to
    return (work.actor, *post.attributed_to)


def _authors(work: Work, post: ApObject) -> tuple[str, ...]:
    """Whose post it is: who announces one is not its author."""
    return post.attributed_to if work.kind == "Announce" else (work.actor, *post.attributed_to)
