"""The `Media-Attestation` header: a List of Strings (RFC 9651 3.1), each of them one compact JWS.

At most 7 tokens and 4096 bytes. Order means nothing: tokens are matched to media by `sub`. Members carry no
parameters. A field that breaks a rule is ignored as a whole (RFC 9651 2) and the activity is processed as if
it were not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mediaattest.data_url import is_compact_jws

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER_NAME: Final = "Media-Attestation"
"""Name of the header, which the delivery's HTTP signature covers."""

MAX_TOKENS: Final = 7
"""Largest number of tokens in one field."""

MAX_BYTES: Final = 4096
"""Largest number of bytes of the field's value, quotes and separators included."""


def format_header(tokens: Iterable[str]) -> str:
    """The value of the header for compact JWSs, most important first; what is over the cap is left out.

    Empty when there is nothing to send: then the header is not sent (RFC 9651 3.1). Raises ValueError when a
    token is not a compact JWS.
    """
    value = ""
    for number, token in enumerate(tokens, start=1):
        if not is_compact_jws(token):
            raise ValueError("not a compact JWS")
        longer = f'{value}, "{token}"' if value else f'"{token}"'
        if number > MAX_TOKENS or len(longer) > MAX_BYTES:
            break
        value = longer
    return value


def parse_header(value: str) -> tuple[str, ...]:
    """The compact JWSs in the header's value, none verified; () when it is to be ignored.

    Several header lines are joined with `, ` first (RFC 9651 4.2). Never raises.
    """
    field = value.strip(" ")  # RFC 9651 4.2: SP only
    if len(value) > MAX_BYTES or not field.startswith('"') or not field.endswith('"'):
        return ()
    members = [member.strip(" \t") for member in field.split(",")]  # RFC 9651 4.2.1: OWS "," OWS
    if len(members) > MAX_TOKENS or not all(_is_quoted_jws(member) for member in members):
        return ()
    return tuple(member[1:-1] for member in members)


def _is_quoted_jws(member: str) -> bool:
    # A JWS holds neither quotes nor backslashes nor commas, so no escape of RFC 9651 3.3.3 can occur in it.
    return member.startswith('"') and member.endswith('"') and is_compact_jws(member[1:-1])
