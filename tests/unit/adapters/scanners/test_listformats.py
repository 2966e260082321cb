"""Lists as other systems export them, of any size, and going on in the middle of one."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.adapters.scanners.jsonitems import LARGEST, JsonItems, NotJson
from relay.adapters.scanners.listfile import LineError, ListReader, Place
from relay.adapters.scanners.listrows import Reading, Unused
from relay.domain.hashlist import BENIGN_ALGORITHMS, HashAlgorithm, ListChange, ListEntry

MD5, PDQ = "0123456789abcdef" * 2, "0123456789abcdef" * 4
READING = Reading("csam")
HEADER = "algorithm,value,category,source,note\n"


def read(content: str | bytes, reading: Reading = READING) -> list[ListChange | LineError | Unused]:
    raw = content.encode() if isinstance(content, str) else content
    return list(ListReader(io.BytesIO(raw), reading))


def change(
    algorithm: str, value: str, source: str = "", note: str = "", *, removed: bool = False
) -> ListChange:
    return ListChange(ListEntry(HashAlgorithm(algorithm), value, "csam", source, note), removed)


def update(kind: str, value: str, **more: object) -> dict[str, object]:
    """An item of ThreatExchange's `threat_updates`."""
    opinion = {"id": "1", "owner": {"id": "2"}, "status": "MALICIOUS", "tags": ["b_tag", "a_tag"]}
    item = {"id": "7", "indicator": value, "type": kind, "last_updated": 1, "should_delete": False}
    return {**item, "descriptors": {"data": [opinion]}, **more}


# -------------------------------------------------------------------- ThreatExchange


def test_a_page_of_threat_updates() -> None:
    harmless = {"data": [{"status": "NON_MALICIOUS", "tags": []}]}
    page = {
        "data": [
            update("HASH_PDQ", PDQ.upper()),
            update("HASH_MD5", MD5, should_delete=True),
            update("HASH_MD5", MD5[::-1], descriptors={"data": []}),
            update("HASH_SHA1", "a" * 40, descriptors=harmless),
            update("HASH_TMK", "x"),
            update("HASH_MD5", "short"),
        ],
        "paging": {"next": "https://graph.facebook.com/next", "cursors": {"after": "x"}},
    }
    assert read(json.dumps(page)) == [
        change("pdq", PDQ, "threatexchange", "a_tag b_tag"),
        change("md5", MD5, "threatexchange", "a_tag b_tag", removed=True),
        change("md5", MD5[::-1], "threatexchange", removed=True),
        Unused("NON_MALICIOUS"),
        Unused("HASH_TMK"),
        LineError(1, "a md5 value has 32 hexadecimal digits"),
    ]


def test_several_pages_in_one_file_and_other_orders_of_keys() -> None:
    first = json.dumps({"data": [update("HASH_MD5", MD5)]}, indent=2)
    second = json.dumps({"paging": {}, "data": [update("HASH_MD5", MD5[::-1])]})
    found = read(f"{first}\n{second}\n")
    assert [one.entry.value for one in found if isinstance(one, ListChange)] == [MD5, MD5[::-1]]


def test_descriptors_with_the_indicator_inside() -> None:
    descriptor = {"indicator": {"indicator": MD5, "type": "HASH_MD5"}, "status": "UNKNOWN"}
    raw = {"raw_indicator": PDQ, "type": "HASH_PDQ", "tags": {"data": [{"text": "t"}, {"id": 1}, 3]}}
    assert read(json.dumps([descriptor, raw])) == [
        change("md5", MD5, "threatexchange"),
        change("pdq", PDQ, "threatexchange", "t"),
    ]


def test_the_csv_of_the_threatexchange_command() -> None:
    rows = (
        "signal_type,signal_str,collab,category,tags\n"
        f"pdq,{PDQ},Ours,POSITIVE_CLASS,a b\n"
        f"video_md5,{MD5},Ours,NEGATIVE_CLASS,\n"
        "raw_text,some words,Ours,POSITIVE_CLASS,\n"
        f"video_md5,{MD5},Ours,INVESTIGATION_SEED,\n"
        "pdq,x,Ours,POSITIVE_CLASS\n"
    )
    assert read(rows) == [
        change("pdq", PDQ, "Ours", "a b"),
        Unused("NEGATIVE_CLASS"),
        Unused("raw_text"),
        change("md5", MD5, "Ours"),
        LineError(6, "4 fields where 5 belong"),
    ]


# -------------------------------------------------------------------- HMA


