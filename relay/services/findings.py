"""Submitted files that are on a list: for the operator, who looks at facts and never at a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.errors import Conflict, NotFound

if TYPE_CHECKING:
    from relay.domain.submission import Finding
    from relay.ports import Clock, Store


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
