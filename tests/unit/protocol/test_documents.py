from __future__ import annotations

import json
from typing import Any

import pytest
from pyld import BUNDLED_CONTEXTS, FrozenDocumentLoader, jsonld

from relay.domain.activity import Activity, Visibility, parse_activity
from relay.protocol import documents
from relay.protocol.actors import KeyFound, key_in, parse_actor
from relay.protocol.documents import FollowEcho
from tests.unit.captured import CAPTURES, Capture

URL = "https://relay.example"
ACTOR = f"{URL}/actor"
PEER = "https://m.example/actor"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
MULTIKEY = {
    "id": f"{ACTOR}#att-2026-11",
    "type": "Multikey",
    "controller": ACTOR,
    "publicKeyMultibase": "z6Mk",
}


def parsed(document: dict[str, object]) -> Activity:
    return parse_activity(documents.dump(document))


def relay_actor() -> dict[str, Any]:
    return documents.relay_actor(
        url=URL,
        name="Relay",
        summary="",
        public_key_pem="PEM",
        assertion_methods=[MULTIKEY],
        implements=[("https://example.org/profile", "Media Attestation v1")],
    )


def test_our_actor_is_an_actor() -> None:
    document = relay_actor()
    actor = parse_actor(document)
    assert (actor.id, actor.type, actor.preferred_username) == (ACTOR, "Application", "relay")
    assert (actor.inbox, actor.shared_inbox) == (f"{URL}/inbox", f"{URL}/inbox")
    assert actor.assertion_methods == (MULTIKEY,)
    assert isinstance(key_in(document, f"{ACTOR}#main-key", now=0.0), KeyFound)
    assert document["endpoints"]["mediaAttestation"] == f"{URL}/media-attestations/sha256/"
    assert document["generator"]["implements"][0]["href"] == "https://example.org/profile"
    assert {"outbox", "followers", "following"} <= document.keys()


def test_every_term_of_ours_is_defined_in_the_document() -> None:
    *_, terms = relay_actor()["@context"]
    assert terms["mediaAttestation"]["@id"] == "https://w3id.org/assay/ns#mediaAttestation"
    assert {"assertionMethod", "Multikey", "controller", "publicKeyMultibase", "implements"} <= terms.keys()


def expanded(document: dict[str, Any]) -> dict[str, Any]:
    """What a receiver that processes JSON-LD makes of a document, with contexts that it has built in."""
    [found] = jsonld.expand(document, {"documentLoader": FrozenDocumentLoader(BUNDLED_CONTEXTS)})
    return dict(found)


def test_our_terms_survive_json_ld() -> None:
    actor = expanded(relay_actor())
    security = "https://w3id.org/security#"
    [method] = actor[f"{security}assertionMethod"]
    assert method["@type"] == [f"{security}Multikey"]
    assert method[f"{security}controller"] == [{"@id": ACTOR}]
    [endpoints] = actor["https://www.w3.org/ns/activitystreams#endpoints"]
    lookup = {"@id": f"{URL}/media-attestations/sha256/"}
    assert endpoints["https://w3id.org/assay/ns#mediaAttestation"] == [lookup]
    attested = expanded(announce("a.b.c"))
    assert attested["https://w3id.org/assay/ns#mediaAttestation"] == [{"@id": "data:application/jwt,a.b.c"}]


@pytest.mark.parametrize(("make", "kind"), [(documents.accept, "Accept"), (documents.reject, "Reject")])
def test_answers_embed_the_follow(make: Any, kind: str) -> None:
    echo = FollowEcho("https://m.example/5a1c", PEER, PUBLIC)
    document = make(id=f"{URL}/activities/1", actor=ACTOR, follow=echo)
    assert document["object"] == {"id": echo.id, "type": "Follow", "actor": PEER, "object": PUBLIC}
    activity = parsed(document)
    assert (activity.type, activity.actor, activity.to) == (kind, ACTOR, (PEER,))
    assert activity.object is not None
    assert (activity.object.actor, activity.object.object_id) == (PEER, PUBLIC)


@pytest.mark.parametrize(
    "capture",
    [one for one in CAPTURES if one.facts["type"] == "Follow"],
    ids=lambda capture: capture.name,
)
def test_real_follows_are_echoed(capture: Capture) -> None:
    follow, document = parse_activity(capture.body), json.loads(capture.body)
    echo = FollowEcho.of(follow)
    assert echo is not None
    embedded = echo.document()
    assert embedded == {name: document[name] for name in ("id", "type", "actor", "object")}


def test_a_follow_that_nobody_could_match_has_no_echo() -> None:
    follow: dict[str, object] = {"type": "Follow", "actor": PEER, "object": PUBLIC}
    assert FollowEcho.of(parsed(follow)) is None
    assert FollowEcho.of(parsed(follow | {"id": f"{PEER}/1", "object": []})) is None


def test_our_own_follow_and_its_undo() -> None:
    follow = parsed(documents.follow(id=f"{URL}/activities/2", actor=ACTOR, target=PEER, to=PEER))
    assert (follow.object_id, follow.to) == (PEER, (PEER,))
    echo = FollowEcho.of(follow)
    assert echo is not None
    undo = parsed(documents.undo(id=f"{URL}/activities/3", actor=ACTOR, follow=echo, to=PEER))
    assert (undo.type, undo.object_id, undo.object_type, undo.to) == ("Undo", follow.id, "Follow", (PEER,))


def announce(*attestations: str) -> dict[str, object]:
    return documents.announce(
        id=f"{URL}/activities/4",
        actor=ACTOR,
        followers=f"{URL}/followers",
        object_id="https://m.example/notes/1",
        published=1_788_264_000.9,
        attestations=attestations,
    )


def test_an_announce_names_the_object() -> None:
    document = announce()
    assert document == {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": f"{URL}/activities/4",
        "type": "Announce",
        "actor": ACTOR,
        "object": "https://m.example/notes/1",
        "to": [f"{URL}/followers"],
        "cc": [],
        "published": "2026-09-01T12:00:00Z",
    }
    assert parsed(document).visibility is Visibility.OTHER


def test_attestations_are_iris_in_an_inlined_namespace() -> None:
    document: dict[str, Any] = announce("a.b.c", "data:application/jwt,d.e.f")
    assert document["mediaAttestation"] == ["data:application/jwt,a.b.c", "data:application/jwt,d.e.f"]
    assert document["@context"][1]["mediaAttestation"]["@type"] == "@id"


def test_collections_have_no_members() -> None:
    assert documents.collection(id=f"{URL}/outbox") == {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": f"{URL}/outbox",
        "type": "OrderedCollection",
    }
    assert documents.collection(id=f"{URL}/followers", total=3)["totalItems"] == 3


def test_the_same_document_gives_the_same_bytes() -> None:
    assert documents.dump(announce("a.b.c")) == documents.dump(announce("a.b.c"))
