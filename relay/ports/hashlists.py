"""The part of the durable state that holds hash lists. See `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.hashlist import Batch, BatchState
    from relay.ports.hashsubmissions import HashSubmissions
    from relay.ports.listsync import ListSyncs


class Frequent(NamedTuple):
    """An entry that matched in many posts: its list, its mark, in how many since a time, and when last."""

    list: str
    mark: str
    posts: int
    last_at: float


class HashLists(Protocol):
    """Batches of list entries in packs, and which entries matched lately.

    Packs of a batch that is done never change; they go when the batch is undone or outdated.
    """

    @property
    def submissions(self) -> HashSubmissions:
        """What people handed in for some of the lists."""

    @property
    def syncs(self) -> ListSyncs:
        """Lists that are fetched from their keepers."""

    async def open(self, *, name: str, source: str, who: str, at: float, replaces: bool) -> int:
        """Open a batch, which does not count yet; return its number."""

    async def add(self, batch: int, place: int, entries: int, content: bytes) -> None:
        """Write pack number `place` of a batch that is loading."""

    async def note(self, batch: int, progress: str) -> None:
        """Note how far an import has come, together with what it wrote."""

    async def finish(
        self, batch: int, *, at: float, added: int, changed: int, removed: int, digest: str
    ) -> bool:
        """Put a batch in force; False when it is not loading."""

    async def end(self, batch: int, state: BatchState) -> None:
        """Take a batch out of force and delete its entries."""

    async def drop(self, batch: int) -> None:
        """Forget a batch that is loading, with its entries."""

    async def batch(self, number: int) -> Batch | None:
        """Return one batch."""

    async def batches(self, name: str | None = None) -> list[Batch]:
        """Return the batches of a list, or of all, newest first."""

    async def packs(self, batch: int) -> int:
        """How many packs a batch has."""

    async def pack(self, batch: int, place: int) -> bytes | None:
        """Return one pack; None when its batch was taken out of force meanwhile."""

    async def changed(self) -> int:
        """Return a number that grows whenever the lists in force changed."""

    async def has_old(self) -> bool:
        """Whether there are batches that are still kept as of before."""

    async def pack_old(self) -> int:
        """Pack the oldest batch that is still kept as of before; return 0 when there is none left."""

    async def hit(self, marks: Sequence[tuple[str, str]], object_id: str, at: float) -> None:
        """Note that entries, each as list and mark, matched in a post."""

    async def hits(self, mark: str, since: float) -> int:
        """In how many posts an entry matched since a time."""

    async def busiest(self, since: float, most: int) -> list[Frequent]:
        """Return the entries that matched in more than so many posts since a time, the busiest first."""

    async def forget_hits(self, before: float) -> None:
        """Forget which entries matched before a time."""
