from __future__ import annotations

import http_sf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaattest import format_header, from_data_url, parse_header, to_data_url
from mediaattest.header import MAX_BYTES, MAX_TOKENS

from .samples import attest

part = st.text("ABCabc019-_", min_size=1, max_size=400)
tokens = st.builds(lambda *parts: ".".join(parts), part, part, part)


@given(st.lists(tokens, max_size=9))
def test_what_is_written_is_read_back_up_to_the_cap(sent: list[str]) -> None:
    value = format_header(sent)
    received = parse_header(value)
    assert received == tuple(sent[: len(received)])
    assert len(value) <= MAX_BYTES
    assert len(received) <= MAX_TOKENS
    left_out = sent[len(received) : len(received) + 1]
    assert not left_out or len(received) == 7 or len(value) + len(left_out[0]) + 4 > MAX_BYTES


@given(st.lists(tokens, min_size=1, max_size=7))
def test_a_full_parser_of_structured_fields_reads_the_same(sent: list[str]) -> None:
    value = format_header(sent)
    members = http_sf.parse(value.encode(), tltype="list")
    assert [member for member, parameters in members if not parameters] == list(parse_header(value))


@given(st.text() | st.lists(st.sampled_from(['"', ",", " ", "\t", "a.b.c", "\\", ";", "="])).map("".join))
def test_no_value_raises_and_what_is_read_is_well_formed(value: str) -> None:
    received = parse_header(value)
    if received:
        assert [member for member, _ in http_sf.parse(value.encode(), tltype="list")] == list(received)
    assert all(from_data_url(to_data_url(token)) == token for token in received)


def test_nothing_to_send_gives_no_header() -> None:
    assert not format_header([])


@pytest.mark.parametrize("token", ["", "hello", 'a.b."', attest()])
def test_only_compact_jws_can_be_sent(token: str) -> None:
    with pytest.raises(ValueError, match="JWS"):
        format_header([token])


@pytest.mark.parametrize("jws", ["", "a.b", "a.b.c.d", "a.b.c=", "a..c", "a.b." + "c" * 2030])
def test_only_compact_jws_becomes_an_attestation(jws: str) -> None:
    with pytest.raises(ValueError, match="JWS"):
        to_data_url(jws)
