"""The answer to a delivery: when a clock may be all that is wrong, and how that is told."""

from __future__ import annotations

import pytest

from relay.domain.remote import Posted

HOUR = 3600.0


@pytest.mark.parametrize(
    ("status", "ahead", "error"),
    [
        (401, -7.1 * HOUR, "status 401: its clock is 7 hours behind ours"),
        (403, 301.0, "status 403: its clock is 5 minutes ahead of ours"),
        (400, 119.6 * 60, "status 400: its clock is 2 hours ahead of ours"),
        (401, -47 * HOUR, "status 401: its clock is 47 hours behind ours"),
        (401, 1e4 * HOUR, "status 401: its clock is 417 days ahead of ours"),
    ],
)
def test_a_refusal_by_a_server_whose_clock_is_elsewhere(status: int, ahead: float, error: str) -> None:
    posted = Posted(status, date=1e9 + ahead).to(1e9)
    assert posted.misdated
    assert posted.error == error


@pytest.mark.parametrize(
    ("status", "ahead"),
    [
        (401, None),
        (401, 0.0),
        (401, 240.0),
        (401, -240.0),
        (404, HOUR),
        (410, HOUR),
        (503, -HOUR),
        (202, None),
    ],
)
def test_any_other_answer(status: int, ahead: float | None) -> None:
    posted = Posted(status, date=None if ahead is None else 1e9 + ahead).to(1e9)
    assert not posted.misdated
    assert posted.error == f"status {status}"
