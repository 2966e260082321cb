"""What a signed graph says, in the names that this relay reads; and whether a document says just that.

`compacted` writes the graph as a document under our own context. It looks at the graph alone, so the shape in which
somebody passed it on, moved parts or unsigned ones have no influence; only the order of what has none in RDF is the
document's. `is_same` compares: who reads the bytes as plain JSON has to find every statement of the graph under its
usual name in its usual place, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from relay.domain.attachments import Document, flat
from relay.protocol.ldcontexts import Term, names, names_by_iri, shape_of
from relay.protocol.ldgraph import BLANK, NIL, RDF, Literal, is_blank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.protocol.ldgraph import Graph, Node

MAX_DEPTH: Final = 30
"""Levels below which only ids are written: a chain of nodes with ids may be longer than the document was deep."""

_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_NUMBERS: Final = frozenset(
    f"{_XSD}{name}" for name in ("integer", "nonNegativeInteger", "float", "double", "decimal")
)
_AS: Final = "https://www.w3.org/ns/activitystreams#"
_PUBLIC: Final = f"{_AS}Public"
_TYPE: Final = f"{RDF}type"
_REFERENCES: Final = frozenset(
    _AS + name
    for name in (
        "actor",
        "attributedTo",
        "to",
        "cc",
        "bto",
        "bcc",
        "audience",
        "inReplyTo",
        "context",
        "partOf",
        "next",
        "prev",
        "movedTo",
        "alsoKnownAs",
    )
)
"""Properties under which other things are named and never described."""
_UNSIGNED: Final = frozenset({"@context", "signature", "proof"})


def compacted(graph: Graph, root: str) -> dict[str, object]:
    """The document that a graph stands for, beginning with the node `root`, under our own context.

    A property that is not known here has its IRI for a name; a node that is described is written out once, below
    `object` before anywhere else. Statements about nodes that the root does not lead to are left out.
    """
    return _Writer(graph).node(root, MAX_DEPTH)


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._written: set[str] = set()

    def node(self, node: Node, depth: int) -> dict[str, object]:
        self._written.add(node)
        document: dict[str, object] = {} if node.startswith(BLANK) else {"id": node}
        said = self._graph.about(node)
        types = [_type_name(one) for one in said.get(_TYPE, ()) if isinstance(one, str)]
        _put(document, "type", [name for name in types if not name.startswith(BLANK)])
        for predicate in sorted(said, key=lambda one: one != f"{_AS}object"):
            if predicate != _TYPE:
                self._property(document, predicate, said[predicate], depth)
        return document

    def _property(
        self,
        document: dict[str, object],
        predicate: str,
        objects: Mapping[Node | Literal, None],
        depth: int,
    ) -> None:
        plain: list[object] = []
        texts: dict[str, object] = {}
        for one in objects:
            if isinstance(one, Literal):
                if one.language:
                    texts.setdefault(one.language, one.text)
                else:
                    plain.append(_value(one))
                continue
            members = self._graph.members(one)
            if members is None:
                plain.append(self._reference(predicate, one, depth))
            else:
                document[_name(predicate, "@list")] = [
                    _value(each) if isinstance(each, Literal) else self._reference(predicate, each, depth)
                    for each in members
                ]
        _put(document, _name(predicate, None), plain)
        if texts:
            document[_name(predicate, "@language")] = texts

    def _reference(self, predicate: str, node: Node, depth: int) -> object:
        is_written = node in self._written or predicate in _REFERENCES or not depth
        if (is_written or not self._graph.about(node)) and not node.startswith(BLANK):
            term = names().get(_name(predicate, None))
            return node if term is not None and term.type == "@id" else {"id": node}
        return {} if is_written else self.node(node, depth - 1)


def _put(document: dict[str, object], name: str, values: list[object]) -> None:
    if values:
        document[name] = values[0] if len(values) == 1 else values


def _name(iri: str, container: str | None) -> str:
    return names_by_iri().get((iri, container), iri)


def _type_name(iri: str) -> str:
    return names_by_iri().get((iri, None), iri)


def _value(literal: Literal) -> object:
    """The JSON value of a literal (JSON-LD 1.1 API 8.2, with native types)."""
    if literal.type == f"{_XSD}boolean" and literal.text in {"true", "false"}:
        return literal.text == "true"
    if literal.type in _NUMBERS:
        try:
            return int(literal.text) if literal.text.lstrip("+-").isdigit() else float(literal.text)
        except ValueError:
            return literal.text
    return literal.text


def is_same(document: Document, graph: Graph, root: str, terms: Mapping[str, Term]) -> bool:
    """Whether a document says the graph, all of it and nothing else, to a reader of plain JSON. Total.

    `terms` are those of the document's contexts. Every name has to be declared, and one that is known here has to be
    used for what it is known for. Null and empty arrays say nothing. `signature` and `proof` are not compared.
    """
    said = {name: value for name, value in document.items() if name not in _UNSIGNED}
    return said.get("id") == root and _Reader(graph, terms).is_node(said, root)


class _Reader:
    def __init__(self, graph: Graph, terms: Mapping[str, Term]) -> None:
        self._graph, self._terms = graph, terms

    def is_node(self, members: Document, node: Node) -> bool:
        """Whether an object says what the graph says of the node, and all of it."""
        said = self._graph.about(node)
        unread = {
            (predicate, _is_text(one)) for predicate, objects in said.items() for one in objects if one != NIL
        }
        for name, value in members.items():
            if value is None or value == []:
                continue
            if name == "id":
                is_read = value == node
            elif name == "type":
                unread.discard((_TYPE, False))
                is_read = self._are_types(value, said.get(_TYPE, {}))
            else:
                term = self._terms.get(name)
                if term is None or not _is_usual(name, term):
                    return False
                is_text = term.container == "@language"
                unread.discard((term.iri, is_text))
                objects = [one for one in said.get(term.iri, ()) if _is_text(one) == is_text]
                is_read = self._is_property(value, term, objects)
            if not is_read:
                return False
        return not unread

    def _are_types(self, value: object, types: Mapping[Node | Literal, None]) -> bool:
        found = set()
        for name in flat(value):
            term = self._terms.get(name) if isinstance(name, str) else None
            if term is None or not _is_usual(str(name), term):
                return False
            found.add(term.iri)
        return found == set(types)

    def _is_property(self, value: object, term: Term, objects: Sequence[Node | Literal]) -> bool:
        if term.container == "@language":
            return _texts(value) == {(one.language, one.text) for one in objects if isinstance(one, Literal)}
        if term.container != "@list":
            if isinstance(value, str | int | float) and len(objects) == 1:
                return _key(value, term) == _key_of(objects[0])
            return self._are_values(flat(value), term, objects)
        members = self._graph.members(str(objects[0])) if len(objects) == 1 else None
        values = flat(value)
        if members is None or len(members) != len(values):
            return False
        return all(self._are_values([one], term, [each]) for one, each in zip(values, members, strict=True))

    def _are_values(self, values: Sequence[object], term: Term, objects: Sequence[Node | Literal]) -> bool:
        """Whether values are the objects, in any order; those without id are compared in the document's order."""
        blanks = [str(one) for one in objects if is_blank(one)]
        anonymous = [one for one in values if isinstance(one, Mapping) and one.get("id") is None]
        others = [one for one in values if not (isinstance(one, Mapping) and one.get("id") is None)]
        if len(anonymous) != len(blanks):
            return False
        found = {_key(one, term) for one in others}
        if found != {_key_of(one) for one in objects if not is_blank(one)}:
            return False
        pairs = zip(anonymous, blanks, strict=True)
        named = [one for one in others if isinstance(one, Mapping)]
        return all(self.is_node(one, node) for one, node in pairs) and all(map(self._is_reference, named))

    def _is_reference(self, value: Document) -> bool:
        """Whether an object with an id only names a node, or says all that the graph says of it."""
        is_bare = all(name == "id" or member is None for name, member in value.items())
        return is_bare or self.is_node(value, str(value["id"]))


