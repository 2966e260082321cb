"""Facts about bytes, our attestations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.adapters.sql import codec

if TYPE_CHECKING:
    from relay.adapters.sql.queries import Queries
    from relay.domain.intake import Issued, MediaFacts


class SqlMedia:
    """Port `Media` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def facts(self, digest: str) -> MediaFacts | None:
        """Return what is known about some bytes."""
        row = await self._sql.row("media_by_digest", digest=digest)
        return None if row is None else codec.media_facts(row)

    async def save(self, facts: MediaFacts) -> None:
        """Write what is known about some bytes."""
        await self._sql.run("save_media", **codec.media_row(facts))

    async def issued(self, digest: str) -> Issued | None:
        """Return our attestation of some bytes."""
        row = await self._sql.row("attestation_of", digest=digest)
        return None if row is None else codec.issued(row)

    async def save_issued(self, issued: Issued) -> None:
        """Write our attestation of some bytes."""
        await self._sql.run(
            "save_attestation",
            digest=issued.digest,
            jws=issued.jws,
            issued_at=issued.issued_at,
            expires_at=issued.expires_at,
            key=issued.key,
        )

    async def retract(self, digest: str, at: float) -> bool:
        """Retract our attestation."""
        await self._sql.run("retract_status_indexes", digest=digest, at=at)
        return bool(await self._sql.run("retract_attestation", digest=digest, at=at))

    async def retract_key(self, key: str, at: float) -> int:
        """Retract what was made with a key."""
        await self._sql.run("retract_status_indexes_of_key", key=key, at=at)
        return await self._sql.run("retract_attestations_of_key", key=key, at=at)

    async def counts(self, since: float) -> dict[str, int]:
        """Count distinct media by outcome since a time."""
        return {row["outcome"]: row["n"] for row in await self._sql.rows("count_media", since=since)}

    async def forget(self, before: float, now: float) -> None:
        """Forget facts that no kept activity refers to, and attestations that ended."""
        await self._sql.run("forget_media", before=before)
        await self._sql.run("forget_attestations", before=now)
