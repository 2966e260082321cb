"""Packs of list changes, and which batches are in force."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.errors import Malformed
from relay.domain.hashlist import (
    HEX_LENGTH,
    Batch,
    BatchState,
    HashAlgorithm,
    ListChange,
    ListEntry,
    entry_mark,
    in_force,
    pack,
    split_pack,
    unpack,
)

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
ENTRIES = st.sampled_from(HashAlgorithm).flatmap(
    lambda algorithm: st.builds(
        ListEntry,
        st.just(algorithm),
        st.binary(min_size=HEX_LENGTH[algorithm] // 2, max_size=HEX_LENGTH[algorithm] // 2).map(bytes.hex),
        TEXT,
        TEXT,
        TEXT,
    )
)


@given(st.lists(st.builds(ListChange, ENTRIES, st.booleans()), max_size=30))
def test_what_is_packed_is_unpacked(changes: list[ListChange]) -> None:
    assert unpack(pack(changes)) == changes


def test_texts_are_kept_once() -> None:
    entries = [ListEntry(HashAlgorithm.MD5, f"{n:032x}", "csam", "source", "note") for n in range(100)]
    texts, records = split_pack(pack([ListChange(entry) for entry in entries]))
    assert texts == [("csam", "source", "note")]
    assert len(records) == 100 * 36


@pytest.mark.parametrize(
    "packed", [b"", b"\x01", b"\x02\0\0\0{}x", b"\x03\0\0\0[1]", b"\x02\0\0\0[]x", b"\x02\0\0\0\xff\xff"]
)
def test_what_is_no_pack_is_refused(packed: bytes) -> None:
    with pytest.raises(Malformed):
        unpack(packed)


def batch(number: int, state: BatchState = BatchState.DONE, *, replaces: bool = False) -> Batch:
    return Batch(number, "a", "f", "me", 0.0, state, replaces, 1)


def test_batches_count_from_the_last_that_replaces_the_list() -> None:
    assert in_force([]) == []
    assert [one.number for one in in_force([batch(2), batch(1)])] == [1, 2]
    some = [batch(1), batch(2, replaces=True), batch(3), batch(4, BatchState.UNDONE, replaces=True), batch(5)]
    assert [one.number for one in in_force(some)] == [2, 3, 5]
    assert [one.number for one in in_force([*some, batch(6, BatchState.LOADING, replaces=True)])] == [2, 3, 5]


def test_marks_tell_entries_apart_and_do_not_show_them() -> None:
    marks = {
        entry_mark(name, algorithm, value)
        for name in ("a", "b")
        for algorithm in ("md5", "pdq")
        for value in (b"\xaa" * 16, b"\xbb" * 16)
    }
    assert len(marks) == 8
    assert not any("aaaa" in mark or "bbbb" in mark for mark in marks)
