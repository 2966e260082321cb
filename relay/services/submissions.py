"""Attesting for others: who may submit media, what is taken in, and what is answered.

A submission is a row with an unguessable id. A file whose attestation is at hand, or made within a short wait, is
answered with it; else the id is, to be asked again. "No attestation" has one form and comes at a time that was drawn
when the file came (`domain.submission`), so it tells nothing of why. Refusals depend on who asks, how much and how
often, never on what is in the file, which is not looked at before.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

from mediaattest import to_data_url
from relay.domain import hosts
from relay.domain.errors import Busy, Malformed, NotFound, Refused, TooMany
from relay.domain.media import ScanOutcome
from relay.domain.submission import Allowance, Submission, SubmissionState, shown_at, wait_of
from relay.services.memory import Remembered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.ports import Clock, Store
    from relay.services.attestations import Attestor
    from relay.services.authenticate import Sender
    from relay.services.inspect import Inspector
    from relay.services.misses import Misses
    from relay.services.peers import Peers
    from relay.services.room import Place, Room
    from relay.services.signals import Signals

PATIENCE: Final = 2.0
"""Seconds for which the answer to a submission waits for the attestation."""
LONGEST_QUEUE: Final = 600.0
"""Seconds for which what exceeds a server's allowance waits; more is refused."""
MOST: Final = 1_000
MOST_OF_ONE: Final = 100
"""Submissions without an answer: of everybody, and of one server."""
FULL_FOR: Final = 20
_SERVERS: Final = 10_000


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """Who may submit (`subscribers`, `listed`: servers that a pattern in `listed` covers, `off`), and how much.

    `rate` is bytes a second of one server on average, `burst` bytes at once, `largest` the largest file in bytes.
    """

    who: str
    listed: Sequence[str]
    rate: float
    burst: float
    largest: int
    allow_http: bool = False


@dataclass(frozen=True, slots=True)
class Attested:
    """There is an attestation: the two properties, ready to paste."""

    hash: str
    attestation: str


@dataclass(frozen=True, slots=True)
class Pending:
    """There is no answer yet; `id` is what to ask for."""

    id: str


class Allowances:
    """What each server may still submit; forgets servers as soon as they have their full allowance again.

    `rules` may be replaced while running.
    """

    def __init__(self, rules: ServiceRules, clock: Clock) -> None:
        self.rules, self._clock = rules, clock
        self._taken: Remembered[Allowance] = Remembered(clock, seconds=LONGEST_QUEUE, most=_SERVERS)

    def check(self, server: str) -> None:
        """Raise `TooMany` when what waits of a server already takes as long as anything may wait."""
        found = self._of(server).wait(self.rules.rate, self.rules.burst, self._clock.monotonic())
        if found > LONGEST_QUEUE:
            raise TooMany("This server submitted too much.", retry_after=ceil(found - LONGEST_QUEUE))

    def take(self, server: str, size: int) -> float:
        """Count what a server submitted; return the seconds until it may be looked at."""
        allowance, now = self._of(server), self._clock.monotonic()
        found = allowance.take(size, self.rules.rate, self.rules.burst, now)
        self._taken.put(server, allowance, seconds=max(1.0, allowance.paid_at - now))
        return found

    def _of(self, server: str) -> Allowance:
        return self._taken.get(server) or Allowance(self._clock.monotonic())


