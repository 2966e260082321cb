"""Subscribers that follow as they should and then behave as badly as they can when something is delivered to them."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Final

import aiohttp

from tests.chaos.servers import CONTEXT, Server
from tests.contract.peers import serving
from tests.fakes import ACTIVITY, pem_of, rsa_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AsyncExitStack

    from tests.contract.peers import Exchange

    Behaviour = Callable[[Exchange], Awaitable[None]]

GIGABYTE: Final = 1 << 30
BLOCK: Final = bytes(1 << 16)


class Animal(Server):
    """A server with one bad habit. `visits` counts deliveries."""

    def __init__(self, habit: Behaviour) -> None:
        super().__init__(3)
        self.habit, self.name = habit, habit.__name__
        self.visits = 0

    async def open(self, stack: AsyncExitStack, bound: str = "127.0.0.1") -> None:
        self.session = await stack.enter_async_context(aiohttp.ClientSession())
        peer = await stack.enter_async_context(serving(self._behave, host=bound, reads_bodies=False))
        self.port = peer.port

    async def _behave(self, exchange: Exchange) -> None:
        if exchange.head.startswith(b"GET"):
            actor = self.url(exchange.target)
            key = {"id": f"{actor}#main-key", "owner": actor, "publicKeyPem": pem_of(rsa_key(self.number))}
            document = {"id": actor, "type": "Application", "inbox": self.url("/inbox"), "publicKey": key}
            body = json.dumps({"@context": CONTEXT, **document}).encode()
            await exchange.answer(200, body, f"Content-Type: {ACTIVITY}")
        elif not self.accepted.is_set():
            self.accepted.set()  # the first that comes is the Accept
            await exchange.answer(202, b"", "Connection: close")
            exchange.writer.close()
        else:
            self.visits += 1
            await self.habit(exchange)


async def says_nothing(exchange: Exchange) -> None:
    await exchange.hang()


async def stops_in_the_head(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 20")
    await exchange.hang()


async def stops_in_the_body(exchange: Exchange) -> None:
    await exchange.send("HTTP/1.1 500 No", "Content-Length: 100", "", b"ab")
    await exchange.hang()


async def drips_its_head(exchange: Exchange) -> None:
    for byte in b"HTTP/1.1 202 Accepted\r\nX-Slow: " + b"z" * 10_000:
        await exchange.send(bytes([byte]))
        await asyncio.sleep(1.0)


async def drips_its_body(exchange: Exchange) -> None:
    await exchange.send("HTTP/1.1 503 Slow", "Content-Length: 10000", "")
    while True:
        await exchange.send(b"z")
        await asyncio.sleep(1.0)


async def resets_the_request(exchange: Exchange) -> None:
    exchange.reset()


async def resets_the_answer(exchange: Exchange) -> None:
    await exchange.send("HTTP/1.1 202 Accepted", b"Content-Le")
    exchange.reset()


async def sends_a_gigabyte(exchange: Exchange) -> None:
    await exchange.send("HTTP/1.1 500 Much", f"Content-Length: {GIGABYTE}", "")
    for _ in range(GIGABYTE // len(BLOCK)):
        await exchange.send(BLOCK)


async def sends_a_head_of_a_gigabyte(exchange: Exchange) -> None:
    await exchange.send("HTTP/1.1 202 Accepted", b"X-Long: ")
    for _ in range(GIGABYTE // len(BLOCK)):
        await exchange.send(b"z" * len(BLOCK))


async def sends_chunks_without_end(exchange: Exchange) -> None:
    await exchange.send("HTTP/1.1 503 Chunks", "Transfer-Encoding: chunked", "")
    while True:
        await exchange.send("10000", BLOCK, "")


async def redirects_to_itself(exchange: Exchange) -> None:
    await exchange.answer(307, b"", "Location: /inbox")


async def redirects_to_a_private_address(exchange: Exchange) -> None:
    await exchange.answer(308, b"", "Location: http://10.0.0.1/inbox")


async def says_too_short_a_length(exchange: Exchange) -> None:
    await exchange.send("HTTP/1.1 500 Short", "Content-Length: 2", "", b"HTTP/1.1 202 Accepted\r\n\r\n" * 20)
    await exchange.hang()


async def says_too_long_a_length(exchange: Exchange) -> None:
    await exchange.send("HTTP/1.1 500 Long", "Content-Length: 5000", "", b"short")
    exchange.writer.close()


async def speaks_something_else(exchange: Exchange) -> None:
    await exchange.send(b"\x16\x03\x01\x00\xff\x00SSH-2.0-nonsense\r\n\r\n")
    await exchange.hang()


async def closes_what_it_keeps(exchange: Exchange) -> None:
    await exchange.answer(202, b"", "Connection: keep-alive")
    exchange.writer.close()


async def answers_before_it_has_read(exchange: Exchange) -> None:
    await exchange.answer(500, b"no")
    await exchange.hang()


async def says_continue_for_ever(exchange: Exchange) -> None:
    while True:
        await exchange.send("HTTP/1.1 100 Continue", "")
        await asyncio.sleep(0.01)


async def is_overloaded(exchange: Exchange) -> None:
    await exchange.answer(429, b"", "Retry-After: 99999999999999999999")
    exchange.writer.close()


async def fails(exchange: Exchange) -> None:
    await exchange.answer(500, b"Traceback")
    exchange.writer.close()


HABITS: Final = (
    says_nothing, stops_in_the_head, stops_in_the_body, drips_its_head, drips_its_body, resets_the_request,
    resets_the_answer, sends_a_gigabyte, sends_a_head_of_a_gigabyte, sends_chunks_without_end, redirects_to_itself,
    redirects_to_a_private_address, says_too_short_a_length, says_too_long_a_length, speaks_something_else,
    closes_what_it_keeps, answers_before_it_has_read, says_continue_for_ever, is_overloaded, fails,
)  # fmt: skip


class Deaf(Server):
    """A server that takes no connection any more once it has subscribed: who connects waits, as with a dead host."""

    async def close_ears(self, stack: AsyncExitStack) -> None:
        """Fill the queue of those who wait for a connection; nobody takes them out."""
        ear = stack.enter_context(socket.socket())
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ear.bind(("127.0.0.1", self.port))
        ear.listen(0)
        for _ in range(4):
            knocking = stack.enter_context(socket.socket())
            knocking.setblocking(False)
            knocking.connect_ex(("127.0.0.1", self.port))
