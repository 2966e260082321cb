"""Deliveries on kept connections: what is used again, what is bounded, and what a peer's end of a connection does."""

from __future__ import annotations

import asyncio
import gc
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from yarl import URL

from relay.adapters.deliveries import Deliveries, Pool, Route
from relay.adapters.exchange import Answer, StaleError
from relay.adapters.remote import client_tls
from relay.adapters.system import SystemClock
from tests.contract.peers import ONLY_PUBLIC, PUBLIC, Authority, Exchange, Names, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp.abc import AbstractResolver


NEVER, SHORT = 30.0, 0.3
POOL = Pool(total=4, per_host=2, idle=NEVER)


@asynccontextmanager
async def courier(
    pool: Pool = POOL, resolver: AbstractResolver | None = None, ca_file: Path | None = None
) -> AsyncIterator[Deliveries]:
    deliveries = Deliveries(
        addresses=ONLY_PUBLIC,
        tls=client_tls(ca_file),
        resolver=resolver or Names(),
        pool=pool,
        user_agent="Assay/test",
        patience=SHORT,
    )
    try:
        yield deliveries
    finally:
        deliveries.close()


async def post(to: Deliveries, url: str, seconds: float = NEVER, **headers: str) -> Answer:
    return await to.post(Route.of(URL(url)), headers=headers, body=b"{}", timeout=seconds)


async def accept(exchange: Exchange) -> None:
    await exchange.answer(202)


async def ended(writer: asyncio.StreamWriter) -> None:
    """Return when the other end has closed this connection."""
    async with asyncio.timeout(NEVER):
        while not writer.transport.is_closing():
            await SystemClock().sleep(0.01)


class Turnstile:
    """A server that answers when it is told to, and counts who is inside."""

    def __init__(self) -> None:
        self.inside, self.most = 0, 0
        self.come, self.go = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def __call__(self, exchange: Exchange) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.come.release()
        await self.go.acquire()
        self.inside -= 1
        await exchange.answer(202)


async def test_what_goes_over_the_wire() -> None:
    async with serving(accept) as peer, courier() as to:
        url = peer.url("/inbox?a=%2F")
        answer = await to.post(
            Route.of(URL(url, encoded=True)), headers={"Date": "today"}, body="ü".encode(), timeout=NEVER
        )
        assert answer.status == 202
        assert peer.heads == [
            (
                f"POST /inbox?a=%2F HTTP/1.1\r\nHost: {PUBLIC}:{peer.port}\r\nDate: today\r\n"
                "User-Agent: Assay/test\r\nAccept: */*\r\nAccept-Encoding: identity\r\nContent-Length: 2\r\n\r\n"
            ).encode()
        ]


async def test_headers_are_made_once_there_is_a_connection() -> None:
    made = 0

    async def headers() -> dict[str, str]:
        nonlocal made
        made += 1
        return {"Date": "today"}

    async def try_it() -> Answer:
        return await to.post(Route.of(URL(url)), headers=headers, body=b"{}", timeout=NEVER)

    async with courier() as to:
        async with serving(accept) as peer:
            url = peer.url()
            assert (await try_it()).status == 202
            assert b"Date: today" in peer.heads[0]
        with pytest.raises(ConnectionRefusedError):
            await try_it()  # perhaps on the connection that was kept
        made = 0
        with pytest.raises(ConnectionRefusedError):
            await try_it()
        assert made == 0


async def test_a_connection_that_ends_while_headers_are_made_is_replaced() -> None:
    writers: list[asyncio.StreamWriter] = []

    async def noted(exchange: Exchange) -> None:
        writers.append(exchange.writer)
        await exchange.answer(202)

    async def headers() -> dict[str, str]:
        if len(writers) == 1:
            writers[0].close()
            await SystemClock().sleep(0.1)
        return {}

    async with serving(noted) as peer, courier() as to:
        assert (await post(to, peer.url())).status == 202
        answer = await to.post(Route.of(URL(peer.url())), headers=headers, body=b"{}", timeout=NEVER)
        assert answer.status == 202
        assert peer.connections == 2


async def test_who_cannot_make_headers_leaves_its_place() -> None:
    async def headers() -> dict[str, str]:
        raise ZeroDivisionError

    async with serving(accept) as peer, courier() as to:
        for _ in range(POOL.total + 1):
            with pytest.raises(ZeroDivisionError):
                await to.post(Route.of(URL(peer.url())), headers=headers, body=b"{}", timeout=SHORT)
        assert (await post(to, peer.url(), SHORT)).status == 202


@pytest.mark.parametrize("value", ["a\r\nX: b", "a\nb", "a\rb"])
async def test_a_header_cannot_begin_another(value: str) -> None:
    async with serving(accept) as peer, courier() as to:
        with pytest.raises(ValueError, match="line break"):
            await post(to, peer.url(), Signature=value)
        assert peer.connections == 0


