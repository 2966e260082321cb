"""The wall between the relay and addresses that it must never reach (server-side request forgery).

Two checks, both on what is really used:

* `AddressPolicy` sits on the socket. It sees the numeric address of every connection at the moment it is
  opened, so names, literals, redirects and a name that answers differently the second time (rebinding) all
  pass the same test. aiohttp calls it through `TCPConnector(socket_factory=policy.open_socket)`; a check in
  the resolver alone is bypassed by an address literal.
* `target` sits on the URL, before anything is sent and again for every redirect: scheme, user name, host.

IPv4 is a deny list, complete as of the IANA special-purpose registry (RFC 6890 and its updates). IPv6 is an
allow list: only global unicast 2000::/3 exists for us, and from it the special ranges are taken out. That
shape is GoToSocial's (`internal/netutil`, checked in `Dialer.Control`); a deny list for IPv6 forgets a way to
write an IPv4 address sooner or later, as `ipaddress.is_global` of Python 3.11 does ten times.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from yarl import URL

from relay.domain.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Collection

    from aiohappyeyeballs import AddrInfoType

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

WEB_PORTS = frozenset({80, 443})

# IANA IPv4 Special-Purpose Address Registry; the clause is the RFC that assigns the block.
NEVER_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # RFC 791: this network; Linux connects 0.0.0.0 to loopback (CVE-2026-33693)
        "10.0.0.0/8",  # RFC 1918
        "100.64.0.0/10",  # RFC 6598: shared by carriers, and Alibaba's metadata service
        "127.0.0.0/8",  # RFC 1122: loopback
        "168.63.129.16/32",  # Azure's platform service: a public number, alive inside only (Microsoft docs)
        "169.254.0.0/16",  # RFC 3927: link-local, and most clouds' metadata services
        "172.16.0.0/12",  # RFC 1918
        "192.0.0.0/24",  # RFC 6890: protocol assignments, and Oracle's metadata service
        "192.0.2.0/24",  # RFC 5737: documentation
        "192.31.196.0/24",  # RFC 7535: AS112
        "192.52.193.0/24",  # RFC 7450: AMT
        "192.88.99.0/24",  # RFC 7526: 6to4 relay anycast
        "192.168.0.0/16",  # RFC 1918
        "192.175.48.0/24",  # RFC 7534: AS112
        "198.18.0.0/15",  # RFC 2544: benchmarking
        "198.51.100.0/24",  # RFC 5737: documentation
        "203.0.113.0/24",  # RFC 5737: documentation
        "224.0.0.0/4",  # RFC 5771: multicast
        "240.0.0.0/4",  # RFC 1112: reserved, and the limited broadcast address (RFC 919)
    )
)

# RFC 4291 2.4. Outside it: ::1, v4-mapped ::ffff:0:0/96, v4-compatible ::/96, v4-translated ::ffff:0:0:0/96,
# NAT64 64:ff9b::/96 and 64:ff9b:1::/48, 5f00::/16, fc00::/7, fe80::/10, fec0::/10, ff00::/8.
GLOBAL_V6 = IPv6Network("2000::/3")

# What IANA's IPv6 Special-Purpose Address Registry takes out of it.
NEVER_V6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # RFC 2928: protocol assignments; Teredo 2001::/32 carries an IPv4 address (RFC 4380)
        "2001:db8::/32",  # RFC 3849: documentation
        "2002::/16",  # RFC 3056: 6to4 carries an IPv4 address
        "2620:4f:8000::/48",  # RFC 7534: AS112
        "3fff::/20",  # RFC 9637: documentation
    )
)

# Anything else in a URL is invalid (RFC 3986 2), or read differently by different parsers (`\`), or not text.
_PLAIN = re.compile(r"[^\x00-\x20\x7f-\xa0\\\ud800-\udfff]+")
# RFC 1123 2.1 names, the underscore that some people have, and address literals.
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*|[0-9a-f:]+(\.[0-9]+)*")


class BlockedAddressError(PermissionError):
    """The wall refuses this address.

    An OSError, so that a name with several addresses goes on to the next one. The text is the same for every
    address, because aiohappyeyeballs keeps the type of several errors only if they all read alike.
    """

    def __init__(self, address: str, reason: str) -> None:
        super().__init__("the address is not allowed")
        self.address = address
        self.reason = reason


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Which addresses and ports a connection may be opened to.

    `allowed_private`: networks that are reached in spite of the lists (a test's loopback, a peer in the same
    private network), on the web's ports and on any port from 1024 up. `ports`: the ports for everybody else,
    None for all. `own_addresses`: networks that are refused above everything else: the relay's own public
    addresses, or a NAT64 prefix of the operator's network (RFC 6052 2.2), which no list can know.
    """

    allowed_private: tuple[Network, ...] = ()
    ports: frozenset[int] | None = WEB_PORTS
    own_addresses: tuple[Network, ...] = ()

    def refusal(self, sockaddr: tuple[object, ...]) -> str | None:
        """Why a connection to `sockaddr` (host, port, ...) is refused, or None if it may be opened."""
        host, port = str(sockaddr[0]), sockaddr[1]
        try:
            address = ip_address(host)
        except ValueError:
            return "not an address"
        if any(address in network for network in self.own_addresses):
            return "own address"
        if any(address in network for network in self.allowed_private):
            allowed = isinstance(port, int) and (port in WEB_PORTS or port >= 1024)
            return None if allowed else "port"
        if not _is_public(address):
            return "not a public address"
        return None if self.ports is None or port in self.ports else "port"

    def check(self, sockaddr: tuple[object, ...]) -> None:
        """Raise `BlockedAddressError` unless a connection to `sockaddr` may be opened."""
        reason = self.refusal(sockaddr)
        if reason is not None:
            raise BlockedAddressError(str(sockaddr[0]), reason)

    def open_socket(self, info: AddrInfoType) -> socket.socket:
        """A socket for an address that passes `check`, else `BlockedAddressError`: aiohttp's socket factory.

        `info` is (family, type, protocol, canonical name, sockaddr), as from getaddrinfo.
        """
        family, kind, protocol, _, sockaddr = info
        if family not in {socket.AF_INET, socket.AF_INET6}:
            raise BlockedAddressError(str(sockaddr), "not an internet address")
        self.check(sockaddr)
        return socket.socket(family, kind, protocol)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in block for block in NEVER_V4)
    # A zone (fe80::1%eth0, RFC 4007 11) names an interface: never public.
    if address.scope_id is not None or address not in GLOBAL_V6:
        return False
    return not any(address in block for block in NEVER_V6)


