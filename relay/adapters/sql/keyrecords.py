"""Attestation keys that do not sign any more."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from relay.domain.attestkey import KeyRecord

if TYPE_CHECKING:
    from relay.adapters.sql.queries import Queries


class SqlKeyRecords:
    """Port `KeyRecords` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def all(self) -> list[KeyRecord]:
        """Return every record, by name."""
        return [
            KeyRecord(
                row["name"],
                b64decode(row["public"]),
                row["retired_at"],
                row["revoked_at"],
                row["listed_until"],
            )
            for row in await self._sql.rows("key_records")
        ]

    async def save(self, record: KeyRecord) -> None:
        """Write a record, new or changed."""
        await self._sql.run(
            "save_key_record",
            name=record.name,
            public=b64encode(record.public).decode(),
            retired_at=record.retired_at,
            revoked_at=record.revoked_at,
            listed_until=record.listed_until,
        )
