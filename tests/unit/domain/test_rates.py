"""Limits that end by themselves, and counting in windows that slide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.rates import Bucket, PostCounter, PostCounts, Rate


@given(st.integers(1, 50), st.lists(st.floats(0, 90), max_size=200))
def test_no_more_than_the_rate_and_one_burst_goes_through(count: int, pauses: list[float]) -> None:
    rate, bucket, now, through = Rate(count, 60), Bucket(float(count), 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        through += bucket.take(rate, now) == 0.0
    assert through <= count + now * count / 60 + 1e-6


@given(st.integers(1, 1000), st.integers(0, 2000))
def test_whoever_waits_as_long_as_told_is_let_through(count: int, before: int) -> None:
    rate, bucket = Rate(count, 60), Bucket(float(count), 0.0)
    wait = 0.0
    for _ in range(before):
        wait = bucket.take(rate, 0.0)
    assert (wait > 0) is (before > count)
    assert bucket.take(rate, wait + 61 / count) == 0.0


def test_a_clock_that_goes_backwards_takes_nothing_away() -> None:
    bucket = Bucket(1.0, 100.0)
    assert bucket.take(Rate(1, 60), 50.0) == 0.0


@pytest.mark.parametrize(("rate", "text"), [(Rate(3, 60), "3 per minute"), (Rate(20, 86400), "20 per day")])
def test_rates_are_written_as_they_are_read(rate: Rate, text: str) -> None:
    assert str(rate) == text


def test_counts_slide_out_of_their_windows() -> None:
    counter = PostCounter()
    for second in range(30):
        counter.add(1_000_020.0 + second)  # a minute begins at 1,000,020
    assert counter.counts(1_000_050.0) == PostCounts(30, 30, 30)
    assert counter.counts(1_000_080.0 + 30).minute == 15
    assert counter.counts(1_000_080.0 + 60) == PostCounts(0, 30, 30)
    assert counter.counts(1_000_080.0 + 3 * 86_400) == PostCounts()


@given(st.lists(st.integers(0, 5000), max_size=60))
def test_counts_are_never_negative_nor_more_than_there_were(steps: list[int]) -> None:
    counter, now = PostCounter(), 1_000_000.0
    for step in steps:
        now += step
        counter.add(now)
    counts = counter.counts(now)
    assert 0 <= counts.minute <= counts.hour <= counts.day <= len(steps)
