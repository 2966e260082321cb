"""Targets: blocklists as others publish them."""

from __future__ import annotations

from relay.domain import hosts
from relay.domain.blocklist import differences, gained_and_lost
from relay.domain.errors import Malformed
from relay.protocol.blockcsv import read_mastodon_csv
from relay.protocol.fires import apply_changes, read_changes, read_dataset
from tests.fuzz.properties import holds, parts_of

URL = "https://fires.example/datasets/1"


def mastodon_csv(data: bytes) -> None:
    """CSV: entries under canonical names, or `bad-list`."""
    try:
        found = read_mastodon_csv(data)
    except Malformed as error:
        holds(error.code == "bad-list", "a refusal has the documented code")
        return
    lines = data.count(b"\n") + data.count(b"\r") + 1
    holds(len(found.entries) + found.obfuscated + found.unusable <= lines, "no more entries than lines")
    for name, entry in found.entries.items():
        holds(name == entry.server == hosts.parse_pattern(name), "entries have canonical names")
        holds("." in name or name.startswith("["), "no list blocks a top-level domain")
    changes = differences({}, found.entries)
    holds(gained_and_lost(changes) == (len(found.entries), 0), "a first list only gains")


def fires(data: bytes) -> None:
    """FIRES: read or `bad-list`; two pages applied one by one give what they give at once."""
    pages = []
    for part in parts_of(data, 2):
        try:
            dataset = read_dataset(part, URL)
            holds(hosts.same_origin(dataset.snapshot, URL), "endpoints stay on their origin")
            holds(hosts.same_origin(dataset.changes, URL), "endpoints stay on their origin")
        except Malformed as error:
            holds(error.code == "bad-list", "a refusal has the documented code")
        try:
            page = read_changes(part, URL)
        except Malformed as error:
            holds(error.code == "bad-list", "a refusal has the documented code")
            continue
        for address in (page.first, page.resume):
            holds(address is None or hosts.same_origin(address, URL), "pages stay on their origin")
        pages.append(page.changes)
    at_once = apply_changes({}, [change for page in pages for change in page])
    one_by_one: dict[str, object] = {}
    for page in pages:
        one_by_one = apply_changes(one_by_one, page)  # type: ignore[arg-type, assignment]
    holds(one_by_one == at_once, "where a page ends makes no difference")
    for name, entry in at_once.items():
        holds(name == entry.server and len(entry.comment) <= 500, "entries are by their names, and bounded")
