"""Indexes of lists, in memory, on the disk and in layers, answer like going through all entries."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.adapters.scanners import snapshot
from relay.adapters.scanners.columns import Texts, columns
from relay.adapters.scanners.exporting import standing
from relay.adapters.scanners.hashindex import RADIUS, HashIndex, Layered, Lookup, built, index_of, packed
from relay.domain.errors import TooLarge
from relay.domain.hashlist import HEX_LENGTH, HashAlgorithm, ListChange, ListEntry

if TYPE_CHECKING:
    from pathlib import Path

BYTES = {algorithm: length // 2 for algorithm, length in HEX_LENGTH.items()}


def value(algorithm: HashAlgorithm, seed: int) -> str:
    """Few different values, many of which share their beginning."""
    return (
        bytes([seed % 3] * 8 + [seed] * (BYTES[algorithm] - 8)).hex()
        if seed % 2
        else f"{seed:0{HEX_LENGTH[algorithm]}x}"
    )


CHANGES = st.lists(
    st.builds(
        lambda algorithm, seed, category, removed: ListChange(
            ListEntry(algorithm, value(algorithm, seed), category, "s", "n"), removed
        ),
        st.sampled_from(HashAlgorithm),
        st.integers(0, 9),
        st.sampled_from(["csam", "ncii"]),
        st.booleans(),
    ),
    max_size=40,
)
"""Changes to a list, often about the same values."""


def facts(changes: list[ListChange]) -> dict[tuple[HashAlgorithm, str], ListEntry]:
    """What stands of them, the slow way."""
    found: dict[tuple[HashAlgorithm, str], ListEntry] = {}
    for change in changes:
        found.pop((change.entry.algorithm, change.entry.value), None)
        if not change.removed:
            found[change.entry.algorithm, change.entry.value] = change.entry
    return found


def agrees(lookup: Lookup, changes: list[ListChange]) -> None:
    """Every look-up gives what going through all entries gives."""
    entries = facts(changes)
    sizes = {algorithm: sum(key[0] is algorithm for key in entries) for algorithm in HashAlgorithm}
    assert {algorithm: lookup.sizes.get(algorithm, 0) for algorithm in HashAlgorithm} == sizes
    assert lookup.algorithms == {algorithm for algorithm, size in sizes.items() if size}
    for algorithm in HashAlgorithm:
        queries = [bytes.fromhex(value(algorithm, seed)) for seed in range(11)]
        for query in queries:
            entry = entries.get((algorithm, query.hex()))
            assert lookup.exact(algorithm, query) == (entry.category if entry else None)
        near = {(hit.query, hit.category, hit.distance, hit.value) for hit in lookup.near(algorithm, queries)}
        assert near == {
            (number, entry.category, gap, bytes.fromhex(entry.value))
            for number, query in enumerate(queries)
            for entry in entries.values()
            if entry.algorithm is algorithm and algorithm in RADIUS
            if (gap := (int(entry.value, 16) ^ int.from_bytes(query)).bit_count()) <= RADIUS[algorithm]
        }


def write(path: Path, changes: list[ListChange]) -> HashIndex:
    texts = Texts(categories=True)
    snapshot.write(path, ["x"], built(columns(packed(changes), texts)), lambda: texts.categories)
    found = snapshot.read(path)
    assert found is not None
    assert (found.made_of, found.size) == (("x",), path.stat().st_size)
    return found.index


@given(CHANGES)
@settings(deadline=None)
def test_an_index_in_memory_holds_what_stands(changes: list[ListChange]) -> None:
    agrees(index_of(packed(changes)), changes)


@given(CHANGES, CHANGES)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_snapshot_with_changes_over_it_is_the_list_built_anew(
    tmp_path: Path, before: list[ListChange], since: list[ListChange]
) -> None:
    index = write(tmp_path / "a.index", before)
    agrees(index, before)
    agrees(Layered(index, list(packed(since))), before + since)


@given(CHANGES)
@settings(deadline=None)
def test_what_is_exported_is_what_stands_in_the_order_of_the_last_word(changes: list[ListChange]) -> None:
    assert list(standing(list(packed(changes)))) == list(facts(changes).values())


def test_a_hundred_thousand_digests_are_all_found_and_no_other() -> None:
    random = np.random.default_rng(11)
    values = [random.bytes(20) for _ in range(100_000)]
    entries = (ListChange(ListEntry(HashAlgorithm.SHA1, one.hex(), "csam")) for one in values)
    index = index_of(packed(entries))
    assert index.sizes == {HashAlgorithm.SHA1: 100_000}
    assert all(index.exact(HashAlgorithm.SHA1, one) == "csam" for one in values[::97])
    assert not any(index.exact(HashAlgorithm.SHA1, random.bytes(20)) for _ in range(1_000))


def test_a_large_snapshot_finds_near_hashes_like_memory_does(tmp_path: Path) -> None:
    random = np.random.default_rng(12)
    values = [random.bytes(32) for _ in range(6_000)]
    changes = [ListChange(ListEntry(HashAlgorithm.PDQ, one.hex(), "csam")) for one in values]
    index, memory = write(tmp_path / "a.index", changes), index_of(packed(changes))
    flips = [int.from_bytes(values[n]) ^ ((1 << n % 40) - 1) for n in range(0, 6_000, 50)]
    queries = [flip.to_bytes(32) for flip in flips]
    found = index.near(HashAlgorithm.PDQ, queries)
    assert found == memory.near(HashAlgorithm.PDQ, queries)
    assert {hit.query for hit in found} == {n for n in range(120) if n * 50 % 40 <= 31}


@pytest.mark.parametrize("damage", ["cut", "no end", "another digest", "another format", "empty", "text"])
def test_what_a_crash_or_another_version_leaves_is_ignored(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.index"
    write(path, [ListChange(ListEntry(HashAlgorithm.MD5, "0" * 32, "csam"))])
    whole = path.read_bytes()
    path.write_bytes(
        {
            "cut": whole[: len(whole) // 2],
            "no end": whole[:-1],
            "another digest": whole.replace(b"csam", b"cham"),
            "another format": whole.replace(b'"format": 1', b'"format": 9'),
            "empty": b"",
            "text": b"x" * 1_000,
        }[damage]
    )
    assert snapshot.read(path) is None


def test_a_format_of_the_future_is_ignored_even_if_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.index"
    write(path, [])
    content = path.read_bytes()
    length, _, word = snapshot.END.unpack(content[-snapshot.END.size :])
    head = content[-snapshot.END.size - length : -snapshot.END.size].replace(b'"format": 1', b'"format": 2')
    import hashlib

    path.write_bytes(head + snapshot.END.pack(length, hashlib.sha256(head).digest(), word))
    assert snapshot.read(path) is None


def test_a_snapshot_that_could_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> list[str]:
        raise TooLarge("no room")

    with pytest.raises(TooLarge):
        snapshot.write(tmp_path / "a.index", ["x"], iter([]), broken)
    assert list(tmp_path.iterdir()) == []
    assert snapshot.read(tmp_path / "a.index") is None


def test_one_process_keeps_the_snapshot_that_another_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a.index"
    old = write(path, [ListChange(ListEntry(HashAlgorithm.MD5, "0" * 32, "csam"))])
    write(path, [])
    path.unlink()
    assert old.exact(HashAlgorithm.MD5, bytes(16)) == "csam"


def test_categories_have_an_end() -> None:
    texts = Texts(categories=True)
    numbers = [texts.number((str(number), "", "")) for number in chain(range(65_536), range(2))]
    assert (numbers[-1], len(texts.categories)) == (1, 65_536)
    with pytest.raises(TooLarge):
        texts.number(("one more", "", ""))
