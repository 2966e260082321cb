"""The circuit breaker: when a service is asked, and when it is left alone."""

from __future__ import annotations

from relay.domain.breaker import FAILURES, LONGEST_PAUSE, PAUSE, Breaker


def broken(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        assert breaker.admits(now)
        breaker.failed(now)
    return breaker


def test_it_opens_after_some_failures_in_a_row() -> None:
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker.failed(0.0)
    assert breaker.admits(0.0)
    breaker.succeeded()
    breaker.failed(0.0)
    assert not breaker.is_open
    assert not broken().admits(PAUSE - 1)


def test_one_question_is_let_through_when_the_pause_is_over() -> None:
    breaker = broken()
    assert breaker.admits(PAUSE)
    assert not breaker.admits(PAUSE + 1)
    breaker.succeeded()
    assert breaker.admits(PAUSE + 1)
    assert not breaker.is_open


def test_a_question_that_was_never_answered_does_not_keep_it_open_for_ever() -> None:
    breaker = broken()
    assert breaker.admits(PAUSE)
    assert breaker.admits(PAUSE + 2 * PAUSE)


def test_pauses_grow_to_a_limit() -> None:
    breaker, now = broken(), 0.0
    for _ in range(10):
        now += LONGEST_PAUSE
        breaker.failed(now)
    assert not breaker.admits(now + LONGEST_PAUSE - 1)
    assert breaker.admits(now + LONGEST_PAUSE)


def test_a_service_is_left_alone_as_long_as_it_asked() -> None:
    breaker = Breaker()
    breaker.failed(0.0, retry_after=100.0)
    assert not breaker.admits(99.0)
    assert breaker.admits(100.0)
    breaker.failed(101.0)
    assert not breaker.admits(102.0), "the one question failed"
