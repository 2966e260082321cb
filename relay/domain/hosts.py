"""Server names, origins and patterns for them.

A server name is what operators write in lists and what the relay shows: the host in lower case, in punycode
when it is international, with `:port` when that is not the scheme's default; IPv6 in brackets. Two
spellings of one server give one name. Whatever browsers, resolvers and libraries might read differently is
refused: user information, backslashes, percent signs in hosts, numbers that are IPv4 addresses only to some
(WHATWG URL 3.5).
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final

import idna

from relay.domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_URL: Final = 2048
"""Longest URL or id in characters; longer ones are not seen in the field and break indexes and proxies."""

_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f-\x9f\s\\<>\"]")
_URL: Final = re.compile(
    r"([hH][tT][tT][pP][sS]?)://([^/?#\x00-\x20\x7f-\x9f\s\\<>\"]*)([^\x00-\x20\x7f-\x9f\s\\<>\"]*)"
)
_PLAIN_HOST: Final = re.compile(r"(?!.*xn--)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_DOTS: Final = re.compile("[.\u3002\uff0e\uff61]")  # UTS #46 2.3
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT: Final = re.compile(r"[0-9]{1,5}")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}  # RFC 9110 4.2.1, 4.2.2


def server_name(url: str) -> str:
    """The name of the server that `url` (http or https) is on. Raises `Malformed` with code `url`."""
    scheme, authority, _ = _split(url)
    return _server(scheme, authority)


def server_names(urls: Iterable[str]) -> frozenset[str]:
    """The names of all servers that the http(s) URLs among `urls` are on; whatever else stands there is left out."""
    return frozenset(server_name(url) for url in urls if is_http_url(url))


def origin(url: str) -> str:
    """Scheme and server name of `url`, such as `https://example.org` (RFC 6454 4). Raises `Malformed`."""
    scheme, authority, _ = _split(url)
    return f"{scheme}://{_server(scheme, authority)}"


def same_origin(first: str, second: str) -> bool:
    """Whether both are http or https URLs of one origin. Never raises: what has no origin shares none."""
    try:
        return origin(first) == origin(second)
    except Malformed:
        return False


def is_http_url(value: object) -> bool:
    """Whether `value` is a string that `check_url` accepts, with fragment and plain http. Never raises."""
    if not isinstance(value, str):
        return False
    try:
        check_url(value, allow_http=True, allow_fragment=True)
    except Malformed:
        return False
    return True


def is_id(text: str) -> bool:
    """Whether `text` can be an id of any scheme: 1 to `MAX_URL` characters, none forbidden in URLs."""
    return 0 < len(text) <= MAX_URL and not _FORBIDDEN.search(text)


def check_url(text: str, *, allow_http: bool, allow_fragment: bool = False) -> str:
    """`text`, unchanged, if it is a URL that this relay may keep and fetch.

    https (or http where `allow_http`), a host, no user information, no fragment unless `allow_fragment`, no
    spaces, control characters, backslashes or delimiters (RFC 3986 appendix C), at most `MAX_URL` characters.
    Whether the address may be reached is the network guard's business. Raises `Malformed` with code `url`.
    """
    scheme, authority, rest = _split(text)
    if scheme == "http" and not allow_http:
        raise _bad("Plain http is not accepted here.")
    if "#" in rest and not allow_fragment:
        raise _bad("A fragment has no place in this URL.")
    _server(scheme, authority)
    return text


def parse_pattern(text: str) -> str:
    """The canonical form of a pattern as people write it: `Example.ORG`, `*.bücher.example`, `[::1]:9001`.

    Raises `Malformed` with code `server-name`; a URL is not a pattern.
    """
    wildcard, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    try:
        if _FORBIDDEN.search(name) or any(mark in name for mark in "/@?#*"):
            raise _bad("not a host")
        return wildcard + _server("https", name)
    except Malformed:
        raise Malformed("This is not a server name, such as example.org.", code="server-name") from None


def matches(pattern: str, server: str) -> bool:
    """Whether a canonical pattern names `server`: `example.org` only itself, `*.example.org` its subdomains.

    A pattern without a port stands for the host on every port: a block is not evaded by moving to another.
    """
    if pattern.startswith("*."):
        return _on_any_port(pattern, server).endswith(pattern[1:])
    return _on_any_port(pattern, server) == pattern


def covers(pattern: str, server: str) -> bool:
    """Whether a block of `pattern` reaches `server`: as `matches`, and `example.org` also its subdomains."""
    if matches(pattern, server):
        return True
    return not pattern.startswith("*.") and _on_any_port(pattern, server).endswith(f".{pattern}")


@lru_cache(maxsize=8192)  # the same servers are asked about with every activity
def covered_by(server: str) -> tuple[str, ...]:
    """Every pattern without `*.` whose block reaches `server`, the nearest first: the same as `covers` asks.

    The server and its parent domains, each with the server's port and without: what finds one server in a list of any
    length.
    """
    host, port = _split_port(server)
    names = [host]
    while "." in host and not host.startswith("["):
        host = host.partition(".")[2]
        names.append(host)
    return tuple(names) if port is None else (*(f"{name}:{port}" for name in names), *names)


def _bad(sentence: str) -> Malformed:
    return Malformed(sentence, code="url")


@lru_cache(maxsize=4096)  # an activity names the same few servers again and again
def _split(url: str) -> tuple[str, str, str]:
    """Scheme, authority and the rest of an http or https URL (RFC 3986 3)."""
    match = _URL.fullmatch(url) if len(url) <= MAX_URL else None
    if match is None:
        raise _bad("This is not an http or https URL, or it is too long or holds forbidden characters.")
    scheme, authority, rest = match.groups()
    return scheme.lower(), authority, rest


@lru_cache(maxsize=8192)
def _server(scheme: str, authority: str) -> str:
    """The canonical `host[:port]` of an authority without user information."""
    host, port = _split_port(authority)
    name = _canonical_host(host)
    if port is None or port == _DEFAULT_PORTS[scheme]:
        return name
    return f"{name}:{port}"


def _split_port(authority: str) -> tuple[str, int | None]:
    host, separator, port = authority.rpartition(":")
    if not separator or authority.endswith("]"):
        return authority, None
    if not _PORT.fullmatch(port) or not 0 < int(port) < 65536:
        raise _bad("The port is not a number from 1 to 65535.")
    return host, int(port)


def _canonical_host(host: str) -> str:
    if host.startswith("[") and host.endswith("]"):
        return _canonical_ipv6(host[1:-1])
    lowered = host.lower().removesuffix(".")
    if not _PLAIN_HOST.fullmatch(lowered):
        lowered = _to_ascii(host).removesuffix(".")
    if len(lowered) > 253:  # RFC 1035 2.3.4, without the root's dot
        raise _bad("The host name is too long.")
    if _NUMBER.fullmatch(lowered.rpartition(".")[2]):
        return _canonical_ipv4(lowered)
    return lowered


def _to_ascii(host: str) -> str:
    """Punycode of an international host (UTS #46, RFC 5891)."""
    # Before the work of punycode, which grows with the square of a label's length.
    if len(host) > 254 or any(len(label) > 63 for label in _DOTS.split(host)):
        raise _bad("The host name is too long.")
    try:
        return idna.encode(host, uts46=True, std3_rules=True).decode("ascii").lower()
    except (UnicodeError, ValueError, IndexError):
        raise _bad("The host name is not valid.") from None


def _canonical_ipv6(text: str) -> str:
    try:
        address = IPv6Address(text)
    except ValueError:
        raise _bad("The IPv6 address is not valid.") from None
    if address.scope_id is not None:
        raise _bad("An IPv6 zone means nothing to others.")  # RFC 6874 1
    return f"[{address.compressed}]"


def _canonical_ipv4(text: str) -> str:
    """A dotted quad; `127.1`, `0x7f000001` and the like mean different things to different readers."""
    try:
        return str(IPv4Address(text))
    except ValueError:
        raise _bad("The IPv4 address is not four decimal numbers.") from None


def _on_any_port(pattern: str, server: str) -> str:
    """`server` without its port, unless the pattern names one."""
    return server if _split_port(pattern)[1] is not None else _split_port(server)[0]
