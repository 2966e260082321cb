from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.protocol.httpdate import http_date, parse_http_date


@given(st.integers(0, 253_402_300_799))
def test_what_is_written_is_read(now: int) -> None:
    assert parse_http_date(http_date(now)) == now


@given(
    st.text() | st.from_regex(r"Sat, [0-9]{2} Feb [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT", fullmatch=True)
)
def test_total(text: str) -> None:
    found = parse_http_date(text)
    assert found is None or isinstance(found, float)


@pytest.mark.parametrize("text", ["Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])
def test_obsolete_forms_are_not_read(text: str) -> None:
    assert parse_http_date(text) is None


def test_the_example_of_rfc_9110() -> None:
    assert parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777
    assert parse_http_date("Sun, 06 Nov 1994 08:49:60 GMT") == 784111777 + 22
