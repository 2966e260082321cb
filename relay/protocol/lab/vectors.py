"""What a verifier is asked, one question in a line of JSON, and what its answer is worth.

A question is `{"kind", "input"}` of a published vector. The answers:

    verify       {"verdict": "...", "step"?: n, "temporary"?: bool, "issuer_class"?: "trusted" | "self"}
    header       {"tokens": ["..."]}: those of the field, none when it is ignored
    document     {"media": [{"url", "hashes", "attestations"}]}
    status-list  {"status": "standing" | "revoked" | "unavailable"}: what a list says of an index; a list that is
                 not taken says nothing, so the status is unavailable
    any          {"unsupported": true}

vectors.json beside this file is written by tools/vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import orjson

from relay.domain import strictjson
from relay.domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

_REQUIRED: Final = {"verify": "verdict", "header": "tokens", "document": "media", "status-list": "status"}
_SHOWN: Final = 200
"""Characters of an answer that are shown."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One published vector; `clauses` are the statements of the profile that it tries."""

    kind: str
    name: str
    clauses: tuple[str, ...]
    input: Any
    expected: Any


class Fit(StrEnum):
    """What an answer is worth."""

    RIGHT = "right"
    WRONG = "wrong"
    UNREADABLE = "unreadable"
    """It is none of the answers above."""
    UNSUPPORTED = "unsupported"
    """The verifier says that it does not do this."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an answer is worth and why, in words that follow the vector's name; `told` are the names it gave."""

    fit: Fit
    detail: str
    told: frozenset[str] = frozenset()


@cache
def vectors() -> tuple[Vector, ...]:
    """Every vector that a verifier can be asked, in the order of the files."""
    rows: list[dict[str, Any]] = orjson.loads(files(__package__).joinpath("vectors.json").read_bytes())
    return tuple(
        Vector(
            row["kind"],
            row["name"],
            tuple(row["clause"].partition(";")[0].split(", ")),
            row["input"],
            row["expected"],
        )
        for row in rows
    )


def question(kind: str, given: Any) -> bytes:
    """The line that asks, without its end."""
    return orjson.dumps({"kind": kind, "input": given})


def judge(kind: str, expected: Any, answer: bytes) -> Judgement:
    """Compare an answer with what is expected. Total."""
    try:
        found = strictjson.loads(answer)
    except Malformed as error:
        return Judgement(Fit.UNREADABLE, f"the answer is no JSON: {error}")
    if not isinstance(found, dict):
        return Judgement(Fit.UNREADABLE, "the answer is no JSON object")
    if found.get("unsupported") is True:
        return Judgement(Fit.UNSUPPORTED, "not supported")
    name = _REQUIRED[kind]
    if name not in found:
        return Judgement(Fit.UNREADABLE, f"the answer has no {name}")
    if kind == "verify":
        return _verdict(expected, found)
    right = _plain(kind, found[name]) == _plain(kind, expected)
    if right:
        return Judgement(Fit.RIGHT, "as expected", frozenset(found))
    return Judgement(
        Fit.WRONG, f"expected {_text(expected)}, answered {_text(found[name])}", frozenset(found)
    )


def _verdict(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Judgement:
    """Compare what both name: a verifier need not say more than its verdict."""
    wrong = [name for name, value in expected.items() if name in found and found[name] != value]
    if not wrong:
        return Judgement(Fit.RIGHT, "as expected", frozenset(found))
    was, wanted = ({name: one[name] for name in expected if name in found} for one in (found, expected))
    return Judgement(Fit.WRONG, f"expected {_text(wanted)}, answered {_text(was)}", frozenset(found))


def _plain(kind: str, value: Any) -> Any:
    """What has to be equal: media without their order, which means nothing; no list says as much as none at hand."""
    if kind == "document" and isinstance(value, list):
        return sorted(orjson.dumps(one, option=orjson.OPT_SORT_KEYS) for one in value)
    return "unavailable" if kind == "status-list" and value is None else value


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())[:_SHOWN]
    text = orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
