"""The lab's temporary inboxes and reports."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import orjson

from relay.adapters.sql import codec
from relay.domain.lab.inbox import Delivery, KeptReport, Seen, TemporaryInbox

if TYPE_CHECKING:
    from relay.adapters.sql.codec import Row
    from relay.adapters.sql.queries import Queries


class SqlLab:
    """Port `Lab` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def add_inbox(self, inbox: TemporaryInbox) -> None:
        """Write a new inbox."""
        await self._sql.run(
            "add_lab_inbox",
            token=inbox.token,
            private_pem=inbox.private_pem,
            public_pem=inbox.public_pem,
            created_at=inbox.created_at,
            expires_at=inbox.expires_at,
        )

    async def inbox(self, token: str, now: float) -> TemporaryInbox | None:
        """Return an inbox that has not ended."""
        row = await self._sql.row("lab_inbox", token=token, now=now)
        return None if row is None else TemporaryInbox(*(row[name] for name in _INBOX))

    async def remove_inbox(self, token: str) -> None:
        """Forget an inbox and all that came to it."""
        await self._sql.run("remove_lab_deliveries", token=token)
        await self._sql.run("remove_lab_inbox", token=token)

    async def room(self, now: float) -> tuple[int, int]:
        """Count the inboxes that have not ended, and the bytes of all that came to them."""
        return (
            await self._sql.value("lab_inbox_count", now=now),
            await self._sql.value("lab_delivery_bytes"),
        )

    async def receive(self, delivery: Delivery, *, most: int) -> bool:
        """Write a delivery; False, and it is only counted, when there are `most` already."""
        added = await self._sql.run(
            "add_lab_delivery",
            token=delivery.token,
            at=delivery.at,
            target=delivery.target,
            headers=codec.json(delivery.headers),
            body=delivery.body,
            most=most,
        )
        if not added:
            await self._sql.run("count_lab_drop", token=delivery.token)
        return bool(added)

    async def deliveries(self, token: str) -> list[Delivery]:
        """Return what came to an inbox, oldest first."""
        return [_delivery(row) for row in await self._sql.rows("lab_deliveries_of", token=token)]

    async def unseen(self, most: int) -> list[Delivery]:
        """Return deliveries that nobody looked at yet, oldest first."""
        return [_delivery(row) for row in await self._sql.rows("unseen_lab_deliveries", most=most)]

    async def settle(self, delivery_id: int, seen: Seen) -> None:
        """Write what was found out about a delivery."""
        await self._sql.run("settle_lab_delivery", id=delivery_id, seen=codec.json(asdict(seen)))

    async def add_report(self, report: KeptReport) -> None:
        """Write a report."""
        await self._sql.run("add_lab_report", **{name: getattr(report, name) for name in _REPORT})

    async def report(self, token: str, now: float) -> KeptReport | None:
        """Return a report that has not ended."""
        row = await self._sql.row("lab_report", token=token, now=now)
        return None if row is None else _report(row)

    async def reports(self, now: float) -> int:
        """Count the reports that have not ended."""
        count: int = await self._sql.value("lab_report_count", now=now)
        return count

    async def listed(self, now: float, most: int) -> list[KeptReport]:
        """Return the newest reports that are shown to everybody."""
        return [_report(row) for row in await self._sql.rows("listed_lab_reports", now=now, most=most)]

    async def forget(self, now: float) -> None:
        """Forget everything that has ended."""
        for query in ("forget_lab_reports", "forget_lab_inboxes"):
            await self._sql.run(query, now=now)
        await self._sql.run("forget_lab_deliveries")


_INBOX = ("token", "private_pem", "public_pem", "created_at", "expires_at", "dropped")
_REPORT = (
    "token",
    "document",
    "seen_here",
    "listed",
    "created_at",
    "expires_at",
    "role",
    "target",
    "grade",
)


def _delivery(row: Row) -> Delivery:
    seen = None
    if row["seen"] is not None:
        found = orjson.loads(row["seen"])
        seen = Seen(**found | {"covered": tuple(found["covered"])})
    headers = tuple((name, value) for name, value in orjson.loads(row["headers"]))
    return Delivery(row["id"], row["token"], row["at"], row["target"], headers, row["body"], seen)


def _report(row: Row) -> KeptReport:
    values = {name: row[name] for name in _REPORT}
    return KeptReport(**values | {"seen_here": bool(row["seen_here"]), "listed": bool(row["listed"])})
