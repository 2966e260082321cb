"""What holds for every input: shared by the targets."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn


class Violated(AssertionError):
    """A property does not hold for an input."""


def holds(condition: object, what: str) -> None:
    """Raise `Violated` unless the condition is true; unlike `assert` also when Python optimizes."""
    if not condition:
        raise Violated(what)


def text_of(data: bytes) -> str:
    """A header's value as the server hands it over."""
    return data.decode("utf-8", "surrogateescape")


def parts_of(data: bytes, count: int) -> list[bytes]:
    """`count` parts of an input, split at lines that hold `--` only; missing parts are empty."""
    found = data.split(b"\n--\n", count - 1)
    return found + [b""] * (count - len(found))


def document_of(data: bytes) -> Any:
    """The JSON value in an input as the relay would hold it, None for what is none."""
    from relay.domain import strictjson
    from relay.domain.errors import Malformed

    try:
        return strictjson.loads(data)
    except Malformed:
        return None


def read_strictly(data: bytes, *, depth: int, integer: int) -> Any:
    """The value of JSON by the standard library and the rules of RFC 7493; raises `ValueError` for all else.

    Written apart from `strictjson`, and slow. `depth` and `integer` are its limits.
    """
    if data.startswith(b"\xef\xbb\xbf"):
        raise ValueError("mark")
    value = json.loads(
        data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite
    )
    _check(value, depth, integer)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate name")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _check(value: Any, depth: int, integer: int) -> None:
    if isinstance(value, int) and abs(value) > integer:
        raise ValueError("integer")
    if isinstance(value, str):
        value.encode()
    if isinstance(value, dict | list):
        if depth == 0:
            raise ValueError("depth")
        for name in value if isinstance(value, dict) else ():
            name.encode()
        for member in value.values() if isinstance(value, dict) else value:
            _check(member, depth - 1, integer)


def alike(first: Any, second: Any) -> bool:
    """Whether two JSON values are the same, types and signs of zero included."""
    if type(first) is not type(second):
        return False
    if isinstance(first, dict):
        return list(first) == list(second) and all(alike(first[name], second[name]) for name in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(alike, first, second))
    return bool(first == second) and (not isinstance(first, float) or repr(first) == repr(second))
