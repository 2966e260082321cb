"""Port `Remote`: what bodies, answers and time limits do to it (research/protocol.md 5.3, row 13)."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.adapters.remote import LONGEST_PAUSE, retry_after
from relay.adapters.system import SystemClock
from relay.domain.errors import RemoteError
from relay.domain.remote import Posted
from tests.contract.peers import PUBLIC, Exchange, Names, client, serving

if TYPE_CHECKING:
    from relay.adapters.remote import GuardedRemote
    from relay.domain.remote import Fetched, First

LIMIT = 2**20
SHORT = 0.3  # seconds: long for a loopback, short for a person
NEVER = 30.0  # seconds: a test that waits for this fails by pytest's own limit soon after


async def get(remote: GuardedRemote, url: str, *, seconds: float = NEVER) -> Fetched:
    return await remote.get(url, accept="*/*", limit=LIMIT, timeout=seconds)


async def post(remote: GuardedRemote, url: str, *, seconds: float = NEVER, body: bytes = b"{}") -> Posted:
    return await remote.post(url, headers={"Content-Type": "application/json"}, body=body, timeout=seconds)


async def post_at_once(remote: GuardedRemote, url: str) -> Posted:
    """Post where a connection is open: one is opened first."""
    await post(remote, url)
    answered: asyncio.Future[First] = asyncio.get_running_loop().create_future()
    assert remote.post_now(url, headers={}, body=b"{}", timeout=NEVER, answered=answered.set_result)
    posted = await answered
    assert isinstance(posted, Posted)
    return posted


async def fails(remote: GuardedRemote, url: str, code: str, *, seconds: float = NEVER) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        await get(remote, url, seconds=seconds)
    assert caught.value.code == code, caught.value
    return caught.value


async def test_row_13_a_body_at_the_limit_and_one_byte_more() -> None:
    async def sized(exchange: Exchange) -> None:
        await exchange.answer(200, b"x" * int(exchange.target[1:]))

    async def chunked(exchange: Exchange) -> None:
        size = int(exchange.target[1:])
        await exchange.send("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", f"{size:x}")
        await exchange.send(b"x" * size, "", "0", "")

    for behave in (sized, chunked):
        async with serving(behave) as peer, client() as remote:
            assert len((await get(remote, peer.url(f"/{LIMIT}"))).body) == LIMIT
            assert not (await fails(remote, peer.url(f"/{LIMIT + 1}"), "too-large")).temporary


async def test_row_13_a_declared_length_over_the_limit_is_refused_unread() -> None:
    async def boast(exchange: Exchange) -> None:
        await exchange.send("HTTP/1.1 200 OK", f"Content-Length: {LIMIT + 1}", "", b"x")
        await exchange.hang()

    async with serving(boast) as peer, client() as remote:
        await fails(remote, peer.url(), "too-large")


async def test_row_13_a_length_that_is_too_small_cuts_the_body_and_the_connection() -> None:
    async def understate(exchange: Exchange) -> None:
        await exchange.send("HTTP/1.1 200 OK", "Content-Length: 5", "", b"hello")
        await exchange.send("HTTP/1.1 200 OK", "Content-Length: 6", "", b"poison")

    async with serving(understate) as peer, client() as remote:
        assert {(await get(remote, peer.url())).body for _ in range(3)} == {b"hello"}


@pytest.mark.parametrize("length", ["10", "-1", "1, 2", "x", "9" * 40])
async def test_row_13_a_length_that_is_a_lie(length: str) -> None:
    async def overstate(exchange: Exchange) -> None:
        await exchange.send("HTTP/1.1 200 OK", f"Content-Length: {length}", "", b"x")
        exchange.writer.close()

    async with serving(overstate) as peer, client() as remote:
        with pytest.raises(RemoteError, check=lambda error: error.code in {"unreachable", "too-large"}):
            await get(remote, peer.url())


@pytest.mark.parametrize(("coding", "wbits"), [("gzip", 31), ("deflate", 15), ("deflate", -15)])
async def test_row_13_a_bomb(coding: str, wbits: int) -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, wbits)
    bomb = b"".join(deflate.compress(bytes(2**20)) for _ in range(64)) + deflate.flush()
    assert len(bomb) < LIMIT

    async def explode(exchange: Exchange) -> None:
        await exchange.answer(200, bomb, f"Content-Encoding: {coding}")

    async with serving(explode) as peer, client() as remote:
        tracemalloc.start()
        try:
            await fails(remote, peer.url(), "too-large")
            assert tracemalloc.get_traced_memory()[1] < 8 * LIMIT
        finally:
            tracemalloc.stop()
        # A delivery's answer is not unpacked at all.
        assert (await post(remote, peer.url())).status == 200


async def test_a_coding_that_we_did_not_ask_for_is_undone() -> None:
    async def pack(exchange: Exchange) -> None:
        await exchange.answer(200, gzip.compress(b"hello"), "Content-Encoding: gzip")

    async with serving(pack) as peer, client() as remote:
        assert (await get(remote, peer.url())).body == b"hello"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_coding_that_is_a_lie(coding: str) -> None:
    async def lie(exchange: Exchange) -> None:
        await exchange.answer(200, b"\xffplain", f"Content-Encoding: {coding}")

    async with serving(lie) as peer, client() as remote:
        await fails(remote, peer.url(), "unreachable")


@pytest.mark.parametrize("where", ["head", "body", "preface"])
async def test_row_13_a_slow_drip_ends_at_the_deadline(where: str) -> None:
    async def drip(exchange: Exchange) -> None:
        if where == "body":
            await exchange.send("HTTP/1.1 200 OK", "Content-Length: 1000", "")
        piece = {"head": b"H", "body": b"x", "preface": b"HTTP/1.1 103 Early Hints\r\n\r\n"}[where]
        await exchange.send(b"HTTP/1.1 200 OK\r\nX: " if where == "head" else b"")
        while True:
            await exchange.send(piece)
            await SystemClock().sleep(SHORT / 10)

    async with serving(drip) as peer, client() as remote:
        assert (await fails(remote, peer.url(), "timeout", seconds=SHORT)).temporary
        if where != "body":
            with pytest.raises(RemoteError, check=lambda error: error.code == "timeout"):
                await post(remote, peer.url(), seconds=SHORT)


async def test_a_peer_that_never_answers() -> None:
    async with serving(Exchange.hang) as peer, client() as remote:
        error = await fails(remote, peer.url(), "timeout", seconds=SHORT)
        assert error.temporary
        with pytest.raises(RemoteError, check=lambda error: error.code == "timeout"):
            await post(remote, peer.url(), seconds=SHORT)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        b"SSH-2.0-Nope\r\n",
    ],
)
async def test_a_peer_that_breaks_off(answer: bytes) -> None:
    async def break_off(exchange: Exchange) -> None:
        await exchange.send(answer)
        if exchange.target == "/reset":
            exchange.reset()
        exchange.writer.close()

    async with serving(break_off) as peer, client() as remote:
        for path in ("/", "/reset"):
            assert (await fails(remote, peer.url(path), "unreachable")).temporary


@pytest.mark.parametrize("header", [b"X: " + b"y" * 20_000, b"X: y\r\n" * 2000, b"X\x00: y", b"\xff: y"])
async def test_headers_that_are_too_much(header: bytes) -> None:
    async def babble(exchange: Exchange) -> None:
        await exchange.send("HTTP/1.1 200 OK", header, "Content-Length: 0", "")

    async with serving(babble) as peer, client() as remote:
        await fails(remote, peer.url(), "unreachable")


async def test_nobody_is_there() -> None:
    async with serving(Exchange.hang) as gone:
        pass
    async with client(resolver=Names()) as remote:
        error = await fails(remote, gone.url(), "unreachable")
        assert error.temporary
        assert (await fails(remote, "http://no-such-name.example/", "unreachable")).temporary
        assert not (await fails(remote, f"http://{'a' * 64}.example/", "blocked-address")).temporary


@pytest.mark.parametrize(
    ("status", "temporary"),
    [
        *((status, False) for status in (204, 206, 304, 400, 401, 404, 410, 600)),
        *((status, True) for status in (408, 425, 429, 500, 503, 599)),
    ],
)
async def test_a_status_but_200(status: int, temporary: bool) -> None:  # noqa: FBT001 (a table)
    async def answer(exchange: Exchange) -> None:
        await exchange.send(f"HTTP/1.1 {status} Whatever", "Retry-After: 120", "Content-Length: 0", "")

    async with serving(answer) as peer, client() as remote:
        error = await fails(remote, peer.url(), "status")
        assert (error.status, error.temporary, error.retry_after) == (status, temporary, 120.0)
        assert await post(remote, peer.url()) == Posted(status, 120.0)


@pytest.mark.parametrize("status", [202, 401])
@pytest.mark.parametrize("at_once", [False, True])
async def test_a_refusal_tells_the_time_of_the_server(status: int, *, at_once: bool) -> None:
    said = ""

    async def dated(exchange: Exchange) -> None:
        early = ["HTTP/1.1 103 Early Hints", "Date: Mon, 07 Nov 1994 08:49:37 GMT", ""]
        date = [f"dAtE: {said}"] if said else []
        await exchange.send(*early, f"HTTP/1.1 {status} Whatever", *date, "Content-Length: 0", "")

    async with serving(dated) as peer, client() as remote:
        for header, date in (
            ("Sun, 06 Nov 1994 08:49:37 GMT", NOW),
            ("", None),
            ("Sunday, 06-Nov-94 08:49:37 GMT", NOW),
            ("yesterday", None),
        ):
            said = header
            posted = await (post_at_once if at_once else post)(remote, peer.url())
            assert posted == Posted(status, date=date if status == 401 else None)


async def test_a_delivery_and_its_answer() -> None:
    async def accept(exchange: Exchange) -> None:
        await exchange.answer(202, b"  all \n\x1b[31m good " + exchange.body + b"y" * 1000)

    async with serving(accept) as peer, client() as remote:
        for _ in range(3):
            answer = await post(remote, peer.url("/inbox?a=%2F"), body=b'{"a": 1}')
            assert answer.status == 202
            assert answer.detail.startswith('all   [31m good {"a": 1}yyy')
            assert len(answer.detail) == 500
        assert (peer.connections, peer.targets) == (1, ["/inbox?a=%2F"] * 3)
        assert b"Content-Type: application/json\r\n" in peer.heads[0]


async def test_a_delivery_is_not_redirected() -> None:
    async def elsewhere(exchange: Exchange) -> None:
        await exchange.answer(307, b"", "Location: /elsewhere")

    async with serving(elsewhere) as peer, client() as remote:
        assert (await post(remote, peer.url())).status == 307
        assert len(peer.heads) == 1


async def test_an_answer_of_a_gigabyte() -> None:
    sent = 0

    async def flood(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.send("HTTP/1.1 200 OK", f"Content-Length: {2**30}", "")
        while sent < 2**30:
            await exchange.send(b"x" * 2**16)
            sent += 2**16

    async with serving(flood) as peer, client() as remote:
        assert await post(remote, peer.url()) == Posted(200, None, "x" * 500)
        await fails(remote, peer.url(), "too-large")
        assert sent < 2**26


@pytest.mark.parametrize("ending", ["stall", "reset"])
async def test_an_answer_counts_from_its_status_on(ending: str) -> None:
    async def begin(exchange: Exchange) -> None:
        await exchange.send("HTTP/1.1 202 Accepted", "Content-Length: 100", "", b"thanks")
        if ending == "stall":
            await exchange.hang()
        exchange.reset()

    async with serving(begin) as peer:
        async with client(answer_patience=SHORT) as remote:
            assert (await post(remote, peer.url())).status == 202
        async with client(answer_patience=NEVER) as remote:
            assert (await post(remote, peer.url(), seconds=SHORT)).status == 202
        assert peer.connections == 2


async def test_a_peer_that_does_not_read_the_body() -> None:
    async def too_large(exchange: Exchange) -> None:
        await exchange.answer(413, b"no")
        await exchange.hang()

    body = b"x" * LIMIT
    async with client() as remote:
        async with serving(too_large, reads_bodies=False) as peer:
            assert await post(remote, peer.url(), body=body) == Posted(413, None, "no")
        async with serving(Exchange.hang, reads_bodies=False) as peer:
            with pytest.raises(RemoteError, check=lambda error: error.code == "timeout"):
                await post(remote, peer.url(), body=body, seconds=SHORT)


async def test_a_callers_own_timeout_is_not_the_peers() -> None:
    async def sign(_: str) -> dict[str, str]:
        raise TimeoutError("mine")

    async with client() as remote:
        with pytest.raises(TimeoutError, match="mine"):
            await remote.get(f"http://{PUBLIC}:9999/", accept="*/*", limit=1, timeout=NEVER, sign=sign)


NOW = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 5.6.7


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60.0),
        ("Sun Nov  6 08:50:37 1994", 60.0),
        ("Sun, 06 Nov 1994 08:49:00 GMT", 0.0),
        ("9" * 5000, LONGEST_PAUSE),
        ("86401", LONGEST_PAUSE),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_PAUSE),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("Sun, 99 Nov 1994 08:50:37 GMT", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after(value, now=NOW) == seconds


@given(st.text() | st.from_regex(r"\w{3}, \d{1,9} \w{3} \d{1,9} [\d:]{1,12} [+-]?\w{1,6}"))
def test_retry_after_of_anything(value: str) -> None:
    seconds = retry_after(value, now=NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_PAUSE
