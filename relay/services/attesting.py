"""The work behind submissions: each file is scanned once, and is attested, or noted, or neither.

What is waiting is in the store; files that were sent are in memory only. After a restart a file at a URL is fetched
again; one that was sent is gone, and its submission ends without an attestation unless the file comes again before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relay.domain.errors import RemoteError
from relay.domain.media import ScanOutcome
from relay.domain.submission import SubmissionState, shown_at
from relay.services.leased import LeasedWork

if TYPE_CHECKING:
    from relay.domain.intake import MediaFacts
    from relay.domain.submission import Submission
    from relay.ports import Clock, Remote, Store, Tx
    from relay.ports.service import Submissions as StoredSubmissions
    from relay.services.attestations import Attestor
    from relay.services.findings import FindingBook
    from relay.services.inspect import Inspector, MediaLimits
    from relay.services.room import Room
    from relay.services.signals import Signals
    from relay.services.submissions import Allowances, Submissions
    from relay.services.tally import Tally

LEASE: Final = 180.0
"""Seconds after which a submission that nobody finished is taken again."""
GRACE: Final = 10.0
"""Seconds after its answer was due for which a file is left to the process that has it, where there are several."""
ATTEMPTS: Final = 3
AGAIN_AFTER: Final = 15.0
"""Seconds to the next attempt at what failed for now, times the attempts so far."""
LOST: Final = "lost"


class _Held:
    """The submissions that this process can attend to: any at a URL, and the files that it was sent itself."""

    def __init__(self, submissions: StoredSubmissions, room: Room, grace: float) -> None:
        self._submissions, self._room, self._grace = submissions, room, grace

    async def next_due(self) -> float | None:
        """When the next submission is due; perhaps one that another process has."""
        return await self._submissions.next_due()

    async def claim(self, *, now: float, until: float, most: int) -> list[Submission]:
        """Take submissions that are due."""
        held = self._room.names
        return await self._submissions.claim(now=now, until=until, most=most, held=held, grace=self._grace)


class Attesting:
    """Takes submissions from the store, scans, answers. `at_once` files are in work at the same time.

    `grace`: seconds for which a file that another process was sent is left to that one after its answer was due.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        signals: Signals,
        remote: Remote,
        inspector: Inspector,
        attestor: Attestor,
        findings: FindingBook,
        submissions: Submissions,
        room: Room,
        allowances: Allowances,
        limits: MediaLimits,
        tally: Tally,
        at_once: int = 2,
        grace: float = 0.0,
    ) -> None:
        self._store, self._clock, self._remote = store, clock, remote
        self._inspector, self._attestor, self._findings = inspector, attestor, findings
        self._submissions, self._room, self._allowances = submissions, room, allowances
        self._limits, self._tally = limits, tally
        self._due = LeasedWork(
            lambda submission: f"submission {submission.id}",
            lambda tx: _Held(tx.submissions, room, grace),
            self._attend,
            store=store,
            clock=clock,
            wakeup=signals.submissions,
            lease=LEASE,
            at_once=at_once,
        )

    async def run(self) -> None:
        """Work until cancelled."""
        await self._due.run()

    async def run_once(self) -> int:
        """Do everything that is due; return the number of submissions."""
        return await self._due.run_once()

    async def _attend(self, submission: Submission) -> None:
        if submission.attempts > ATTEMPTS:
            await self._end(submission, "given-up")
            return
        try:
            content = await self._content(submission)
        except RemoteError as error:
            await self._fail(submission, error.code, temporary=error.temporary)
            return
        if content is None:
            await self._lose(submission)
            return
        facts = await self._inspector.facts(content)
        submission = replace(submission, digest=facts.digests.sha256)
        outcome = facts.result.outcome
        if outcome is ScanOutcome.NO_KNOWN_MATCH:
            await self._attest(submission, facts.digests.sha256)
        elif facts.result.matches:
            await self._note(submission, facts)
        else:
            temporary = outcome is ScanOutcome.UNAVAILABLE
            await self._fail(submission, facts.result.reason or outcome.value, temporary=temporary)

    async def _content(self, submission: Submission) -> bytes | None:
        if submission.url is None:
            return self._room.file(submission.id)
        limits = self._limits
        fetched = await self._remote.get(
            submission.url, accept="*/*", limit=limits.size, timeout=limits.timeout
        )
        self._allowances.take(submission.server, len(fetched.body))
        return fetched.body

    async def _attest(self, submission: Submission, digest: str) -> None:
        if await self._attestor.token(digest) is None:
            await self._end(submission, "withheld")
            return
        async with self._store.transaction() as tx:
            await tx.submissions.settle(
                submission, SubmissionState.ATTESTED, reason=None, shown_at=self._clock.now()
            )
        self._done(submission, "attested")
        self._submissions.attested(submission.id)

    async def _note(self, submission: Submission, facts: MediaFacts) -> None:
        """Put a file that is on a list on record."""
        async with self._store.transaction() as tx:
            await self._findings.note(tx, submission, facts.result.outcome, facts.result.matches)
            await self._settle(tx, submission, "match")
        self._done(submission, "unattested")

    async def _fail(self, submission: Submission, reason: str, *, temporary: bool) -> None:
        """Try again what failed for now; else end it."""
        if not temporary or submission.attempts >= ATTEMPTS:
            await self._end(submission, reason)
            return
        await self._delay(submission, self._clock.now() + AGAIN_AFTER * submission.attempts)

    async def _lose(self, submission: Submission) -> None:
        """End what a restart left without its file, when its answer is due: until then the file may come again."""
        answer_at = submission.received_at + submission.wait
        if self._clock.now() < answer_at:
            await self._delay(submission, answer_at)
        else:
            await self._end(submission, LOST)

    async def _delay(self, submission: Submission, due_at: float) -> None:
        async with self._store.transaction() as tx:
            await tx.submissions.delay(submission, due_at)

    async def _end(self, submission: Submission, reason: str) -> None:
        async with self._store.transaction() as tx:
            await self._settle(tx, submission, reason)
        self._done(submission, "unattested")

    async def _settle(self, tx: Tx, submission: Submission, reason: str) -> None:
        shown = shown_at(submission.received_at, submission.wait, self._clock.now())
        await tx.submissions.settle(submission, SubmissionState.UNATTESTED, reason=reason, shown_at=shown)

    def _done(self, submission: Submission, label: str) -> None:
        self._room.drop(submission.id)
        self._tally.add("submissions", label)