class Submissions:
    """Takes submissions and answers for them. `patience` is in seconds."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        signals: Signals,
        peers: Peers,
        inspector: Inspector,
        attestor: Attestor,
        misses: Misses,
        room: Room,
        allowances: Allowances,
        rules: ServiceRules,
        patience: float = PATIENCE,
    ) -> None:
        self._store, self._clock, self._signals, self._peers = store, clock, signals, peers
        self._inspector, self._attestor, self._misses = inspector, attestor, misses
        self._allowances, self.rules, self.patience = allowances, rules, patience
        self.room = room
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    def follow(self, rules: ServiceRules) -> None:
        """Go by other rules from now on."""
        self.rules = self._allowances.rules = rules

    def check_offered(self) -> None:
        """Raise `NotFound` when nothing is attested for others here."""
        if self.rules.who == "off" or not self._attestor.attests:
            raise NotFound("Media is not attested on request here.", code="service-off")

    async def check_sender(self, sender: Sender) -> None:
        """Raise `Refused` for who may not submit."""
        if self.rules.who == "listed":
            allowed = any(hosts.matches(pattern, sender.server) for pattern in self.rules.listed)
        else:
            allowed = await self._peers.serves(sender.server)
        if not allowed:
            raise Refused("Media is attested for some servers only.", code="not-served")

    async def admit(self, sender: Sender) -> None:
        """Decide whether there is room for another submission, whatever it is. Raises `TooMany`, `Busy`."""
        self._allowances.check(sender.server)
        async with self._store.reading() as tx:
            everybody, own = await tx.submissions.counts(sender.server, self._clock.now())
        if own >= MOST_OF_ONE:
            raise TooMany("Submissions of this server wait already.", retry_after=FULL_FOR)
        if everybody >= MOST:
            raise Busy("Too many submissions wait already.", retry_after=FULL_FOR)

    async def submit_bytes(
        self, sender: Sender, digest: str, content: bytes, place: Place
    ) -> Attested | Pending:
        """Submit a file. `digest` is its SHA-256 in hex, `place` has room for it."""
        wait = self._allowances.take(sender.server, len(content))
        known = await self._at_hand(digest)
        if known is not None:
            return known
        entered = await self._enter(sender, f"sha256:{digest}", digest=digest, delay=wait)
        if entered.state is SubmissionState.WAITING and not self.room.holds(entered.id):
            place.keep(entered.id, content)
        return await self._soon(entered)

    async def submit_url(self, sender: Sender, url: str) -> Attested | Pending:
        """Submit what is served at a URL of the sender's own server. Raises `Malformed`, `Refused`."""
        try:
            hosts.check_url(url, allow_http=self.rules.allow_http)
        except Malformed as error:
            raise Malformed(str(error), code="bad-url") from error
        if hosts.server_name(url) != sender.server:
            raise Refused("Only media on the sender's own server is fetched.", code="foreign-url")
        delay = self._allowances.take(sender.server, 0)
        return await self._soon(await self._enter(sender, url, url=url, delay=delay))

    async def submit_unfit(self, sender: Sender, digest: str, reason: str) -> Attested | Pending:
        """Submit what cannot be taken in, such as a file that is too large: it is answered like any other."""
        # It costs its sender as much as the largest that can be taken in.
        self._allowances.take(sender.server, self.rules.largest)
        return await self._soon(await self._enter(sender, f"sha256:{digest}", digest=digest, unfit=reason))

    async def answer(self, sender: Sender, submission_id: str) -> Attested | Pending:
        """Return what came of a submission of the sender's server. Raises `NotFound` for none and for "no" alike."""
        async with self._store.reading() as tx:
            found = await tx.submissions.by_id(submission_id)
        if found is not None and found.server == sender.server:
            if found.state is SubmissionState.ATTESTED and found.digest is not None:
                issued = await self._attestor.look_up(found.digest)
                if issued and issued.jws and issued.retracted_at is None:
                    return Attested(f"sha256:{found.digest}", to_data_url(issued.jws))
            elif not found.is_shown(self._clock.now()):
                return Pending(found.id)
        await self._misses.pause()
        raise NotFound("There is no attestation.", code="no-attestation")

    def attested(self, submission_id: str) -> None:
        """Wake who waits for this submission. Only an attestation may be answered early."""
        for waiter in self._waiting.get(submission_id, ()):
            if not waiter.done():
                waiter.set_result(None)

    async def _at_hand(self, digest: str) -> Attested | None:
        """Return the attestation of bytes that were scanned before, with the lists as they are now."""
        facts = await self._inspector.known(digest)
        if facts is None or facts.result.outcome is not ScanOutcome.NO_KNOWN_MATCH:
            return None
        token = await self._attestor.token(digest)
        return None if token is None else Attested(f"sha256:{digest}", to_data_url(token))

    async def _enter(
        self,
        sender: Sender,
        key: str,
        *,
        digest: str | None = None,
        url: str | None = None,
        delay: float = 0.0,
        unfit: str | None = None,
    ) -> Submission:
        """Write a submission, unless the same one of the same server has no answer yet: then return that."""
        now, wait = self._clock.now(), wait_of(self._clock.jitter())
        new = Submission(
            id=self._clock.new_id(),
            server=sender.server,
            actor=sender.actor,
            key=key,
            digest=digest,
            url=url,
            received_at=now,
            due_at=now + delay,
            wait=wait,
            state=SubmissionState.WAITING if unfit is None else SubmissionState.UNATTESTED,
            reason=unfit,
            shown_at=None if unfit is None else shown_at(now, wait, now),
        )
        async with self._store.transaction() as tx:
            found = await tx.submissions.unanswered(sender.server, key, now)
            if found is None:
                await tx.submissions.add(new)
            elif found.url is None and not self.room.holds(found.id):
                await tx.submissions.hurry(found.id, now + delay)
        return found or new

    async def _soon(self, submission: Submission) -> Attested | Pending:
        """Wait a little for the attestation; as long for whatever will have none."""
        self._signals.submissions.set()
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(submission.id, []).append(waiter)
        try:
            async with asyncio.timeout(self.patience):
                await waiter
        except TimeoutError:
            return Pending(submission.id)
        finally:
            self._waiting[submission.id].remove(waiter)
            if not self._waiting[submission.id]:
                del self._waiting[submission.id]
        return await self._made(submission.id)

    async def _made(self, submission_id: str) -> Attested | Pending:
        async with self._store.reading() as tx:
            found = await tx.submissions.by_id(submission_id)
        issued = await self._attestor.look_up(found.digest) if found and found.digest else None
        if found is None or issued is None or issued.jws is None:
            return Pending(submission_id)  # retracted at this very moment: whoever asks again is told
        return Attested(f"sha256:{found.digest}", to_data_url(issued.jws))
