"""Every target on the inputs that fuzzing starts with, each also cut, doubled and with bytes changed, always alike."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.fuzz.corpus import TARGETS, seeds
from tests.fuzz.properties import Violated, alike, holds, read_strictly

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANGED = 300
"""Changed inputs of each target."""
MARKS = (
    b"",
    b"\0",
    b'"',
    b"{",
    b"]",
    b",",
    b":",
    b"\\",
    b"=",
    b"\xff",
    b"\xc3\xa9",
    b"9" * 20,
    b"@type",
    b"\n--\n",
)


def changed(inputs: tuple[bytes, ...], source: random.Random) -> Iterator[bytes]:
    for _ in range(CHANGED):
        found = source.choice(inputs)
        for _ in range(source.randint(1, 4)):
            start = source.randint(0, len(found))
            end = min(len(found), start + source.choice((0, 0, 1, 1, 2, 8, 200)))
            found = found[:start] + source.choice((*MARKS, found[:start][-9:])) + found[end:]
        yield found


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_nothing_violates_a_property(name: str) -> None:
    inputs = seeds(name)
    assert len(inputs) > 2
    for one in (b"", *inputs, *changed(inputs, random.Random(name))):  # noqa: S311 - the same each time
        TARGETS[name](one)


def test_the_properties_can_be_violated() -> None:
    with pytest.raises(Violated, match="something"):
        holds(condition=False, what="something")
    assert not alike({"a": 1}, {"a": 1.0})
    assert not alike([0.0], [-0.0])
    assert not alike({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert not alike([1], [1, 1])
    assert alike({"a": [1, "x", None, {"b": 0.5}]}, {"a": [1, "x", None, {"b": 0.5}]})
    for refused in (
        b'{"a":1,"a":1}',
        b"NaN",
        b"1e999",
        b'"\\ud800"',
        b"\xef\xbb\xbf1",
        b"\xff",
        b"[[[]]]",
        b"99",
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
            read_strictly(refused, depth=2, integer=9)
