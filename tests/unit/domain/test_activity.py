from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.activity import (
    MAX_OBJECTS,
    Activity,
    Visibility,
    is_public_collection,
    loop_key,
    parse_activity,
    parse_object,
)
from relay.domain.errors import Malformed
from tests.unit.captured import CAPTURES, Capture, answers

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
ACTOR = "https://a.example/users/alice"


def create(**properties: Any) -> Activity:
    document = {"id": f"{ACTOR}/1/activity", "type": "Create", "actor": ACTOR, "object": f"{ACTOR}/1"}
    return parse_activity(json.dumps(document | properties).encode())


def code_of(**properties: Any) -> str:
    with pytest.raises(Malformed) as caught:
        create(**properties)
    return caught.value.code


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
def test_real_activities(capture: Capture) -> None:
    facts, activity = capture.facts, parse_activity(capture.body)
    assert activity.body == capture.body
    assert (activity.id, activity.actor, activity.type) == (
        facts["activity_id"],
        facts["actor"],
        facts["type"],
    )
    assert activity.object_type == facts["object_type"]
    assert activity.ld_signed == (facts.get("ldsig_ok") is not None)
    media = activity.object.media if activity.object is not None else ()
    assert [item.media_type for item in media][: len(facts["media"])] == facts["media"]
    is_post = activity.type == "Create"
    assert not is_post or activity.visibility is Visibility.PUBLIC
    assert not is_post or (activity.object is not None and activity.object.attributed_to == (activity.actor,))


@pytest.mark.parametrize(("name", "body"), answers("*.http"))
def test_real_objects(name: str, body: bytes) -> None:
    document = json.loads(body)
    found = parse_object(document)
    kinds = sorted(item.kind for item in found.media)
    assert found.id == document["id"]
    assert found.media_complete
    if "_note_" in name and "_plain_" not in name:
        assert set(kinds) >= set(name.partition("_note_")[2].partition("_of_")[0].split("+")) - {"plain"}


NAMES = [
    *("id", "type", "actor", "object", "to", "cc", "target", "proof", "signature", "published", "updated"),
    *("attachment", "url", "href", "icon", "image", "preview", "hash", "tag", "mediaType", "digestMultibase"),
    "attributedTo",
]
SCALARS = st.none() | st.booleans() | st.integers(-9, 9)
TEXTS = st.sampled_from(["", ACTOR, PUBLIC, "Create", "Image", "Link", "application/x-mpegurl"])
JSON = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=40,
)


@given(JSON)
def test_row_33_any_json_is_an_activity_or_malformed(document: Any) -> None:
    body = json.dumps(document).encode()
    try:
        activity = parse_activity(body)
    except Malformed:
        return
    assert activity.body == body
    hash(activity)


@given(JSON.map(lambda value: {"type": "Create", "actor": ACTOR, "object": value}))
def test_row_33_any_object_is_read_or_malformed(document: Any) -> None:
    try:
        activity = parse_activity(json.dumps(document).encode())
    except Malformed:
        return
    assert all(isinstance(found, str) for found in activity.object_ids)


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"7", b"null"])
def test_row_33_only_objects_are_activities(body: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        parse_activity(body)
    assert caught.value.code == "not-an-object"


@pytest.mark.parametrize("value", [7, None, True, [], {}, {"id": 7}, [ACTOR, ACTOR], "", "a b", "x" * 3000])
def test_row_33_an_activity_has_one_actor(value: Any) -> None:
    assert code_of(actor=value) == "bad-actor"


@pytest.mark.parametrize("value", [ACTOR, [ACTOR], {"id": ACTOR}, [{"id": ACTOR, "type": "Person"}]])
def test_row_33_an_actor_in_any_shape(value: Any) -> None:
    assert create(actor=value).actor == ACTOR


@pytest.mark.parametrize("value", [None, 7, [], {}, [7], "", ["", "Create"]])
def test_row_33_an_activity_has_a_type(value: Any) -> None:
    assert code_of(type=value) == "bad-type"


def test_row_33_the_first_type_counts() -> None:
    assert create(type=["Create", "x"]).type == "Create"


@pytest.mark.parametrize("value", [7, True, "", [ACTOR, ACTOR]])
def test_row_33_an_id_is_a_string_or_absent(value: Any) -> None:
    assert code_of(id=value) == "bad-id"
    assert create(id=None).id is None


@pytest.mark.parametrize("value", [7, True, [7], "", {"id": 7}])
def test_row_33_objects_are_ids_or_objects(value: Any) -> None:
    assert code_of(object=value) in {"bad-object", "bad-id"}


def test_row_33_no_object_and_several() -> None:
    assert create(object=None).object_ids == ()
    several = create(object=[f"{ACTOR}/1", {"id": f"{ACTOR}/2", "type": "Note"}])
    assert several.object_ids == (f"{ACTOR}/1", f"{ACTOR}/2")
    assert (several.object_id, several.object_type, several.object) == (None, None, None)
    assert len(create(object=[ACTOR] * 999).object_ids) == MAX_OBJECTS


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [value]])
def test_an_object_stands_for_itself_and_for_its_id(wrap: Any) -> None:
    assert create(object=wrap(f"{ACTOR}/1")).object_id == f"{ACTOR}/1"
    activity = create(object=wrap({"id": f"{ACTOR}/1", "type": "Note"}))
    assert (activity.object_id, activity.object_type) == (f"{ACTOR}/1", "Note")
    assert activity.object is not None
    without = create(object=wrap({"type": "Note"}))
    assert (without.object_id, without.object_ids) == (None, ())
    assert without.object is not None


