"""Lists of servers as Mastodon writes them, and as people do."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay.domain import blocklist
from relay.domain.blocklist import Effect
from relay.domain.errors import Malformed
from relay.protocol import blockcsv
from relay.protocol.blockcsv import read_mastodon_csv

MASTODON = b"""\
#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate
bad.domain,silence,false,false,bad,false
worse.domain,suspend,true,true,"worse, and more",true
reject.media,noop,true,false,reject media,false
"""


def effects(content: bytes) -> dict[str, Effect]:
    return {server: entry.effect for server, entry in read_mastodon_csv(content).entries.items()}


def test_an_export_of_mastodon() -> None:
    found = read_mastodon_csv(MASTODON).entries
    assert {name: entry.effect.value for name, entry in found.items()} == {
        "bad.domain": "observe",
        "worse.domain": "block",
        "reject.media": "observe",
    }
    assert found["worse.domain"].comment == "worse, and more"
    assert found["reject.media"].severity == "noop"


@pytest.mark.parametrize(
    "content",
    [
        b"domain\nworse.domain\n",
        b"worse.domain\n",
        b"\xef\xbb\xbf# a comment\r\n\r\nWorse.Domain.\r\n",
        b"severity,domain\nsuspend,worse.domain\n",
        b"domain,severity\nworse.domain,\n",
        b"domain,severity\nworse.domain\n",
        b"domain\n*.worse.domain\n",
        b"domain,severity\nworse.domain,silence\nworse.domain,suspend\nworse.domain,silence\n",
    ],
)
def test_other_ways_to_write_the_same(content: bytes) -> None:
    assert effects(content) == {"worse.domain": Effect.BLOCK}


def test_names_that_cannot_be_matched_are_counted() -> None:
    text = "domain\nb*d.domain\nx.ba*.domain\nno dots\ncom\nhttps://a.test/\na.test\nb.test\nc.test\nb\u00fccher.test\n"
    found = read_mastodon_csv(text.encode())
    assert set(found.entries) == {"a.test", "b.test", "c.test", "xn--bcher-kva.test"}
    assert (found.obfuscated, found.unusable) == (2, 3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n \n",
        b"name,reason\na.test,spam\n",
        b"<!DOCTYPE html>\n<html>\n<title>Sign in</title>\n",
        b"domain\n<html>\n<p>\n",
        b"\xff\xfed\x00o\x00",
        b"domain\n\xc3\x28\n",
        b'domain\n"' + b"x" * 200_000,
        b"\0",
    ],
)
def test_what_is_no_list_is_malformed(content: bytes) -> None:
    with pytest.raises(Malformed) as error:
        read_mastodon_csv(content)
    assert error.value.code == "bad-list"


def test_a_list_without_end_is_malformed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blockcsv, "MOST_ENTRIES", 10)
    assert blocklist.MOST_ENTRIES > 100_000
    with pytest.raises(Malformed):
        read_mastodon_csv("".join(f"s{n}.test\n" for n in range(11)).encode())


@given(st.binary(max_size=300))
@example(b'"')
@example(b"domain\n\x85a.test")
def test_any_bytes_are_a_list_or_malformed(content: bytes) -> None:
    try:
        found = read_mastodon_csv(content)
    except Malformed:
        return
    assert all(server == entry.server and "." in server for server, entry in found.entries.items())


@given(
    st.lists(st.tuples(st.from_regex(r"[a-z]{1,8}\.test", fullmatch=True), st.text(max_size=20)), min_size=1)
)
def test_what_was_written_is_read(rows: list[tuple[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["domain", "public_comment"])
    writer.writerows((name, comment.replace("\0", "")) for name, comment in rows)
    assert set(read_mastodon_csv(text.getvalue().encode("utf-8", "replace")).entries) >= {rows[0][0]}
