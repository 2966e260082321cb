"""Hashes that people hand in of their own pictures: taking them, putting them in force, taking them back.

Whoever hands them in is not known here: there is no account, no address is kept, and a link with a secret is all that
a submission can be found by. Every answer is given after its one transaction: hashes are on disk, and in their list or
out of it, when somebody is told so. `relay.domain.hashsubmission` says what unreviewed hashes may do.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from relay.domain import alertwords
from relay.domain.errors import Busy, Conflict, Malformed, NotFound, TooMany
from relay.domain.hashlist import ListChange, in_force, pack, unpack
from relay.domain.hashsubmission import HashSubmission, SubmissionState, entries_of
from relay.services.throttle import Throttle, client_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.hashlist import ListEntry
    from relay.domain.hashsubmission import About
    from relay.domain.rates import Rate
    from relay.ports import Clock, Store
    from relay.ports.store import Tx
    from relay.services.alerts import Alerts
    from relay.services.lists import Lists

FORGOTTEN_AFTER: Final = 90 * 86400.0
"""Seconds for which the link of a submission that ended still says so."""
SUBMITTER: Final = "submitter"
"""Who did it, in the audit, when that was the person with the link."""
_SECRET: Final = re.compile(r"[0-9a-f]{32}")
_ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class SubmitRules:
    """How submissions are taken. `lists` are those that there are; with none nothing is taken.

    `review_first`: hashes come into force only when the operator has accepted them. Rates count requests: of one
    client, and of all together; None is no limit. `most` hashes are kept of all submissions.
    """

    lists: Mapping[About, str]
    review_first: bool
    rate: Rate | None
    rate_of_all: Rate | None
    most: int


class Receipt(NamedTuple):
    """A submission, and the secret that its link is made of: it is told once and kept nowhere."""

    submission: HashSubmission
    secret: str


class Standing(NamedTuple):
    """A submission, and how many of its hashes are compared with what comes now."""

    submission: HashSubmission
    in_force: int


class HashSubmissions:
    """Takes hashes and looks after them."""

    def __init__(self, store: Store, clock: Clock, lists: Lists, alerts: Alerts, rules: SubmitRules) -> None:
        self._store, self._clock, self._lists, self._alerts = store, clock, lists, alerts
        self.rules, self._throttle = rules, Throttle(clock)

    # ------------------------------------------------------------ for the person who hands them in

    async def submit(self, client: str, about: About | None, entries: Sequence[ListEntry]) -> Receipt:
        """Begin a submission. `client` is an IP address, for the rates only. Raises `TooMany`, `Busy`, `Malformed`."""
        name = None if about is None else self.rules.lists.get(about)
        if about is None or name is None:
            raise Malformed("Say whom the pictures show, as the page offers.", code="bad-about")
        self._check(client)
        secret, now = self._clock.token(16).hex(), self._clock.now()
        async with self._store.transaction() as tx:
            await tx.hash_lists.submissions.forget(now - FORGOTTEN_AFTER)
            number = await tx.hash_lists.submissions.open(
                secret=_digest(secret), about=about, list_name=name, at=now
            )
            found = await self._add(tx, number, entries)
        return Receipt(found, secret)

    async def add(
        self, client: str, secret: str, entries: Sequence[ListEntry], *, about: About | None = None
    ) -> HashSubmission:
        """Add hashes to a submission; `about` must be whom it is about, where it is given.

        Raises `NotFound`, `Conflict` when it ended or is about others, `TooMany`, `Busy`.
        """
        self._check(client)
        async with self._store.transaction() as tx:
            found = await _found(tx, secret)
            if about not in {None, found.about}:
                raise Conflict("Begin a new submission for these pictures.", code="other-about")
            if not found.is_open:
                raise Conflict("This submission has ended. Please begin a new one.", code="ended")
            return await self._add(tx, found.number, entries)

    async def standing(self, secret: str) -> Standing:
        """Return how a submission stands. Raises `NotFound`."""
        async with self._store.reading() as tx:
            return await _standing(tx, await _found(tx, secret))

    async def withdraw(self, secret: str) -> Standing:
        """Take hashes back: they are out of force and deleted. Does nothing when it ended. Raises `NotFound`."""
        async with self._store.transaction() as tx:
            found = await _found(tx, secret)
            if found.is_open:
                await self._end(tx, found, SubmissionState.WITHDRAWN, who=SUBMITTER, note=None)
            return Standing(await _get(tx, found.number), 0)

    # ------------------------------------------------------------ for the operator

    async def all(self, state: SubmissionState | None = None, *, most: int = 200) -> list[Standing]:
        """Return submissions, the newest first."""
        async with self._store.reading() as tx:
            return await _standings(tx, await tx.hash_lists.submissions.all(state, most))

    async def waiting(self) -> int:
        """Count the submissions that wait for review."""
        async with self._store.reading() as tx:
            return await tx.hash_lists.submissions.count(SubmissionState.RECEIVED)

    async def get(self, number: int) -> Standing:
        """Return one submission. Raises `NotFound`."""
        async with self._store.reading() as tx:
            return await _standing(tx, await _get(tx, number))

    async def accept(self, number: int, *, who: str, note: str | None = None) -> Standing:
        """Let the policy decide what the hashes match, as with any list. Raises `NotFound`, `Conflict`."""
        async with self._store.transaction() as tx:
            found = await _open(tx, number)
            if found.state is SubmissionState.ACCEPTED:
                raise Conflict(f"submission {number} is accepted already", code="accepted")
            for part in await tx.hash_lists.submissions.parts(number):
                if not part.accepted:
                    await self._lists.take_back(tx, part.batch)
                    content = await tx.hash_lists.submissions.content(number, part.place)
                    batch = await self._in_force(tx, found, content, accepted=True)
                    await tx.hash_lists.submissions.accept(number, part.place, batch)
            await self._decided(tx, found, SubmissionState.ACCEPTED, who=who, note=note)
            return await _standing(tx, await _get(tx, number))

    async def refuse(self, number: int, *, who: str, note: str | None = None) -> Standing:
        """Do not use the hashes, and delete them. Raises `NotFound`, `Conflict`."""
        return await self._ended(number, SubmissionState.REFUSED, who=who, note=note)

    async def withdraw_for(self, number: int, *, who: str, note: str | None = None) -> Standing:
        """Take hashes back for somebody who asked for it without the link. Raises `NotFound`, `Conflict`."""
        return await self._ended(number, SubmissionState.WITHDRAWN, who=who, note=note)

    # ------------------------------------------------------------ inside

    def _check(self, client: str) -> None:
        for name, rate in ((client_of(client), self.rules.rate), (_ALL, self.rules.rate_of_all)):
            wait = self._throttle.take(name, rate)
            if wait:
                raise TooMany("Many hashes are coming in just now. Please wait.", retry_after=wait)

    async def _add(self, tx: Tx, number: int, entries: Sequence[ListEntry]) -> HashSubmission:
        if await tx.hash_lists.submissions.total() + len(entries) > self.rules.most:
            raise Busy("This relay has no room for more hashes at present.", retry_after=3600)
        found, now = await _get(tx, number), self._clock.now()
        content = pack([ListChange(entry) for entry in entries])
        batch = None
        if not self.rules.review_first:
            batch = await self._in_force(tx, found, content, accepted=False)
        await tx.hash_lists.submissions.add(number, content, hashes=len(entries), batch=batch)
        await tx.hash_lists.submissions.change(number, SubmissionState.RECEIVED, at=now)
        await self._alerts.note(tx, alertwords.hashes_came(found.list, now))
        return await _get(tx, number)

    async def _in_force(self, tx: Tx, found: HashSubmission, content: bytes, *, accepted: bool) -> int:
        entries = entries_of(found.about, (one.entry for one in unpack(content)), accepted=accepted)
        source = f"submission {found.number}"
        return await self._lists.put(
            tx, found.list, source, [ListChange(entry) for entry in entries], who=SUBMITTER
        )

    async def _ended(self, number: int, state: SubmissionState, *, who: str, note: str | None) -> Standing:
        async with self._store.transaction() as tx:
            await self._end(tx, await _open(tx, number), state, who=who, note=note)
            return Standing(await _get(tx, number), 0)

    async def _end(
        self, tx: Tx, found: HashSubmission, state: SubmissionState, *, who: str, note: str | None
    ) -> None:
        for part in await tx.hash_lists.submissions.parts(found.number):
            await self._lists.take_back(tx, part.batch)
        await tx.hash_lists.submissions.drop_parts(found.number)
        await self._decided(tx, found, state, who=who, note=note)

    async def _decided(
        self, tx: Tx, found: HashSubmission, state: SubmissionState, *, who: str, note: str | None
    ) -> None:
        now = self._clock.now()
        await tx.hash_lists.submissions.change(found.number, state, at=now, who=who, note=note)
        subject = f"submission {found.number}"
        await tx.subscribers.audit(
            at=now, who=who, action=f"hashes-{state.value}", subject=subject, detail=note or ""
        )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


async def _found(tx: Tx, secret: str) -> HashSubmission:
    found = None
    if _SECRET.fullmatch(secret):
        found = await tx.hash_lists.submissions.by_secret(_digest(secret))
    if found is None:
        raise NotFound("There is no such submission. One that ended is forgotten after 90 days.")
    return found


async def _get(tx: Tx, number: int) -> HashSubmission:
    found = await tx.hash_lists.submissions.get(number)
    if found is None:
        raise NotFound(f"there is no submission {number}", code="no-submission")
    return found


async def _open(tx: Tx, number: int) -> HashSubmission:
    found = await _get(tx, number)
    if not found.is_open:
        raise Conflict(f"submission {number} was {found.state.value} before", code="ended")
    return found


async def _standing(tx: Tx, found: HashSubmission) -> Standing:
    [standing] = await _standings(tx, [found])
    return standing


async def _standings(tx: Tx, found: Sequence[HashSubmission]) -> list[Standing]:
    """A batch may have been undone with the commands for lists: what is in force is what the list says."""
    counting = {
        name: {one.number for one in in_force(await tx.hash_lists.batches(name))}
        for name in {one.list for one in found if one.is_open}
    }
    standings = []
    for one in found:
        parts = await tx.hash_lists.submissions.parts(one.number) if one.is_open else []
        standings.append(
            Standing(one, sum(part.hashes for part in parts if part.batch in counting[one.list]))
        )
    return standings
