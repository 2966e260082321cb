"""Other servers over HTTP/1.1, behind the wall of `guard`.

Everything that a hostile or broken peer can do ends in one of two ways: an answer within its limits, or a
`RemoteError` with a code, within the time limit. Redirects are followed by hand, because each hop has to
pass the URL rules and needs a signature of its own. Fetches and deliveries have separate pools: a fetch goes
where a stranger's document points, and must not take the connections of the subscribers.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Self
from urllib.parse import urldefrag, urljoin

import aiohttp

from relay.adapters.deliveries import CONNECT_SECONDS, Deliveries, Pool, Route
from relay.adapters.exchange import StaleError
from relay.adapters.guard import AddressPolicy, BlockedAddressError, target
from relay.adapters.inside import refuse_in_transaction
from relay.adapters.names import SystemNames
from relay.domain.errors import RemoteError
from relay.domain.remote import Fetched, Posted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    from aiohttp.abc import AbstractResolver
    from yarl import URL

    from relay.adapters.exchange import Answer
    from relay.domain.remote import First, Headers
    from relay.ports import Clock

MAX_REDIRECTS = 3  # Mastodon's number
DETAIL_CHARACTERS = 500
LONGEST_PAUSE = 86_400.0  # a peer may not send us away for longer than the daily probe of silent hosts
REDIRECTS = frozenset({301, 302, 303, 307, 308})
TEMPORARY = frozenset({408, 425, 429})  # and 5xx: RFC 9110 15, RFC 8470 5.2, RFC 6585 4

FAILURES = (aiohttp.ClientError, OSError, UnicodeError)


ROUTES = 16_384
"""Inboxes that are remembered in their parsed form. With fewer than there are subscribers none would be found again:
they take turns."""
FETCHES = Pool(total=100, per_host=4, idle=15.0)
DELIVERIES = Pool(total=512, per_host=8, idle=30.0)


class GuardedRemote:
    """Port `Remote` on aiohttp. Use it with `async with`; leaving closes every connection.

    `user_agent` as in `Assay/0.1.0 (+https://relay.example/)`. `own_hosts` are never contacted. `allow_http`
    is for tests and closed networks. `ca_file` is a PEM file of authorities in addition to the system's.
    `resolver` replaces the system's name resolution; whatever it answers, the wall has the last word.
    `answer_patience` is how many seconds a peer may take to send the body of its answer to a delivery.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        user_agent: str,
        addresses: AddressPolicy,
        own_hosts: Iterable[str] = (),
        allow_http: bool = False,
        ca_file: Path | None = None,
        resolver: AbstractResolver | None = None,
        fetches: Pool = FETCHES,
        deliveries: Pool = DELIVERIES,
        answer_patience: float = 2.0,
    ) -> None:
        self._clock = clock
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "identity"}
        self._addresses = addresses
        self._resolver = resolver
        self._tls = client_tls(ca_file)
        self._pools = (fetches, deliveries)
        self._answer_patience = answer_patience
        own = frozenset(host.lower().rstrip(".") for host in own_hosts)
        # The same inboxes again and again: parsing them costs a tenth of a delivery. Bounded: row 38.
        check = self._target = partial(target, allow_http=allow_http, own_hosts=own)
        self._route = lru_cache(ROUTES)(lambda url: Route.of(check(url)))

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            fetches, deliveries = self._pools
            self._fetches = await stack.enter_async_context(self._session(fetches))
            self._deliveries = Deliveries(
                addresses=self._addresses,
                tls=self._tls,
                resolver=self._resolver or SystemNames(),
                pool=deliveries,
                user_agent=self._headers["User-Agent"],
                patience=self._answer_patience,
            )
            stack.callback(self._deliveries.close)
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    def _session(self, pool: Pool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=pool.total,
            limit_per_host=pool.per_host,
            keepalive_timeout=pool.idle,
            ssl=self._tls,
            socket_factory=self._addresses.open_socket,
            resolver=self._resolver or SystemNames(),
            ttl_dns_cache=300,
        )
        return aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        )

    async def get(
        self,
        url: str,
        *,
        accept: str,
        limit: int,
        timeout: float,
        sign: Callable[[str], Awaitable[Mapping[str, str]]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Fetched:
        """Fetch `url`, see port `Remote`. `limit` in bytes, `timeout` in seconds.

        Without a redirect the answer's `url` is the one asked for, without its fragment. `sign` gets the URL
        in the spelling that is sent. RuntimeError inside a transaction.
        """
        refuse_in_transaction()
        deadline = asyncio.timeout(timeout)
        try:
            async with deadline:
                fixed = {"Accept": accept, **(headers or {})}
                return await self._follow(url, headers=fixed, limit=limit, sign=sign)
        except TimeoutError as error:
            # A timeout that `sign` let escape is not the peer's.
            if not deadline.expired():
                raise
            raise RemoteError(f"no complete answer within {timeout:g} s", code="timeout") from error

    async def _follow(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        limit: int,
        sign: Callable[[str], Awaitable[Mapping[str, str]]] | None,
    ) -> Fetched:
        here = self._target(url)
        seen = {here}
        while True:
            signed = {**headers, **(await sign(str(here)) if sign else {})}
            answer = await self._fetch(here, signed, limit)
            if isinstance(answer, Fetched):
                return answer if len(seen) > 1 else replace(answer, url=urldefrag(url)[0])
            here = self._redirected(here, answer)
            if here in seen or len(seen) > MAX_REDIRECTS:
                raise _bad_redirect("a loop" if here in seen else f"more than {MAX_REDIRECTS}")
            seen.add(here)

    def _redirected(self, here: URL, location: str) -> URL:
        try:
            there = self._target(urljoin(str(here), location))
        except (RemoteError, ValueError) as error:
            raise _bad_redirect(str(error)) from error
        if here.scheme == "https" and there.scheme != "https":
            raise _bad_redirect("from https to http")
        return there

    async def _fetch(self, here: URL, headers: Mapping[str, str], limit: int) -> Fetched | str:
        """One exchange: the document, or the Location it is said to be at."""
        try:
            async with self._fetches.get(here, headers=headers, allow_redirects=False) as response:
                if response.status in REDIRECTS:
                    return response.headers.get("Location", "")
                if response.status != 200:
                    raise self._wrong_status(response)
                body = await _body(response, limit)
                kind, etag, modified = (
                    response.headers.get(name, "") for name in ("Content-Type", "ETag", "Last-Modified")
                )
                return Fetched(str(here), kind, body, etag, modified)
        except FAILURES as error:
            raise as_remote_error(error, here) from error

    def _wrong_status(self, response: aiohttp.ClientResponse) -> RemoteError:
        status = response.status
        return RemoteError(
            f"{response.url.host} answered {status}",
            code="status",
            temporary=status in TEMPORARY or 500 <= status <= 599,
            status=status,
            retry_after=self._retry_after(response),
        )

    def _retry_after(self, response: aiohttp.ClientResponse) -> float | None:
        return self._seconds(response.headers.get("Retry-After"))

    def _seconds(self, value: str | None) -> float | None:
        return None if value is None else retry_after(value, now=self._clock.now())

    async def post(
        self,
        url: str,
        *,
        headers: Headers,
        body: bytes,
        timeout: float,
    ) -> Posted:
        """Send `body` to `url`, see port `Remote`. `timeout` in seconds. RuntimeError inside a transaction.

        The answer counts from its status line on: a peer that then stalls or breaks off has still answered.
        """
        refuse_in_transaction()
        route = self._route(url)
        try:
            answer = await self._deliveries.post(route, headers=headers, body=body, timeout=timeout)
        except OSError as error:
            raise as_remote_error(error, route.url) from error
        return self._posted(answer)

    def post_now(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,
        answered: Callable[[First], None],
    ) -> bool:
        """Send `body` to `url` if a connection is open and free, see port `Remote`. `timeout` in seconds.

        RuntimeError inside a transaction.
        """
        refuse_in_transaction()
        try:
            route = self._route(url)
        except RemoteError:
            return False  # `post` says why

        def read(outcome: Answer | OSError) -> None:
            if not isinstance(outcome, OSError):
                answered(self._posted(outcome))
            elif isinstance(outcome, StaleError):
                answered(None)
            else:
                answered(as_remote_error(outcome, route.url))

        return self._deliveries.post_now(route, headers=headers, body=body, timeout=timeout, answered=read)

    def give_up(self) -> None:
        """End what `post_now` sent and nobody answered, see port `Remote`."""
        self._deliveries.give_up()

    def _posted(self, answer: Answer) -> Posted:
        date = moment(answer.date.decode("latin-1")) if answer.status >= 400 else None
        return Posted(answer.status, self._seconds(answer.retry_after), _detail(answer.detail), date)


def _detail(start: bytes) -> str:
    """The start of an answer's body, for a person."""
    if not start:
        return ""
    text = start.decode("utf-8", "replace").strip()[:DETAIL_CHARACTERS]
    return "".join(letter if letter.isprintable() else " " for letter in text)


async def _body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body after its content coding, which aiohttp undoes in pieces: a bomb ends at `limit` as well."""
    if (response.content_length or 0) > limit:
        response.close()
        raise _too_large(limit)
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > limit:
            response.close()
            raise _too_large(limit)
    return bytes(body)


def retry_after(value: str, *, now: float) -> float | None:
    """Seconds to wait as `Retry-After` says, None if it makes no sense (RFC 9110 10.2.3: seconds or a date).

    `now` in seconds since the Unix epoch. Never negative, never more than `LONGEST_PAUSE`.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        # More than nine digits is for ever, and int() refuses thousands of them.
        return LONGEST_PAUSE if len(value) > 9 else min(float(value), LONGEST_PAUSE)
    until = moment(value)
    return None if until is None else min(max(until - now, 0.0), LONGEST_PAUSE)


def moment(value: str) -> float | None:
    """Read an HTTP-date (RFC 9110 5.6.7): seconds since the Unix epoch, None if it makes no sense."""
    try:
        read = parsedate_to_datetime(value)
        # It is in UTC, whatever the obsolete forms leave out.
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def client_tls(ca_file: Path | None) -> ssl.SSLContext:
    """What connections to others are opened with. `ca_file`: PEM of authorities in addition to the system's."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


def _too_large(limit: int) -> RemoteError:
    return RemoteError(f"the answer is larger than {limit} bytes", code="too-large", temporary=False)


def _bad_redirect(why: str) -> RemoteError:
    return RemoteError(f"bad redirect: {why}", code="bad-redirect", temporary=False)


def as_remote_error(error: Exception, url: URL) -> RemoteError:
    """What an error of aiohttp or the operating system means to the relay."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, BlockedAddressError):
        return RemoteError(f"{url.host}: {cause.reason}", code="blocked-address", temporary=False)
    if isinstance(error, aiohttp.InvalidURL):
        return RemoteError(f"{url.host}: not a plain address", code="blocked-address", temporary=False)
    if isinstance(error, TimeoutError):
        return RemoteError(f"{url.host} did not answer in time", code="timeout")
    if isinstance(error, ssl.SSLError | ssl.CertificateError):
        return RemoteError(f"{url.host}: {cause}", code="tls")
    # Not a name that DNS could hold: asking again will not help.
    return RemoteError(f"{url.host}: {error}", temporary=not isinstance(error, UnicodeError))
