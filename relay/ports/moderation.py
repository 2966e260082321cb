"""The part of the durable state that is about unwanted servers, and about servers at all. See `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from relay.domain.blocklist import BatchState, Change, Effect, ListedServer
    from relay.domain.moderation import Batch, Cause, Known, ListState, OptOut
    from relay.domain.software import Software
    from relay.domain.subscription import State


class Blocking(Protocol):
    """Blocklists with their batches, opt-outs, and what the relay itself suspended."""

    async def version(self) -> int:
        """Return a number that grows whenever what is in force of a list changed."""

    async def opt_outs_version(self) -> int:
        """Return a number that grows whenever somebody opted out, or in again."""

    async def states(self) -> dict[str, ListState]:
        """Return how each list does, by name."""

    async def save_state(self, state: ListState) -> None:
        """Write how a list does; what it would have refused is counted by `observed`."""

    async def observed(self, counts: Mapping[str, int]) -> None:
        """Add to what each list would have refused."""

    async def source(self, name: str) -> dict[str, ListedServer]:
        """Return what a source said when it was read last, by server."""

    async def save_source(self, name: str, changes: Sequence[Change]) -> None:
        """Write what a source says now."""

    async def entries(self, name: str) -> dict[str, ListedServer]:
        """Return what is in force of a list, by server."""

    async def named(self, name: str) -> list[tuple[str, Effect]]:
        """Return the servers that a list in force names, and to what effect; cheaper than `entries`."""

    async def sizes(self) -> dict[str, dict[str, int]]:
        """Count what is in force by list and effect."""

    async def put_in_force(self, name: str, batch: int, changes: Sequence[Change]) -> None:
        """Change what is in force."""

    async def add_batch(
        self, *, name: str, at: float, who: str, source: str, state: BatchState, changes: Sequence[Change]
    ) -> int:
        """Record a batch; return its number."""

    async def batch(self, number: int) -> Batch | None:
        """Return one batch."""

    async def batches(self, name: str | None, most: int) -> list[Batch]:
        """Return the newest batches, of one list or of all, without their changes."""

    async def pending(self, name: str) -> list[Batch]:
        """Return the batches of a list that wait for a person."""

    async def decide_batch(self, number: int, state: BatchState, *, at: float, who: str) -> None:
        """Write what became of a batch."""

    async def kept_back(self, name: str) -> set[tuple[str, Effect | None]]:
        """Return what a person undid or refused."""

    async def keep_back(self, name: str, changes: Sequence[Change]) -> None:
        """Remember that these changes are not wanted."""

    async def let_through(self, name: str, changes: Collection[tuple[str, Effect | None]]) -> None:
        """Forget that changes were not wanted."""

    async def opt_outs(self) -> list[OptOut]:
        """Return who blocked the relay, oldest first."""

    async def opt_out(self, actor: str) -> OptOut | None:
        """Return the opt-out of an actor."""

    async def number_of_opt_outs(self, server: str) -> int:
        """Return how many actors of a server blocked the relay."""

    async def add_opt_out(self, opt_out: OptOut) -> None:
        """Remember an opt-out; a repeated one replaces the first."""

    async def drop_opt_out(self, actor: str) -> bool:
        """Forget an opt-out; False when there was none."""

    async def suspensions(self) -> dict[int, tuple[Cause, State]]:
        """Return what the relay itself suspended: by subscription, the cause and the state before."""

    async def suspend(self, subscription: int, cause: Cause, before: State, at: float) -> None:
        """Remember that the relay suspended a subscription, in place of an older cause."""

    async def unsuspend(self, subscription: int) -> bool:
        """Forget that the relay suspended a subscription; False when it did not."""


class Servers(Protocol):
    """What is known about servers."""

    async def known(self, server: str) -> Known | None:
        """Return what is known about one server."""

    async def all(self, servers: Collection[str]) -> dict[str, Known]:
        """Return what is known about some servers."""

    async def seen(self, server: str, at: float) -> Known:
        """Note that something came from a server; the first time stays. Return what is known about it."""

    async def runs(self, server: str, software: Software | None, *, at: float, due_at: float) -> None:
        """Write what a server runs, None when it does not say; the `version` of the subscribers grows."""

    async def unanswered(self, server: str, *, due_at: float, error: str) -> None:
        """Write that a server could not be asked; what it ran before stays."""

    async def forget(self, before: float) -> None:
        """Forget servers that sent nothing for long and have no subscription."""

    async def trim(self, most: int) -> None:
        """Forget who was heard from longest ago; `most` servers without a subscription stay."""
