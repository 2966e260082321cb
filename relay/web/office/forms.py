"""Forms that are sent to the admin pages: several values may have one name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from relay.domain.errors import Malformed
from relay.web.federation import read_body

if TYPE_CHECKING:
    from aiohttp import web

LONGEST_FORM: Final = 3 * 1024 * 1024
"""Bytes: a policy of the largest size, with every other character written as three."""
_FIELDS: Final = 4000
_TYPE: Final = "application/x-www-form-urlencoded"

LONGEST_NOTE: Final = 500


class Form:
    """The fields of a form, in their order."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = pairs

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of a field."""
        return next((value for key, value in self.pairs if key == name), default)

    def all(self, name: str) -> list[str]:
        """Return every value of a field, such as of ticked boxes."""
        return [value for key, value in self.pairs if key == name]

    def text(self, name: str) -> str:
        """Return a text of several lines, its lines ended as files end them."""
        return self.get(name).replace("\r\n", "\n").replace("\r", "\n")

    def note(self) -> str:
        """Return why something is done, in one line, or an empty text. Raises `Malformed` for one that is too long."""
        note = " ".join(self.get("note").split())
        if len(note) > LONGEST_NOTE:
            raise Malformed(f"A note has at most {LONGEST_NOTE} characters.", code="bad-form")
        return note

    def number(self, name: str) -> int:
        """Return a whole number from 0 on. Raises `Malformed`."""
        value = self.get(name)
        if not (value.isascii() and value.isdigit() and len(value) < 16):
            raise Malformed(f"{name} is not a number.", code="bad-form")
        return int(value)

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.pairs)


async def read_form(request: web.Request) -> Form:
    """Read a form. Raises `Malformed` for what is none, `TooLarge`."""
    if request.content_type != _TYPE:
        raise Malformed("Forms are sent as application/x-www-form-urlencoded.", code="bad-content-type")
    body = await read_body(request, LONGEST_FORM)
    try:
        return Form(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        raise Malformed("The form cannot be read.", code="bad-form") from None
