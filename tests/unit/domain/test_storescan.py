"""Looking through stored media: counts, rows, and the order in which what was found is taken note of."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from relay.domain.media import Match, MatchKind, ScanOutcome
from relay.domain.storescan import COLUMNS, InOrder, Noted, Progress, StoredFile

FILE = StoredFile("a/b.png", 100, 1_795_000_000.5)
MATCH = Match(MatchKind.KNOWN, "local", "csam", "pdq", 4, 2, 9)
KNOWN = Noted(FILE, ScanOutcome.MATCH, None, "ab" * 32, "image/png", (MATCH, MATCH))


def test_each_match_is_a_row_and_so_is_what_could_not_be_checked() -> None:
    one, other = KNOWN.rows("/media/a/b.png")
    assert tuple(one) == COLUMNS
    assert one == other
    assert (one["path"], one["list"], one["distance"], one["of"]) == ("/media/a/b.png", "local", 4, 9)
    assert one["changed_at"] == "2026-11-18T11:06:40Z"
    [unread] = Noted(FILE, ScanOutcome.NOT_ATTEMPTED, "gone").rows("x")
    assert tuple(unread) == COLUMNS
    assert (unread["outcome"], unread["reason"], unread["list"]) == ("not-attempted", "gone", None)


def test_every_file_is_counted_once_and_what_is_not_clean_by_its_reason() -> None:
    progress = Progress(7.0, since=3.0)
    progress.count(KNOWN)
    progress.count(Noted(FILE, ScanOutcome.VENDOR_TEST_MATCH))
    progress.count(Noted(FILE, ScanOutcome.NO_KNOWN_MATCH, known=True))
    for reason in ("corrupt", "corrupt", None):
        progress.count(Noted(FILE, ScanOutcome.UNSCANNABLE, reason))
    progress.skip(StoredFile("z", 5, 1.0))
    assert (progress.looked_at, progress.matched, progress.clean, progress.skipped) == (6, 2, 1, 1)
    assert (progress.known, progress.size, progress.cursor) == (1, 600, "z")
    assert progress.unchecked == {"corrupt": 2, "unscannable": 1}
    assert Progress.of(json.loads(json.dumps(progress.as_json()))) == progress


@given(st.permutations(range(12)))
def test_in_whatever_order_they_end_they_come_back_in_theirs(ends: list[int]) -> None:
    order, back = InOrder(), list[str]()
    files = [StoredFile(f"{order.begin():02}", 1, 0.0) for _ in ends]
    for count, number in enumerate(ends):
        noted = None if number % 3 else Noted(files[number], ScanOutcome.NO_KNOWN_MATCH)
        found = order.done(number, files[number], noted)
        assert all((noted is None) == bool(int(file.name) % 3) for file, noted in found)
        back += [file.name for file, _ in found]
        assert len(back) <= count + 1
    assert back == [file.name for file in files]
    assert all(one < two for one, two in pairwise(back))