def test_contents_of_a_bank() -> None:
    contents = [{"id": 4, "signals": {"pdq": PDQ, "video_md5": MD5, "vpdq": "[]"}}, {"signals": {}}]
    lines = "".join(json.dumps(one) + "\n" for one in contents)
    expected = [change("pdq", PDQ, note="content 4"), change("md5", MD5, note="content 4"), Unused("vpdq")]
    assert read(json.dumps(contents)) == read(lines) == expected


def test_lines_that_begin_with_a_hash() -> None:
    reading = Reading("csam", HashAlgorithm.PDQ)
    lines = f"{PDQ},2880742865368386,2020-07-31T18:47:52+0000,tag_a tag_b\n\n{PDQ[::-1]}\n"
    assert read(lines, reading) == [change("pdq", PDQ, note="tag_a tag_b"), change("pdq", PDQ[::-1])]
    told = "64 digits can be sha256 or pdq: say which with --algorithm"
    assert read(lines) == [LineError(1, told), LineError(3, told)]
    assert read(f"{MD5}\nabc\n") == [
        change("md5", MD5),
        LineError(2, "no hash that we know has so many digits"),
    ]


def test_lines_with_a_type_and_a_hash() -> None:
    assert read(f"pdq {PDQ}\nvideo_md5 {MD5}\ntlsh abcdef0123456789\n") == [
        change("pdq", PDQ),
        change("md5", MD5),
        Unused("tlsh"),
    ]


# -------------------------------------------------------------------- ours


def test_an_entry_can_be_taken_back() -> None:
    item = {"algorithm": "md5", "value": MD5, "removed": True}
    assert read(json.dumps(item)) == [change("md5", MD5, removed=True)]
    assert read(json.dumps({**item, "removed": "yes"})) == [LineError(1, "removed is not true or false")]


def test_a_list_may_be_for_some_algorithms_only() -> None:
    reading = Reading("benign", None, BENIGN_ALGORITHMS)
    found = read(f"{HEADER}md5,{MD5},,,\npdq,{PDQ},,,\n", reading)
    assert found[0] == LineError(2, "md5 is not for a list of this kind")
    assert isinstance(found[1], ListChange)


def test_rows_of_nothing_but_commas_are_nothing() -> None:
    assert read(f"{HEADER},,,,\n , ,,,\nmd5,{MD5},,,\n") == [change("md5", MD5)]


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}{MD5},md5,,,\n",
        f"{HEADER}{PDQ},{MD5},,,\n",
        f"{HEADER}md5,{PDQ},,,\n",
        f"{HEADER}md5,{MD5}{MD5}0,,,\n",
        json.dumps({MD5: "x", "algorithm": "md5"}) + "\n",
        json.dumps({"algorithm": PDQ, "value": MD5}) + "\n",
        json.dumps({"indicator": MD5 + "0", "type": "HASH_MD5", "status": "x"}),
        json.dumps({"indicator": "x", "type": MD5, "status": "x"}),
        json.dumps({"signals": {MD5: PDQ}}),
        f"value,{MD5}\n",
    ],
)
def test_no_message_shows_an_entry(content: str) -> None:
    [found] = read(content)
    assert isinstance(found, LineError | Unused)
    assert MD5[:8] not in repr(found)


# -------------------------------------------------------------------- any size, and going on


def documents() -> dict[str, bytes]:
    entries = [{"algorithm": "md5", "value": f"{number:032x}", "note": "é\n"} for number in range(40)]
    pages = [
        {"data": [update("HASH_MD5", f"{n:032x}") for n in range(s, s + 20)], "next": s} for s in (0, 20)
    ]
    bank = [{"id": n, "signals": {"pdq": PDQ, "md5": f"{n:032x}", "tlsh": "x"}} for n in range(20)]
    quoted = "".join(f'md5,{number:032x},"a, ""b""",,"two\nlines"\n' for number in range(40))
    return {
        "csv": f"{HEADER}{quoted}".encode(),
        "csv, windows": b"\xef\xbb\xbf" + f"{HEADER}{quoted}".replace("\n", "\r\n").encode(),
        "json lines": "".join(json.dumps(one) + "\n" for one in entries).encode(),
        "array": json.dumps(entries, ensure_ascii=False, indent=1).encode(),
        "pages": b"\n".join(json.dumps(page).encode() for page in pages),
        "bank": json.dumps(bank).encode(),
        "bank, lines": "".join(json.dumps(one) + "\n" for one in bank).encode(),
        "bare": "".join(f"{number:032x},1,2,a b\n" for number in range(40)).encode(),
    }


