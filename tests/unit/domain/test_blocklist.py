"""Differences between what a list says and what is in force, and which of them are sudden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain import hosts
from relay.domain.blocklist import (
    Change,
    Effect,
    ListedServer,
    differences,
    gained_and_lost,
    is_sudden,
    listed_name,
)

BLOCK, OBSERVE = Effect.BLOCK, Effect.OBSERVE
lists = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(Effect)).map(
    lambda found: {name: ListedServer(name, effect) for name, effect in found.items()}
)


@given(lists, lists)
def test_a_difference_leads_from_one_to_the_other_and_back(
    before: dict[str, ListedServer], after: dict[str, ListedServer]
) -> None:
    changes = differences(before, after)
    assert applied(before, changes) == after
    assert applied(after, [one.reversed() for one in changes]) == before
    assert differences(before, before) == ()


def applied(
    entries: dict[str, ListedServer], changes: tuple[Change, ...] | list[Change]
) -> dict[str, ListedServer]:
    found = dict(entries)
    for one in changes:
        assert found.get(one.server) == one.before
        found.pop(one.server, None)
        if one.after is not None:
            found[one.server] = one.after
    return found


@given(lists, lists)
def test_what_was_undone_is_left_out(before: dict[str, ListedServer], after: dict[str, ListedServer]) -> None:
    changes = differences(before, after)
    unwanted = {(one.server, one.effects[1]) for one in changes}
    assert differences(before, after, unwanted) == ()


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        (None, BLOCK, (1, 0)),
        (None, OBSERVE, (1, 0)),
        (OBSERVE, BLOCK, (1, 0)),
        (BLOCK, OBSERVE, (0, 1)),
        (BLOCK, None, (0, 1)),
        (OBSERVE, None, (0, 1)),
    ],
)
def test_gains_and_losses(before: Effect | None, after: Effect | None, counts: tuple[int, int]) -> None:
    entries = [None if effect is None else ListedServer("a", effect) for effect in (before, after)]
    assert gained_and_lost([Change("a", *entries)]) == counts


@pytest.mark.parametrize(
    ("size", "count", "sudden"),
    [
        (0, 20, False),
        (0, 21, True),
        (100, 50, False),
        (100, 51, True),
        (10, 20, False),
        (10_000, 5_001, True),
    ],
)
def test_from_when_a_difference_is_sudden(size: int, count: int, *, sudden: bool) -> None:
    gains = [Change(str(n), None, ListedServer(str(n), BLOCK)) for n in range(count)]
    assert is_sudden(size, gains) is sudden
    assert is_sudden(size, [one.reversed() for one in gains]) is sudden


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Bad.Example.", "bad.example"),
        ("*.bad.example", "bad.example"),
        (" b\u00fccher.example ", "xn--bcher-kva.example"),
        ("bad.example:8080", "bad.example:8080"),
        ("[::1]", "[::1]"),
        ("192.0.2.1", "192.0.2.1"),
        ("com", None),
        ("*.com", None),
        ("https://bad.example/", None),
        ("b*d.example", None),
        ("", None),
    ],
)
def test_names_of_entries(text: str, name: str | None) -> None:
    assert listed_name(text) == name


NAMES = [
    "a.example",
    "b.a.example",
    "example",
    "a.example:8080",
    "[::1]",
    "[::1]:8080",
    "192.0.2.1",
    "xa.example",
]


@given(st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_looking_up_agrees_with_asking_each_pattern(pattern: str, server: str) -> None:
    assert (pattern in hosts.covered_by(server)) is hosts.covers(pattern, server)


def test_all_names_that_cover_a_server() -> None:
    assert hosts.covered_by("b.a.example") == ("b.a.example", "a.example", "example")
    assert hosts.covered_by("a.example:80") == ("a.example:80", "example:80", "a.example", "example")
