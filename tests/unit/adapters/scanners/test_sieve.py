"""Holding millions of hashes against a few entries finds what comparing each with each finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.adapters.scanners.bands import as_words
from relay.adapters.scanners.sieve import AT_ONCE, Sieve

RADIUS = 31
HASHES = st.binary(min_size=32, max_size=32)


def brute_force(hashes: list[bytes], entries: list[bytes]) -> list[tuple[int, int, int]]:
    return [
        (number, place, gap)
        for number, one in enumerate(hashes)
        for place, entry in enumerate(entries)
        if (gap := (int.from_bytes(one) ^ int.from_bytes(entry)).bit_count()) <= RADIUS
    ]


def flipped(value: bytes, bits: list[int]) -> bytes:
    number = int.from_bytes(value)
    for bit in bits:
        number ^= 1 << bit
    return number.to_bytes(32)


@given(
    entries=st.lists(HASHES, min_size=1, max_size=3),
    others=st.lists(HASHES, max_size=10),
    near=st.lists(st.lists(st.integers(0, 255), max_size=36, unique=True), max_size=20),
)
@settings(deadline=None, max_examples=25)
def test_recall_is_100_percent_and_nothing_is_invented(
    entries: list[bytes], others: list[bytes], near: list[list[int]]
) -> None:
    hashes = [*others, *(flipped(entries[0], bits) for bits in near)]
    sieve = Sieve(as_words(entries, 32), RADIUS)
    assert list(sieve.near(as_words(hashes, 32))) == brute_force(hashes, entries)


def test_more_hashes_than_one_step_takes() -> None:
    random = np.random.default_rng(3)
    entries = [random.bytes(32) for _ in range(50)]
    hashes = np.frombuffer(random.bytes(32 * (AT_ONCE + 5_000)), ">u8").reshape(-1, 4).astype(np.uint64)
    expected = []
    for place, number in enumerate(range(0, len(hashes), len(hashes) // 40)):
        bits = random.choice(256, place % 33, replace=False).tolist()
        hashes[number] = as_words([flipped(entries[place], bits)], 32)[0]
        if len(bits) <= RADIUS:
            expected.append((number, place, len(bits)))
    assert list(Sieve(as_words(entries, 32), RADIUS).near(hashes)) == expected
    assert len(expected) > 35


@pytest.mark.parametrize("count", [0, 3])
def test_nothing_against_something(count: int) -> None:
    empty, some = as_words([], 32), as_words([bytes(32)] * count, 32)
    assert list(Sieve(some, RADIUS).near(empty)) == []
    assert list(Sieve(empty, RADIUS).near(some)) == []
