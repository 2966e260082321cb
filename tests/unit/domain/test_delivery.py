"""Cursors: every position is settled exactly once, whatever fails in between; checkpoints repeat little."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.domain.delivery import (
    BACKOFF_LONGEST,
    STRAGGLER_AFTER,
    STRAGGLER_ATTEMPTS,
    STRAGGLERS_MOST,
    Host,
    Progress,
    Reached,
    Straggler,
    Verdict,
    backoff,
    checkpoint,
    verdict,
)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Verdict.DELIVERED),
        (202, Verdict.DELIVERED),
        (301, Verdict.RETRY),
        (400, Verdict.REFUSED),
        (404, Verdict.REFUSED),
        (401, Verdict.RETRY),
        (403, Verdict.RETRY),
        (408, Verdict.RETRY),
        (410, Verdict.GONE),
        (425, Verdict.RETRY),
        (429, Verdict.RETRY),
        (500, Verdict.RETRY),
        (503, Verdict.RETRY),
    ],
)
def test_what_a_status_means(status: int, expected: Verdict) -> None:
    assert verdict(status) is expected


def test_what_is_refused_when_perhaps_a_clock_is_wrong_is_tried_again() -> None:
    assert {verdict(status, misdated=True) for status in (400, 401, 403)} == {Verdict.RETRY}


def test_what_succeeded_before_the_clock_was_set_back_is_no_proof_that_others_succeed() -> None:
    before = Progress(0)
    for _ in range(STRAGGLER_AFTER):
        assert before.fail(1, error="down", now=100.0, jitter=0.5, host_succeeded_at=7300.0)
    assert before.stragglers == {}


@given(st.integers(1, 1000), st.floats(0, 1), st.none() | st.floats(0, 1e9))
def test_back_off_is_bounded_and_never_shorter_than_asked(
    failures: int, jitter: float, retry_after: float | None
) -> None:
    rest = backoff(failures, jitter, retry_after)
    assert 0 < rest <= max(BACKOFF_LONGEST * 1.25, 24 * 3600)
    assert rest >= min(retry_after or 0, 24 * 3600)
    assert backoff(1, jitter) <= backoff(8, jitter) * 1.7


def test_a_host_rests_longer_with_each_failure_and_failures_at_once_count_once() -> None:
    host = Host()
    host.failed("down", 100.0, 0.5, None)
    first = host.retry_at
    host.failed("down", 101.0, 0.5, None)
    assert (host.failures, host.retry_at) == (1, first)
    host.failed("busy", 101.0, 0.5, 7200.0)
    assert (host.failures, host.retry_at) == (1, 7301.0)
    host.failed("down", 8000.0, 0.5, None)
    assert host.failures == 2
    host.succeeded(9000.0)
    assert (host.failures, host.retry_at, host.error, host.succeeded_at) == (0, 0.0, None, 9000.0)


def test_a_straggler_is_given_up_after_its_attempts() -> None:
    progress = Progress(0)
    kept = []
    for attempt in range(STRAGGLER_ATTEMPTS):
        progress.flying.add(1)
        kept.append(
            progress.fail(1, error="500", now=float(attempt), jitter=0.5, host_succeeded_at=float(attempt))
        )
        if attempt + 1 == STRAGGLER_AFTER:
            assert 1 in progress.stragglers
            assert progress.cursor == 1
    assert kept == [True] * (STRAGGLER_ATTEMPTS - 1) + [False]
    assert progress.stragglers == {}


def test_while_the_whole_host_fails_nothing_straggles() -> None:
    progress = Progress(0)
    for attempt in range(50):
        progress.fail(1, error="down", now=100.0 + attempt, jitter=0.5, host_succeeded_at=50.0)
    assert (progress.stragglers, progress.cursor) == ({}, 0)


def test_what_retention_ended_for_is_skipped() -> None:
    progress = Progress(0, settled={3, 7})
    progress.fail(2, error="x", now=1.0, jitter=0.5, host_succeeded_at=None)
    progress.skip_to(6)
    assert (progress.cursor, progress.settled, progress.failures) == (7, set(), {})
    progress.skip_to(3)
    assert progress.cursor == 7


@settings(deadline=None)
@given(st.integers(0, 1 << 32))
def test_every_position_is_settled_exactly_once(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a story that can be told again
    progress, last, now = Progress(0), 12, 0.0
    settled: list[int] = []
    while len(settled) < last:
        now += 60.0
        waiting = [at for at in range(1, last + 1) if progress.is_open(at)]
        due = [at for at, s in progress.stragglers.items() if s.due_at <= now and at not in progress.flying]
        if (waiting or due) and chance.random() < 0.6:
            progress.flying.add(chance.choice(waiting + due))
        if progress.flying:
            position = chance.choice(sorted(progress.flying))
            if chance.random() < 0.5:
                progress.settle(position)
                settled.append(position)
            elif not progress.fail(
                position, error="x", now=now, jitter=0.5, host_succeeded_at=now - chance.choice((0.0, 900.0))
            ):
                settled.append(position)
        elif not waiting and not due:
            now = max(s.due_at for s in progress.stragglers.values())
        assert all(at > progress.cursor for at in progress.settled)
        assert all(at in settled or at in progress.stragglers for at in range(1, progress.cursor + 1))
    assert sorted(settled) == list(range(1, last + 1))
    assert (progress.cursor, progress.stragglers, progress.settled) == (last, {}, set())


@given(st.dictionaries(st.integers(1, 30), st.integers(0, 100)), st.integers(0, 100))
def test_a_checkpoint_never_skips_and_repeats_no_more_than_the_leader_did(
    cursors: dict[int, int], before: int
) -> None:
    saved = checkpoint({who: Reached(cursor) for who, cursor in cursors.items()}, before)
    for who, cursor in cursors.items():
        resumed = saved.apart.get(who, Reached(saved.watermark)).upto
        assert resumed <= cursor, "a position would be lost"
        assert resumed == cursor or resumed >= before
    assert all(one.upto < before for one in saved.apart.values())


REACHED = st.builds(Reached, st.integers(20, 100), st.frozensets(st.integers(1, 19), max_size=3))


@given(st.dictionaries(st.integers(1, 30), REACHED), st.integers(0, 100), st.frozensets(st.integers(1, 30)))
def test_an_exact_checkpoint_repeats_nothing_and_skips_nothing(
    reached: dict[int, Reached], before: int, exact: frozenset[int]
) -> None:
    saved = checkpoint(reached, before, exact)
    resumed = {who: saved.apart.get(who, Reached(saved.watermark)) for who in reached}
    assert all(resumed[who] == reached[who] for who in reached.keys() & exact)
    assert all(resumed[who].open == reached[who].open for who in reached)


def test_a_thousand_who_keep_up_are_one_row() -> None:
    saved = checkpoint({who: Reached(500 + who % 3) for who in range(1000)} | {1000: Reached(17)}, 498)
    assert (saved.watermark, saved.apart) == (500, {1000: Reached(17)})


@given(st.integers(0, 5), st.lists(st.tuples(st.integers(1, 20), st.booleans())))
def test_who_goes_on_knows_all_that_is_settled(cursor: int, done: list[tuple[int, bool]]) -> None:
    before = Progress(cursor)
    for position, straggles in done:
        if not straggles:
            before.settle(position)
        elif before.is_open(position):
            for _ in range(STRAGGLER_AFTER):
                before.fail(position, error="x", now=10.0, jitter=0.5, host_succeeded_at=10.0)
    after = Progress.after(before.reached, dict(before.stragglers))
    assert (after.cursor, after.settled, after.stragglers) == (
        before.cursor,
        before.settled,
        before.stragglers,
    )
    cut = Progress.after(Reached(before.cursor), dict(before.stragglers))
    assert (cut.cursor, cut.settled) == (before.cursor, set())


def test_who_has_many_stragglers_gets_no_more_of_them_and_rests_as_a_whole() -> None:
    progress = Progress(0)
    for position in range(1, STRAGGLERS_MOST + 2):
        for _ in range(STRAGGLER_AFTER):
            progress.fail(position, error="x", now=10.0, jitter=0.5, host_succeeded_at=10.0)
    assert len(progress.stragglers) == STRAGGLERS_MOST
    assert progress.cursor == STRAGGLERS_MOST
    assert progress.is_open(STRAGGLERS_MOST + 1)
    progress.settle(1)
    progress.fail(STRAGGLERS_MOST + 1, error="x", now=10.0, jitter=0.5, host_succeeded_at=10.0)
    assert STRAGGLERS_MOST + 1 in progress.stragglers


def test_what_a_host_asks_for_is_granted_up_to_a_day_and_told() -> None:
    host = Host()
    host.failed("status 429", 100.0, 0.5, 5.0)
    assert (host.retry_at, host.error) == (115.0, "status 429")
    host.failed("status 429", 101.0, 0.5, 3600.0)  # while it rests already
    assert (host.failures, host.retry_at) == (1, 3701.0)
    assert host.error == "status 429, asked to be left alone for 3,600 seconds"
    host.failed("status 503", 4000.0, 0.5, 1e6)
    assert (host.failures, host.retry_at) == (2, 4000.0 + 24 * 3600)
    assert host.error == "status 503, asked to be left alone for 1,000,000 seconds, gets a day"


def test_a_rest_that_began_in_the_future_is_none() -> None:
    host = Host()
    for _ in range(3):  # the clock is seven hours ahead
        host.failed("status 401", 25_200.0 + host.failures * 600.0, 0.5, None)
    assert host.rests_until(26_401.0) == host.retry_at > 26_401.0
    assert host.rests_until(10.0) == 0.0, "it was set right"
    host.failed("status 500", 10.0, 0.5, None)
    assert (host.failing_since, host.failures) == (10.0, 4)
    assert 10.0 < host.rests_until(11.0) == host.retry_at < 300.0


def test_a_straggler_whose_time_is_further_off_than_it_can_be_is_due() -> None:
    straggler = Straggler(3, 25_260.0, "status 500")
    assert not straggler.is_due(25_200.0)
    assert straggler.is_due(25_260.0)
    assert straggler.is_due(10.0), "the clock was set back"
