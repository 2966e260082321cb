"""Looks at tools that others run for the operator, and tells when one does not do what it is there for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from relay.domain import alertwords
from relay.domain.errors import RemoteError
from relay.domain.toolcheck import ToolCheck

if TYPE_CHECKING:
    from relay.ports import Clock, Store
    from relay.ports.hashservices import Tool
    from relay.services.alerts import Alerts

RETRY: Final = 600.0
"""Seconds after which a look that failed is tried again."""


class ToolWatch:
    """Looks at a tool every `refresh` seconds."""

    def __init__(self, tool: Tool, store: Store, clock: Clock, alerts: Alerts, *, refresh: float) -> None:
        self._tool, self._store, self._clock, self._alerts = tool, store, clock, alerts
        self._refresh = refresh

    async def run(self) -> None:
        """Look until cancelled, at once after a start."""
        while True:
            check = await self.run_once()
            await self._clock.sleep(self._refresh if check.error is None else min(RETRY, self._refresh))

    async def run_once(self) -> ToolCheck:
        """Look once, and write down what there is. A look that fails says nothing about the tool."""
        async with self._store.reading() as tx:
            known = {one.name: one for one in await tx.hash_services.checks()}
        before = known.get(self._tool.name, ToolCheck(self._tool.name))
        try:
            problems = await self._tool.problems()
        except RemoteError as error:
            check = replace(before, error=str(error), error_at=self._clock.now())
        else:
            check = ToolCheck(self._tool.name, self._clock.now(), problems)
        async with self._store.transaction() as tx:
            await tx.hash_services.checked(check)
            if check.problems and check.problems != before.problems:
                await self._alerts.note(tx, alertwords.tool_fails(check.name, len(check.problems)))
        return check
