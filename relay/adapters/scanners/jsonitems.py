"""Reads the items of JSON documents of any size, one at a time: what others export is often one document.

A stream holds documents one after the other. A document is an item, an array of items, or a page: an object whose first
member is `data`, an array of items, as the Graph API answers. Reading can go on after any item (`state`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST: Final = 16 << 20
"""Bytes of one item, or of a page whose first member is not `data`."""

_BLOCK: Final = 1 << 20
_SPACE: Final = " \t\r\n"
_PAGE: Final = '"data"'


class Readable(Protocol):
    """A file, as far as it is needed."""

    def read(self, size: int, /) -> bytes:
        """Read at most so many bytes; none at the end."""


class NotJson(ValueError):
    """What follows is not JSON, or one item is too large."""


class JsonItems:
    """Iterates over items. `offset` and `line` are where the next one may begin; `state` is `array`, `page` or empty.

    `file` is read from where it stands. Raises `NotJson`.
    """

    def __init__(self, file: Readable, *, offset: int = 0, line: int = 1, state: str = "") -> None:
        self._file, self.line, self.state = file, line, state
        self._text, self._at, self._start = "", 0, offset
        self._decoder = json.JSONDecoder()

    @property
    def offset(self) -> int:
        """Bytes from the beginning of the file to where reading stands."""
        return self._start + self._at

    def __iter__(self) -> Iterator[object]:
        while True:
            if self.state:
                yield from self._elements()
            sign = self._sign()
            if not sign:
                return
            if sign == "[":
                self._move(self._at + 1)
                self.state = "array"
            elif not (sign == "{" and self._opens_page()):
                yield from _elements_of(self._value())

    def _elements(self) -> Iterator[object]:
        while (sign := self._sign()) != "]":
            if sign == ",":
                self._move(self._at + 1)
            elif not sign:
                raise NotJson("the file ends in the middle of an array")
            else:
                yield self._value()
        self._move(self._at + 1)
        if self.state == "page":
            self._close_page()
        self.state = ""

    def _opens_page(self) -> bool:
        """Whether the object here begins with `data` and an array; then reading stands behind its bracket."""
        at = self._at + 1
        for wanted in (_PAGE, ":", "["):
            at = self._skip(at)
            if not self._has(at, wanted):
                return False
            at += len(wanted)
        self._move(at)
        self.state = "page"
        return True

    def _close_page(self) -> None:
        while (sign := self._sign()) != "}":
            if sign not in {",", ":", '"', "{", "["} and not sign.isalnum():
                raise NotJson("the page does not end as it should")
            if sign in ",:":
                self._move(self._at + 1)
            else:
                self._value()
        self._move(self._at + 1)

    def _value(self) -> object:
        """Read the value here, properly: what the decoder says is only where it ends."""
        while True:
            try:
                _, end = self._decoder.raw_decode(self._text, self._at)
            except ValueError:
                end = -1
            if 0 <= end < len(self._text) or not self._more():
                break
        if end < 0:
            raise NotJson("not JSON from here on")
        content = self._text[self._at : end].encode("latin-1")
        self._move(end)
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise NotJson("not JSON from here on") from error

    def _sign(self) -> str:
        """The next character that is no space, at which reading stands then; empty at the end."""
        at = self._skip(self._at)
        if at > self._at:
            self._move(at)
        return self._text[at : at + 1]

    def _skip(self, at: int) -> int:
        while self._has(at, "") and self._text[at] in _SPACE:
            at += 1
        return at

    def _has(self, at: int, wanted: str) -> bool:
        while len(self._text) <= at + len(wanted) and self._more():
            pass
        return at < len(self._text) and self._text.startswith(wanted, at)

    def _move(self, at: int) -> None:
        self.line += self._text.count("\n", self._at, at)
        self._at = at
        if self._at > _BLOCK:
            self._start += self._at
            self._text, self._at = self._text[self._at :], 0

    def _more(self) -> bool:
        if len(self._text) - self._at > LARGEST:
            raise NotJson("one item is larger than 16 MiB")
        block = self._file.read(_BLOCK)
        self._text += block.decode("latin-1")  # one character a byte: positions stay those of the file
        return bool(block)


def _elements_of(value: object) -> Iterator[object]:
    data: Any = value.get("data") if isinstance(value, dict) else None
    if isinstance(data, list):
        yield from data
    else:
        yield value