async def test_a_connection_is_used_again_while_the_peer_keeps_it() -> None:
    async def by_turns(exchange: Exchange) -> None:
        ends = len(peer.heads) % 3 == 0
        await exchange.answer(202, b"", "Connection: close" if ends else "Connection: keep-alive")

    async with serving(by_turns) as peer, courier() as to:
        for _ in range(7):
            assert (await post(to, peer.url())).status == 202
        assert peer.connections == 3


async def test_old_http_ends_each_connection() -> None:
    async def old(exchange: Exchange) -> None:
        await exchange.send("HTTP/1.0 202 Accepted", "", b"thanks")
        exchange.writer.close()

    async with serving(old) as peer, courier() as to:
        assert [(await post(to, peer.url())).detail for _ in range(2)] == [b"thanks"] * 2
        assert peer.connections == 2


@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_a_kept_connection_that_the_peer_has_ended(ending: str) -> None:
    async def once(exchange: Exchange) -> None:
        await exchange.answer(202)
        if exchange.target == "/last":
            await exchange.hang()

    async with courier() as to:
        async with serving(once) as peer:
            assert (await post(to, peer.url("/"))).status == 202
            port = peer.port
        # It ended while nobody looked: found out before the next request, or by it.
        async with serving(accept, host=PUBLIC) as other:
            assert (await post(to, other.url())).status == 202
        with pytest.raises(OSError, match="Connect"):
            await post(to, f"http://{PUBLIC}:{port}/")


async def test_a_request_that_a_kept_connection_lost_unread_is_sent_again() -> None:
    seen: list[int] = []

    async def second_is_never_read(exchange: Exchange) -> None:
        seen.append(peer.connections)
        if len(seen) == 2:
            exchange.reset()  # as a server does whose time for kept connections ended just now
        else:
            await exchange.answer(202)

    async with serving(second_is_never_read) as peer, courier() as to:
        assert [(await post(to, peer.url())).status for _ in range(2)] == [202, 202]
        assert seen == [1, 1, 2]


async def test_a_request_on_a_new_connection_is_sent_once() -> None:
    async def reset(exchange: Exchange) -> None:
        exchange.reset()

    async with serving(reset) as peer, courier() as to:
        with pytest.raises(ConnectionError):
            await post(to, peer.url())
        assert peer.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdefgh",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense",
    ],
)
async def test_more_than_one_answer_is_not_the_answer_to_the_next_request(answer: bytes) -> None:
    async def babble(exchange: Exchange) -> None:
        await exchange.send(answer)

    async with serving(babble) as peer, courier() as to:
        for _ in range(3):
            assert (await post(to, peer.url())).status == 200
        assert peer.connections == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-Nope\r\n",
        b"HTTP/1.1 200",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 4_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
async def test_what_is_no_answer(answer: bytes) -> None:
    async def babble(exchange: Exchange) -> None:
        await exchange.send(answer)
        exchange.writer.close()

    async with serving(babble) as peer, courier() as to:
        with pytest.raises(ConnectionError):
            await post(to, peer.url())


async def test_hints_come_before_the_answer() -> None:
    async def hint(exchange: Exchange) -> None:
        await exchange.send("HTTP/1.1 103 Early Hints", "Retry-After: 9", "", "HTTP/1.1 100 Continue", "")
        await exchange.answer(503, b"later", "Retry-After: 120")

    async with serving(hint) as peer, courier() as to:
        for _ in range(2):
            answer = await post(to, peer.url())
            assert (answer.status, answer.retry_after, answer.detail) == (503, "120", b"later")
        assert peer.connections == 1


async def test_a_peer_that_talks_unasked_is_left() -> None:
    writers: list[asyncio.StreamWriter] = []

    async def behave(exchange: Exchange) -> None:
        writers.append(exchange.writer)
        await exchange.answer(202)

    async with serving(behave) as peer, courier() as to:
        assert (await post(to, peer.url())).status == 202
        writers[0].write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await ended(writers[0])
        assert (await post(to, peer.url())).status == 202
        assert peer.connections == 2


async def test_at_most_so_many_to_one_server_and_in_all() -> None:
    gate = Turnstile()
    async with serving(gate) as peer, serving(gate) as other, serving(gate) as third, courier() as to:
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(post(to, one.url())) for one in (peer, other, third) for _ in range(5)]
            for _ in range(POOL.total):
                await gate.come.acquire()
            assert gate.inside == POOL.total
            for _ in asked:
                gate.go.release()
        assert {task.result().status for task in asked} == {202}
        assert gate.most == POOL.total
        assert max(one.connections for one in (peer, other, third)) <= POOL.per_host


