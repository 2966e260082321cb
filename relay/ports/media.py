"""The part of the durable state that is about media: facts, our attestations. See `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.domain.intake import Issued, MediaFacts


class Media(Protocol):
    """Facts about bytes, our attestations."""

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

    async def counts(self, since: float) -> dict[str, int]:
        """Count distinct media by outcome since a time."""

    async def forget(self, before: float, now: float) -> None:
        """Forget facts that no kept activity refers to, and attestations that ended."""
