"""The part of the durable state that is about posts sent by web hook to be checked. See `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.intake import Item
    from relay.domain.policy import Decision
    from relay.domain.webhook import HookCount, HookedPost, HookFinding, HookWork


class Webhooks(Protocol):
    """Posts to be checked, findings about them, and counts."""

    async def add(self, sender: str, post: HookedPost, at: float) -> bool:
        """Write a post as work; False, and nothing is written, when this version of it is known."""

    async def claim(self, *, now: float, until: float, most: int) -> list[HookWork]:
        """Take posts that are due, oldest first; not finished by `until` they fall due again."""

    async def next_due(self) -> float | None:
        """When the next post falls due."""

    async def waiting(self) -> int:
        """How many posts wait."""

    async def delay(self, work: HookWork, due_at: float) -> None:
        """Look at a post again at a time."""

    async def settle(self, work: HookWork, state: str, at: float) -> None:
        """Note that a post was checked. What was kept of it goes, but for what tells it from others."""

    async def note(
        self,
        work: HookWork,
        items: Sequence[Item],
        decision: Decision,
        *,
        key: str,
        flag: str | None,
        at: float,
    ) -> bool:
        """Write a finding; False when the one with this key is there already: then it is counted."""

    async def known(self, key: str) -> bool:
        """Whether there is a finding with this key."""

    async def finding(self, number: int) -> HookFinding | None:
        """Return one finding."""

    async def findings(self, *, is_open: bool, most: int) -> list[HookFinding]:
        """Return findings, the last to come first."""

    async def open_findings(self) -> int:
        """How many findings nobody has dealt with."""

    async def close(self, number: int, *, at: float, who: str, note: str | None) -> bool:
        """Write that somebody dealt with a finding; False when it is not open."""

    async def count(self, numbers: Mapping[tuple[str, str], int], at: float) -> None:
        """Add to the counts, by sender and what became of something."""

    async def counts(self) -> list[HookCount]:
        """Return the counts."""

    async def forget(self, before: float, *, findings: float) -> None:
        """Forget posts checked before a time, and findings closed before another."""
