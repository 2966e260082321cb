"""A way between a process and its database that can be stopped: bytes are taken and do not arrive."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class Proxy:
    """Passes bytes on to a socket until it is told to `hang`; on `heal` what was held up arrives, and all goes on."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._passes = asyncio.Event()
        self._passes.set()
        self._ways: set[asyncio.Task[None]] = set()
        self.port = 0
        """Where it listens."""

    @asynccontextmanager
    async def open(self, host: str = "127.0.0.1") -> AsyncIterator[Proxy]:
        """Listen on a port of its own."""
        server = await asyncio.start_server(self._accept, host, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for one in self._ways:
                one.cancel()
            await asyncio.gather(*self._ways, return_exceptions=True)

    def hang(self) -> None:
        """Let nothing through in either direction; connections stay open, and new ones get no answer."""
        self._passes.clear()

    def heal(self) -> None:
        """Let everything through again."""
        self._passes.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = asyncio.current_task()
        assert way is not None
        self._ways.add(way)
        try:
            there_reader, there_writer = await asyncio.open_unix_connection(str(self._socket))
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass_on(reader, there_writer))
                both.create_task(self._pass_on(there_reader, writer))
        except* OSError:
            pass  # one of the two went away
        except* asyncio.CancelledError:
            writer.transport.abort()  # the test is over, and who is cut off will never read what waits for it
        finally:
            writer.close()
            self._ways.discard(way)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                await self._passes.wait()
                writer.write(data)
                await writer.drain()
            await self._passes.wait()  # nor does an end arrive
        finally:
            writer.close()