@lru_cache(maxsize=4096)
def _is_usual(name: str, term: Term) -> bool:
    """Whether a name stands for what it stands for here, and what is known here stands under its name."""
    usual, meant = names().get(name), (term.iri, shape_of(term))
    return meant not in names_by_iri() if usual is None else (usual.iri, shape_of(usual)) == meant


def _is_text(one: Node | Literal) -> bool:
    return type(one) is Literal and one.language != ""


def _texts(value: object) -> set[tuple[str, object]]:
    """Language and text of each member of a language map (JSON-LD 1.1 4.6.1)."""
    if not isinstance(value, Mapping):
        return {("", value if isinstance(value, str) else None)}
    return {(name.lower(), text) for name, texts in value.items() for text in map(_hashable, flat(texts))}


def _hashable(value: object) -> object:
    return value if isinstance(value, str) else None


def _key(value: object, term: Term) -> tuple[str, object]:
    """A value of the document as it can be compared."""
    if isinstance(value, Mapping):
        return "iri", str(value["id"])
    if isinstance(value, str):
        if term.type in {"@id", "@vocab"}:
            return "iri", _PUBLIC if value == "as:Public" else value
        return "text", value
    return _scalar(value)


def _key_of(one: Node | Literal) -> tuple[str, object]:
    if isinstance(one, str):
        return "iri", one
    value = _value(one)
    return ("text", value) if isinstance(value, str) else _scalar(value)


def _scalar(value: object) -> tuple[str, object]:
    """Numbers count to fifteen digits: a graph holds no more of them (JSON-LD 1.1 API 8.6)."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number", f"{value:.14e}"
    return "boolean", value
