"""Media submitted to be attested, and what was found among it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.adapters.sql import codec
from relay.domain.media import ScanOutcome
from relay.domain.submission import Finding, Submission, SubmissionState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from relay.adapters.sql.queries import Queries
    from relay.domain.media import Match


class SqlSubmissions:
    """Port `Submissions` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def by_id(self, submission_id: str) -> Submission | None:
        """Return one submission."""
        row = await self._sql.row("submission_by_id", id=submission_id)
        return None if row is None else _submission(row)

    async def unanswered(self, server: str, key: str, now: float) -> Submission | None:
        """Return the submission of a server about a file to which it has not been given an answer yet."""
        row = await self._sql.row("submission_of", server=server, key=key, now=now)
        return None if row is None else _submission(row)

    async def add(self, submission: Submission) -> None:
        """Write a new submission."""
        await self._sql.run(
            "add_submission",
            id=submission.id,
            server=submission.server,
            actor=submission.actor,
            key=submission.key,
            digest=submission.digest,
            url=submission.url,
            received_at=submission.received_at,
            due_at=submission.due_at,
            wait=submission.wait,
            state=submission.state.value,
            reason=submission.reason,
            shown_at=submission.shown_at,
        )

    async def claim(
        self, *, now: float, until: float, most: int, held: Collection[str], grace: float
    ) -> list[Submission]:
        """Take submissions that are due, oldest first."""
        rows = await self._sql.rows(
            "due_submissions", now=now, most=most, held=codec.json(sorted(held)), grace=grace
        )
        for row in rows:
            await self._sql.run("claim_submission", id=row["id"], until=until)
        return [_submission(row, attempts=row["attempts"] + 1) for row in rows]

    async def next_due(self) -> float | None:
        """When the next submission falls due."""
        due: float | None = await self._sql.value("next_submission")
        return due

    async def delay(self, submission: Submission, due_at: float) -> None:
        """Look at it again at a time; its digest is kept."""
        await self._sql.run("delay_submission", id=submission.id, due_at=due_at, digest=submission.digest)

    async def hurry(self, submission_id: str, due_at: float) -> None:
        """Look at it no later than at a time."""
        await self._sql.run("hurry_submission", id=submission_id, due_at=due_at)

    async def settle(
        self,
        submission: Submission,
        state: SubmissionState,
        *,
        reason: str | None,
        shown_at: float | None,
    ) -> None:
        """Write the answer; nothing happens when there is one."""
        await self._sql.run(
            "settle_submission",
            id=submission.id,
            state=state.value,
            reason=reason,
            shown_at=shown_at,
            digest=submission.digest,
        )

    async def counts(self, server: str, now: float) -> tuple[int, int]:
        """Count submissions without an answer: of everybody, and of one server."""
        row = await self._sql.row("unanswered_submissions", server=server, now=now)
        return (0, 0) if row is None else (row["everybody"], row["own"])

    async def note(
        self,
        submission: Submission,
        outcome: ScanOutcome,
        matches: tuple[Match, ...],
        *,
        rule: str,
        reason: str,
        at: float,
    ) -> None:
        """Note that a submitted file is on a list."""
        await self._sql.run(
            "note_finding",
            server=submission.server,
            actor=submission.actor,
            digest=submission.digest,
            outcome=outcome.value,
            matches=codec.matches_json(matches),
            rule=rule,
            reason=reason,
            at=at,
        )

    async def finding(self, number: int) -> Finding | None:
        """Return one finding."""
        row = await self._sql.row("finding_by_id", id=number)
        return None if row is None else _finding(row)

    async def findings(self, *, is_open: bool, most: int) -> list[Finding]:
        """Return findings, the last to come first."""
        rows = await self._sql.rows("findings_in_state", is_open=is_open, most=most)
        return [_finding(row) for row in rows]

    async def close(self, number: int, *, at: float, who: str, note: str | None) -> bool:
        """Write that somebody dealt with a finding; False when it is not open."""
        return bool(await self._sql.run("close_finding", id=number, at=at, who=who, note=note))

    async def forget(self, before: float, *, findings: float) -> None:
        """Forget what has its answer for long, and what was dealt with."""
        await self._sql.run("forget_submissions", before=before)
        await self._sql.run("forget_findings", before=findings)


def _submission(row: Mapping[str, Any], *, attempts: int | None = None) -> Submission:
    return Submission(
        id=row["id"],
        server=row["server"],
        actor=row["actor"],
        key=row["key"],
        digest=row["digest"],
        url=row["url"],
        received_at=row["received_at"],
        due_at=row["due_at"],
        wait=row["wait"],
        state=SubmissionState(row["state"]),
        reason=row["reason"],
        shown_at=row["shown_at"],
        attempts=row["attempts"] if attempts is None else attempts,
    )


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(
        id=row["id"],
        server=row["server"],
        actor=row["actor"],
        digest=row["digest"],
        outcome=ScanOutcome(row["outcome"]),
        matches=codec.matches(row["matches"]),
        rule=row["rule"],
        reason=row["reason"],
        first_at=row["first_at"],
        last_at=row["last_at"],
        times=row["times"],
        closed_at=row["closed_at"],
        closed_by=row["closed_by"],
        note=row["note"],
    )
