"""JSON that no two parsers read differently (RFC 7493), and JSON written in one way only (RFC 8785)."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn, TypeGuard

MAX_SAFE_INTEGER: Final = 2**53 - 1
"""Largest integer that every JSON reader keeps exact (RFC 7493 2.2)."""

_MAX_BRACKETS: Final = 64
"""More opening brackets than any token needs; bounds the nesting before the recursive parser sees it."""

_MOST_DIGITS: Final = 308
"""An integer of no more digits is below the largest double."""


def read_object(data: bytes) -> dict[str, Any] | None:
    """The JSON object in `data`, or None when it is not strict JSON, or no object.

    Refused: anything but UTF-8, a byte order mark, duplicate names at any depth, NaN and infinities, numbers
    beyond every double however they are written, lone surrogates, deep nesting (RFC 7493 2, RFC 8725 2.4).
    """
    if data.count(b"[") + data.count(b"{") > _MAX_BRACKETS:
        return None
    try:
        value = _DECODER.decode(data.decode("utf-8"))
        if b"\\u" in data:  # nothing else makes surrogates of UTF-8
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # fails on lone ones
    except ValueError:  # UnicodeError and JSONDecodeError are of this class
        return None
    return value if is_members(value) else None


def write_object(value: dict[str, Any]) -> bytes:
    """The canonical bytes of an object of objects, arrays, strings, integers and literals (RFC 8785 3.2).

    Raises TypeError for fractions, which no claim here has, and for what is not JSON.
    """
    return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def is_members(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value of JSON is an object: its names are strings."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[object]]:
    """Whether a value of JSON is an array."""
    return isinstance(value, list)


def is_safe_integer(value: object) -> TypeGuard[int]:
    """Whether `value` is an integer from 0 to 2**53-1, and not a truth value."""
    return type(value) is int and 0 <= value <= MAX_SAFE_INTEGER


def _ordered(value: object) -> object:
    if is_members(value):
        # RFC 8785 3.2.3: names in the order of their UTF-16 code units
        return {
            name: _ordered(value[name]) for name in sorted(value, key=lambda name: name.encode("utf-16-be"))
        }
    if is_array(value):
        return [_ordered(member) for member in value]
    if isinstance(value, float):
        raise TypeError("a claim is never a fraction")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate name")
    return members


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        _finite(text)  # readers with one kind of number make an infinity of a long row of digits
    return int(text)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_without_duplicates, parse_constant=_refuse, parse_float=_finite, parse_int=_integer
)
