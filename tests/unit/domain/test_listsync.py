"""What keepers say of their entries, and what follows for a list."""

from __future__ import annotations

import pytest

from relay.domain.hashlist import HashAlgorithm, ListChange, ListEntry
from relay.domain.listsync import Page, Progress, Statement, differences, held, newest, value_of
from relay.domain.toolcheck import ToolCheck


def entry(number: int, note: str = "") -> ListEntry:
    return ListEntry(HashAlgorithm.MD5, f"{number:032x}", "csam", "", note)


def content(*entries: ListEntry) -> bytes:
    return Statement("a", 0.0, entries).content


def test_what_is_new_and_what_is_no_longer_there() -> None:
    added, dropped = differences(None, content(entry(1), entry(2)))
    assert added == [ListChange(entry(1)), ListChange(entry(2))]
    assert dropped == set()
    added, dropped = differences(
        content(entry(1), entry(2), entry(3)), content(entry(2), entry(3, "x"), entry(4))
    )
    assert added == [ListChange(entry(3, "x")), ListChange(entry(4))]
    assert dropped == {value_of(entry(1))}
    assert differences(content(entry(1)), content()) == ([], {value_of(entry(1))})


def test_what_another_entry_has() -> None:
    assert held(content(entry(1), entry(2)), {value_of(entry(2))}) == [entry(2)]


def test_the_newest_word_about_an_entry_counts_and_of_two_the_later() -> None:
    said = [
        Statement("a", 5.0, (entry(1),)),
        Statement("b", 9.0),
        Statement("a", 4.0),
        Statement("b", 9.0, (entry(2),)),
    ]
    assert newest(said) == [said[0], said[3]]
    assert len(said[0].key) == 16
    assert said[0].key == said[2].key != said[1].key


def test_progress_is_written_and_read() -> None:
    progress = Progress(0.0, 50.0, "me")
    progress.take(Page((Statement("a", 5.0),), "next", 5.0, {"pdna": 2}), 60.0)
    progress.take(Page((), "more", None, {"pdna": 1}), 61.0)
    again = Progress.of(progress.as_text())
    assert again == progress
    assert (again.pages, again.statements, again.cursor, again.noted_at) == (2, 1, "more", 61.0)
    assert (again.unused, again.complete) == ({"pdna": 3}, False)
    again.begin_again(70.0)
    assert (again.cursor, again.until) == ("", 70.0)
    again.take(Page((), None, 3.0, {}), 71.0)
    assert (again.complete, again.reached) == (True, 5.0)


@pytest.mark.parametrize(
    ("since", "reached", "checkpoint"),
    [(0.0, 40.0, 40.0), (0.0, 90.0, 50.0), (30.0, 20.0, 30.0), (30.0, None, 30.0), (0.0, None, 50.0)],
)
def test_the_checkpoint_is_what_was_really_seen(
    since: float, reached: float | None, checkpoint: float
) -> None:
    assert Progress(since, 50.0, "me", reached=reached).checkpoint == checkpoint


def test_a_tool_that_was_not_looked_at() -> None:
    assert ToolCheck("it") == ToolCheck("it", None, (), None, None)
