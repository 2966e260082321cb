"""What looking through stored media needs: the store, and where its progress is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from relay.domain.storescan import Noted, Progress, StoredFile


class FileStore(Protocol):
    """Media as a server keeps them: only read, never changed.

    Names do not change while nobody changes the store, and come in one order, always the same. Both raise
    `StoreTrouble`, temporary when the store itself does not answer.
    """

    @property
    def at_once(self) -> int:
        """How many reads at the same time are of use."""

    def files(self, after: str | None) -> AsyncIterator[StoredFile]:
        """List the files behind the one with that name, or all of them."""

    async def read(self, file: StoredFile, limit: int) -> bytes:
        """Return a file of at most `limit` bytes, no more of it than that is ever in memory."""

    def place_of(self, name: str) -> str:
        """Say where a file is, in full, as its operator would write it."""


class ScanJournal(Protocol):
    """What was found, and how far it has come."""

    def keep(self, noted: Sequence[Noted], progress: Progress) -> None:
        """Write both; when this returns they are on the disk.

        After a crash at any time the progress that is read is one that was kept, with exactly what belongs to it.
        """