@pytest.mark.parametrize("value", [7, True, [7], [True]])
def test_row_33_recipients_are_ids(value: Any) -> None:
    assert code_of(to=value) == "bad-to"
    assert code_of(cc=value) == "bad-cc"


def test_row_33_recipients_in_any_shape() -> None:
    activity = create(to=PUBLIC, cc=[None, {"id": ACTOR}, {}, "", "a b", [ACTOR]])
    assert (activity.to, activity.cc) == ((PUBLIC,), (ACTOR, ACTOR))


@pytest.mark.parametrize("public", [PUBLIC, "as:Public", "Public"])
def test_visibility(public: str) -> None:
    assert is_public_collection(public)
    assert create(to=public).visibility is Visibility.PUBLIC
    assert create(to=[ACTOR], cc=[public]).visibility is Visibility.UNLISTED
    assert create(object={"type": "Note", "to": public}).visibility is Visibility.PUBLIC
    assert create(cc=public, object={"type": "Note", "to": ACTOR}).visibility is Visibility.UNLISTED
    own = create(to=public, object={"type": "Note", "to": ACTOR}).object
    assert own is not None
    assert own.visibility is Visibility.OTHER


def test_visibility_of_what_is_not_public() -> None:
    assert create(to=[ACTOR]).visibility is Visibility.OTHER
    assert not is_public_collection(["Public"])
    assert not is_public_collection("public")


@pytest.mark.parametrize("value", [7, True, [7], ""])
def test_row_33_numeric_attributed_to(value: Any) -> None:
    assert code_of(object={"type": "Note", "attributedTo": value}) == "bad-attributedTo"


def test_authors_in_any_shape() -> None:
    group = "https://a.example/groups/g"
    found = parse_object({"attributedTo": [ACTOR, {"type": "Group", "id": group}, {"type": "Group"}]})
    assert found.attributed_to == (ACTOR, group)


def test_proofs_and_signatures_are_noticed() -> None:
    plain = create(signature="x", proof=[7])
    assert (plain.ld_signed, plain.has_proof) == (False, False)
    signed = create(signature={"type": "RsaSignature2017"}, proof=[{"type": "DataIntegrityProof"}])
    assert (signed.ld_signed, signed.has_proof) == (True, True)


@pytest.mark.parametrize("value", [None, 7, [ACTOR, ACTOR], {}, [], "a b"])
def test_properties_that_may_be_anything(value: Any) -> None:
    activity = create(
        target=value, published=7, object={"actor": value, "object": value, "updated": 7, "url": 7}
    )
    assert (activity.target, activity.published) == (None, None)
    assert activity.object is not None
    assert (activity.object.actor, activity.object.object_id, activity.object.updated) == (None, None, None)


def test_an_embedded_follow() -> None:
    follow = {"id": f"{ACTOR}/follow", "type": "Follow", "actor": ACTOR, "object": [PUBLIC]}
    activity = create(type="Undo", object=follow, target=f"{ACTOR}/outbox")
    assert activity.object is not None
    assert (activity.object.actor, activity.object.object_id) == (ACTOR, PUBLIC)
    assert activity.target == f"{ACTOR}/outbox"


@pytest.mark.parametrize(
    "value",
    [
        "https://a.example/1",
        ["https://a.example/1"],
        {"type": "Link", "href": "https://a.example/1"},
        [{"type": "Link", "href": "magnet:?x"}, {"type": "Link"}, 7, {"href": "https://a.example/1"}],
    ],
)
def test_the_link_for_people(value: Any) -> None:
    assert parse_object({"url": value}).url == "https://a.example/1"


def test_versions_tell_updates_apart() -> None:
    assert create(object={"updated": "2026-11-21T00:00:00Z"}).version == "2026-11-21T00:00:00Z"
    assert create(object={}).version == f"{ACTOR}/1/activity"
    assert create().version == f"{ACTOR}/1/activity"


def test_loop_keys() -> None:
    assert loop_key("Create", "x") == loop_key("Announce", "x", "1")
    assert loop_key("Delete", "x", "1") == loop_key("Delete", "x", "2")
    assert loop_key("Update", "x", "1") != loop_key("Update", "x", "2")
    kinds = ["Create", "Delete", "Update", "Move"]
    assert len({loop_key(kind, "x", "1") for kind in kinds}) == len(kinds)
    assert loop_key("Move", "x") == "move x "
