"""FIRES documents: what each change means, and that no document breaks reading."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.blocklist import Effect, ListedServer
from relay.domain.errors import Malformed
from relay.protocol import fires
from relay.protocol.fires import FiresChange, apply_changes, read_changes, read_dataset

URL = "https://fires.test/datasets/1"


def change(kind: str = "Recommendation", **more: Any) -> dict[str, Any]:
    return {"id": f"{URL}/changes/1", "type": kind, "entityKind": "domain", "entityKey": "Bad.Test", **more}


def read(*items: Any, **more: Any) -> fires.FiresPage:
    document = {"type": "OrderedCollection", "orderedItems": list(items), **more}
    return read_changes(json.dumps(document).encode(), URL)


@pytest.mark.parametrize(
    ("written", "effect", "severity"),
    [
        (change(recommendedPolicy="drop"), Effect.BLOCK, "drop"),
        (change(recommendedPolicy="reject"), Effect.BLOCK, "reject"),
        (change(recommendedPolicy="Drop"), Effect.BLOCK, "drop"),
        (change(recommendedPolicy="filter"), Effect.OBSERVE, "filter"),
        (change(recommendedPolicy="annihilate"), Effect.OBSERVE, "unknown"),
        (change(), Effect.OBSERVE, "no policy"),
        (change("Advisory"), Effect.OBSERVE, "advisory"),
        (change(recommendedPolicy="accept"), None, ""),
        (change(recommendedPolicy="none"), None, ""),
        (change("Retraction"), None, ""),
        (
            {
                "id": f"{URL}/changes/1",
                "type": ["Recommendation"],
                "entity_kind": "Domain",
                "entity_key": "bad.test",
                "recommended_policy": "drop",
            },
            Effect.BLOCK,
            "drop",
        ),
    ],
)
def test_what_changes_mean(written: dict[str, Any], effect: Effect | None, severity: str) -> None:
    [found] = read(written).changes
    entry = effect and ListedServer("bad.test", effect, severity, "", f"{URL}/changes/1")
    assert found == FiresChange(f"{URL}/changes/1", "bad.test", entry)


@pytest.mark.parametrize(
    "written",
    [
        change(entityKind="actor"),
        change(entityKind=None),
        {"type": "Tombstone"},
        change("Note", recommendedPolicy="drop"),
        "https://fires.test/changes/1",
        None,
    ],
)
def test_what_is_not_about_a_server_is_left_out(written: object) -> None:
    page = read(written)
    assert (page.changes, page.unusable <= 1) == ((), True)


def test_names_that_cannot_be_matched_are_counted() -> None:
    page = read(change(entityKey="com"), change(entityKey=7), change(entityKey="b*d.test"))
    assert (page.changes, page.unusable) == ((), 3)


def test_a_tombstone_wipes_out_what_its_change_said() -> None:
    said = apply_changes({}, read(change(recommendedPolicy="drop")).changes)
    [tombstone] = read({"id": f"{URL}/changes/1", "type": "Tombstone"}).changes
    assert apply_changes(said, [tombstone]) == {}
    assert apply_changes(said, [FiresChange("other", None, None)]) == said


def test_a_tombstone_of_a_change_that_was_replaced_says_nothing() -> None:
    old = change(recommendedPolicy="drop") | {"id": f"{URL}/changes/1"}
    new = change(recommendedPolicy="filter") | {"id": f"{URL}/changes/2"}
    late = {"id": f"{URL}/changes/1", "type": "Tombstone"}
    at_once = apply_changes({}, read(old, new, late).changes)
    page_by_page = apply_changes(apply_changes({}, read(old, new).changes), read(late).changes)
    assert at_once == page_by_page
    assert at_once["bad.test"].ref == f"{URL}/changes/2"


def test_a_change_about_two_servers_is_wiped_out_for_both() -> None:
    both = [change(entityKey=name, recommendedPolicy="drop") for name in ("a.test", "b.test", "a.test")]
    late = {"id": f"{URL}/changes/1", "type": "Tombstone"}
    assert sorted(apply_changes({}, read(*both).changes)) == ["a.test", "b.test"]
    assert apply_changes({}, read(*both, late).changes) == {}


def test_the_newest_change_counts_and_twice_is_once() -> None:
    changes = read(
        change(recommendedPolicy="drop"),
        change("Retraction", id="2"),
        change(recommendedPolicy="filter", id="3"),
    ).changes
    once = apply_changes({}, changes)
    assert once["bad.test"].effect is Effect.OBSERVE
    assert apply_changes(once, changes) == once
    assert apply_changes({}, changes[:2]) == {}


def test_where_to_go_on() -> None:
    assert read(change(), changes=f"{URL}/changes?since=1").resume == f"{URL}/changes?since=1"
    assert read(first=f"{URL}/p").first == f"{URL}/p"
    assert read(change(), first=f"{URL}/p").first is None
    page = read(change(), type="OrderedCollectionPage", next=f"{URL}/p", first=f"{URL}/q")
    assert (page.first, page.resume) == (None, f"{URL}/p")
    assert read(first={"id": f"{URL}/p"}).first == f"{URL}/p"
    assert read(first="https://evil.test/p").first is None
    older = {"type": "Collection", "items": [change(recommendedPolicy="drop")]}
    assert len(read_changes(json.dumps(older).encode(), URL).changes) == 1


def test_a_dataset_names_its_endpoints() -> None:
    endpoints = {"snapshot": f"{URL}/snapshot", "changes": f"{URL}/changes"}
    nested = {"type": "Dataset", "endpoints": endpoints}
    for document in (nested, {"type": "Dataset", **endpoints}):
        found = read_dataset(json.dumps(document).encode(), URL)
        assert (found.snapshot, found.changes) == (f"{URL}/snapshot", f"{URL}/changes")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"type":"Dataset"}', b'{"type":"Dataset","endpoints":7}']
)
def test_what_is_no_dataset_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed) as error:
        read_dataset(body, URL)
    assert error.value.code == "bad-list"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"type":"Note"}', b"7"])
def test_what_is_no_collection_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed) as error:
        read_changes(body, URL)
    assert error.value.code == "bad-list"


def test_a_dataset_without_end_is_malformed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fires, "MOST_ENTRIES", 3)
    changes = [FiresChange(str(n), f"s{n}.test", ListedServer(f"s{n}.test", Effect.BLOCK)) for n in range(4)]
    with pytest.raises(Malformed):
        apply_changes({}, changes)
    with pytest.raises(Malformed):
        read(*(change() for _ in range(4)))


KEYS = [
    "id",
    "type",
    "entityKind",
    "entityKey",
    "recommendedPolicy",
    "orderedItems",
    "items",
    "first",
    "next",
    "changes",
]
VALUES = st.sampled_from(
    [
        "OrderedCollection",
        "OrderedCollectionPage",
        "Recommendation",
        "Retraction",
        "domain",
        "a.test",
        URL,
        "drop",
    ]
)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=15,
)


@given(documents)
def test_any_document_is_read_or_malformed(document: object) -> None:
    body = json.dumps(document).encode()
    try:
        page = read_changes(body, URL)
    except Malformed:
        return
    assert set(apply_changes({}, page.changes)) <= {"a.test"}
