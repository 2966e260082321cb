"""Alerts for people and the messages that they are summed up in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.alerts import LISTED, Alert, AlertKind, Message, MessageRecord, MessageState

if TYPE_CHECKING:
    from relay.adapters.sql.queries import Queries, Row


class SqlAlerts:
    """Port `AlertBox` on SQL."""

    def __init__(self, queries: Queries) -> None:
        self._sql = queries

    async def add(self, channel: str, alert: Alert, *, key: str, at: float, quiet: float) -> bool:
        """Put an alert into the open message of its kind, or into a new one."""
        if alert.once is not None and await self._sql.value("alert_told", channel=channel, once=alert.once):
            return False
        found = await self._sql.row("open_alert_message", channel=channel, kind=alert.kind.value)
        if found is None:
            number: int = await self._sql.value(
                "add_alert_message", key=key, channel=channel, kind=alert.kind.value, at=at, quiet=quiet
            )
        else:
            number = found["id"]
        await self._sql.run("count_alert", id=number)
        if found is None or found["count"] < LISTED or alert.once is not None:
            await self._sql.run(
                "add_alert",
                message=number,
                channel=channel,
                at=at if alert.at is None else alert.at,
                title=alert.title,
                text=alert.text,
                about=alert.about,
                once=alert.once,
            )
        return True

    async def next_due(self) -> float | None:
        """When the next message falls due."""
        due: float | None = await self._sql.value("next_alert_message")
        return due

    async def claim(self, *, now: float, until: float, most: int) -> list[Message]:
        """Take messages that are due, oldest first."""
        claimed = []
        for row in await self._sql.rows("due_alert_messages", now=now, most=most):
            await self._sql.run("claim_alert_message", id=row["id"], now=now, until=until)
            kind = AlertKind(row["kind"])
            alerts = await self._sql.rows("alerts_in", id=row["id"])
            claimed.append(_message(row, kind, tuple(_alert(kind, alert) for alert in alerts[:LISTED]), now))
        return claimed

    async def sent(self, message_id: int, at: float) -> None:
        """A message arrived."""
        await self._settle(message_id, MessageState.SENT, at, None)

    async def delay(self, message_id: int, due_at: float, error: str) -> None:
        """A message failed and is tried again."""
        await self._sql.run("delay_alert_message", id=message_id, due_at=due_at, error=error)

    async def give_up(self, message_id: int, at: float, error: str) -> None:
        """A message is not tried again unless a person asks for it."""
        await self._settle(message_id, MessageState.GIVEN_UP, at, error)

    async def hurry(self, channel: str | None, now: float) -> int:
        """Try everything now that waits or was given up."""
        return await self._sql.run("hurry_alert_messages", channel=channel, now=now)

    async def recent(self, most: int) -> list[MessageRecord]:
        """Return the newest messages, newest first."""
        return [_record(row) for row in await self._sql.rows("recent_alert_messages", most=most)]

    async def counts(self) -> dict[str, dict[str, int]]:
        """Count messages by channel and state."""
        counts: dict[str, dict[str, int]] = {}
        for row in await self._sql.rows("count_alert_messages"):
            counts.setdefault(row["channel"], {})[row["state"]] = row["n"]
        return counts

    async def forget(self, before: float) -> None:
        """Forget messages that were sent or given up before a time."""
        await self._sql.run("forget_alert_messages", before=before)
        await self._sql.run("forget_alerts")

    async def _settle(self, message_id: int, state: MessageState, at: float, error: str | None) -> None:
        await self._sql.run("settle_alert_message", id=message_id, state=state.value, at=at, error=error)


def _alert(kind: AlertKind, row: Row) -> Alert:
    return Alert(kind, row["title"], row["text"], about=row["about"], at=row["at"], once=row["once"])


def _message(row: Row, kind: AlertKind, alerts: tuple[Alert, ...], now: float) -> Message:
    return Message(
        id=row["id"],
        key=row["key"],
        channel=row["channel"],
        kind=kind,
        count=row["count"],
        alerts=alerts,
        created_at=row["created_at"],
        sealed_at=now if row["sealed_at"] is None else row["sealed_at"],
        attempts=row["attempts"] + 1,
    )


def _record(row: Row) -> MessageRecord:
    return MessageRecord(
        key=row["key"],
        channel=row["channel"],
        kind=AlertKind(row["kind"]),
        state=MessageState(row["state"]),
        count=row["count"],
        title=row["title"] or "",
        created_at=row["created_at"],
        due_at=row["due_at"],
        attempts=row["attempts"],
        at=row["done_at"],
        error=row["error"],
    )