@pytest.mark.parametrize("sort", documents())
def test_reading_goes_on_after_any_item(sort: str) -> None:
    """From wherever it stood, what was read before and what is read then are the whole, nothing twice."""
    content = documents()[sort]
    reader = ListReader(io.BytesIO(content), READING)
    whole, places = list[object](), [Place()]
    for found in reader:
        whole.append(found)
        places.append(reader.place)
    assert sum(isinstance(one, ListChange) for one in whole) == 40
    for read_so_far, place in enumerate(places):
        if place.offset == 0 or (read_so_far < len(whole) and places[read_so_far + 1] == place):
            continue  # in the middle of an item: the place is that of the one before
        file = io.BytesIO(content)
        file.seek(place.offset)
        rest = list(ListReader(file, READING, place))
        assert whole[:read_so_far] + rest == whole or place == places[read_so_far - 1]


def test_places_are_kept_between_the_hashes_of_one_item() -> None:
    reader = ListReader(io.BytesIO(documents()["bank"]), READING)
    items = iter(reader)
    next(items)
    assert reader.place == Place()
    next(items)
    next(items)
    assert reader.place.offset > 0


def test_lines_are_counted_across_documents_and_after_going_on() -> None:
    content = json.dumps([{"algorithm": "md5", "value": n} for n in ("x", "y")], indent=1).encode()
    found = [one.line for one in read(content) if isinstance(one, LineError)]
    reader = ListReader(io.BytesIO(content), READING)
    next(iter(reader))
    file = io.BytesIO(content)
    file.seek(reader.place.offset)
    again = [one.line for one in ListReader(file, READING, reader.place) if isinstance(one, LineError)]
    assert (len(found), again) == (2, found[1:])
    assert found[0] < found[1] < content.count(b"\n") + 1


def test_a_document_of_many_blocks_is_read_item_by_item() -> None:
    item = json.dumps({"algorithm": "md5", "value": MD5, "note": "n" * 1_000})

    class Endless(io.RawIOBase):
        """An array of 40,000 items, 40 MB, none of which exists before it is read."""

        def __init__(self) -> None:
            self.parts = iter(["[" + item, *[f",{item}"] * 39_999, "]"])
            self.held = b""
            self.most = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            while len(self.held) < len(buffer) and (part := next(self.parts, "")):
                self.held += part.encode()
            taken, self.held = self.held[: len(buffer)], self.held[len(buffer) :]
            buffer[: len(taken)] = taken
            return len(taken)

    reader = ListReader(io.BufferedReader(Endless(), 1 << 16), READING)
    assert sum(isinstance(one, ListChange) for one in reader) == 40_000


@pytest.mark.parametrize(
    "content",
    [
        "[1, 2",
        '{"data": [1]',
        '{"data": [1], ?}',
        '{"data"',
        "[1}",
        "[{]",
        "nonsense",
        '["\xff"]',
        "[" + " " * 10 + '"' + "x" * (LARGEST + (2 << 20)),
    ],
    ids=range(9),
)
def test_what_is_no_json_ends_the_reading(content: str) -> None:
    with pytest.raises(NotJson):
        list(JsonItems(io.BytesIO(content.encode("latin-1"))))


def test_a_broken_document_is_one_error_and_says_where() -> None:
    content = '[\n{"algorithm": "md5", "value": "' + MD5 + '"},\nbroken]'
    assert read(content) == [change("md5", MD5), LineError(3, "not JSON from here on")]


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"[", b'{"data": [', HEADER.encode(), b"pdq 00", b"{}\n"])
)
@settings(deadline=None)
def test_no_bytes_raise_and_every_place_can_be_gone_on_from(content: bytes, start: bytes) -> None:
    reader = ListReader(io.BytesIO(start + content), READING)
    for _ in reader:
        assert 0 <= reader.place.offset <= len(start + content)


@given(st.lists(st.integers(0, 1 << 64), max_size=30), st.integers(0, 3))
@settings(deadline=None)
def test_items_of_any_layout(numbers: list[int], layout: int) -> None:
    content = [
        json.dumps(numbers),
        json.dumps(numbers, indent=3),
        json.dumps({"data": numbers, "paging": {"a": [1, {"b": "]}"}]}}),
        "\n".join(map(str, numbers)),
    ][layout]
    assert list(JsonItems(io.BytesIO(content.encode()))) == numbers
