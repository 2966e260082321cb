"""Posts that servers send by web hook: who may send them, which are taken, and how often what happened.

A request proves by its signature that it is of a configured sender; only then is its body read. A post is durable
before the answer. Where anything but a signature or the form is wrong the answer is 202, as the sender would only
repeat it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final

from relay.domain import hosts
from relay.domain.errors import Busy, Conflict, Malformed, NotFound, Unauthorized
from relay.domain.webhook import EVENTS, Receipt
from relay.protocol.mastodonhooks import is_signed, read_event, read_post

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.webhook import HookCount, HookedPost, HookFinding, Sender
    from relay.ports import Clock, Store
    from relay.services.signals import Signals
    from relay.services.tally import Tally

MOST: Final = 10_000
"""Posts that wait to be checked; more are refused with 503, and their servers send them again."""
READ_ON_THE_LOOP: Final = 64 * 1024
"""Bytes of a body that is read on the loop; a status is a few thousand."""
FLUSH_EVERY: Final = 10.0
COUNTED: Final = "webhooks"


class HookCounts:
    """Counts what became of what came, for the metrics, and in the store for commands in other processes."""

    def __init__(self, store: Store, clock: Clock, tally: Tally) -> None:
        self._store, self._clock, self._tally = store, clock, tally
        self._new: Counter[tuple[str, str]] = Counter()

    def add(self, sender: str, what: str) -> None:
        """Count something. A crash loses the last seconds of it."""
        self._new[sender, what] += 1
        self._tally.add(COUNTED, f"{sender}: {what}")

    async def run(self) -> None:
        """Write now and then until cancelled, and once more then."""
        try:
            while True:
                await self._clock.sleep(FLUSH_EVERY)
                await self.run_once()
        finally:
            await self.run_once()

    async def run_once(self) -> None:
        """Write what was counted."""
        if not self._new:
            return
        new, self._new = self._new, Counter()
        async with self._store.transaction() as tx:
            await tx.webhooks.count(new, self._clock.now())


class Webhooks:
    """Takes posts of `senders`; at most `most` wait."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        signals: Signals,
        counts: HookCounts,
        senders: Sequence[Sender],
        most: int = MOST,
    ) -> None:
        self._store, self._clock, self._signals, self._counts = store, clock, signals, counts
        self._senders = {sender.name: sender for sender in senders}
        self.most = most

    def check(self, name: str) -> Sender:
        """Return the sender of that name. Raises `NotFound`: nothing is read for nobody."""
        sender = self._senders.get(name)
        if sender is None:
            raise NotFound("There is no web hook of this name.", code="no-webhook")
        return sender

    async def receive(self, name: str, signature: str | None, body: bytes) -> Receipt:
        """Take a request; what it brings is durable, or deliberately ignored, when this returns.

        Raises `NotFound` (404) for an unknown name, `Unauthorized` (401), `Malformed` (400), `Busy` (503).
        """
        sender = self.check(name)
        try:
            receipt = await self._take(sender, signature, body)
        except (Unauthorized, Malformed, Busy) as error:
            what = {Unauthorized: Receipt.UNSIGNED, Malformed: Receipt.MALFORMED, Busy: Receipt.FULL}[
                type(error)
            ]
            self._counts.add(name, what)
            raise
        self._counts.add(name, receipt)
        return receipt

    async def _take(self, sender: Sender, signature: str | None, body: bytes) -> Receipt:
        if not is_signed(body, signature, sender.secret):
            raise Unauthorized("The signature is not by the secret of this web hook.", code="bad-signature")
        small = len(body) <= READ_ON_THE_LOOP
        event = read_event(body) if small else await asyncio.to_thread(read_event, body)
        if event.event not in EVENTS:
            return Receipt.EVENT
        if event.is_boost:
            return Receipt.BOOST
        post = read_post(event)
        unwanted = _unwanted(post, sender)
        return await self._keep(sender, post) if unwanted is None else unwanted

    async def _keep(self, sender: Sender, post: HookedPost) -> Receipt:
        async with self._store.transaction() as tx:
            if await tx.webhooks.waiting() >= self.most:
                raise Busy("Too many posts wait to be checked.")
            new = await tx.webhooks.add(sender.name, post, self._clock.now())
        if not new:
            return Receipt.REPEAT
        self._signals.webhooks.set()
        return Receipt.ACCEPTED


def _unwanted(post: HookedPost, sender: Sender) -> Receipt | None:
    """Why a post is not checked; None when it is."""
    if post.visibility not in sender.visibilities:
        return Receipt.VISIBILITY
    if hosts.server_names((post.id, post.author)) != {sender.server}:
        return Receipt.SERVER
    return Receipt.NO_MEDIA if not post.media and post.complete else None


class HookDesk:
    """What the operator sees of web hooks, and notes as dealt with."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def counts(self) -> tuple[list[HookCount], int]:
        """Return the counts, and how many posts wait."""
        async with self._store.reading() as tx:
            return await tx.webhooks.counts(), await tx.webhooks.waiting()

    async def open(self) -> int:
        """How many findings nobody has dealt with."""
        async with self._store.reading() as tx:
            return await tx.webhooks.open_findings()

    async def findings(self, *, is_open: bool = True, most: int = 200) -> list[HookFinding]:
        """Return findings, the last to come first."""
        async with self._store.reading() as tx:
            return await tx.webhooks.findings(is_open=is_open, most=most)

    async def close(self, number: int, *, who: str, note: str | None) -> HookFinding:
        """Note that somebody dealt with a finding. Raises `NotFound`, or `Conflict` when it is not open."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            found = await tx.webhooks.finding(number)
            if found is None:
                raise NotFound(f"there is no finding {number} of a web hook")
            if not await tx.webhooks.close(number, at=now, who=who, note=note):
                raise Conflict(f"finding {number} is closed already")
            await tx.subscribers.audit(
                at=now, who=who, action="hook-finding-closed", subject=found.object_id, detail=note or ""
            )
            closed = await tx.webhooks.finding(number)
        return closed or found
