"""Origins of https ids: host and port, for comparing who may speak for whom (FEP-fe34, RFC 6454 4).

The grammar is deliberately narrow: ASCII, no user information, no empty port. Whatever two URL parsers might
read differently is no id here.
"""

from __future__ import annotations

import re
from typing import Final

_CHARACTERS: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*"
_HTTPS_ID: Final = re.compile(
    r"https://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[1-9][0-9]{0,4}))?"
    rf"(?:[/?]{_CHARACTERS})?(?:\#{_CHARACTERS})?",
)
_DEFAULT_PORT: Final = 443  # RFC 9110 4.2.2


def origin_of(https_id: str) -> str | None:
    """The origin of an https id, such as `https://relay.example` or `https://relay.example:8443`.

    The host is lower case and the default port left out. None when it is not an https id (RFC 3986, ASCII
    only).
    """
    match = _HTTPS_ID.fullmatch(https_id)
    if match is None:
        return None
    port = int(match["port"] or _DEFAULT_PORT)
    return "https://" + match["host"].lower() + ("" if port == _DEFAULT_PORT else f":{port}")


def is_https_id(value: object) -> bool:
    """Whether `value` is a string that can be an actor's, a key's or a list's id."""
    return isinstance(value, str) and _HTTPS_ID.fullmatch(value) is not None
