"""The part of the durable state that is about media: facts, our attestations, hash lists. See `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.hashlist import ListEntry
    from relay.domain.intake import Issued, MediaFacts

    Row = Mapping[str, object]


class Media(Protocol):
    """Facts about bytes, our attestations, imported list entries."""

    async def facts(self, digest: str) -> MediaFacts | None:
        """Return what is known about some bytes."""

    async def save(self, facts: MediaFacts) -> None:
        """Write what is known about some bytes."""

    async def issued(self, digest: str) -> Issued | None:
        """Return our attestation of some bytes."""

    async def save_issued(self, issued: Issued) -> None:
        """Write our attestation of some bytes, in place of an older one."""

    async def retract(self, digest: str, at: float) -> bool:
        """Retract our attestation; False when there is none."""

    async def retract_key(self, key: str, at: float) -> int:
        """Retract all attestations made with a key; return how many."""

    async def import_entries(self, name: str, source: str, at: float, entries: Sequence[ListEntry]) -> int:
        """Add entries to a list in one batch; return how many were new."""

    async def entries(self, name: str) -> list[ListEntry]:
        """Return the imported entries of a list."""

    async def last_batch(self) -> int:
        """Return a number that changes with every import."""

    async def sizes(self) -> list[Row]:
        """Return the number of imported entries by list and algorithm."""

    async def counts(self, since: float) -> dict[str, int]:
        """Count distinct media by outcome since a time."""

    async def forget(self, before: float, now: float) -> None:
        """Forget facts that no kept activity refers to, and attestations that ended."""
