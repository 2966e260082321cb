"""Port `Wire` on LISTEN and NOTIFY."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from psycopg import AsyncConnection

_CHANNEL: Final = b"assay"
_LONGEST: Final = 7_000
"""Bytes of words in one notice: PostgreSQL takes 7,999 in all."""
_LOOK_EVERY: Final = 5.0
"""Seconds of silence after which the connection is tried: one that is dead may say nothing for ever."""


class Line(Protocol):
    """What the store lends."""

    def present(self) -> AbstractAsyncContextManager[AsyncConnection[Any]]:
        """Lend a connection to listen on."""

    async def notify(self, channel: str, text: str) -> None:
        """Say something to whoever listens."""


class Notices:
    """Words between the processes on one database. `name` is this process's own: it does not hear itself."""

    def __init__(self, store: Line, name: str) -> None:
        self._store, self._name = store, name

    async def listen(self, hear: Callable[[str], None], missed: Callable[[], None]) -> None:
        """Pass on every word of others until cancelled. Raises `Unavailable` when the connection is lost."""
        async with self._store.present() as connection:
            await connection.execute(b"LISTEN " + _CHANNEL)
            missed()
            while True:
                async with aclosing(connection.notifies(timeout=_LOOK_EVERY)) as notices:
                    async for notice in notices:
                        sender, _, words = notice.payload.partition(" ")
                        for word in words.split("\n") if sender != self._name else ():
                            hear(word)
                await connection.execute(b"SELECT 1")

    async def tell(self, words: Sequence[str]) -> None:
        """Say words to the other processes."""
        for text in _texts(words):
            await self._store.notify(_CHANNEL.decode(), f"{self._name} {text}")


def _texts(words: Sequence[str]) -> Iterator[str]:
    text = ""
    for word in words:
        if len(text.encode()) + len(word.encode()) >= _LONGEST:
            yield text
            text = ""
        text += f"\n{word}" if text else word
    if text:
        yield text