async def test_waiting_for_a_connection_is_part_of_the_time_limit() -> None:
    gate = Turnstile()
    async with serving(gate) as peer, courier() as to:
        async with asyncio.TaskGroup() as tasks:
            inside = [tasks.create_task(post(to, peer.url())) for _ in range(POOL.per_host)]
            for _ in inside:
                await gate.come.acquire()
            with pytest.raises(TimeoutError):
                await post(to, peer.url(), seconds=SHORT)
            for _ in range(POOL.per_host + 1):
                gate.go.release()
        assert (await post(to, peer.url())).status == 202


async def test_who_is_cancelled_leaves_nothing_behind() -> None:
    gate = Turnstile()
    async with serving(gate) as peer, courier() as to:
        for _ in range(POOL.total + 1):
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(post(to, peer.url()))
                await gate.come.acquire()
                task.cancel()
            assert task.cancelled()
        for _ in range(POOL.total + 2):
            gate.go.release()
        assert (await post(to, peer.url())).status == 202


async def test_unused_connections_are_closed_after_a_while() -> None:
    writers: list[asyncio.StreamWriter] = []

    async def behave(exchange: Exchange) -> None:
        writers.append(exchange.writer)
        await exchange.answer(202)

    async with serving(behave) as peer, courier(Pool(total=4, per_host=2, idle=SHORT)) as to:
        assert (await post(to, peer.url())).status == 202
        await ended(writers[0])


async def test_of_all_servers_together_only_so_many_connections_are_kept() -> None:
    async with (
        serving(accept) as first,
        serving(accept) as second,
        courier(Pool(total=4, per_host=2, idle=NEVER, kept=1)) as to,
    ):
        for peer in (first, second, first, second):
            assert (await post(to, peer.url())).status == 202
        assert (first.connections, second.connections) == (1, 2)


async def test_a_name_is_asked_for_once_and_anew_when_nobody_is_there() -> None:
    names = Names(moved_test=[["127.0.0.3"], [PUBLIC]])
    async with serving(accept) as peer, courier(resolver=names) as to:
        with pytest.raises(PermissionError):
            await post(to, peer.url(host="moved.test"))
        for _ in range(3):
            assert (await post(to, peer.url(host="moved.test"))).status == 202
        assert names.asked == ["moved.test"] * 2


