"""The guard on graphs, and whether what it lets through can be put in order, alike by two engines."""

from __future__ import annotations

import hashlib

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyld import jsonld
from pyld.canon import URDNA2015

from relay.protocol.ldgraph import MAX_CHARACTERS, MAX_QUADS, NIL, RDF, Graph, Literal, Quad, guard, is_blank
from relay.protocol.unproven import Failure

P = "https://a.example/p"
STRING = "http://www.w3.org/2001/XMLSchema#string"
NODES = st.sampled_from(
    ["https://a.example/1", "https://a.example/2", *(f"_:n{number}" for number in range(7))]
)
OBJECTS = NODES | st.builds(Literal, st.sampled_from(["x", "y", 'quo"te\n\\']), st.just(STRING))
QUAD = st.builds(
    Quad,
    NODES,
    st.sampled_from([P, "https://a.example/q"]),
    OBJECTS,
    st.sampled_from(["", "", "https://a.example/g"]),
)
QUADS = st.lists(QUAD.filter(lambda one: one.subject != one.object), max_size=24, unique=True)
"""Any graph but those with a node beside itself, which a document without blank ids cannot say: PyLD errs there."""


def written(quads: list[Quad]) -> str:
    """N-Quads."""
    return "".join(
        f"{_node(one.subject)} <{one.predicate}> {_node(one.object)} {_node(one.graph) if one.graph else ''} .\n"
        for one in quads
    )


def _node(one: str | Literal) -> str:
    if isinstance(one, Literal):
        text = one.text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{text}"'
    return one if is_blank(one) else f"<{one}>"


def by_oxigraph(text: str) -> str:
    dataset = ox.Dataset(ox.parse(text, ox.RdfFormat.N_QUADS))
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    lines = (ox.serialize(dataset, format=ox.RdfFormat.N_QUADS) or b"").splitlines(keepends=True)
    return hashlib.sha256(b"".join(sorted(lines))).hexdigest()


def by_pyld(text: str) -> str:
    dataset = jsonld.JsonLdProcessor.parse_nquads(text)
    found: str = URDNA2015().main(dataset, {"format": "application/n-quads"})
    return hashlib.sha256(found.encode()).hexdigest()


@settings(deadline=None)
@given(QUADS)
def test_what_is_let_through_is_put_in_order_alike(quads: list[Quad]) -> None:
    found = guard(quads)
    assert found in {None, Failure.POISON}
    if found is None:
        text = written(quads)
        assert by_oxigraph(text) == by_pyld(text)


@settings(deadline=None)
@given(QUADS, st.randoms())
def test_the_names_of_blank_nodes_do_not_matter(quads: list[Quad], chance: object) -> None:
    again = [
        Quad(*(part.replace("_:n", "_:m") if isinstance(part, str) else part for part in one))
        for one in reversed(quads)
    ]
    assert guard(quads) == guard(again)
    if guard(quads) is None:
        assert by_oxigraph(written(quads)) == by_oxigraph(written(again))


def below(parents: int, children: int) -> list[Quad]:
    quads = [Quad("https://a.example/1", P, f"_:p{parent}") for parent in range(parents)]
    for parent in range(parents):
        quads += [Quad(f"_:p{parent}", P, f"_:c{parent}x{child}") for child in range(children)]
    return quads


@pytest.mark.parametrize(
    ("parents", "children", "failure"),
    [
        (1, 1, None),
        (2, 3, None),
        (2, 4, None),
        (2, 5, Failure.POISON),
        (1, 7, Failure.POISON),
        (3, 4, Failure.POISON),
    ],
)
def test_orders_are_counted(parents: int, children: int, failure: Failure | None) -> None:
    assert guard(below(parents, children)) is failure


def test_blank_nodes_that_differ_are_no_matter() -> None:
    quads = below(1, 50)
    named = [Quad(str(one.object), P, Literal(str(one.object), STRING)) for one in quads]
    assert guard([*quads, *named]) is None


def test_a_thousand_alike_at_a_named_node_are_no_matter() -> None:
    assert guard(below(1000, 0)) is None


def test_a_node_beside_itself_and_blank_graphs() -> None:
    assert guard([Quad("_:a", P, "_:a", "_:a")]) is None
    assert guard([Quad("x", P, f"_:{number}", "_:g") for number in range(7)]) is Failure.POISON


def test_sizes() -> None:
    assert (
        guard([Quad("https://a.example/1", P, Literal(str(number), STRING)) for number in range(MAX_QUADS)])
        is None
    )
    assert guard([Quad("x", P, "y")] * (MAX_QUADS + 1)) is Failure.TOO_MANY_QUADS
    assert guard([Quad("x", P, "y" * MAX_CHARACTERS)]) is Failure.TOO_MANY_QUADS


def test_a_graph() -> None:
    quads = [
        Quad("x", P, "y"),
        Quad("x", P, Literal("1", STRING)),
        Quad("x", P, "y"),
        Quad("z", P, "other", "_:g"),
    ]
    graph = Graph(quads)
    assert list(graph.about("x")[P]) == ["y", Literal("1", STRING)]
    assert graph.about("y") == graph.about("z") == {}
    assert graph.is_object("y")
    assert not graph.is_object("other")


def test_lists() -> None:
    first, rest = f"{RDF}first", f"{RDF}rest"
    good = [
        Quad("_:a", first, "x"),
        Quad("_:a", rest, "_:b"),
        Quad("_:b", first, "y"),
        Quad("_:b", rest, NIL),
    ]
    assert Graph(good).members("_:a") == ["x", "y"]
    assert Graph(good).members(NIL) == []
    assert Graph(good).members("x") is None
    assert Graph([*good, Quad("_:b", first, "z")]).members("_:a") is None
    assert Graph([*good[:3], Quad("_:b", rest, Literal("z", STRING))]).members("_:a") is None
    assert Graph([*good[:3], Quad("_:b", rest, "_:a")]).members("_:a") is None


class Counting(dict[str, object]):
    """Counts how often it is asked."""

    asked = 0

    def get(self, key: str, default: object = None) -> object:
        self.asked += 1
        return super().get(key, default)


def test_row_31_a_list_that_bites_its_tail_is_walked_once() -> None:
    """Found by fuzzing: 2,000 references to such a list were 10 million steps, and the guard saw nothing wrong."""
    ring = [
        Quad(f"_:{n}", f"{RDF}{name}", f"_:{(n + 1) % 3}") for n in range(3) for name in ("first", "rest")
    ]
    graph = Graph(ring)
    graph._nodes = looked = Counting(graph._nodes)
    assert [graph.members("_:0") for _ in range(100)] == [None] * 100
    assert looked.asked == 4
