"""The connections on which deliveries are made: opened behind the wall of `guard`, kept, counted and closed.

`Deliveries` sends one POST after the other to the same few thousand inboxes. Names are looked up once in five minutes;
a connection is kept while it is used, and at most so many of all together, so that memory and descriptors have a bound
however many servers subscribe (`Pool`).

There are two ways in. `post` waits for whatever a delivery needs. `post_now` is for the many that need nothing, because
a connection is open and free: no coroutine, no task and no timer of its own, half of what such a delivery would cost.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, NamedTuple

from aiohappyeyeballs import start_connection

from relay.adapters.exchange import Exchange, StaleError
from relay.adapters.quota import Quota

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Mapping

    from aiohappyeyeballs import AddrInfoType
    from aiohttp.abc import AbstractResolver
    from yarl import URL

    from relay.adapters.exchange import Answer, Answered
    from relay.adapters.guard import AddressPolicy
    from relay.domain.remote import Headers

CONNECT_SECONDS: Final = 5.0  # Mastodon's; the total is the caller's
MIND_EVERY: Final = 0.25
"""Seconds by which a time limit may be late."""
NAMES_KEPT: Final = 300.0
MOST_NAMES: Final = 10_000
_NEXT_ADDRESS: Final = 0.25  # RFC 8305 5


@dataclass(frozen=True, slots=True)
class Pool:
    """The connections of one kind: at most `total` in use, `per_host` of them to one, `kept` unused.

    An unused one is closed after `idle` seconds. A request that finds none free waits, and its time limit runs.
    """

    total: int
    per_host: int
    idle: float
    kept: int = 8192


class Origin(NamedTuple):
    """Where connections go."""

    secure: bool
    host: str
    port: int


class Route(NamedTuple):
    """What does not change between two requests for a URL: where they go, and how they begin."""

    url: URL
    origin: Origin
    start: str
    host: str

    @classmethod
    def of(cls, url: URL) -> Route:
        """The way to an absolute URL."""
        origin = Origin(url.scheme == "https", url.raw_host or "", url.port or 0)
        return cls(
            url, origin, f"POST {url.raw_path_qs} HTTP/1.1\r\n", f"Host: {url.host_port_subcomponent}\r\n"
        )


@dataclass(slots=True)
class _Host:
    quota: Quota
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    kept: list[Exchange] = field(default_factory=list)


class Deliveries:
    """Sends POSTs. Raises OSError, TimeoutError among them, and nothing else; close it in the end.

    `patience`: seconds that a peer may take for the body of its answer, once it has answered.
    """

    def __init__(
        self,
        *,
        addresses: AddressPolicy,
        tls: ssl.SSLContext,
        resolver: AbstractResolver,
        pool: Pool,
        user_agent: str,
        patience: float,
    ) -> None:
        self._addresses, self._tls, self._resolver, self._pool = addresses, tls, resolver, pool
        self._fixed = f"User-Agent: {user_agent}\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._quota = Quota(pool.total)
        self._hosts: dict[Origin, _Host] = {}
        self._open: set[Exchange] = set()
        self._kept = 0
        self._names: dict[str, tuple[float, list[str]]] = {}
        self._sweeping = self._loop.call_later(pool.idle / 2, self._sweep)
        self._minding = self._loop.call_later(MIND_EVERY, self._mind)

    def post_now(
        self, route: Route, *, headers: Mapping[str, str], body: bytes, timeout: float, answered: Answered
    ) -> bool:
        """Send at once if a connection is open and free for it; return whether. `timeout` in seconds.

        `answered` is called later, once. `StaleError` means that the connection had ended before: nobody has read it.
        """
        host = self._hosts.get(route.origin)
        exchange = None if host is None else self._take(host)
        if host is None or exchange is None:
            return False
        if not self._enter_now(host):
            self._keep(host, exchange)
            return False
        exchange.awaited = False
        exchange.ask(self._request(route, headers, body), self._loop.time() + timeout, answered)
        return True

    def give_up(self) -> None:
        """End what was sent at once and is not answered: nothing more of it arrives."""
        for exchange in [one for one in self._open if one.is_asked and not one.awaited]:
            exchange.close()

    async def post(self, route: Route, *, headers: Headers, body: bytes, timeout: float) -> Answer:
        """Send `body`, once unless a kept connection turns out to have ended before. `timeout` in seconds.

        What makes the headers is called when there is a connection.
        """
        make = headers if callable(headers) else None
        ready = b"" if callable(headers) else self._request(route, headers, body)

        async def request() -> bytes:
            return self._request(route, await make(), body) if make else ready

        end = self._loop.time() + timeout
        while True:
            host = self._hosts.get(route.origin)
            if host is None:
                host = self._hosts[route.origin] = _Host(Quota(self._pool.per_host))
            try:
                return await self._post(route.origin, host, request, end)
            except StaleError:
                pass  # it had not been read, or so it seems: receivers know what they have by its id
            finally:
                self._forget(route.origin, host)

    async def _post(
        self, origin: Origin, host: _Host, request: Callable[[], Awaitable[bytes]], end: float
    ) -> Answer:
        if not self._enter_now(host):
            async with asyncio.timeout_at(end):
                await self._enter(host)
        try:
            exchange = self._take(host) or await self._connect(origin, host, end)
        except BaseException:
            self._leave(host)
            raise
        try:
            whole = await request()
        except BaseException:
            exchange.close()
            self._leave(host)
            raise
        if not exchange.is_open:
            self._leave(host)
            raise StaleError("the connection ended before there was anything to send")
        answer: asyncio.Future[Answer] = self._loop.create_future()
        exchange.awaited = True
        exchange.ask(whole, end, partial(_settle, answer))
        try:
            return await answer
        except asyncio.CancelledError:
            exchange.close()
            raise

    def _request(self, route: Route, headers: Mapping[str, str], body: bytes) -> bytes:
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
            raise ValueError("a header may not hold a line break")
        host = "" if "Host" in headers else route.host
        head = f"{route.start}{host}{lines}{self._fixed}Content-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    # ------------------------------------------------------------------ places

    def _enter_now(self, host: _Host) -> bool:
        if not host.quota.take():
            return False
        if self._quota.take():
            return True
        host.quota.leave()
        return False

    async def _enter(self, host: _Host) -> None:
        await host.quota.enter()
        try:
            await self._quota.enter()
        except BaseException:
            host.quota.leave()
            raise

    def _leave(self, host: _Host) -> None:
        self._quota.leave()
        host.quota.leave()

    def _forget(self, origin: Origin, host: _Host) -> None:
        if host.quota.unused and not host.kept and self._hosts.get(origin) is host:
            del self._hosts[origin]

    # ------------------------------------------------------------------ kept connections

    def _take(self, host: _Host) -> Exchange | None:
        while host.kept:
            exchange = host.kept.pop()
            self._kept -= 1
            if exchange.reusable and exchange.is_open:
                return exchange
        return None

    def _free(self, host: _Host, exchange: Exchange) -> None:
        """A request on a connection is at its end."""
        self._leave(host)
        if exchange.reusable:
            self._keep(host, exchange)

    def _keep(self, host: _Host, exchange: Exchange) -> None:
        if self._kept >= self._pool.kept:
            exchange.close()
            return
        exchange.kept_since = self._loop.time()
        host.kept.append(exchange)
        self._kept += 1

    def _lost(self, host: _Host, exchange: Exchange) -> None:
        self._open.discard(exchange)
        if exchange in host.kept:
            host.kept.remove(exchange)
            self._kept -= 1

    def _sweep(self) -> None:
        """Close what was not used for long. The oldest stand first: the newest is taken first."""
        now = self._loop.time()
        for origin, host in list(self._hosts.items()):
            while host.kept and now - host.kept[0].kept_since >= self._pool.idle:
                self._kept -= 1
                host.kept.pop(0).close()
            self._forget(origin, host)
        self._sweeping = self._loop.call_later(self._pool.idle / 2, self._sweep)

    def _mind(self) -> None:
        """Look after the time limits of all requests together."""
        now = self._loop.time()
        for exchange in [one for one in self._open if one.end <= now]:
            exchange.out_of_time()
        self._minding = self._loop.call_later(MIND_EVERY, self._mind)

    def close(self) -> None:
        """End all connections."""
        self._sweeping.cancel()
        self._minding.cancel()
        for exchange in list(self._open):
            exchange.close()

    # ------------------------------------------------------------------ new connections

    async def _connect(self, origin: Origin, host: _Host, end: float) -> Exchange:
        async with asyncio.timeout_at(end):
            infos = await self._infos(origin, host)
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    connected = await start_connection(
                        infos,
                        happy_eyeballs_delay=_NEXT_ADDRESS,
                        interleave=1,
                        socket_factory=self._addresses.open_socket,
                    )
            except OSError:
                self._names.pop(origin.host, None)  # it may have moved
                raise
            try:
                _, exchange = await self._loop.create_connection(
                    lambda: Exchange(self._patience, partial(self._free, host), partial(self._lost, host)),
                    sock=connected,
                    ssl=self._tls if origin.secure else None,
                    server_hostname=origin.host.rstrip(".") if origin.secure else None,
                )
            except BaseException:
                connected.close()
                raise
        if not exchange.is_open:
            raise ConnectionResetError("the connection ended")
        self._open.add(exchange)
        return exchange

    async def _infos(self, origin: Origin, host: _Host) -> list[AddrInfoType]:
        with suppress(ValueError):
            return [_info(str(ip_address(origin.host)), origin.port)]
        async with host.asking:  # one question for all who open connections to it
            until, addresses = self._names.get(origin.host, (0.0, []))
            if until <= self._loop.time():
                addresses = await self._look_up(origin.host)
        return [_info(address, origin.port) for address in addresses]

    async def _look_up(self, host: str) -> list[str]:
        found = await self._resolver.resolve(host, 0, family=socket.AF_UNSPEC)
        while len(self._names) >= MOST_NAMES:
            self._names.pop(next(iter(self._names)))
        addresses = [one["host"] for one in found]
        self._names[host] = (self._loop.time() + NAMES_KEPT, addresses)
        return addresses


def _settle(answer: asyncio.Future[Answer], outcome: Answer | OSError) -> None:
    if answer.done():
        return  # nobody waits any more
    if isinstance(outcome, OSError):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


def _info(address: str, port: int) -> AddrInfoType:
    if ":" in address:
        return (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
