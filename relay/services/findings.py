"""Submitted files that are on a list: for the operator, who looks at facts and never at a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain import alertwords
from relay.domain.errors import Conflict, NotFound
from relay.domain.facts import AttestationState
from relay.domain.intake import Item
from relay.domain.media import MediaKind
from relay.domain.screening import facts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.media import Match, ScanOutcome
    from relay.domain.submission import Finding, Submission
    from relay.ports import Clock, Store, Tx
    from relay.services.alerts import Alerts
    from relay.services.decide import Decider

SUBMITTED: Final = "Submission"
"""The type of a submission among the facts that a decision rests on."""


class FindingBook:
    """Puts files that are on a list on record: facts for the operator, and nothing for anybody else."""

    def __init__(self, *, clock: Clock, decider: Decider, alerts: Alerts) -> None:
        self._clock, self._decider, self._alerts = clock, decider, alerts

    async def note(
        self,
        tx: Tx,
        submission: Submission,
        outcome: ScanOutcome,
        matches: Sequence[Match],
        *,
        refused: bool = False,
    ) -> None:
        """Note a submitted file in a transaction, with what the policy would do; `refused`: its server was told no."""
        item = Item(
            url=submission.url or "",
            kind=MediaKind.IMAGE,
            digest=submission.digest,
            outcome=outcome,
            reason=None,
            attestation=AttestationState.MISSING,
            matches=tuple(matches),
        )
        found = facts_of([item], servers=(submission.server,), kind=SUBMITTED, issuers=())
        decision = self._decider.decision(found, submission.received_at)
        now = self._clock.now()
        await tx.submissions.note(
            submission, outcome, tuple(matches), rule=decision.rule, reason=decision.reason, at=now
        )
        await tx.subscribers.audit(
            at=now,
            who=submission.server,
            action="submission-matched",
            subject=f"sha256:{submission.digest}",
            detail=decision.reason,
        )
        await self._alerts.note(tx, alertwords.found(decision, refused=refused))


class Findings:
    """Lists findings and notes that somebody dealt with one."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def all(self, *, is_open: bool = True, most: int = 200) -> list[Finding]:
        """Return findings, the last to come first."""
        async with self._store.reading() as tx:
            return await tx.submissions.findings(is_open=is_open, most=most)

    async def close(self, number: int, *, who: str, note: str | None) -> Finding:
        """Note that somebody dealt with a finding. Raises `NotFound`, or `Conflict` when it is not open."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            found = await tx.submissions.finding(number)
            if found is None:
                raise NotFound(f"there is no finding {number}")
            if not await tx.submissions.close(number, at=now, who=who, note=note):
                raise Conflict(f"finding {number} is closed already")
            subject = f"sha256:{found.digest}"
            await tx.subscribers.audit(
                at=now, who=who, action="finding-closed", subject=subject, detail=note or ""
            )
            closed = await tx.submissions.finding(number)
        return closed or found
