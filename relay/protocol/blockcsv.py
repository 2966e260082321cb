"""Blocklists as Mastodon exports and imports them, and plain lists of names.

`#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate`, each name with or without its `#`, in any
order, of which only the first is needed; or one name a line without any header. What `severity` says decides: `suspend`
(also when it is empty, as in Mastodon's own import, and in lists of names only) blocks; `silence`, `limit`, `noop` and
words that nobody knows limit what people see on one server and say nothing against relaying, so they are observed.

Source: Mastodon, `app/controllers/admin/export_domain_blocks_controller.rb` and the fixtures of its tests.
"""

from __future__ import annotations

import csv
import io
from itertools import chain
from typing import TYPE_CHECKING, Final

from relay.domain.blocklist import MOST_ENTRIES, Effect, ListedServer, ReadList, listed_name
from relay.domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BLOCKING: Final = frozenset({"", "suspend"})
_COMMENT: Final = 500
"""Characters of a public comment that are kept."""


def read_mastodon_csv(content: bytes) -> ReadList:
    """The entries of a list. Raises `Malformed` (`bad-list`) for what is no list: other text, HTML, nothing at all.

    Names with `*` inside were made unreadable on purpose: they are counted and cannot be matched.
    """
    rows: Iterator[list[str]] = _rows(content)
    header = next(rows, None)
    if header is None:
        raise _bad("The list is empty.")
    columns = {name.strip().lower().removeprefix("#"): place for place, name in enumerate(header)}
    if "domain" not in columns and len(header) == 1:
        columns, rows = {"domain": 0}, chain([header], rows)
    if "domain" not in columns:
        raise _bad("The list has no column `domain`.")
    entries: dict[str, ListedServer] = {}
    obfuscated = unusable = 0
    for row in rows:
        text = _cell(row, columns, "domain")
        if "*" in text.removeprefix("*."):
            obfuscated += 1
        elif server := listed_name(text):
            _put(entries, _entry(server, row, columns))
        elif text and not text.startswith("#"):
            unusable += 1
    if unusable > len(entries):
        raise _bad("Most lines of this are no server names.")
    return ReadList(entries, obfuscated, unusable)


def _put(entries: dict[str, ListedServer], entry: ListedServer) -> None:
    """Keep an entry; of two about one server that which blocks."""
    known = entries.get(entry.server)
    if known is None or known.effect is Effect.OBSERVE:
        entries[entry.server] = entry
    if len(entries) > MOST_ENTRIES:
        raise _bad(f"The list names more than {MOST_ENTRIES:,} servers.")


def _cell(row: Sequence[str], columns: dict[str, int], name: str) -> str:
    place = columns.get(name)
    return row[place].strip() if place is not None and len(row) > place else ""


def _entry(server: str, row: Sequence[str], columns: dict[str, int]) -> ListedServer:
    severity = _cell(row, columns, "severity").lower()
    effect = Effect.BLOCK if severity in _BLOCKING else Effect.OBSERVE
    comment = _cell(row, columns, "public_comment")[:_COMMENT]
    return ListedServer(server, effect, severity or "suspend", comment)


def _rows(content: bytes) -> Iterator[list[str]]:
    """The rows that hold anything. Raises `Malformed`."""
    if b"\0" in content:
        raise _bad("The list is not text.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _bad("The list is not UTF-8.") from None
    try:
        for row in csv.reader(io.StringIO(text, newline="")):
            if any(cell.strip() for cell in row):
                yield row
    except csv.Error:
        raise _bad("The list is not CSV.") from None


def _bad(sentence: str) -> Malformed:
    return Malformed(sentence, code="bad-list")
