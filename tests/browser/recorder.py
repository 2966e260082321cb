"""A wire between a browser and the relay that writes down everything the browser says."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Recorder:
    """What came from the browser, workers included, over all connections, in the order in which it came."""

    url: str = ""
    sent: bytearray = field(default_factory=bytearray)

    def forget(self) -> None:
        """Begin anew."""
        self.sent.clear()


@asynccontextmanager
async def recording(target: str) -> AsyncIterator[Recorder]:
    """Listen on a port of its own, and pass on what comes to `target` and back."""
    recorder = Recorder()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, note: bool) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(1 << 16):
                if note:
                    recorder.sent += chunk
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(urlsplit(target).hostname, urlsplit(target).port)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(copy(reader, forth, note=True))
            tasks.create_task(copy(back, writer, note=False))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    recorder.url = f"http://localhost:{server.sockets[0].getsockname()[1]}"
    try:
        yield recorder
    finally:
        server.close()
