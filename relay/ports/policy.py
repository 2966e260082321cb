"""The durable state about the policy itself: its versions, and what was asked of the running relay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.domain.policy_version import PolicyVersion
    from relay.domain.reload import ReloadAnswer, ReloadRequest


class PolicyVersions(Protocol):
    """Every version that was in force. None is ever changed or forgotten."""

    async def last(self) -> PolicyVersion | None:
        """Return the newest version; None before the first start."""

    async def get(self, number: int) -> PolicyVersion | None:
        """Return one version."""

    async def all(self) -> list[PolicyVersion]:
        """Return every version, oldest first."""

    async def add(self, version: PolicyVersion) -> None:
        """Write a new version. Fails when its number is taken."""


class Reloads(Protocol):
    """Questions to the running relay to read its configuration again, and what came of them."""

    async def ask(self, request: ReloadRequest) -> int:
        """Write a question, whose `id` does not count; return its number."""

    async def open(self) -> list[ReloadRequest]:
        """Return the questions without an answer, oldest first."""

    async def answer(self, number: int, answer: ReloadAnswer, at: float) -> None:
        """Write what came of a question; it is not open any more."""

    async def answered(self, number: int) -> ReloadAnswer | None:
        """Return what came of a question; None as long as nothing did."""

    async def last_answered(self) -> int:
        """Return the number of the newest question that has an answer; 0 when none has."""

    async def withdraw(self, number: int) -> None:
        """Forget a question that nobody waits for any more, when it is still open."""

    async def forget(self, keep: int) -> None:
        """Forget all questions but the newest ones."""
