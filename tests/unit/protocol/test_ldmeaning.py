"""What a graph says in our names, and whether a document says the same; documents go through the first engine."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.adapters.canonical.engines import Oxigraph
from relay.protocol.ldgraph import RDF, Graph, Literal, Quad
from relay.protocol.ldmeaning import MAX_DEPTH, compacted, is_same
from relay.protocol.ldshape import Shape, shape
from relay.protocol.unproven import Failure
from tests.unit.protocol.signed_ld import AS2, MASTODON, mastodon_create

ID = "https://a.example/1"
NS = f"{AS2}#"


def graph_of(document: dict[str, Any]) -> tuple[Graph, Shape]:
    found = shape(document)
    assert isinstance(found, Shape), found
    return Graph(Oxigraph(found.json).quads()), found


def said(document: dict[str, Any]) -> dict[str, Any]:
    graph, found = graph_of(document)
    return json.loads(json.dumps(compacted(graph, found.root)))


def same(document: dict[str, Any], raw: dict[str, Any] | None = None) -> bool:
    """Whether `raw` says what the graph of `document` says."""
    graph, found = graph_of(document)
    return is_same(document if raw is None else raw, graph, found.root, found.terms)


def made(*contexts: Any, **members: Any) -> dict[str, Any]:
    return {"@context": [AS2, MASTODON, *contexts], "id": ID, "type": "Create", **members}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"type": ["Create", "Hashtag"]},
        {"name": "x"},
        {"name": ["x", "y", "x"]},
        {"nameMap": {"en": "x", "zh-TW": "y"}},
        {"name": "x", "nameMap": {"en": "x"}},
        {"url": "https://a.example/2"},
        {"url": {"id": "https://a.example/2"}},
        {"url": {"type": "Link", "href": "https://a.example/2"}},
        {"url": [{"type": "Link", "href": "https://a.example/2"}, "https://a.example/3"]},
        {"to": "as:Public"},
        {"duration": "PT5S", "published": "2026-11-21T22:06:56Z"},
        {"width": 640, "accuracy": 94.5, "sensitive": True, "totalItems": 0},
        {"focalPoint": [0.0, -0.25]},
        {"orderedItems": ["https://a.example/2", {"type": "Note"}]},
        {
            "object": {"id": "https://a.example/2", "type": "Note", "name": "x"},
            "target": "https://a.example/2",
        },
        {
            "actor": "https://a.example/2",
            "object": {"id": "https://a.example/2", "type": "Person", "name": "x"},
        },
        {"tag": [{"type": "Mention"}, {"type": "Mention"}, {}]},
        {"summary": None, "attachment": [], "focalPoint": []},
    ],
)
def test_what_says_the_same(members: dict[str, Any]) -> None:
    document = made(**members)
    assert same(document)
    found = said(document)
    again = {"@context": [AS2, MASTODON], **found}
    assert said(again) == found
    assert same(again)


@pytest.mark.parametrize(
    ("members", "changed"),
    [
        ({"name": "x"}, {"name": "y"}),
        ({"name": "x"}, {"name": None}),
        ({"name": "x"}, {"name": ["x", "y"]}),
        ({"name": "x"}, {"name": {"x": "y"}}),
        ({"name": "x"}, {"nameMap": {"en": "x"}}),
        ({"nameMap": {"en": "x"}}, {"nameMap": "x"}),
        ({"nameMap": {"en": "x"}}, {"nameMap": 7}),
        ({"nameMap": {"en": "x"}}, {"nameMap": {"en": 7}}),
        ({"nameMap": {"en": "x"}}, {"nameMap": {"fr": "x"}}),
        ({"name": "x"}, {"id": "https://a.example/2"}),
        ({"name": "x"}, {"type": "Delete"}),
        ({"name": "x"}, {"type": ["Create", "Delete"]}),
        ({"name": "x"}, {"type": "Unknown"}),
        ({"name": "x"}, {"type": 7}),
        ({"name": "x"}, {"type": None}),
        ({"name": "x"}, {"undeclared": "x"}),
        ({"width": 640}, {"width": "640"}),
        ({"width": 1}, {"width": True}),
        ({"url": ["https://a.example/2"]}, {"url": []}),
        ({"url": ["https://a.example/2"]}, {"url": "https://a.example/3"}),
        ({"tag": [{"name": "x"}]}, {"tag": []}),
        ({"tag": [{"name": "x"}]}, {"tag": [{"name": "x"}, {}]}),
        ({"tag": [{"name": "x"}]}, {"tag": [{"name": "y"}]}),
        ({"tag": [{"name": "x"}]}, {"tag": [{"id": "https://a.example/2", "name": "x"}]}),
        (
            {"object": {"id": "https://a.example/2", "name": "x"}},
            {"object": {"id": "https://a.example/2", "name": "y"}},
        ),
        ({"object": "https://a.example/2"}, {"object": {"id": "https://a.example/2", "name": "y"}}),
        ({"focalPoint": [0.0, 0.25]}, {"focalPoint": [0.25, 0.0]}),
        ({"focalPoint": [0.0, 0.25]}, {"focalPoint": [0.0]}),
        ({"focalPoint": [0.0, 0.25]}, {"focalPoint": []}),
        ({}, {"focalPoint": [0.0]}),
    ],
)
def test_what_does_not_say_the_same(members: dict[str, Any], changed: dict[str, Any]) -> None:
    document = made(**members)
    assert same(document)
    assert not same(document, {**document, **changed})


@settings(deadline=None)
@given(st.data())
def test_any_change_of_a_post_is_seen(data: st.DataObject) -> None:
    document = mastodon_create(2)
    changed = copy.deepcopy(document)
    place: Any = changed
    while True:
        names = sorted(set(place) - {"@context"}) if isinstance(place, dict) else range(len(place))
        name = data.draw(st.sampled_from(names))
        below = place[name]
        if not isinstance(below, dict | list) or not below or data.draw(st.booleans()):
            break
        place = below
    said_nothing = below is None or below == []
    others = [other for other in ("other", 7, {"name": "other"}, ["other"], False) if other is not below]
    place[name] = data.draw(st.sampled_from(others))
    assert not same(document, changed)
    if isinstance(place, dict):
        del place[name]
        assert same(document, changed) == said_nothing


def test_names_that_are_not_the_usual_ones() -> None:
    assert not same(made({"label": "as:name"}, label="x"))
    assert said(made({"label": "as:name"}, label="x"))["name"] == "x"
    assert not same(made({"hash": "https://evil.example/hash"}, hash="x"))
    assert same(made({"new": "https://new.example/property"}, new="x"))
    assert said(made({"new": "https://new.example/property"}, new="x"))["https://new.example/property"] == "x"
    assert not same(made(**{"as:name": "x"}))


def test_what_is_described_elsewhere_stands_in_its_place() -> None:
    person = {"id": "https://a.example/2", "type": "Person", "name": "x"}
    found = said(made(actor=person, object="https://a.example/2"))
    assert found["actor"] == "https://a.example/2"
    assert found["object"] == person
    assert same(made(actor=person, object="https://a.example/2"))
    assert not same(made(actor=person, object={**person, "name": "y"}))


def test_nodes_that_name_each_other() -> None:
    quads = [Quad("x", f"{NS}tag", "y"), Quad("y", f"{NS}tag", "x"), Quad("y", f"{NS}name", "x")]
    assert compacted(Graph(quads), "x") == {"id": "x", "tag": {"id": "y", "tag": "x", "name": {"id": "x"}}}
    loop = [Quad("x", f"{NS}tag", "_:b"), Quad("_:b", f"{NS}tag", "_:b")]
    assert compacted(Graph(loop), "x") == {"id": "x", "tag": {"tag": {}}}


def test_a_long_chain_ends_in_a_name() -> None:
    quads = [Quad(f"n{number}", f"{NS}tag", f"n{number + 1}") for number in range(1000)]
    found: Any = compacted(Graph(quads), "n0")
    depth = 0
    while isinstance(found, dict):
        found, depth = found["tag"], depth + 1
    assert depth == MAX_DEPTH + 1
    blanks = [Quad("x", f"{NS}tag", "_:0"), *(Quad(f"_:{n}", f"{NS}tag", f"_:{n + 1}") for n in range(1000))]
    assert json.dumps(compacted(Graph(blanks), "x")).endswith('{"tag": {}' + "}" * (MAX_DEPTH + 1))


def test_values() -> None:
    xsd = "http://www.w3.org/2001/XMLSchema#"
    values = [
        ("boolean", "1"),
        ("boolean", "true"),
        ("integer", "x"),
        ("double", "2.5E-1"),
        ("integer", "-3"),
    ]
    quads = [Quad("x", f"{NS}name", Literal(text, f"{xsd}{kind}")) for kind, text in values]
    assert compacted(Graph(quads), "x")["name"] == ["1", True, "x", 0.25, -3]
    head = [
        Quad("x", f"{NS}name", "_:l"),
        Quad("_:l", f"{RDF}first", "y"),
        Quad("_:l", f"{RDF}rest", f"{RDF}nil"),
    ]
    assert compacted(Graph(head), "x") == {"id": "x", f"{NS}name": [{"id": "y"}]}
    assert compacted(Graph([Quad("x", f"{RDF}type", "_:b")]), "x") == {"id": "x"}
    assert (
        compacted(Graph([Quad("x", f"{RDF}type", "https://a.example/T")]), "x")["type"]
        == "https://a.example/T"
    )


def test_lists_of_another_shape() -> None:
    document = made(focalPoint=[0.0])
    graph, found = graph_of(document)
    two = Graph([*Oxigraph(found.json).quads(), Quad(ID, "http://joinmastodon.org/ns#focalPoint", "x")])
    assert is_same(document, graph, ID, found.terms)
    assert not is_same(document, two, ID, found.terms)


def test_failures_have_codes_of_their_own() -> None:
    assert len({failure.code for failure in Failure}) == len(Failure)
    assert all(failure.sentence.endswith(".") for failure in Failure)