async def test_servers_are_who_they_say(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    names = Names(**{"right.test": [[PUBLIC]], "wrong.test": [[PUBLIC]]})
    async with serving(accept, tls=authority.server("right.test")) as peer:
        async with courier(resolver=names, ca_file=authority.file) as to:
            for _ in range(2):
                assert (await post(to, peer.url(host="right.test"))).status == 202
            assert peer.connections == 1
            with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
                await post(to, peer.url(host="wrong.test"))
        async with courier(resolver=names) as to:
            with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
                await post(to, peer.url(host="right.test"))


async def test_ten_thousand_servers_that_are_gone_leave_nothing() -> None:
    async with courier(resolver=Names()) as to:
        for number in range(500):
            with pytest.raises(OSError, match="no such name"):
                await post(to, f"https://gone-{number}.test/inbox")
        gc.collect()
        assert not to._hosts


class Sender:
    """Sends at once, and keeps what comes of it."""

    def __init__(self, to: Deliveries) -> None:
        self._to, self.outcomes = to, asyncio.Queue[Answer | OSError]()

    def send(self, url: str, seconds: float = NEVER) -> bool:
        """Whether it was sent."""
        return self._to.post_now(
            Route.of(URL(url)), headers={}, body=b"{}", timeout=seconds, answered=self.outcomes.put_nowait
        )


async def test_at_once_only_on_a_connection_that_is_open_and_free() -> None:
    async with serving(accept) as peer, courier() as to:
        sender = Sender(to)
        assert not sender.send(peer.url())
        assert (await post(to, peer.url())).status == 202
        assert [sender.send(peer.url()) for _ in range(2)] == [True, False]
        assert sender.outcomes.empty()
        assert await sender.outcomes.get() == (202, None, b"", b"")
        assert sender.send(peer.url())
        assert await sender.outcomes.get() == (202, None, b"", b"")
        assert (peer.connections, len(peer.heads)) == (1, 3)


async def test_what_is_sent_at_once_takes_its_place_among_the_others() -> None:
    gate = Turnstile()
    pool = Pool(total=2, per_host=2, idle=NEVER)
    async with serving(gate) as peer, serving(gate) as other, courier(pool) as to:
        sender = Sender(to)
        for _ in range(2):
            gate.go.release()
        assert [(await post(to, one.url())).status for one in (peer, other)] == [202, 202]
        async with asyncio.TaskGroup() as tasks:
            inside = [tasks.create_task(post(to, peer.url())) for _ in range(2)]
            for _ in range(4):
                await gate.come.acquire()
            assert not sender.send(other.url())
            for _ in inside:
                gate.go.release()
        assert sender.send(other.url())
        gate.go.release()
        assert await sender.outcomes.get() == (202, None, b"", b"")
        assert (peer.connections, other.connections) == (2, 1)


async def test_sent_at_once_and_lost_unread() -> None:
    async def only_once(exchange: Exchange) -> None:
        if len(peer.heads) > 1:
            exchange.reset()
        else:
            await exchange.answer(202)

    async with serving(only_once) as peer, courier() as to:
        sender = Sender(to)
        assert (await post(to, peer.url())).status == 202
        assert sender.send(peer.url())
        assert isinstance(await sender.outcomes.get(), StaleError)
        assert not sender.send(peer.url())


async def test_sent_at_once_and_not_answered() -> None:
    async def only_once(exchange: Exchange) -> None:
        if len(peer.heads) > 1:
            await exchange.hang()
        else:
            await exchange.answer(202)

    async with serving(only_once) as peer, courier() as to:
        sender = Sender(to)
        assert (await post(to, peer.url())).status == 202
        assert sender.send(peer.url(), SHORT)
        assert isinstance(await sender.outcomes.get(), TimeoutError)
        assert not sender.send(peer.url())


@asynccontextmanager
async def narrow() -> AsyncIterator[tuple[str, socket.socket]]:
    """A server that reads nothing by itself and takes few bytes at a time: the rest stays in the sender's kernel."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server.bind((PUBLIC, 0))
        server.listen()
        server.setblocking(False)
        yield f"http://{PUBLIC}:{server.getsockname()[1]}/", server


async def all_of_it(connection: socket.socket) -> bytes:
    """What comes until the other end has ended the connection in one way or the other."""
    received = b""
    with suppress(ConnectionResetError):
        while data := await asyncio.get_running_loop().sock_recv(connection, 65_536):
            received += data
    return received


@pytest.mark.parametrize("why", ["time", "cancelled", "at once, time", "at once, given up", "closed"])
async def test_what_is_given_up_does_not_arrive_later(why: str) -> None:
    """Another process may have delivered it meanwhile; kernels go on sending for minutes what they were given."""
    loop = asyncio.get_running_loop()
    body = b"x" * 8000  # more than fits, and less than a kernel takes at once
    async with narrow() as (url, server), courier() as to, asyncio.TaskGroup() as tasks:
        seconds = SHORT if "time" in why else NEVER
        opening = tasks.create_task(post(to, url))
        connection, _ = await loop.sock_accept(server)
        with connection:
            await loop.sock_recv(connection, 65_536)
            await loop.sock_sendall(connection, b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            assert (await opening).status == 202
            outcomes = asyncio.Queue[Answer | OSError]()
            if "at once" in why:
                options = {"headers": {}, "body": body, "timeout": seconds}
                assert to.post_now(Route.of(URL(url)), answered=outcomes.put_nowait, **options)
                sending = tasks.create_task(outcomes.get())
            else:
                sending = tasks.create_task(failing(to, url, body, seconds))
            await SystemClock().sleep(0.1)
            match why:
                case "cancelled":
                    sending.cancel()
                case "closed":
                    to.close()
                case "at once, given up":
                    to.give_up()
            await asyncio.wait([sending])
            if not sending.cancelled():
                assert isinstance(sending.result(), TimeoutError if "time" in why else ConnectionAbortedError)
            assert 0 < len(await all_of_it(connection)) < len(body)


async def failing(to: Deliveries, url: str, body: bytes, seconds: float) -> OSError:
    """What comes of a delivery that nobody answers."""
    with pytest.raises(OSError) as caught:  # noqa: PT011 - returned
        await to.post(Route.of(URL(url)), headers={}, body=body, timeout=seconds)
    return caught.value


async def test_what_somebody_waits_for_is_not_given_up() -> None:
    gate = Turnstile()
    async with serving(gate) as peer, courier() as to, asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(post(to, peer.url()))
        await gate.come.acquire()
        to.give_up()
        gate.go.release()
        assert (await waiting).status == 202


async def test_who_waits_is_answered_when_everything_is_closed() -> None:
    gate = Turnstile()
    async with serving(gate) as peer:
        async with courier() as to:
            sender = Sender(to)
            gate.go.release()
            assert (await post(to, peer.url())).status == 202
            assert sender.send(peer.url())
        assert isinstance(await sender.outcomes.get(), ConnectionAbortedError)
        gate.go.release()
