"""The index finds everything that comparing with every hash finds, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.adapters.scanners.pdqindex import DIRECT, PdqIndex

HASHES = st.binary(min_size=32, max_size=32)


def flipped(value: bytes, bits: list[int]) -> bytes:
    number = int.from_bytes(value)
    for bit in bits:
        number ^= 1 << bit
    return number.to_bytes(32)


def brute_force(stored: list[bytes], query: bytes, radius: int) -> list[tuple[int, int]]:
    gaps = [(int.from_bytes(one) ^ int.from_bytes(query)).bit_count() for one in stored]
    return [(number, gap) for number, gap in enumerate(gaps) if gap <= radius]


@given(
    query=HASHES,
    others=st.lists(HASHES, max_size=20),
    near=st.lists(st.lists(st.integers(0, 255), max_size=36, unique=True), max_size=20),
    radius=st.integers(0, 31),
)
def test_recall_is_100_percent_and_nothing_is_invented(
    query: bytes, others: list[bytes], near: list[list[int]], radius: int
) -> None:
    stored = others + [flipped(query, bits) for bits in near]
    expected = brute_force(stored, query, radius)
    assert PdqIndex(stored, tables=True).near(query, radius) == expected
    assert PdqIndex(stored, tables=False).near(query, radius) == expected


@settings(deadline=None)
@given(data=st.data())
def test_the_worst_case_for_pigeons(data: st.DataObject) -> None:
    """31 bits as evenly over the 16 chunks as can be: one chunk has one bit, all others have two."""
    query = data.draw(HASHES)
    lonely = data.draw(st.integers(0, 15))
    bits = [
        chunk * 16 + bit
        for chunk in range(16)
        for bit in data.draw(
            st.lists(
                st.integers(0, 15),
                min_size=1 + (chunk != lonely),
                max_size=1 + (chunk != lonely),
                unique=True,
            )
        )
    ]
    assert len(bits) == 31
    assert PdqIndex([flipped(query, bits)], tables=True).near(query) == [(0, 31)]


def test_31_matches_and_32_does_not() -> None:
    query = bytes(range(32))
    for tables in (True, False):
        index = PdqIndex([flipped(query, list(range(31))), flipped(query, list(range(32)))], tables=tables)
        assert index.near(query) == [(0, 31)]


def test_many_hashes_build_tables_and_find_the_same() -> None:
    random = np.random.default_rng(5)
    stored = [random.bytes(32) for _ in range(DIRECT + 100)]
    for number in range(0, len(stored), 500):
        query = flipped(stored[number], random.choice(256, 31, replace=False).tolist())
        assert PdqIndex(stored).near(query) == brute_force(stored, query, 31) == [(number, 31)]


def test_an_empty_index_finds_nothing() -> None:
    for tables in (True, False, None):
        index = PdqIndex([], tables=tables)
        assert index.near(bytes(32)) == []
        assert len(index) == 0


def test_a_radius_beyond_the_promise_is_refused() -> None:
    with pytest.raises(ValueError, match="31"):
        PdqIndex([bytes(32)]).near(bytes(32), 32)
