from __future__ import annotations

import json
from typing import Any

import pytest

from relay.domain.activity import parse_activity
from relay.domain.authority import Overreach, overreach
from tests.unit.captured import CAPTURES, Capture

ALICE = "https://a.example/users/alice"
BOB = "https://a.example/users/bob"
EVE = "https://e.example/users/eve"


def judged(kind: str, about: Any, **properties: Any) -> Overreach | None:
    document = {"type": kind, "actor": ALICE, "object": about} | properties
    return overreach(parse_activity(json.dumps(document).encode()))


def note(**properties: Any) -> dict[str, Any]:
    return {"id": f"{ALICE}/1", "type": "Note", "attributedTo": ALICE} | properties


def test_row_34_a_post_attributed_to_others() -> None:
    assert judged("Create", note()) is None
    assert judged("Create", note(attributedTo=[BOB, ALICE])) is None
    assert judged("Create", note(attributedTo=None)) is None
    assert judged("Create", note(attributedTo=BOB)) is Overreach.AUTHOR
    assert judged("Update", note(attributedTo=EVE)) is Overreach.AUTHOR


def test_row_35_an_account_deleted_or_updated_by_another() -> None:
    assert judged("Delete", ALICE) is None
    assert judged("Update", {"id": ALICE, "type": "Person"}) is None
    assert judged("Update", {"id": BOB, "type": "Person"}) is Overreach.ACCOUNT
    assert judged("Delete", {"id": BOB, "type": "Service"}) is Overreach.ACCOUNT
    assert judged("Delete", EVE) is Overreach.OBJECT
    assert judged("Move", ALICE, target=EVE) is None
    assert judged("Move", BOB, target=ALICE) is Overreach.ACCOUNT


def test_row_35_a_follow_undone_by_another() -> None:
    follow = {"id": f"{ALICE}/follow", "type": "Follow", "actor": ALICE, "object": "Public"}
    assert judged("Undo", follow) is None
    assert judged("Undo", follow | {"actor": BOB}) is Overreach.ACTIVITY
    assert judged("Undo", f"{ALICE}/follow") is None
    assert judged("Undo", {"id": f"{ALICE}/follow", "type": "Follow"}) is None
    assert judged("Undo", f"{EVE}/follow") is Overreach.ACTIVITY


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_row_36_an_object_on_another_origin(kind: str) -> None:
    assert judged(kind, f"{EVE}/1") is Overreach.OBJECT
    assert judged(kind, note(id="https://a.example:8443/1")) is Overreach.OBJECT
    assert judged(kind, note(id="http://a.example/1")) is Overreach.OBJECT
    assert judged(kind, f"{ALICE}/1") is None


def test_an_id_on_another_origin() -> None:
    assert judged("Announce", f"{EVE}/1", id=f"{EVE}/2") is Overreach.ID
    assert judged("Announce", f"{EVE}/1", id=f"{ALICE}/2") is None
    assert judged("Like", f"{EVE}/1") is None
    assert judged("Accept", f"{EVE}/1", id=f"{EVE}/1#accept") is None


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
def test_real_servers_stay_within_their_authority(capture: Capture) -> None:
    # ActivityRelay answers an Undo with an Undo of that Undo, which is not its own (real-servers.md 8).
    expected = Overreach.ACTIVITY if "Undo_Undo" in capture.name else None
    assert overreach(parse_activity(capture.body)) is expected
