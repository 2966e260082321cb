"""Reports that the lab keeps for a while: sent in by whoever made the run, or made here.

What a report says is read, never believed: grade and class are reckoned anew, and what is kept is what was understood.
The token is all that is needed to see a report; it is listed only when its sender wants that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain.errors import Busy, NotFound, Refused, TooLarge
from relay.domain.lab.grading import assess
from relay.domain.lab.inbox import KeptReport
from relay.protocol.lab import report as reports
from relay.protocol.lab.temporary import TOKEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.lab.model import Run
    from relay.ports import Clock, Store
    from relay.services.lab.rules import Clients, LabRules

LARGEST: Final = 512 * 1024
"""Bytes of a report."""
LISTED: Final = 50
"""Reports that are shown in the list."""
_LONGEST_TARGET: Final = 300


class Reports:
    """Keeps reports."""

    def __init__(self, *, store: Store, clock: Clock, rules: LabRules, clients: Clients) -> None:
        self._store, self._clock, self.rules, self._clients = store, clock, rules, clients

    @property
    def offered(self) -> bool:
        """Whether reports are kept here."""
        return self.rules.reports > 0

    async def add(self, text: bytes, *, client: str, listed: bool) -> KeptReport:
        """Keep a report that somebody sent. Raises `Malformed`, `TooLarge`, `TooMany`, `Busy`, `Refused`."""
        self._admit(client)
        if len(text) > LARGEST:
            raise TooLarge(f"A report has at most {LARGEST // 1024} KiB.")
        return await self._keep(reports.load(text), seen_here=False, listed=listed)

    async def add_own(self, run: Run, *, client: str) -> KeptReport:
        """Keep a run that was made here. Raises as `add` does."""
        self._admit(client)
        return await self._keep(run, seen_here=True, listed=False)

    def _admit(self, client: str) -> None:
        if not self.offered:
            raise Refused("This lab keeps no reports.", code="not-offered")
        self._clients.check(client)

    async def _keep(self, run: Run, *, seen_here: bool, listed: bool) -> KeptReport:
        document = reports.dump(run)
        if len(document) > LARGEST:
            raise TooLarge(f"A report has at most {LARGEST // 1024} KiB.")
        now = self._clock.now()
        kept = KeptReport(
            token=self._clock.new_id(),
            document=document,
            seen_here=seen_here,
            listed=listed,
            created_at=now,
            expires_at=now + self.rules.report_life,
            role=run.role.value,
            target=run.target[:_LONGEST_TARGET],
            grade=assess(run).grade.value,
        )
        async with self._store.transaction() as tx:
            await tx.lab.forget(now)
            if await tx.lab.reports(now) >= self.rules.reports:
                raise Busy("There is no room for another report. Please try again another day.")
            await tx.lab.add_report(kept)
        return kept

    async def get(self, token: str) -> tuple[KeptReport, Run]:
        """Return a report. Raises `NotFound`."""
        kept = None
        if TOKEN.fullmatch(token):
            async with self._store.reading() as tx:
                kept = await tx.lab.report(token, self._clock.now())
        if kept is None:
            raise NotFound("There is no such report. Reports are deleted when their time is over.")
        return kept, reports.load(kept.document)

    async def listed(self) -> Sequence[KeptReport]:
        """Return the newest reports that may be shown to everybody."""
        async with self._store.reading() as tx:
            return await tx.lab.listed(self._clock.now(), LISTED)
