"""The way of a policy from the admin pages into force: that of the command line, inside the running relay."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.config.policy_draft import NAME
from relay.domain.drafting import Proposal, SavedPolicy
from relay.domain.errors import Refused
from relay.wiring.saving import Desk

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.config.load import Loaded
    from relay.domain.policy_version import Why, WrittenPolicy
    from relay.wiring.office import Office


@dataclass(frozen=True, slots=True)
class RunningPolicyFile:
    """Port `PolicyFile` of a relay. `again` reads its configuration once more, `written` is what it began with."""

    office: Office
    again: Callable[[float], Loaded] | None
    written: WrittenPolicy

    async def text(self) -> str:
        """Return the policy as it is written now; when that cannot be read, as it was put in force."""
        reading = None if self.again is None else (await self._loaded()).reading
        if reading is not None:
            return reading.written.text
        last = await self.office.policy_history.last()
        return self.written.text if last is None else last.written.text

    async def propose(self, text: str) -> Proposal:
        """Compare a text without errors with what is in force."""
        desk = Desk(self.office, await self._loaded())
        draft = await desk.draft(text, shown=NAME)
        return Proposal(draft.policy, draft.changes)

    async def save(self, text: str, *, who: str, why: Why, note: str) -> SavedPolicy:
        """Write a text without errors, and let the running relay take it."""
        desk = Desk(self.office, await self._loaded())
        saved = await desk.save(await desk.draft(text, shown=NAME), who=who, why=why, note=note)
        answer = saved.answer
        if answer is None:
            return SavedPolicy(saved.path, saved.backup, None, new=False, restart=())
        return SavedPolicy(saved.path, saved.backup, answer.version, answer.new_version, answer.restart)

    async def _loaded(self) -> Loaded:
        if self.again is None:
            raise Refused("This relay runs without a configuration file.", code="no-configuration")
        return await asyncio.to_thread(self.again, self.office.clock.now())
