from __future__ import annotations

import http_sf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.protocol.sfields import byte_sequence, integer, parse_dictionary, string

KEYS = st.from_regex(r"[a-z*][a-z0-9_.*-]{0,5}", fullmatch=True)
BARE = (
    st.integers(-(10**15) + 1, 10**15 - 1)
    | st.decimals(-(10**11), 10**11, places=2)
    | st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=8)
    | st.binary(max_size=8)
    | st.booleans()
    | st.from_regex(r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]{0,5}", fullmatch=True).map(http_sf.Token)
)
PARAMETERS = st.dictionaries(KEYS, BARE, max_size=3)
PLAIN = st.tuples(BARE, st.just({}))
MEMBERS = st.tuples(st.lists(PLAIN, max_size=4), PARAMETERS) | st.tuples(BARE, PARAMETERS)


@given(st.dictionaries(KEYS, MEMBERS, min_size=1, max_size=4))
def test_what_http_sf_writes_is_read_and_written_the_same(members: dict[str, object]) -> None:
    text = http_sf.ser(members)
    found = parse_dictionary(text)
    assert found is not None
    assert [name for name, _ in found] == list(members)
    written = [
        name + ("=" + member.text if member.value is None else _bare(member.value, member.parameters))
        for name, member in found
    ]
    assert ", ".join(written) == text


def _bare(value: str, parameters: dict[str, str]) -> str:
    tail = "".join(f";{name}" + ("" if one == "?1" else f"={one}") for name, one in parameters.items())
    return tail if value == "?1" else f"={value}{tail}"


@given(st.text() | st.text(alphabet='ab=();:" ,?1.-\\\tA', max_size=24))
def test_total_and_never_more_than_http_sf_reads(text: str) -> None:
    found = parse_dictionary(text)
    if found is not None:
        theirs = http_sf.parse(text.encode(), tltype="dictionary")
        assert list(dict(found)) == list(theirs)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ",",
        "a,",
        "a,,b",
        "a b",
        "A=1",
        "1=1",
        "a=",
        "a=()b",
        "a=(1 2",
        "a=(1,2)",
        "a=(1\t2)",
        'a=("1""2")',
        "a=((1))",
        'a="',
        'a="\\x"',
        'a="ü"',
        "a=:A:",
        "a=:AA=A:",
        "a=:%%:",
        "a=?2",
        "a=1.",
        "a=1.2345",
        "a=1234567890123456",
        "a=1234567890123.1",
        "a=--1",
        "a=@1",
        "a;=1",
        "a;b=",
        "a;B",
        "a ;b",
        'a=("x";b=:A:)x',
        "a=(:A:)",
        "a;b=:A:",
        "é",
        "a\n",
        "a=" + "1" * 9000,
    ],
)
def test_what_is_no_dictionary(text: str) -> None:
    assert parse_dictionary(text) is None


def test_items_are_written_as_the_rfc_writes_them() -> None:
    text = 'a=( "x"  "y" );n=007;m=-0;d=-0.50;e=-0.0;f=-1.0;b=:AAA=:;t=*x/y;y=?1;z=?0;y=?1;w; v="\\"\\\\"'
    [(_, member)] = parse_dictionary(text) or []
    assert member.text == ('("x" "y");n=7;m=0;d=-0.5;e=0.0;f=-1.0;b=:AAA=:;t=*x/y;y;z=?0;w;v="\\"\\\\"')
    assert string(member.parameters["v"]) == '"\\'
    assert integer(member.parameters["n"]) == 7
    assert byte_sequence(member.parameters["b"]) == b"\0\0"
    for name in ("d", "t", "y", "b"):
        assert integer(member.parameters[name]) is None
        assert string(member.parameters[name]) is None
    assert string(None) is integer(None) is byte_sequence(None) is None
    assert byte_sequence("1") is None


def test_members_in_their_order_with_their_repeats() -> None:
    found = parse_dictionary('  a=1\t, b ,a=("x";p "y"),c=:: ')
    assert found is not None
    assert [(name, member.value, member.items) for name, member in found] == [
        ("a", "1", ()),
        ("b", "?1", ()),
        ("a", None, (('"x"', True), ('"y"', False))),
        ("c", "::", ()),
    ]
