"""Submissions: when "no attestation" may be said, and how much a server may submit."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from relay.domain.submission import (
    SHORTEST,
    SPREAD,
    STEP,
    Allowance,
    Submission,
    SubmissionState,
    shown_at,
    wait_of,
)

SUBMITTED = Submission("1", "a.test", "https://a.test/alice", "sha256:00", "00", None, 100.0, 100.0, 12.0)


def test_the_wait_is_drawn_from_the_whole_range() -> None:
    assert (wait_of(0.0), wait_of(0.5)) == (SHORTEST, SHORTEST + SPREAD / 2)


@given(st.floats(0, 1000), st.floats(0, 0.999), st.floats(0, 500))
def test_no_is_said_at_moments_that_do_not_depend_on_when_it_was_known(
    received: float, chance: float, took: float
) -> None:
    wait = wait_of(chance)
    shown = shown_at(received, wait, received + took)
    assert shown >= received + wait
    assert shown >= received + took - 1e-6
    steps = (shown - received - wait) / STEP
    assert abs(steps - round(steps)) < 1e-6
    assert shown < max(received + wait, received + took) + STEP + 1e-6


def test_only_no_is_shown_and_only_in_time() -> None:
    refused = replace(SUBMITTED, state=SubmissionState.UNATTESTED, shown_at=112.0)
    assert [refused.is_shown(now) for now in (111.9, 112.0)] == [False, True]
    assert not SUBMITTED.is_shown(1e9)
    assert not replace(SUBMITTED, state=SubmissionState.ATTESTED, shown_at=100.0).is_shown(1e9)
    assert not replace(refused, shown_at=None).is_shown(1e9)


def test_an_allowance_is_a_burst_and_then_an_average() -> None:
    allowance = Allowance(0.0)
    assert [allowance.take(50, 10.0, 100.0, 0.0) for _ in range(4)] == [0.0, 0.0, 5.0, 10.0]
    assert allowance.wait(10.0, 100.0, 4.0) == 6.0
    assert allowance.wait(10.0, 100.0, 20.0) == 0.0
    assert allowance.take(150, 10.0, 100.0, 1000.0) == 5.0  # a quiet time gives one burst, not many
