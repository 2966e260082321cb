"""Comparing what was relayed with lists that grew, and opening recalls of what is found.

A list is compared again until that was written down (`Recalls.done`): whoever dies in between does it once more, and
finding the same twice changes nothing. New entries only point out files; whether one matches is said by the list's own
scanner, with benign lists and all, exactly as if the file came now.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relay.domain import alertwords
from relay.domain.errors import RelayError
from relay.domain.hashlist import ListPurpose
from relay.domain.hashsubmission import is_unreviewed
from relay.domain.media import MatchKind
from relay.domain.recall import (
    STANDING,
    Recall,
    RecallMode,
    RecallRules,
    RecallState,
    may_have,
    why_wait,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from relay.domain.media import Match
    from relay.ports import Clock, Scanner, Store, Tx
    from relay.ports.recall import Change, Rematcher, StoredHashes
    from relay.services.alerts import Alerts
    from relay.services.recalls import Recalls
    from relay.services.signals import Signals

PAGE: Final = 2_000
"""Stored files in one page: a few milliseconds of the store."""
LOOK_EVERY: Final = 5.0
TROUBLE_REST: Final = 60.0
"""Seconds after which a comparison that failed is tried again."""
WHO: Final = "relay"
MOST_STANDING: Final = 10_000
"""Recalls that are looked at when a list changed."""

_log: Final = logging.getLogger(__name__)


async def stored_pages(store: Store) -> AsyncIterator[Sequence[StoredHashes]]:
    """Everything that was relayed or attested, page by page: none keeps the store busy."""
    for scanned in (True, False):
        after = ""
        while True:
            async with store.reading() as tx:
                read = tx.recalls.stored if scanned else tx.recalls.unscanned
                page = await read(after, PAGE)
            if not page:
                break
            yield page
            after = page[-1].sha256


class Rematching:
    """Looks for lists that changed, opens recalls, and lets go what does not match any more.

    `scanners` gives those in use now. `purposes` are those of the lists by name. `rules` may be replaced while running.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        signals: Signals,
        alerts: Alerts,
        rematcher: Rematcher,
        recalls: Recalls,
        scanners: Callable[[], Sequence[Scanner]],
        purposes: Mapping[str, ListPurpose],
        rules: RecallRules,
    ) -> None:
        self._store, self._clock, self._signals, self._alerts = store, clock, signals, alerts
        self._rematcher, self._recalls, self._scanners = rematcher, recalls, scanners
        self._purposes, self.rules = purposes, rules
        self._counts: Mapping[str, int] = {}

    def gauges(self) -> dict[str, float]:
        """Recalls that wait for a person, and messages on their way, for metrics."""
        return {
            "recalls_waiting": self._counts.get(RecallState.WAITING, 0),
            "recall_notices_waiting": self._counts.get("notices", 0),
        }

    async def run(self) -> None:
        """Work until cancelled. What fails is tried again, and nothing is skipped."""
        while True:
            rest = LOOK_EVERY
            try:
                await self.run_once()
            except RelayError as error:
                _log.error("recalls: %s", error)
                rest = TROUBLE_REST
            await self._clock.sleep(rest)

    async def run_once(self) -> int:
        """Compare what changed, and tell servers what is due; return the number of lists that were compared."""
        if self.rules.mode is RecallMode.OFF:
            return 0
        async with self._store.reading() as tx:
            done = await tx.recalls.done()
        compared = 0
        for change in await self._rematcher.changes(done):
            scanner = self._current(change)
            if scanner is not None:  # else it is built first: the next look finds it
                await self._compare(change, scanner, done.get(change.list, frozenset()))
                compared += 1
        await self._recalls.send_due(notify=self.rules.notify, flood=self.rules.flood)
        self._counts = await self._recalls.counts()
        return compared

    def _current(self, change: Change) -> Scanner | None:
        """The scanner of a list, when it is built from the list as it is now."""
        for scanner in self._scanners():
            if (scanner.name, scanner.version) == (change.list, change.version):
                return scanner
        return None

    async def _compare(self, change: Change, scanner: Scanner, done: frozenset[str]) -> None:
        pages = stored_pages(self._store)
        for digest in await self._rematcher.candidates(change, done, pages):
            match = await self._match(scanner, digest)
            if match is not None:
                await self._found(digest, match)
        await self._let_go(change, scanner)
        async with self._store.transaction() as tx:
            await tx.recalls.save_done(change.list, change.parts)

    async def _match(self, scanner: Scanner, digest: str) -> Match | None:
        """The closest match of a file by what is known of it."""
        async with self._store.reading() as tx:
            facts = await tx.recalls.facts(digest)
        if facts is None:
            return None
        result = await scanner.scan(facts.digests, facts.decoded)
        return next(iter(result.matches), None)

    # ------------------------------------------------------------------ found

    async def _found(self, digest: str, match: Match) -> None:
        """Stop a file and its posts, in one transaction; nothing when that was done, or a person dismissed it."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            if match.scanner in await tx.recalls.dismissed(digest):
                return
            if await tx.recalls.stopped_by(digest, match.scanner) is not None:
                return
            copies = await tx.recalls.copies(digest, match.scanner)
            issued = await tx.media.issued(digest)
            attested = issued is not None and issued.jws is not None and issued.retracted_at is None
            if not copies and not attested:
                return  # it was never passed on
            recall, is_new = await self._recall(tx, match, now)
            await tx.recalls.stop(recall.id, digest, match, now)
            servings = await tx.recalls.servings() if copies else []
            for copy in copies:
                receivers = [one for one in servings if may_have(copy, one)]
                await tx.recalls.stop_post(recall.id, copy, receivers)
            counts = (await tx.recalls.counts([recall.id]))[recall.id]
            recall = self._timed(recall, match, counts.posts, now)
            await tx.recalls.save(recall)
            if is_new:
                await self._alerts.note(tx, alertwords.recalled(recall.id, waits=recall.cause is not None))
                await tx.subscribers.audit(
                    at=now, who=WHO, action="recall-opened", subject=f"recall {recall.id}", detail=recall.list
                )
        for copy in copies:  # later places of the same post may be without the file
            self._signals.withdrawn({copy.object_id}, copy.position)

    async def _recall(self, tx: Tx, match: Match, now: float) -> tuple[Recall, bool]:
        """The recall that the match belongs to, opened if there is none of which nobody was told yet."""
        found = await tx.recalls.open_of(match.scanner, match.entry)
        if found is not None:
            return found, False
        opened = Recall(
            id=0,
            list=match.scanner,
            purpose=self._purposes.get(match.scanner, ListPurpose.ABUSE),
            entry=match.entry,
            category=match.category,
            kind=match.kind,
            state=RecallState.WAITING,
            cause=None,
            opened_at=now,
        )
        return replace(opened, id=await tx.recalls.add(opened)), True

    def _timed(self, recall: Recall, match: Match, posts: int, now: float) -> Recall:
        """When servers are told, or why a person is asked first. What waits for a person goes on waiting."""
        kind = MatchKind.NEAR if match.resembles else match.kind
        cause = recall.cause or why_wait(
            self.rules, recall.purpose, kind, posts, reviewed=not is_unreviewed(match)
        )
        if cause is not None:
            return replace(recall, state=RecallState.WAITING, cause=cause, act_at=None)
        act_at = recall.act_at if recall.act_at is not None else now + self.rules.wait
        return replace(recall, state=RecallState.DUE, act_at=act_at)

    # ------------------------------------------------------------------ not on the list any more

    async def _let_go(self, change: Change, scanner: Scanner) -> None:
        """End the recalls of a list of which no file matches any more: a batch was undone, an entry withdrawn."""
        async with self._store.reading() as tx:
            standing = [
                one for one in await tx.recalls.newest(MOST_STANDING, STANDING) if one.list == change.list
            ]
        for recall in standing:
            async with self._store.reading() as tx:
                files = await tx.recalls.files(recall.id)
            if not any([await self._match(scanner, digest) for digest in files]):
                await self._recalls.undo(recall.id)