def target(url: str, *, allow_http: bool, own_hosts: Collection[str]) -> URL:
    """The URL to send for `url`: scheme and host normalised, path and query exactly as written, no fragment.

    "Exactly" for ASCII, because a signature covers these bytes; other characters are percent-encoded
    (RFC 3987 3.1). `own_hosts` are lower-case ASCII names that are never contacted, on any port or, with
    `:port`, on that one. Raises `RemoteError`
    (`blocked-address`, permanent) for anything but https (http if `allow_http`), for a user name, for a host
    that is missing, malformed or our own, and for characters that parsers disagree about.
    """
    try:
        plain, parts = URL(url), urlsplit(url)
        host = (plain.raw_host or "").lower().rstrip(".")
    except ValueError as error:
        raise _refused("is malformed") from error
    if not _PLAIN.fullmatch(url) or not _HOST.fullmatch(host):
        raise _refused("is malformed")
    if plain.scheme != "https" and not (allow_http and plain.scheme == "http"):
        raise _refused("has another scheme than https")
    if "@" in parts.netloc:
        raise _refused("carries a user name")
    if host in own_hosts or f"{host}:{plain.port}" in own_hosts:
        raise _refused("is this relay's own")
    if not url.isascii():
        return plain.with_fragment(None)
    exact = urlunsplit((plain.scheme, plain.host_port_subcomponent, parts.path or "/", parts.query, ""))
    return URL(exact, encoded=True)


def _refused(why: str) -> RemoteError:
    return RemoteError(f"the URL {why}", code="blocked-address", temporary=False)
