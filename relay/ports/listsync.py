"""Lists that are fetched from their keepers: what speaks to one, and the part of the durable state about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.listsync import Page, Statement, SyncState


class Said(NamedTuple):
    """What was said of an entry, and before that: contents of statements, None for nothing."""

    key: bytes
    content: bytes
    before: bytes | None


class Keeper(Protocol):
    """Who keeps a list, in its own protocol. Raises `RemoteError` for every failure, and for what is not documented."""

    @property
    def kind(self) -> str:
        """The `kind` in the configuration."""

    @property
    def place(self) -> str:
        """What is fetched: the address and what is chosen there. With another one everything is fetched anew."""

    @property
    def patience(self) -> float:
        """For how many seconds the keeper knows what comes after a page."""

    @property
    def memory(self) -> float | None:
        """For how many seconds the keeper tells what it took back; None for ever."""

    async def page(self, since: float, until: float, cursor: str) -> Page:
        """Fetch the page of `cursor` (the `more` of the one before, empty for the first) of a stretch of time.

        `since` 0 is everything. Pages may come in any order of time.
        """


class ListSyncs(Protocol):
    """How fetched lists are doing, and what their keepers said in each batch. What a batch said goes with the batch."""

    async def states(self) -> Sequence[SyncState]:
        """Return the states by name of the list."""

    async def save(self, state: SyncState) -> None:
        """Write a state in place of the one before."""

    async def say(self, name: str, batch: int, first: int, statements: Sequence[Statement]) -> None:
        """Note what a keeper says, in a batch that is loading.

        Left out is what batches from `first` on said already, and what is older than what they or this batch said.
        """

    async def said(self, batch: int, first: int, after: bytes, most: int) -> list[Said]:
        """Return what a batch said of the next entries by key, and what batches from `first` on said before."""

    async def standing(self, name: str, first: int, after: bytes, most: int) -> list[tuple[bytes, bytes]]:
        """Return key and content of the next entries by key: of each what batches from `first` on said last."""

    async def seal(self, batch: int, since: float) -> None:
        """Note from which checkpoint on a batch was fetched."""
