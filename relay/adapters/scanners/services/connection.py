"""The connection to one hash service: one address, its credentials, and nothing else.

No redirect is followed, so credentials and hashes go nowhere but to the configured address. The wall stands here, too:
a service in a private network is reached only if its address or name in the configuration is a private one
(`networks_of`), so that no public name can be turned into a way inside. Answers are parsed into a model of what is
documented; errors name the service's name, a status or a code, never what was sent or received.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, TypeAlias, TypeVar

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError
from yarl import URL

from relay.adapters.deliveries import CONNECT_SECONDS
from relay.adapters.guard import AddressPolicy
from relay.adapters.inside import refuse_in_transaction
from relay.adapters.names import SystemNames
from relay.adapters.remote import (
    FAILURES,
    TEMPORARY,
    as_remote_error,
    client_tls,
    retry_after,
)
from relay.domain.errors import RemoteError
from relay.domain.hashservice import networks_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from aiohttp.abc import AbstractResolver

    from relay.domain.hashservice import Network
    from relay.ports import Clock

MAX_ANSWER: Final = 1 << 20
"""Bytes of an answer that are read: the longest documented ones have a few thousand."""
MAX_DETAIL: Final = 4096
"""Bytes of an error that are read."""
AT_ONCE: Final = 4

A = TypeVar("A", bound=BaseModel)

Explain: TypeAlias = Callable[[int, bytes], RemoteError | None]
"""What an error means, from its status and the beginning of its body; None when it says nothing."""


class Answer(BaseModel):
    """A part of an answer: what is documented is checked, what is not is left out unread."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a service is reached: what all services share (time, name in `User-Agent`, and what a test replaces)."""

    clock: Clock
    user_agent: str
    private: tuple[Network, ...] = ()
    ca_file: Path | None = None
    resolver: AbstractResolver | None = None


class ServiceConnection:
    """Requests to the service `name` at `url`, each ended after `timeout` seconds. Use it with `async with`.

    `headers` carry the credentials. Raises `RemoteError` and nothing else: `status` for another status than 200,
    `bad-answer` for a body that is not what is documented, and those of `GuardedRemote`.
    """

    def __init__(
        self, name: str, url: str, way: Way, *, timeout: float, headers: Mapping[str, str] | None = None
    ) -> None:
        self._name, self._base, self._clock, self._timeout = name, url.rstrip("/"), way.clock, timeout
        there = URL(url)
        private = (*networks_of(there.host or ""), *way.private)
        self._policy = AddressPolicy(allowed_private=private, ports=frozenset({there.port or 443}))
        self._headers = {"User-Agent": way.user_agent, "Accept": "application/json", **(headers or {})}
        self._way = way

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit=AT_ONCE,
            keepalive_timeout=15.0,
            ssl=client_tls(self._way.ca_file),
            socket_factory=self._policy.open_socket,
            resolver=self._way.resolver or SystemNames(),
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

    async def get(
        self,
        path: str,
        model: type[A],
        query: Mapping[str, str] | None = None,
        *,
        most: int = MAX_ANSWER,
        explain: Explain | None = None,
    ) -> A:
        """Ask for `path`, which begins with a slash. An answer has at most `most` bytes; `explain` reads errors."""
        content = await self._fetch("GET", URL(self._base + path), query=query, most=most, explain=explain)
        return self._read(content, model)

    async def reach(self, path: str) -> None:
        """Ask for `path` only to see that it answers with 200: what it says is left unread by anybody."""
        await self._fetch("GET", URL(self._base + path))

    async def fetch(self, path: str, *, accept: str, most: int) -> bytes:
        """Return what is at `path`, which is taken as it stands, with its query."""
        there = URL(self._base + path, encoded=True)
        return await self._fetch("GET", there, headers={"Accept": accept}, most=most)

    async def post(
        self,
        path: str,
        model: type[A],
        body: bytes | aiohttp.FormData,
        *,
        content_type: str | None = None,
        query: Mapping[str, str] | None = None,
    ) -> A:
        """Send a body; a form names its own content type."""
        headers = {"Content-Type": content_type} if content_type else {}
        there = URL(self._base + path)
        return self._read(await self._fetch("POST", there, body=body, headers=headers, query=query), model)

    async def _fetch(
        self,
        method: str,
        there: URL,
        *,
        body: bytes | aiohttp.FormData | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        most: int = MAX_ANSWER,
        explain: Explain | None = None,
    ) -> bytes:
        refuse_in_transaction()
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._session.request(
                    method,
                    there,
                    params=query,
                    data=body,
                    headers=headers,
                    allow_redirects=False,
                ) as response,
            ):
                if response.status != 200:
                    told = explain and explain(response.status, await response.content.read(MAX_DETAIL))
                    raise told or self._wrong_status(response)
                content = bytearray()
                async for block in response.content.iter_any():
                    content += block
                    if len(content) > most:
                        raise bad_answer(self._name)
        except FAILURES as error:
            # The text of these may hold an address; a code is enough to act on.
            found = as_remote_error(error, there)
            message = f"{self._name} could not be asked: {found.code}"
            raise RemoteError(message, code=found.code, temporary=found.temporary) from None
        return bytes(content)

    def _wrong_status(self, response: aiohttp.ClientResponse) -> RemoteError:
        status, wait = response.status, response.headers.get("Retry-After")
        return RemoteError(
            f"{self._name} answered {status}",
            code="status",
            temporary=status in TEMPORARY or status >= 500,
            status=status,
            retry_after=None if wait is None else retry_after(wait, now=self._clock.now()),
        )

    def _read(self, content: bytes, model: type[A]) -> A:
        try:
            return model.model_validate_json(content)
        except ValidationError:
            # The cause would carry the answer along.
            raise bad_answer(self._name) from None


def bad_answer(name: str) -> RemoteError:
    """The service answered something that its documentation does not know."""
    return RemoteError(f"{name} answered what is not documented", code="bad-answer", temporary=False)
