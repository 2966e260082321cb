from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.errors import Malformed
from relay.domain.strictjson import MAX_DEPTH, MAX_INTEGER, loads
from tests.unit.captured import CAPTURES

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30
)


@given(
    value=VALUES,
    indent=st.sampled_from([None, 1, "\t"]),
    is_ascii=st.booleans(),
    colon=st.sampled_from([":", " : ", "\n:", "\t:\r"]),
)
def test_agrees_with_the_standard_library_on_what_it_accepts(
    value: Any, indent: int | str | None, *, is_ascii: bool, colon: str
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii, separators=(",", colon))
    assert loads(text.encode()) == json.loads(text) == value


@given(st.binary() | st.text(alphabet='{}[]":,\\ 0123456789eE+-.aun\n').map(str.encode))
def test_total_on_any_bytes(body: bytes) -> None:
    try:
        value = loads(body)
    except Malformed:
        return
    assert value == json.loads(body)


@given(st.dictionaries(st.text(), st.integers(0, 9), min_size=1), st.data())
def test_a_repeated_name_is_always_found(members: dict[str, int], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(sorted(members)))
    pairs = [*members.items(), (again, 1)]
    body = "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in pairs) + "}"
    assert code_of(body.encode()) == "json-duplicate-name"


def code_of(body: bytes) -> str:
    with pytest.raises(Malformed) as caught:
        loads(body)
    return caught.value.code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[" * 10_000 + b"]" * 10_000, "json-depth"),
        (b"[" * 1_000_000, "json-depth"),
        (b'{"a":' * 10_000, "json-depth"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "json-depth"),
        (b"[1" + b"0" * 4999 + b"]", "json-number"),
        (b"[9007199254740993]", "json-number"),
        (b"-9007199254740993", "json-number"),
        (b"[123456789012345678901234567890]", "json-number"),
        (b"123456789012345678901234567890", "json-number"),
        (b"[NaN]", "json-syntax"),
        (b"[Infinity]", "json-syntax"),
        (b"[1e999]", "json-number"),
        (b'{"actor":"a","actor":"b"}', "json-duplicate-name"),
        (b'{"actor":"a","\\u0061ctor":"b"}', "json-duplicate-name"),
        (b'{"a":{"b":1,"b" :2}}', "json-duplicate-name"),
        ('{"a":1}'.encode("utf-16"), "json-encoding"),
        ('{"a":1}'.encode("utf-16-le"), "json-syntax"),
        (b'"\\ud800"', "json-surrogate"),
        (b'"\\udc00\\ud800"', "json-surrogate"),
        (b'"\xed\xa0\x80"', "json-encoding"),
        (b"\xef\xbb\xbf{}", "json-encoding"),
        (b'"\xff"', "json-encoding"),
        (b"", "json-syntax"),
        (b"{} {}", "json-syntax"),
        (b'["\x01"]', "json-syntax"),
    ],
)
def test_row_32_what_readers_understand_differently_is_refused(body: bytes, code: str) -> None:
    assert code_of(body) == code


@pytest.mark.parametrize(
    "body",
    [
        b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
        b"[9007199254740992]",
        b"[1e20,1.5e+300,1234567890123456789.5,1234567890123456789e3]",
        b'{"a":":","b":"\\":","c":"\\\\","d":"x :"}',
        b'{"a":[{"a":1},{"a":1}]}',
        b'"\\ud83d\\ude00"',
        b"1e300",
        b"true",
    ],
)
def test_what_has_one_meaning_is_accepted(body: bytes) -> None:
    assert loads(body) == json.loads(body)


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
def test_real_servers_write_strict_json(capture: Any) -> None:
    assert loads(capture.body) == json.loads(capture.body)
