"""JSON that every reader understands alike, or not at all.

Two parsers that read one document differently are how a signed body says one thing to the verifier and
another to the receiver. So what RFC 8259 leaves open is refused: duplicate names (4), numbers without an
exact double (6), anything but UTF-8 and a byte order mark (8.1), lone surrogates (8.2), deep nesting (9).
I-JSON (RFC 7493 2) asks for the same.

`orjson` refuses bad UTF-8, marks, NaN, infinities, lone surrogates and more than 1024 levels by itself,
without recursion in Python and in linear time. It keeps the last of two equal names; so the names in the
result are counted against the colons outside strings in the source, which is cheaper than a hook for each
object.
"""

from __future__ import annotations

import re
from typing import Final

import orjson

from relay.domain.errors import Malformed

MAX_DEPTH: Final = 32
"""Most levels of objects and arrays; posts of real servers have six or seven."""

MAX_INTEGER: Final = 2**53
"""Largest magnitude of an integer that a double holds exactly together with its neighbours (RFC 7493 2.2)."""

_LONG_INTEGER: Final = re.compile(rb"(?<![0-9.eE+])[0-9]{19,}(?![0-9.eE])")
_REASONS: Final = (
    ("UTF-8", "json-encoding", "The document is not UTF-8 without a byte order mark."),
    ("surrogate", "json-surrogate", "A string of the document holds half a surrogate pair."),
    ("infinity", "json-number", "A number of the document has no finite value."),
    ("depth", "json-depth", f"The document is nested more than {MAX_DEPTH} levels deep."),
)


def loads(body: bytes) -> object:
    """The value that `body` stands for: dict, list, str, int, float, bool or None.

    Raises `Malformed` and nothing else, with one of the codes `json-encoding`, `json-surrogate`,
    `json-number`, `json-depth`, `json-duplicate-name`, `json-syntax`. Linear in the length of `body`.
    """
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _refusal(str(error)) from None
    if type(value) is dict or type(value) is list:
        names, has_big_float = _survey(value)
        if _structure(body).count(b":") != names:
            raise Malformed("An object of the document has the same name twice.", code="json-duplicate-name")
    else:
        has_big_float = _is_beyond(value)
    # orjson reads an integer that does not fit 64 bits as a float; the smallest has 19 digits.
    if has_big_float and _LONG_INTEGER.search(_structure(body)):
        raise _big_integer()
    return value


def _refusal(message: str) -> Malformed:
    """Our code for what orjson said."""
    for part, code, sentence in _REASONS:
        if part in message:
            return Malformed(sentence, code=code)
    return Malformed("The document is not JSON.", code="json-syntax")


def _survey(root: dict[str, object] | list[object]) -> tuple[int, bool]:
    """The number of names in all objects, and whether a float is beyond `MAX_INTEGER`. Refuses depth."""
    names = depth = 0
    has_big_float = False
    level: list[object] = [root]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise _refusal("depth")
        below: list[object] = []
        for container in level:
            if type(container) is dict:
                names += len(container)
                children = container.values()
            else:
                children = container  # type: ignore[assignment]
            for child in children:
                kind = type(child)
                if kind is dict or kind is list:
                    below.append(child)
                elif kind is not str:
                    has_big_float |= _is_beyond(child)
        level = below
    return names, has_big_float


def _is_beyond(value: object) -> bool:
    """Whether `value` is a float beyond `MAX_INTEGER`. Refuses an integer that is."""
    if type(value) is int and not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise _big_integer()
    return type(value) is float and not -MAX_INTEGER <= value <= MAX_INTEGER


def _big_integer() -> Malformed:
    return Malformed("An integer of the document is beyond 2 to the power of 53.", code="json-number")


def _structure(body: bytes) -> bytes:
    """What stands outside the strings of the valid JSON `body`. Backslashes stand inside strings only."""
    return b"".join(body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
