"""The wall: addresses, ports and URLs (research/protocol.md 5.1 and 5.3)."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.adapters.guard import AddressPolicy, BlockedAddressError, target
from relay.domain.errors import RemoteError

INTERNET = AddressPolicy()


def _refused(*addresses: str) -> set[str | None]:
    return {INTERNET.refusal((address, 443)) for address in addresses}


def test_public_addresses_pass() -> None:
    assert _refused(
        "1.1.1.1", "93.184.216.34", "192.0.1.1", "100.63.255.255", "100.128.0.0", "172.32.0.1"
    ) == {None}
    assert _refused("198.17.255.255", "198.20.0.0", "223.255.255.255", "11.0.0.0", "168.63.129.17") == {None}
    assert _refused("2606:4700::1111", "2a00::1", "2001:200::1", "3ffe::1", "2620:4f:7fff::1") == {None}


def test_row_06_this_network() -> None:
    assert _refused("0.0.0.0", "0.255.255.255", "::") == {"not a public address"}  # noqa: S104


# research/protocol.md 5.1: what `is_global` of Python 3.11 lets through, and the rest of row 7
WRITTEN_IN_IPV6 = (
    "64:ff9b::7f00:1",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "2002:7f00:1::",
    "64:ff9b:1::1",
    "fec0::1",
    "ff02::1",
    "3fff::1",
    "3fff:fff::1",
    "::ffff:10.0.0.1",
    "::10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "2001:0:a00:1::f5ff:fffe",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "100::1",
    "5f00::1",
    "2001:db8::1",
    "2001:10::1",
    "2001:20::1",
    "2001:2::1",
    "2620:4f:8000::1",
    "1fff:ffff::1",
    "4000::1",
    "fe80::1%eth0",
    "2606:4700::1111%eth0",
)


@pytest.mark.parametrize("address", WRITTEN_IN_IPV6)
def test_row_07_ipv6_that_is_not_plain_internet(address: str) -> None:
    assert _refused(address) == {"not a public address"}


SPECIAL = (
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.175.48.1",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
)


@pytest.mark.parametrize("address", SPECIAL)
def test_row_08_special_ipv4(address: str) -> None:
    assert _refused(address) == {"not a public address"}


@given(st.ip_addresses(v=4))
def test_nothing_passes_that_python_knows_to_be_special(address: IPv4Address) -> None:
    if INTERNET.refusal((str(address), 443)) is None:
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=6))
def test_no_ipv6_passes_that_carries_an_ipv4_address(address: IPv6Address) -> None:
    if INTERNET.refusal((str(address), 443, 0, 0)) is None:
        assert address.is_global
        assert address.ipv4_mapped is None
        assert address.sixtofour is None
        assert address.teredo is None


@pytest.mark.parametrize("port", [0, 22, 25, 6379, 8080, 65535])
def test_row_37_other_ports_than_the_webs(port: int) -> None:
    assert INTERNET.refusal(("1.1.1.1", port)) == "port"
    assert AddressPolicy(ports=None).refusal(("1.1.1.1", port)) is None
    assert {INTERNET.refusal(("1.1.1.1", web)) for web in (80, 443)} == {None}


@pytest.mark.parametrize(
    "host", ["", "localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "/run/x", "1.1.1.1 "]
)
def test_what_is_not_an_address_is_refused(host: str) -> None:
    assert INTERNET.refusal((host, 443)) == "not an address"


def test_allowed_networks() -> None:
    policy = AddressPolicy(allowed_private=(ip_network("10.1.0.0/16"), ip_network("fd00::/64")))
    assert policy.refusal(("10.1.2.3", 443)) is None
    assert policy.refusal(("fd00::1", 8080, 0, 0)) is None
    assert policy.refusal(("10.1.2.3", 1024)) is None
    assert policy.refusal(("10.1.2.3", 1023)) == "port"
    assert policy.refusal(("10.2.2.3", 443)) == "not a public address"
    assert policy.refusal(("::ffff:10.1.2.3", 443)) == "not a public address"


def test_own_addresses_come_first() -> None:
    own = (ip_network("10.1.0.1"), ip_network("2a00:1::/96"))
    policy = AddressPolicy(allowed_private=(ip_network("10.1.0.0/16"),), own_addresses=own)
    assert policy.refusal(("10.1.0.1", 443)) == "own address"
    assert policy.refusal(("2a00:1::7f00:1", 443)) == "own address"
    assert policy.refusal(("10.1.0.2", 443)) is None


def test_a_socket_only_for_what_passes() -> None:
    kind = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    with INTERNET.open_socket((socket.AF_INET, *kind, ("1.1.1.1", 443))) as made:
        assert (made.family, made.type) == (socket.AF_INET, socket.SOCK_STREAM)
    with pytest.raises(BlockedAddressError) as caught:
        INTERNET.open_socket((socket.AF_INET6, *kind, ("::1", 443, 0, 0)))
    assert (caught.value.address, caught.value.reason) == ("::1", "not a public address")
    with pytest.raises(BlockedAddressError):
        INTERNET.open_socket((socket.AF_UNIX, *kind, ("1.1.1.1", 443)))


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://Example.ORG", "https://example.org/"),
        ("https://example.org:443/a#b", "https://example.org/a"),
        ("https://example.org.:8443/", "https://example.org:8443/"),
        ("https://example.org/a%7Eb//../c?x=%2F&y=+", "https://example.org/a%7Eb//../c?x=%2F&y=+"),
        ("https://münchen.example/ü?ü#ü", "https://xn--mnchen-3ya.example/%C3%BC?%C3%BC"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
        ("https://a_b.example/", "https://a_b.example/"),
        ("https://example.org?q", "https://example.org/?q"),
    ],
)
def test_the_url_that_is_sent(url: str, sent: str) -> None:
    assert str(target(url, allow_http=False, own_hosts=())) == sent
    # Signing what was sent and sending what was signed is the same.
    assert str(target(sent, allow_http=False, own_hosts=())) == sent


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "//example.org/",
        "https:///a",
        "https://",
        "https://@",
        "https://:443/",
        "https://./",
        "http://example.org/",
        "ftp://example.org/",
        "file:///etc/hostname",
        "unix:///x",
        "data:,x",
        "https://user@example.org/",
        "https://@example.org/",
        "https://user:pw@example.org/",
        "https://example.org\\@127.0.0.1/",
        "https://example.org/\r\nX: y",
        "https://example.org/a b",
        " https://example.org/",
        "https://exa mple.org/",
        "https://example.org/\x85",
        "https://example.org:0x50/",
        "https://example.org:99999/",
        "https://[::1",
        "https://[fe80::1%25eth0]/",
        "https://relay%2eexample/",
        "https://a..b/",
        "https://.a/",
        f"https://{'a' * 64}.example/",
        f"https://{'a.' * 127}example/",
        "https://\udcff.example/",
        "https://example.org/\udcff",
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(RemoteError) as caught:
        target(url, allow_http=False, own_hosts=())
    assert (caught.value.code, caught.value.temporary) == ("blocked-address", False)


@given(
    st.text() | st.text().map("https://{}".format) | st.from_regex(r"https://[\w.@:\[\]%\\-]{1,12}/\S{0,5}")
)
def test_any_text_is_a_url_or_refused(url: str) -> None:
    try:
        sent = target(url, allow_http=False, own_hosts={"relay.example"})
    except RemoteError as error:
        assert error.code == "blocked-address"  # noqa: PT017 (the other branch has its own assertions)
    else:
        assert str(sent).startswith("https://")
        assert str(sent).isascii()
        assert sent.raw_user is None
