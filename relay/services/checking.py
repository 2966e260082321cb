"""Checks posts that came by web hook: the same scan and the same policy as for what is relayed, and nothing relayed.

What the policy would hold or drop becomes a finding: on record, told to people, and, where the operator wants it,
reported to the server that the post is on. Everything that one finding does is one transaction. A scanner that fails
is never "clean": the post is looked at again, and a finding in the end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relay.domain import alertwords, hosts
from relay.domain.errors import RemoteError
from relay.domain.facts import Scan
from relay.domain.hashsubmission import is_unreviewed
from relay.domain.policy import Verb, in_the_end
from relay.domain.screening import facts_of
from relay.domain.webhook import Checked, finding_key, is_reported, outcome_of, still_there
from relay.protocol.documents import dump, flag
from relay.services.inspect import PATIENCE, given_up
from relay.services.leased import LeasedWork

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.facts import Facts
    from relay.domain.intake import Item
    from relay.domain.policy import Decision
    from relay.domain.webhook import HookWork, Sender
    from relay.ports import Clock, Store
    from relay.services.alerts import Alerts
    from relay.services.decide import Decider
    from relay.services.fetch import Fetcher
    from relay.services.flood import FloodGuard
    from relay.services.identity import Identity
    from relay.services.inspect import Inspector
    from relay.services.signals import Signals
    from relay.services.standing import Standings
    from relay.services.webhooks import HookCounts

LEASE: Final = 300.0
"""Seconds after which a post that nobody finished is taken again."""
ASK_AGAIN: Final = 600.0
"""Seconds to the next attempt to find the inbox that a report goes to."""
REPORT: Final = (
    "The relay at {host} checks posts that your server sends it by web hook. A file of this one matches a list, or "
    "comes near to a match, which may be wrong; the reason code is {reason}. If it may be grave, do as your law asks "
    "before you open, copy or delete anything."
)


class Checking:
    """Takes posts from the store and checks them, `at_once` at the same time. `senders` are those of now."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        signals: Signals,
        inspector: Inspector,
        decider: Decider,
        flood: FloodGuard,
        standings: Standings,
        fetcher: Fetcher,
        alerts: Alerts,
        identity: Identity,
        counts: HookCounts,
        senders: Sequence[Sender],
        at_once: int = 4,
    ) -> None:
        self._store, self._clock, self._signals = store, clock, signals
        self._inspector, self._decider, self._flood = inspector, decider, flood
        self._standings, self._fetcher, self._alerts = standings, fetcher, alerts
        self._identity, self._counts = identity, counts
        self._senders = {sender.name: sender for sender in senders}
        self._due = LeasedWork(
            lambda work: f"checking post {work.id} of web hook {work.sender}",
            lambda tx: tx.webhooks,
            self._check,
            store=store,
            clock=clock,
            wakeup=signals.webhooks,
            lease=LEASE,
            at_once=at_once,
        )

    async def run(self) -> None:
        """Check until cancelled."""
        await self._due.run()

    async def run_once(self) -> int:
        """Check everything that is due; return the number of posts."""
        return await self._due.run_once()

    async def _check(self, work: HookWork) -> None:
        post = work.post
        found = await self._inspector.inspect_all(post.media, post.id, (), complete=post.complete)
        items = still_there([given_up(item) for item in found] if work.attempts >= PATIENCE else found)
        if not items:
            await self._settle(work, Checked.GONE)
            return
        facts = await self._facts(work, items)
        decision = await self._flood.tempered(self._decided(facts, work), items, post.id)
        if decision.would is Verb.DEFER and facts.scan is not Scan.CLEAN:
            await self._delay(work, decision.seconds)
            return
        outcome = outcome_of(facts, decision)
        if outcome is Checked.FINDING:
            await self._find(work, items, facts, decision)
        else:
            await self._settle(work, outcome)

    def _decided(self, facts: Facts, work: HookWork) -> Decision:
        """What `enforce` would do: nothing is relayed anyway, so there is nothing to observe first."""
        decision = self._decider.decision(facts, work.received_at)
        return in_the_end(replace(decision, verb=decision.would), self._clock.now() - work.received_at)

    async def _facts(self, work: HookWork, items: Sequence[Item]) -> Facts:
        servers = hosts.server_names((work.post.id, work.post.author))
        return facts_of(
            items,
            servers=servers,
            kind=work.post.kind,
            issuers=(),
            standing=await self._standings.of(min(servers)),
            content=work.post.content,
        )

    async def _find(self, work: HookWork, items: Sequence[Item], facts: Facts, decision: Decision) -> None:
        key = finding_key(work.post, items)
        inbox, error = None, None
        if await self._is_to_report(work, key, items, facts, decision):
            try:
                inbox = await self._inbox(work.post.author)
            except RemoteError as failure:
                if failure.temporary and work.attempts < PATIENCE:
                    await self._delay(work, ASK_AGAIN)
                    return
                error = f"failed: {failure.code}"
        now = self._clock.now()
        async with self._store.transaction() as tx:
            told = "sent" if inbox else error
            new = await tx.webhooks.note(work, items, decision, key=key, flag=told, at=now)
            await tx.webhooks.settle(work, Checked.FINDING, now)
            if new:
                await self._alerts.note(tx, alertwords.checked(work.sender, decision, f"checked {key}"))
            if new and inbox is not None:
                report = self._report(work, decision)
                await tx.subscribers.send([("Flag", work.post.author, inbox, report)], now)
        self._counts.add(work.sender, Checked.FINDING)
        self._signals.letters.set()

    async def _is_to_report(
        self, work: HookWork, key: str, items: Sequence[Item], facts: Facts, decision: Decision
    ) -> bool:
        """Whether the post's server is to be told: once, and not because of an entry that is probably wrong."""
        sender = self._senders.get(work.sender)
        if sender is None or not sender.flag or not is_reported(facts, decision):
            return False
        matches = [match for item in items for match in item.matches]
        if matches and all(map(is_unreviewed, matches)):
            return False
        async with self._store.reading() as tx:
            known = await tx.webhooks.known(key)
        return not known and not await self._flood.floods(items)

    async def _inbox(self, author: str) -> str:
        """Where reports about an account go. Raises `RemoteError`."""
        actor = await self._fetcher.actor(author)
        inbox = actor.shared_inbox or actor.inbox
        if not hosts.same_origin(inbox, author):
            raise RemoteError("the inbox is on another server", code="bad-inbox", temporary=False)
        return inbox

    def _report(self, work: HookWork, decision: Decision) -> bytes:
        identity, post = self._identity, work.post
        return dump(
            flag(
                id=identity.new_id(self._clock.new_id()),
                actor=identity.actor,
                objects=(post.author, post.id),
                content=REPORT.format(host=identity.server, reason=decision.reason),
            )
        )

    async def _delay(self, work: HookWork, seconds: float) -> None:
        async with self._store.transaction() as tx:
            await tx.webhooks.delay(work, self._clock.now() + seconds)

    async def _settle(self, work: HookWork, outcome: Checked) -> None:
        async with self._store.transaction() as tx:
            await tx.webhooks.settle(work, outcome, self._clock.now())
        self._counts.add(work.sender, outcome)
