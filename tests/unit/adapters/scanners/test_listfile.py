"""List files: what is read, and every way in which a line can be wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.adapters.scanners.listfile import list_version, read_list, write_csv
from relay.domain.hashlist import HEX_LENGTH, HashAlgorithm, ListEntry

HEADER = b"algorithm,value,category,source,note\n"
MD5 = "0123456789abcdef" * 2


def read(text: str | bytes, *, category: str = "") -> tuple[list[ListEntry], list[tuple[int, str]]]:
    content = text.encode() if isinstance(text, str) else text
    found = read_list(content.splitlines(keepends=True), category=category)
    return list(found.entries), [(error.line, error.message) for error in found.errors]


def csv_of(*rows: str) -> bytes:
    return HEADER + "".join(row + "\n" for row in rows).encode()


@pytest.mark.parametrize("algorithm", HashAlgorithm)
def test_every_algorithm_is_read_and_lower_cased(algorithm: HashAlgorithm) -> None:
    value = "ABCDEF0123456789" * (HEX_LENGTH[algorithm] // 16) + "A" * (HEX_LENGTH[algorithm] % 16)
    entries, errors = read(csv_of(f" {algorithm.upper()} , {value} ,csam,src,a note"))
    assert entries == [ListEntry(algorithm, value.lower(), "csam", "src", "a note")]
    assert errors == []


@pytest.mark.parametrize("algorithm", HashAlgorithm)
@pytest.mark.parametrize("change", [-1, 1])
def test_values_have_the_length_of_their_algorithm(algorithm: HashAlgorithm, change: int) -> None:
    length = HEX_LENGTH[algorithm]
    expected = [(2, f"a {algorithm} value has {length} hexadecimal digits")]
    assert read(csv_of(f"{algorithm},{'a' * (length + change)},csam,,")) == ([], expected)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"crc32,{MD5},csam,,", "unknown algorithm 'crc32'"),
        (f",{MD5},csam,,", "no algorithm"),
        (f"md5,{'g' * 32},csam,,", "a md5 value has 32 hexadecimal digits"),
        (f"md5,{'٣' * 32},csam,,", "a md5 value has 32 hexadecimal digits"),
        ("md5,,csam,,", "a md5 value has 32 hexadecimal digits"),
        (f"md5,{MD5},,,", "no category"),
        (f"md5,{MD5},csam", "3 fields where 5 belong"),
        (f"md5,{MD5},csam,,,", "6 fields where 5 belong"),
        (f'md5,{MD5},csam,,"a"b', "not CSV: ',' expected after '\"'"),
    ],
)
def test_a_wrong_line_of_csv_is_reported_and_the_next_is_read(row: str, message: str) -> None:
    entries, errors = read(csv_of(row, "", f"md5,{MD5},csam,,"))
    assert errors == [(2, message)]
    assert [entry.value for entry in entries] == [MD5]


def test_all_errors_are_reported_with_their_lines() -> None:
    rows = ["x,y,z,,", f"md5,{MD5},csam,,", "md5,1,csam,,", '"a\nb",1,c,,', "md5,2,csam,,"]
    assert [line for line, _ in read(csv_of(*rows))[1]] == [2, 4, 5, 7]


def test_broken_utf8_is_reported_with_its_line() -> None:
    content = csv_of(f"md5,{MD5},csam,,") + b"md5,\xff\xfe,csam,,\n" + f"sha1,{'a' * 40},csam,,é\n".encode()
    entries, errors = read(content)
    assert errors == [(3, "not UTF-8")]
    assert entries[1].note == "é"


def test_an_unclosed_quote_at_the_end_is_an_error() -> None:
    assert read(csv_of(f'md5,{MD5},csam,,"open'))[1] == [(2, "not CSV: unexpected end of data")]


def test_an_overlong_field_is_an_error_and_the_next_line_is_read() -> None:
    entries, errors = read(csv_of("md5," + "a" * 200_000 + ",csam,,", f"md5,{MD5},csam,,"))
    assert [line for line, _ in errors] == [2]
    assert len(entries) == 1


@pytest.mark.parametrize(
    "header", ["value,algorithm,category,source,note", "md5," + MD5 + ",csam,,", "algorithm"]
)
def test_another_header_stops_the_reading(header: str) -> None:
    expected = [(1, "the header is not algorithm,value,category,source,note")]
    assert read(f"{header}\nmd5,{MD5},csam,,\n") == ([], expected)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_an_error(content: bytes) -> None:
    assert read(content) == ([], [(1, "the file is empty")])


def test_a_header_alone_is_an_empty_list() -> None:
    assert read(HEADER) == ([], [])


def test_byte_order_mark_and_windows_line_ends_are_read() -> None:
    content = b"\xef\xbb\xbf" + csv_of(f"md5,{MD5},csam,,").replace(b"\n", b"\r\n")
    assert read(content) == ([ListEntry(HashAlgorithm.MD5, MD5, "csam")], [])


def test_the_category_of_the_list_stands_in_for_none() -> None:
    entries, errors = read(csv_of(f"md5,{MD5},,,", f"sha1,{'a' * 40},own,,"), category="csam")
    assert [entry.category for entry in entries] == ["csam", "own"]
    assert errors == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('"x"', "not a JSON object"),
        ('{"algorithm": "md5", "value": "' + MD5 + '", "categories": "c"}', "unknown field 'categories'"),
        ('{"algorithm": "md5", "value": 7, "category": "c"}', "value is not a string"),
        ('{"value": "' + MD5 + '", "category": "c"}', "no algorithm"),
        ('{"algorithm": "md5", "category": "c"}', "a md5 value has 32 hexadecimal digits"),
        ('{"algorithm": "md5", "value": "' + MD5 + '"}', "no category"),
    ],
)
def test_a_wrong_line_of_json_is_reported_and_the_next_is_read(line: str, message: str) -> None:
    good = '{"algorithm": "md5", "value": "' + MD5 + '", "category": "c", "source": "s", "note": "n"}'
    entries, errors = read(f"{good}\n\n{line}\n{good.replace('md5', 'MD5').replace('0123', 'FFFF')}\n")
    assert errors == [(3, message)]
    assert entries[0] == ListEntry(HashAlgorithm.MD5, MD5, "c", "s", "n")
    assert entries[1].value.startswith("ffff")


def test_duplicates_are_counted_and_kept_once() -> None:
    rows = [f"md5,{MD5},csam,,", f"md5,{MD5.upper()},other,,", f"phash,{MD5[:16]},csam,,"]
    found = read_list(csv_of(*rows).splitlines(keepends=True))
    assert (len(found.entries), found.duplicates) == (2, 1)


def test_100_000_entries_are_read_in_one_go() -> None:
    rows = (f"sha256,{number:064x},csam,,\n".encode() for number in range(100_000))
    found = read_list(line for lines in ([HEADER], rows) for line in lines)
    assert (len(found.entries), found.errors, found.duplicates) == (100_000, (), 0)


def test_the_version_depends_on_entries_and_not_on_order_or_format() -> None:
    one, other = ListEntry(HashAlgorithm.MD5, MD5, "a"), ListEntry(HashAlgorithm.MD5, "f" * 32, "b")
    assert list_version([one, other]) == list_version([other, one])
    assert list_version([one]) != list_version([one, other])
    assert list_version([one]) != list_version([ListEntry(HashAlgorithm.MD5, MD5, "b")])
    assert read_list(csv_of(f"md5,{MD5},a,,").splitlines(keepends=True)).version == list_version([one])


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20).map(str.strip)


@given(
    st.lists(
        st.builds(ListEntry, st.just(HashAlgorithm.MD5), st.just(MD5), TEXT.filter(bool), TEXT, TEXT),
        max_size=1,
    )
)
def test_what_is_written_is_read(entries: list[ListEntry]) -> None:
    content = "".join(write_csv(entries)).encode()
    found = read_list(content.splitlines(keepends=True))
    assert found.errors == ()
    assert list(found.entries) == entries


@given(st.binary(max_size=200))
def test_no_bytes_raise(content: bytes) -> None:
    for start in (b"", HEADER, b'{"algorithm": "md5"}\n'):
        found = read_list((start + content).splitlines(keepends=True))
        assert all(error.line >= 1 for error in found.errors)
