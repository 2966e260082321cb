"""The index finds everything that comparing with every hash finds, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.adapters.scanners.bands import DIRECT, WIDEST, BandIndex, as_words, plan

HASHES = st.binary(min_size=32, max_size=32)
RADIUS = 31
Found = list[tuple[int, int, int]]


def flipped(value: bytes, bits: list[int]) -> bytes:
    number = int.from_bytes(value)
    for bit in bits:
        number ^= 1 << bit
    return number.to_bytes(len(value))


def brute_force(stored: list[bytes], queries: list[bytes], radius: int) -> Found:
    return [
        (asked, number, gap)
        for asked, query in enumerate(queries)
        for number, one in enumerate(stored)
        if (gap := (int.from_bytes(one) ^ int.from_bytes(query)).bit_count()) <= radius
    ]


def found(index: BandIndex, queries: list[bytes]) -> Found:
    near = index.near(as_words(queries, index.words.shape[1] * 8))
    return sorted(zip(*(column.tolist() for column in near), strict=True))


def both(stored: list[bytes], radius: int = RADIUS, width: int = 32) -> tuple[BandIndex, BandIndex]:
    words = as_words(sorted(stored), width)
    return BandIndex.tabled(words, radius), BandIndex(words, radius, {}, bands=())


@pytest.mark.parametrize(("bits", "radius"), [(256, 31), (64, 8)])
@pytest.mark.parametrize("count", [0, 1, 5_000, 1_000_000, 10_000_000, 1_000_000_000])
def test_every_plan_keeps_the_promise(bits: int, radius: int, count: int) -> None:
    """Were all bands to differ in more than their flips, the distance would be over the radius; none overlap."""
    bands = plan(bits, radius, count)
    assert sum(band.flips + 1 for band in bands) > radius
    assert all(band.bits <= WIDEST for band in bands)
    ends = [band.first + band.bits for band in bands]
    assert [0, *ends[:-1]] == [band.first for band in bands]
    assert ends[-1] <= bits


@given(
    queries=st.lists(HASHES, min_size=1, max_size=3),
    others=st.lists(HASHES, max_size=20),
    near=st.lists(st.lists(st.integers(0, 255), max_size=36, unique=True), max_size=20),
)
@settings(deadline=None)
def test_recall_is_100_percent_and_nothing_is_invented(
    queries: list[bytes], others: list[bytes], near: list[list[int]]
) -> None:
    stored = sorted(others + [flipped(queries[0], bits) for bits in near])
    expected = brute_force(stored, queries, RADIUS)
    for index in both(stored):
        assert found(index, queries) == expected


@settings(deadline=None)
@given(data=st.data())
def test_the_worst_case_for_pigeons(data: st.DataObject) -> None:
    """31 bits as evenly over the bands as can be: every band but one differs in one bit more than it may."""
    query = data.draw(HASHES)
    bands = plan(256, RADIUS, 1)
    spared = data.draw(st.integers(0, len(bands) - 1))
    bits = [
        255 - band.first - bit
        for place, band in enumerate(bands)
        for bit in data.draw(
            st.lists(
                st.integers(0, band.bits - 1),
                min_size=band.flips + (place != spared),
                max_size=band.flips + (place != spared),
                unique=True,
            )
        )
    ]
    assert len(bits) == 31
    others = [bytes(32), b"\xff" * 32, b"\x5a" * 32]
    stored = sorted([flipped(query, bits), *others])
    for index in both(stored):
        assert found(index, [query]) == brute_force(stored, [query], RADIUS)


@pytest.mark.parametrize("count", [DIRECT + 1, 20_000])
@pytest.mark.parametrize("kind", ["random", "clustered", "one band", "duplicates", "extremes"])
def test_crowds_are_found_like_everybody(kind: str, count: int) -> None:
    """What an adversary, or a list of one picture in many versions, makes of the tables costs time, not recall."""
    random = np.random.default_rng(7)
    stored = [random.bytes(32) for _ in range(count)]
    centre = random.bytes(32)
    if kind == "clustered":
        stored = [
            flipped(centre, random.choice(256, int(random.integers(0, 70)), False).tolist()) for _ in stored
        ]
    elif kind == "one band":
        stored = [centre[:4] + one[4:] for one in stored]
    elif kind == "duplicates":
        stored = stored[: count // 100] * 100 + [centre] * 70_000
    elif kind == "extremes":
        stored = [bytes(32)] * 10 + [b"\xff" * 32] * 10 + stored
    stored.sort()
    queries = [
        flipped(stored[number], random.choice(256, bits, replace=False).tolist())
        for number, bits in zip(random.integers(0, len(stored), 6), (0, 1, 16, 30, 31, 32), strict=True)
    ]
    queries += [centre, bytes(32), random.bytes(32)]
    words = as_words(stored, 32)
    index = BandIndex.of(words, RADIUS)
    assert sorted(found(index, queries)) == sorted(found(BandIndex(words, RADIUS, {}, bands=()), queries))
    assert {asked for asked, _, _ in found(index, queries)} >= {0, 1, 2, 3, 4}


def test_the_comparison_with_all_is_right_itself() -> None:
    random = np.random.default_rng(5)
    stored = sorted(random.bytes(32) for _ in range(300))
    queries = [flipped(stored[7], list(range(31))), flipped(stored[9], list(range(32)))]
    for index in both(stored):
        assert found(index, queries) == brute_force(stored, queries, RADIUS) == [(0, 7, 31)]


@given(st.lists(st.binary(min_size=8, max_size=8), max_size=60), st.integers(0, 20))
@settings(deadline=None)
def test_hashes_of_64_bits_within_8(stored: list[bytes], bits: int) -> None:
    query = flipped(stored[0], list(range(bits))) if stored else bytes(8)
    stored = sorted(stored)
    for index in both(stored, radius=8, width=8):
        assert found(index, [query]) == brute_force(stored, [query], 8)


def test_an_empty_index_finds_nothing() -> None:
    for index in both([]):
        assert found(index, [bytes(32)]) == []
        assert len(index) == 0
    [full, _] = both([bytes(32)])
    assert found(full, []) == []
