"""The part of the durable state that is about alerts, and the channels that they go to. See `store`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from relay.domain.alerts import Alert, Answer, Message, MessageRecord


class AlertBox(Protocol):
    """Alerts on their way."""

    async def add(self, channel: str, alert: Alert, *, key: str, at: float, quiet: float) -> bool:
        """Put an alert into the message of its kind that is still open, or into a new one with this `key`.

        A new message falls due `quiet` seconds after the last one of its kind was first tried, or at once. False, and
        nothing is written, when the channel was told of the same `once` before.
        """

    async def next_due(self) -> float | None:
        """When the next message falls due."""

    async def claim(self, *, now: float, until: float, most: int) -> list[Message]:
        """Take messages that are due, oldest first; from then on they stay as they are.

        While one is on its way no other of its channel and kind is.
        """

    async def sent(self, message_id: int, at: float) -> None:
        """A message arrived."""

    async def delay(self, message_id: int, due_at: float, error: str) -> None:
        """A message failed and is tried again."""

    async def give_up(self, message_id: int, at: float, error: str) -> None:
        """A message is not tried again unless a person asks for it."""

    async def hurry(self, channel: str | None, now: float) -> int:
        """Try everything now that waits or was given up, of one channel or of all; return the number of messages."""

    async def recent(self, most: int) -> list[MessageRecord]:
        """Return the newest messages, newest first."""

    async def counts(self) -> dict[str, dict[str, int]]:
        """Count messages by channel and state."""

    async def forget(self, before: float) -> None:
        """Forget messages that were sent or given up before a time."""


class Channel(Protocol):
    """A way to reach people: a web hook, a mail server.

    Guarantees: one attempt, ended within 30 seconds; nothing but the message and what the operator configured
    leaves the relay. Raises `RemoteError` when there is no answer, and nothing else. Refuses to run inside a
    transaction. Safe for concurrent calls.
    """

    @property
    def name(self) -> str:
        """The name in the configuration."""

    async def send(self, message: Message) -> Answer:
        """Send a message once."""
