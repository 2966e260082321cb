"""Port `Remote`: where it goes and where it refuses to go (research/protocol.md 5.3, by row)."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from relay.adapters.guard import AddressPolicy
from relay.adapters.inside import transaction
from relay.adapters.sql.sqlite import SqliteStore
from relay.adapters.system import SystemClock
from relay.domain.errors import RemoteError
from relay.services.blocks import Blocks
from relay.services.signals import Signals
from relay.services.software import SoftwareWatch
from tests.contract.peers import LOOPBACK, ONLY_PUBLIC, PUBLIC, Authority, Exchange, Names, client, serving

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from relay.adapters.remote import GuardedRemote
    from relay.domain.remote import Fetched

ANY_PORT = AddressPolicy(ports=None)


async def get(remote: GuardedRemote, url: str) -> Fetched:
    return await remote.get(url, accept="application/activity+json", limit=1024, timeout=5)


async def refused(remote: GuardedRemote, url: str, code: str = "blocked-address") -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        await get(remote, url)
    assert caught.value.code == code, caught.value
    return caught.value


async def hello(exchange: Exchange) -> None:
    await exchange.answer(200, b"hello", "Content-Type: text/plain", "Set-Cookie: a=b")


async def directions(exchange: Exchange) -> None:
    """Send people where the query says; without one, say hello."""
    _, _, there = exchange.target.partition("?")
    await (exchange.answer(302, b"gone", f"Location: {there}") if there else hello(exchange))


SPELLINGS = (
    "http://127.0.0.1:{0}/",
    "http://localhost:{0}/",
    "http://127.1:{0}/",
    "http://0x7f000001:{0}/",
    "http://2130706433:{0}/",
    "http://0177.0.0.1:{0}/",
    "http://0:{0}/",
    "http://0.0.0.0:{0}/",
    "http://127.0.0.1.:{0}/",
    "http://①②⑦.⓪.⓪.①:{0}/",
    "http://127。0。0。1:{0}/",
    "http://[::1]:{0}/",
    "http://[::]:{0}/",
    "http://[::ffff:127.0.0.1]:{0}/",
    "http://[::127.0.0.1]:{0}/",
    "http://[64:ff9b::7f00:1]:{0}/",
    "http://user:pw@127.0.0.1:{0}/",
    "http://example.org\\@127.0.0.1:{0}/",
    "file:///etc/hostname?{0}",
    "unix:///run/x.sock?{0}",
    "http://127.0.0.1:{0}\t/",
    "http://[::1%25lo]:{0}/",
    "http://127%2e0%2e0%2e1:{0}/",
)


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_of_the_loopback_gets_through(spelling: str) -> None:
    async with (
        serving(hello, host="127.0.0.1") as four,
        serving(hello, host="::1") as six,
        client(ANY_PORT) as remote,
    ):
        for peer in (four, six):
            await refused(remote, spelling.format(peer.port))
            with pytest.raises(RemoteError, check=lambda error: error.code == "blocked-address"):
                await remote.post(spelling.format(peer.port), headers={}, body=b"{}", timeout=5)
            assert peer.connections == 0


async def test_an_allowed_network_is_reached_by_name_and_by_number() -> None:
    for host in ("127.0.0.1", "::1"):
        names = Names(peer_example=[[host]])
        async with serving(hello, host=host) as peer, client(LOOPBACK, resolver=names) as remote:
            assert (await get(remote, peer.url("/a"))).body == b"hello"
            assert (await get(remote, peer.url("/a", host="peer.example"))).body == b"hello"


@pytest.mark.parametrize("there", ["http://127.0.0.1:{0}/", "http://169.254.169.254/latest/meta-data/"])
async def test_row_05_a_redirect_to_a_private_address(there: str) -> None:
    async with (
        serving(directions) as peer,
        serving(hello, host="127.0.0.1") as secret,
        client() as remote,
    ):
        error = await refused(remote, peer.url(f"/?{there.format(secret.port)}"))
        assert not error.temporary
        assert (peer.connections, secret.connections) == (1, 0)


async def test_row_06_a_name_for_0000() -> None:
    async with (
        serving(hello, host="127.0.0.1") as secret,
        client(ANY_PORT, resolver=Names(peer_example=[["0.0.0.0"]])) as remote,  # noqa: S104
    ):
        await refused(remote, secret.url(host="peer.example"))
        assert secret.connections == 0


@pytest.mark.parametrize(
    "address", ["::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::f5ff:fffe"]
)
async def test_row_07_ipv4_inside_ipv6(address: str) -> None:
    async with client(ANY_PORT, resolver=Names(peer_example=[[address]])) as remote:
        await refused(remote, "http://peer.example/")


@pytest.mark.parametrize("address", ["100.64.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"])
async def test_row_08_the_lesser_known_blocks(address: str) -> None:
    async with client(ANY_PORT, resolver=Names(peer_example=[[address]])) as remote:
        await refused(remote, "http://peer.example/")


async def test_row_09_a_name_that_answers_public_first_and_private_second() -> None:
    names = Names(peer_example=[[PUBLIC], ["127.0.0.1"]])
    async with (
        serving(hello) as peer,
        serving(hello, host="127.0.0.1") as secret,
        client(resolver=names) as remote,
    ):
        assert (await get(remote, peer.url(host="peer.example"))).body == b"hello"
        await refused(remote, secret.url(host="peer.example"))
        assert (names.asked, secret.connections) == (["peer.example"] * 2, 0)


async def test_row_09_a_name_with_both_is_reached_at_the_public_address() -> None:
    names = Names(
        peer_example=[["127.0.0.1", "10.0.0.1", PUBLIC]], private_example=[["127.0.0.1", "10.0.0.1"]]
    )
    async with serving(hello) as peer, client(resolver=names) as remote:
        assert (await get(remote, peer.url(host="peer.example"))).body == b"hello"
        await refused(remote, peer.url(host="private.example"))


async def test_row_10_redirects_end_after_three() -> None:
    async def count_down(exchange: Exchange) -> None:
        left = int(exchange.target[1:])
        await (exchange.answer(307, b"", f"Location: /{left - 1}") if left else hello(exchange))

    async with serving(count_down) as peer, client() as remote:
        answer = await get(remote, peer.url("/3"))
        assert (answer.body, answer.url, answer.content_type) == (b"hello", peer.url("/0"), "text/plain")
        peer.heads.clear()
        error = await refused(remote, peer.url("/4"), "bad-redirect")
        assert not error.temporary
        assert peer.targets == ["/4", "/3", "/2", "/1"]


@pytest.mark.parametrize("location", ["/a", "/b", "", "#x", "http://127.0.0.2:{0}/a"])
async def test_row_10_a_loop(location: str) -> None:
    async def around(exchange: Exchange) -> None:
        there = location.format(peer.port) if exchange.target == "/a" else "/a"
        await exchange.answer(301, b"", f"Location: {there}")

    async with serving(around) as peer, client() as remote:
        await refused(remote, peer.url("/a"), "bad-redirect")
        assert len(peer.heads) <= 2


@pytest.mark.parametrize(
    "there",
    [
        "data:text/plain,x",
        "file:///etc/hostname",
        "gopher://x.example/",
        "//user@x.example/",
        "http://[",
        "http://127.0.0.2:99999/",
        "/a b",
        "\\\\x.example/",
        "/\udcff",
    ],
)
async def test_row_11_a_redirect_to_something_else(there: str) -> None:
    async def astray(exchange: Exchange) -> None:
        await exchange.send(
            "HTTP/1.1 302 Found", b"Location: " + there.encode("utf-8", "surrogateescape"), "", ""
        )

    async with serving(astray) as peer, client() as remote:
        await refused(remote, peer.url(), "bad-redirect")


async def test_row_11_a_redirect_to_port_22() -> None:
    async with serving(directions) as peer, client() as remote:
        error = await refused(remote, peer.url(f"/?http://{PUBLIC}:22/"))
        assert str(error) == f"{PUBLIC}: port"


async def test_row_11_a_redirect_from_https_to_http(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    names = Names(peer_example=[[PUBLIC]])
    async with (
        serving(directions, tls=authority.server("peer.example")) as peer,
        serving(hello) as plain,
        client(resolver=names, ca_file=authority.file) as remote,
    ):
        assert (await get(remote, peer.url(host="peer.example"))).body == b"hello"
        await refused(remote, peer.url(f"/?{plain.url()}", host="peer.example"), "bad-redirect")
        assert plain.connections == 0


async def test_row_12_a_link_to_a_private_address() -> None:
    async with serving(hello, host="127.0.0.1") as secret, client() as remote:
        await refused(remote, secret.url("/nodeinfo/2.1"))
        assert secret.connections == 0


@pytest.mark.parametrize(
    "host", ["relay.example", "RELAY.example.", "\uff52elay.example", "xn--mnchen-3ya.example"]
)
async def test_row_37_our_own_name(host: str) -> None:
    names = Names(relay_example=[[PUBLIC]])
    own = ("Relay.example", "xn--mnchen-3ya.example")
    async with serving(directions) as peer, client(resolver=names, own_hosts=own) as remote:
        with pytest.raises(RemoteError) as caught:
            await remote.post(peer.url("/inbox", host=host), headers={}, body=b"{}", timeout=5)
        assert (caught.value.code, caught.value.temporary) == ("blocked-address", False)
        await refused(remote, peer.url(f"/?{peer.url(host='relay.example')}"), "bad-redirect")
        assert (names.asked, peer.connections) == ([], 1)


async def test_row_37_a_private_inbox() -> None:
    async with serving(hello, host="127.0.0.1") as secret, client() as remote:
        with pytest.raises(RemoteError, check=lambda error: error.code == "blocked-address"):
            await remote.post(secret.url("/inbox"), headers={}, body=b"{}", timeout=5)
        assert secret.connections == 0


async def test_row_38_ten_thousand_dead_hosts_leave_bounded_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.adapters.remote.ROUTES", 100)
    async with client(resolver=Names()) as remote:
        for number in range(10_000):
            await refused(remote, f"http://dead-{number}.example/", "unreachable")
        for number in range(200):
            with pytest.raises(RemoteError):
                await remote.post(f"http://dead-{number}.example/", headers={}, body=b"{}", timeout=5)
        assert remote._route.cache_info().currsize == 100
        connector = remote._fetches.connector
        assert connector is not None
        assert not connector._conns
        assert len(connector._cached_hosts._addrs_rr) == 0  # type: ignore[attr-defined]


async def test_http_is_refused_unless_it_is_allowed() -> None:
    async with serving(hello) as peer, client(allow_http=False) as remote:
        await refused(remote, peer.url())
        assert peer.connections == 0


async def test_every_hop_is_signed_for_its_own_url_as_it_is_sent() -> None:
    signed = []

    async def sign(url: str) -> Mapping[str, str]:
        signed.append(url)
        return {"Signature": f"for {url}"}

    async with serving(directions) as peer, client() as remote:
        first, second = peer.url(f"/a%7Eb?{peer.url('/c%2Fd')}"), peer.url("/c%2Fd")
        await remote.get(f"{first}#main-key", accept="*/*", limit=99, timeout=5, sign=sign)
        assert signed == [first, second]
        assert [url.removeprefix(peer.url("")) for url in signed] == peer.targets
        assert [
            f"Signature: for {url}".encode() in head for url, head in zip(signed, peer.heads, strict=True)
        ]


async def test_what_saves_a_download_is_sent_and_received() -> None:
    """RFC 9110 13: an ETag that still holds is answered 304, which is not 200."""

    async def tagged(exchange: Exchange) -> None:
        known = b'if-none-match: "1"' in exchange.head.lower()
        headers = ('ETag: "1"', "Last-Modified: Sun, 22 Nov 2026 00:00:00 GMT")
        await (exchange.answer(304) if known else exchange.answer(200, b"list", *headers))

    async with serving(tagged) as peer, client() as remote:
        fetched = await get(remote, peer.url())
        assert (fetched.etag, fetched.modified) == ('"1"', "Sun, 22 Nov 2026 00:00:00 GMT")
        with pytest.raises(RemoteError) as caught:
            await remote.get(
                peer.url(), accept="text/csv", limit=99, timeout=5, headers={"If-None-Match": fetched.etag}
            )
    assert (caught.value.status, caught.value.temporary) == (304, False)


async def test_what_a_request_says_about_us(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(hello) as peer, serving(hello) as proxy, client() as remote:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        for _ in range(2):
            await get(remote, peer.url())
        head = peer.heads[1].lower()
        assert b"user-agent: assay/test\r\n" in head
        assert b"accept-encoding: identity\r\n" in head
        assert b"accept: application/activity+json\r\n" in head
        assert b"cookie" not in head
        assert (peer.connections, proxy.connections) == (1, 0)


async def test_without_a_redirect_the_url_is_the_one_asked_for() -> None:
    names = Names(peer_example=[[PUBLIC]])
    async with serving(hello) as peer, client(resolver=names) as remote:
        assert (
            await get(remote, f"http://PEER.example:{peer.port}#key")
        ).url == f"http://PEER.example:{peer.port}"
        assert peer.targets == ["/"]


async def test_no_network_inside_a_transaction() -> None:
    async with AsyncExitStack() as stack:
        peer = await stack.enter_async_context(serving(hello))
        remote = await stack.enter_async_context(client())
        with transaction():
            with pytest.raises(RuntimeError, match="inside a transaction"):
                await get(remote, peer.url())
            with pytest.raises(RuntimeError, match="inside a transaction"):
                await remote.post(peer.url(), headers={}, body=b"", timeout=5)
        assert peer.connections == 0
        assert (await get(remote, peer.url())).body == b"hello"


async def test_tls_is_verified(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    names = Names(peer_example=[[PUBLIC]], other_example=[[PUBLIC]])
    async with (
        serving(hello, tls=authority.server("peer.example")) as peer,
        serving(hello, greeting=b"220 mail.example ESMTP\r\n") as plain,
        client(resolver=names, ca_file=authority.file) as trusting,
        client(resolver=names) as strict,
    ):
        assert (await get(trusting, peer.url(host="peer.example"))).body == b"hello"
        for remote, url in (
            (strict, peer.url(host="peer.example")),
            (trusting, peer.url(host="other.example")),
            (trusting, plain.url(host="peer.example").replace("http:", "https:")),
        ):
            assert (await refused(remote, url, "tls")).temporary
        assert peer.heads[1:] == []


def test_the_policy_of_these_tests_is_what_it_seems() -> None:
    assert ONLY_PUBLIC.refusal((PUBLIC, 8080)) is None
    assert ONLY_PUBLIC.refusal(("127.0.0.1", 8080)) is not None


async def test_row_12_a_nodeinfo_link_to_a_private_address(tmp_path: Path) -> None:
    async with serving(hello, host="127.0.0.1") as secret, client() as remote:

        async def links(exchange: Exchange) -> None:
            rel = "http://nodeinfo.diaspora.software/ns/schema/2.1"
            document = {"links": [{"rel": rel, "href": secret.url("/nodeinfo/2.1")}]}
            await exchange.answer(200, json.dumps(document).encode(), "Content-Type: application/json")

        async with serving(links) as peer, SqliteStore(tmp_path / "relay.sqlite") as store:
            clock = SystemClock()
            watch = SoftwareWatch(
                store=store, remote=remote, clock=clock, signals=Signals(), blocks=Blocks(())
            )
            await watch._ask("peer.example", peer.url("").rstrip("/"))
            async with store.reading() as tx:
                known = await tx.servers.known("peer.example")
            assert known is not None
            assert known.error is not None
            assert known.error.startswith("blocked-address")
            assert known.software is None
            assert (peer.targets, secret.connections) == (["/.well-known/nodeinfo"], 0)
