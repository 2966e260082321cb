"""Server names as policies and lists use them: `example.org`, `*.example.org`, `localhost:8080`."""

from __future__ import annotations

from urllib.parse import urlsplit

from relay.domain.errors import Malformed
from relay.domain.hosts import parse_pattern


class NotAServer(Malformed):
    """This is not a server name.

    `code` is `P204` for a web address or handle that contains a server name, `P205` otherwise; `fix` says
    what to write instead, empty when that cannot be told.
    """

    code = "P205"

    def __init__(self, message: str, *, fix: str = "", code: str = "P205") -> None:
        super().__init__(message, code=code)
        self.fix = fix


def read_server(text: str) -> str:
    """The server name in lower-case A-labels (RFC 5890 2.3.2.1), with its `*.` and `:port` where given.

    `*.example` covers every server below `example`, not `example` itself. Raises `NotAServer`.
    """
    if "/" in text or "@" in text:
        raise _address(text)
    try:
        name = parse_pattern(text)
    except Malformed:
        raise NotAServer(f'"{text}" is not a server name', fix="Write for example social.example") from None
    # A word alone is a mistake more often than a host: the country code of Norway, a forgotten ending.
    if name.isalnum() and name != "localhost":
        raise NotAServer(
            f'"{text}" is not a server name', fix=f'For every server under .{name} write "*.{name}"'
        )
    return name


def _address(text: str) -> NotAServer:
    kind = "web address" if "/" in text else "handle"
    try:
        host = urlsplit(text if "://" in text else f"//{text.rpartition('@')[2]}").hostname
    except ValueError:
        host = None
    fix = f"Write {host}" if host else ""
    return NotAServer(f'"{text}" is a {kind}; a server name is needed', fix=fix, code="P204")
