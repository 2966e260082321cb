from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mediaattest import (
    base58,
    decode_multikey,
    digest_of,
    encode_multikey,
    from_multibase,
    is_hash,
    origin_of,
    to_multibase,
)
from mediaattest.jws import decode_part, encode_part
from mediaattest.strict_json import read_object, write_object

VECTORS = Path(__file__).resolve().parents[3] / "fep/vectors"


@given(st.binary(max_size=80))
def test_base58_reads_what_it_writes(data: bytes) -> None:
    assert base58.decode(base58.encode(data)) == data


@given(st.text(max_size=200))
def test_base58_has_one_text_for_each_value(text: str) -> None:
    data = base58.decode(text)
    assert data is None or base58.encode(data) == text


@pytest.mark.parametrize(  # draft-msporny-base58 section 5
    ("data", "text"),
    [
        (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
        (
            b"The quick brown fox jumps over the lazy dog.",
            "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z",
        ),
        (bytes.fromhex("0000287fb4cd"), "11233QC4"),
    ],
)
def test_base58_vectors(data: bytes, text: str) -> None:
    assert base58.encode(data) == text


def test_there_are_fourteen_spellings_of_points_of_small_order() -> None:
    """Checked by arithmetic: eight times the point is the neutral element (RFC 8032 5.1), and no other y does it."""
    prime = 2**255 - 19
    d = -121665 * pow(121666, -1, prime) % prime
    spellings = []
    for vector in json.loads((VECTORS / "multikey.json").read_text()):
        if "small order" in vector["name"]:
            key = (base58.decode(vector["input"][1:]) or b"")[2:]
            spellings.append(key)
            y = int.from_bytes(key, "little") % 2**255 % prime
            squares = (y * y - 1) * pow(d * y * y + 1, -1, prime) % prime, y * y % prime
            for _ in range(3):
                squares = doubled(*squares, d, prime)
            assert squares == (0, 1), vector["name"]
    assert len(set(spellings)) == 14
    for key in spellings:
        with pytest.raises(ValueError, match="small order"):
            encode_multikey(key)


def doubled(x2: int, y2: int, d: int, prime: int) -> tuple[int, int]:
    """The squares of the coordinates of twice a point, from those of the point (RFC 8032 5.1.4)."""
    over = d * x2 * y2 % prime
    x = 4 * x2 * y2 * pow(1 + over, -2, prime)
    y = (x2 + y2) ** 2 * pow(1 - over, -2, prime)
    return x % prime, y % prime


@given(st.binary(min_size=32, max_size=32))
def test_multikey_round_trip(key: bytes) -> None:
    assume(key.strip(b"\0"))  # the only one of small order that is ever drawn
    assert decode_multikey(encode_multikey(key)) == key
    assert encode_multikey(key).startswith("z6Mk")


@given(st.text() | st.text().map(lambda text: "z" + text))
def test_no_text_makes_a_multikey_or_a_digest_raise(text: str) -> None:
    assert decode_multikey(text) is None
    assert from_multibase(text) is None


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_another_size_is_not_encoded(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        encode_multikey(bytes(size))


@given(st.binary())
def test_digest_multibase_round_trip(data: bytes) -> None:
    digest = digest_of(data)
    assert is_hash(digest)
    assert from_multibase(to_multibase(digest)) == digest
    assert to_multibase(digest).startswith("zQm")


@pytest.mark.parametrize(
    "text", ["", "sha256:2f2d", "sha256:" + "A" * 64, "sha256:" + "a" * 64 + "\n", "md5:" + "a" * 64]
)
def test_what_is_no_hash_string(text: str) -> None:
    assert not is_hash(text)
    with pytest.raises(ValueError, match="hash"):
        to_multibase(text)


@given(st.binary())
def test_base64url_round_trip(data: bytes) -> None:
    assert decode_part(encode_part(data)) == data


@given(st.text(max_size=40))
def test_base64url_has_one_text_for_each_value(text: str) -> None:
    data = decode_part(text)
    assert data is None or base64.urlsafe_b64encode(data).decode().rstrip("=") == text


@pytest.mark.parametrize("text", ["A", "AA=", "AB", "A+AA", "A/AA", "AA\n", "A A", "é"])
def test_base64url_is_strict(text: str) -> None:
    assert decode_part(text) is None


def test_names_are_ordered_by_utf_16_code_units() -> None:  # RFC 8785 3.2.3
    written = write_object(
        {"\ufb33": 1, "\U0001f600": [True, None, {"b": "\u20ac", "a": "\x0f"}], "1": 2, "\r": 3}
    )
    assert (
        written.decode() == '{"\\r":3,"1":2,"\U0001f600":[true,null,{"a":"\\u000f","b":"\u20ac"}],"\ufb33":1}'
    )


def test_fractions_are_not_written() -> None:
    with pytest.raises(TypeError, match="fraction"):
        write_object({"a": [1.5]})


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.booleans() | st.none())))
def test_what_is_written_is_read_back(value: dict[str, object]) -> None:
    assert read_object(write_object(value)) == value


@given(st.binary())
def test_no_bytes_make_the_reader_raise(data: bytes) -> None:
    assert read_object(data) is None or isinstance(json.loads(data), dict)


@pytest.mark.parametrize(
    ("https_id", "origin"),
    [
        ("https://a.example", "https://a.example"),
        ("https://A.Example:443/x?y#z", "https://a.example"),
        ("https://a.example:8443?x", "https://a.example:8443"),
        ("https://[::1]:1/%41", "https://[::1]:1"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example"),
        ("http://a.example/", None),
        ("HTTPS://a.example/", None),
        ("https:///x", None),
        ("https://a.example:/", None),
        ("https://a.example:0443/", None),
        ("https://a.example@b.example/", None),
        ("https://a.example\\@b.example/", None),
        ("https://a.example/a b", None),
        ("https://a.example/%zz", None),
        ("https://a.example/#a#b", None),
        ("https://bücher.example/", None),
        ("https://a.example/\n", None),
        ("", None),
    ],
)
def test_origins(https_id: str, origin: str | None) -> None:
    assert origin_of(https_id) == origin


@given(st.text() | st.text().map(lambda text: "https://" + text))
def test_an_origin_is_its_own_origin(text: str) -> None:
    origin = origin_of(text)
    assert origin is None or origin_of(origin) == origin
