"""The canary kit as a relay shows it: its files are made when somebody asks for them, and then kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from relay.protocol.lab import kit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.domain.hashlist import ListEntry
    from relay.domain.lab.kit import KitFile, Plan


class Kit:
    """The files of the kit by name.

    `make` is called in a thread, for one file at a time and once for each, so a stranger who asks for all of
    them costs a few seconds of one core once in the life of the process, and 9 MB.
    """

    def __init__(
        self,
        plans: Sequence[Plan],
        make: Callable[[Plan], KitFile],
        entries: Sequence[ListEntry],
        *,
        made_by: str,
    ) -> None:
        self.plans = {plan.name: plan for plan in plans}
        self._make, self._entries, self._made_by = make, tuple(entries), made_by
        self._made: dict[str, KitFile] = {}
        self._one_at_a_time = asyncio.Lock()

    async def file(self, name: str) -> KitFile | None:
        """Return a file, or None when there is none of that name."""
        plan = self.plans.get(name)
        if plan is None:
            return None
        async with self._one_at_a_time:
            if name not in self._made:
                self._made[name] = await asyncio.to_thread(self._make, plan)
        return self._made[name]

    async def manifest(self) -> dict[str, Any]:
        """Return the document about all files, for which all are made."""
        files = [file for name in self.plans if (file := await self.file(name))]
        return kit.manifest(files, self._entries, made_by=self._made_by)

    def readme(self) -> str:
        """Return the text for people."""
        return kit.readme([*self.plans.values()])
