from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyld import BUNDLED_CONTEXTS

from relay.protocol.ldcontexts import AS2, bundled, load_all, names, protected, shape_of, table
from relay.protocol.ldshape import MAX_CONTEXTS, MAX_TERMS, Shape, shape
from relay.protocol.unproven import Failure
from tests.unit.domain.test_strictjson import VALUES

ID = "https://a.example/1"
LITEPUB = "https://a.example/schemas/litepub-0.1.jsonld"
ADDRESSES = [
    AS2,
    "https://w3id.org/security/v1",
    "https://w3id.org/security/data-integrity/v1",
    "https://w3id.org/security/data-integrity/v2",
    "https://w3id.org/security/multikey/v1",
    "https://www.w3.org/ns/cid/v1",
    "https://www.w3.org/ns/did/v1",
    "https://purl.archive.org/socialweb/webfinger",
    "https://gotosocial.org/ns",
    "https://w3id.org/fep/5711",
    "https://join-lemmy.org/context.json",
    LITEPUB,
]


def seen(*contexts: Any, **members: Any) -> Shape | Failure:
    return shape({"@context": [AS2, *contexts], "id": ID, **members})


@pytest.mark.parametrize("address", ADDRESSES)
def test_known_contexts_leave_activitystreams_alone(address: str) -> None:
    load_all()
    tables = bundled(address)
    assert tables
    for one in tables:
        for name, term in one.terms.items():
            usual = table("activitystreams").terms.get(name)
            if usual is not None:
                assert (usual.iri, usual.type, shape_of(usual)) == (term.iri, term.type, shape_of(term)), name
    assert isinstance(seen(address), Shape)


@pytest.mark.parametrize("name", ["activitystreams", "security-v1", "did-v1"])
def test_the_files_say_what_others_ship(name: str) -> None:
    address = {"activitystreams": AS2, "security-v1": ADDRESSES[1], "did-v1": ADDRESSES[6]}[name]
    theirs = orjson.loads(BUNDLED_CONTEXTS[address].read_bytes())["@context"]
    ours = table(name)
    assert set(ours.definitions) == set(theirs)
    full = orjson.loads(ours.json(theirs))
    for term, definition in theirs.items():
        if ours.is_whole or term.startswith("@"):
            assert full[term] == definition
        elif isinstance(definition, dict):
            assert set(full[term]) == set(definition)


def test_only_what_is_used_is_written() -> None:
    found = seen(content="x", to="as:Public")
    assert isinstance(found, Shape)
    context = orjson.loads(found.json)["@context"][0]
    assert set(context) == {"@vocab", "id", "content", "to", "as"}
    assert (found.root, found.values) == (ID, 4)


def test_our_own_names() -> None:
    assert names()["content"].iri == f"{AS2}#content"
    assert names()["attestation"].type == "@id"
    assert names()["focalPoint"].container == "@list"
    assert "EncryptedMessage" not in protected()


@pytest.mark.parametrize(
    ("context", "failure"),
    [
        ("https://a.example/context", Failure.UNKNOWN_CONTEXT),
        ("http://a.example/schemas/litepub-0.1.jsonld", Failure.UNKNOWN_CONTEXT),
        (None, Failure.BAD_CONTEXT),
        (7, Failure.BAD_CONTEXT),
        ({"@version": 1.1}, Failure.KEYWORD),
        ({"@language": 7}, Failure.KEYWORD),
        ({"": "as:x"}, Failure.BAD_CONTEXT),
        ({"as:x": "as:y"}, Failure.BAD_CONTEXT),
        ({"x": "name"}, Failure.BAD_CONTEXT),
        ({"x": "as:<"}, Failure.BAD_CONTEXT),
        ({"x": "y:z", "y": "as:y"}, Failure.BAD_CONTEXT),
        ({"x": "y:z", "y": {"@id": "https://a.example/"}}, Failure.BAD_CONTEXT),
        ({"x": "id:z"}, Failure.BAD_CONTEXT),
        ({"x": {"@id": "as:x", "@type": "name"}}, Failure.BAD_CONTEXT),
        ({"id": "@type"}, Failure.KEYWORD),
        ({f"x{number}": "as:x" for number in range(MAX_TERMS + 1)}, Failure.BAD_CONTEXT),
        ({"xsd": "https://a.example/"}, Failure.REMAPPED),
    ],
)
def test_contexts_that_are_refused(context: Any, failure: Failure) -> None:
    assert seen(context) is failure
    assert seen({"x": "as:x"}, proof={"@context": [AS2, context]}) is failure


@pytest.mark.parametrize(
    "context",
    [
        {"id": "@id", "type": "@type", "@language": "en"},
        {"x": "urn:x:y", "y": "tag:a.example,2026:z"},
        {"x": {"@id": "as:x", "@container": ["@set"], "@type": "@vocab", "@language": "en"}},
        {"x": "new:y", "new": "https://new.example/"},
        {"movedTo": {"@id": "as:movedTo", "@type": "@id"}, "content": "as:content"},
    ],
)
def test_contexts_that_are_fine(context: Any) -> None:
    assert isinstance(seen(context), Shape)


def test_too_many_contexts() -> None:
    assert isinstance(seen(*[{}] * (MAX_CONTEXTS - 1)), Shape)
    assert seen(*[{}] * MAX_CONTEXTS) is Failure.BAD_CONTEXT


def test_the_root() -> None:
    for value in (None, 7, "", "urn:x", ["https://a.example/1"]):
        assert shape({"@context": AS2, "id": value}) is Failure.NO_ID
    assert shape({"@context": ADDRESSES[1], "id": ID}) is Failure.UNKNOWN_CONTEXT


def test_keywords_and_blank_nodes() -> None:
    for members in ({"@id": ID}, {"object": [{"@type": "Note"}]}, {"object": {"type": ["@json"]}}):
        assert seen(**members) is Failure.KEYWORD
    assert seen(object={"@context": AS2}) is Failure.BAD_CONTEXT
    assert seen(object={"id": "_:b"}) is Failure.BLANK_ID
    assert seen(object={"_:b": "x"}) is Failure.BLANK_ID
    assert seen({"x": "_:b"}) is Failure.BLANK_ID


def test_proofs_are_looked_at_too() -> None:
    assert isinstance(seen(proof=[{"@context": AS2, "type": "x"}, {"type": "y"}]), Shape)
    assert seen(proof="x") is Failure.BAD_PROOF
    assert seen(proof={"@graph": []}) is Failure.KEYWORD
    assert seen(proof={"x": {"@context": AS2}}) is Failure.BAD_CONTEXT


@given(st.dictionaries(st.sampled_from(["@context", "id", "type", "proof", "object", "@graph", "x"]), VALUES))
def test_total(document: dict[str, Any]) -> None:
    assert isinstance(shape(document), Shape | Failure)
    assert isinstance(shape({**document, "id": ID}), Shape | Failure)
    assert isinstance(shape({**document, "id": ID, "@context": [AS2, document]}), Shape | Failure)
