"""Raw exchanges for the lab, behind the wall of `guard`: every header as it came, any status, no redirect followed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import aiohttp

from relay.adapters.deliveries import CONNECT_SECONDS
from relay.adapters.guard import target
from relay.adapters.names import SystemNames
from relay.adapters.remote import FAILURES, as_remote_error, client_tls
from relay.domain.errors import RemoteError
from relay.domain.lab.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from aiohttp.abc import AbstractResolver

    from relay.adapters.guard import AddressPolicy
    from relay.ports import Clock

_CONNECTIONS = 8


class GuardedProbe:
    """Port `Probe` on aiohttp. Use it with `async with`; leaving closes every connection.

    `addresses`, `allow_http`, `ca_file` and `resolver` as for `GuardedRemote`.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        user_agent: str,
        addresses: AddressPolicy,
        allow_http: bool = False,
        ca_file: Path | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._clock, self._addresses, self._allow_http = clock, addresses, allow_http
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "identity"}
        self._tls, self._resolver = client_tls(ca_file), resolver

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit=_CONNECTIONS,
            ssl=self._tls,
            socket_factory=self._addresses.open_socket,
            resolver=self._resolver or SystemNames(),
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        limit: int,
        timeout: float,
    ) -> Exchange:
        """Send one request (see the port). `limit` in bytes, `timeout` in seconds."""
        there = target(url, allow_http=self._allow_http, own_hosts=())
        began = self._clock.monotonic()
        try:
            async with (
                asyncio.timeout(timeout),
                self._session.request(
                    method, there, headers=headers, data=body, allow_redirects=False
                ) as response,
            ):
                content = await _read(response, limit)
                return Exchange(
                    method,
                    url,
                    response.status,
                    tuple((name.lower(), value) for name, value in response.headers.items()),
                    content[:limit],
                    self._clock.monotonic() - began,
                    whole=len(content) <= limit,
                )
        except TimeoutError as error:
            raise RemoteError(f"no complete answer within {timeout:g} s", code="timeout") from error
        except FAILURES as error:
            raise as_remote_error(error, there) from error


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, a little more than `limit` bytes at most."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > limit:
            response.close()
            break
    return bytes(body[: limit + 1])
