"""The two engines that read JSON-LD and put graphs in order; only a worker process runs them.

`pyoxigraph` is the faster and agrees better with what Mastodon runs. PyLD is asked when a signature does not verify
with the first: the two differ in what becomes of the children of properties that no context declares.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import orjson
import pyoxigraph as ox
from pyld import jsonld
from pyld.canon import URDNA2015

from relay.domain import strictjson
from relay.protocol.ldgraph import BLANK, Graph, Literal, Quad, guard
from relay.protocol.ldmeaning import compacted, is_same
from relay.protocol.ldshape import MAX_BYTES, shape
from relay.protocol.ldsig import Engine, Reading, options_json
from relay.protocol.unproven import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_CALLS: Final = 2000
"""Most steps into a neighbour that PyLD takes: posts of servers need at most eight."""

_FORMAT: Final = {"format": "application/n-quads"}


class _TooManyCalls(Exception):
    """PyLD took too many steps."""


class Oxigraph:
    """The first engine."""

    def __init__(self, source: bytes) -> None:
        self._statements = list(ox.parse(source, ox.RdfFormat.JSON_LD))

    def quads(self) -> list[Quad]:
        """The statements, in the order of the document."""
        found = []
        for subject, predicate, thing, graph in self._statements:
            named = "" if type(graph) is ox.DefaultGraph else self._node(graph)
            found.append(Quad(self._node(subject), predicate.value, self._thing(thing), named))
        return found

    def hash(self) -> str:
        """The SHA-256, in hex, of the canonical N-Quads (RDFC-1.0)."""
        ordered = ox.Dataset(self._statements)
        ordered.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
        lines = ox.serialize(ordered, format=ox.RdfFormat.N_QUADS) or b""
        return hashlib.sha256(b"".join(sorted(lines.splitlines(keepends=True)))).hexdigest()

    @staticmethod
    def _node(one: Any) -> str:
        return f"{BLANK}{one.value}" if type(one) is ox.BlankNode else str(one.value)

    @classmethod
    def _thing(cls, one: Any) -> str | Literal:
        if type(one) is ox.Literal:
            return Literal(one.value, one.datatype.value, (one.language or "").lower())
        return cls._node(one)


class Pyld:
    """The second engine."""

    def __init__(self, source: bytes) -> None:
        options = {"base": None, "documentLoader": _refuse}
        self._dataset: dict[str, Any] = jsonld.to_rdf(orjson.loads(source), options)

    def quads(self) -> list[Quad]:
        """The statements; those of one node and predicate in the order of the document."""
        return [
            Quad(one["subject"]["value"], one["predicate"]["value"], self._thing(one["object"]), graph)
            for name, statements in self._dataset.items()
            for graph in ["" if name == "@default" else name]
            for one in statements
        ]

    def hash(self) -> str:
        """The SHA-256, in hex, of the canonical N-Quads (URDNA2015)."""
        text: str = _Bounded().main(self._dataset, _FORMAT)
        return hashlib.sha256(text.encode()).hexdigest()

    @staticmethod
    def _thing(one: Mapping[str, str]) -> str | Literal:
        if one["type"] == "literal":
            return Literal(one["value"], one["datatype"], one.get("language", "").lower())
        return one["value"]


class _Bounded(URDNA2015):  # type: ignore[misc] # PyLD has no types
    """PyLD's canonicalization, which by itself knows no limit."""

    def __init__(self) -> None:
        super().__init__()
        self._calls = 0

    def hash_n_degree_quads(self, id_: Any, issuer: Any) -> Any:
        """Count the calls (RDFC-1.0 4.8)."""
        self._calls += 1
        if self._calls > MAX_CALLS:
            raise _TooManyCalls
        return super().hash_n_degree_quads(id_, issuer)


MAX_VALUES: Final = 300
"""Most values of a document that PyLD is given: it compares each with all before it; a post has 50 to 250."""

ENGINES: Final[dict[Engine, type[Oxigraph | Pyld]]] = {"first": Oxigraph, "second": Pyld}


def read(body: bytes, engine: Engine) -> Reading | Failure:
    """What a signed document says, and the hashes that its signature covers. `body` is what `strictjson` accepts."""
    if len(body) > MAX_BYTES:
        return Failure.TOO_LARGE
    document = strictjson.loads(body)
    assert isinstance(document, dict)  # noqa: S101 - an activity is one
    found = shape(document)
    if isinstance(found, Failure):
        return found
    if engine == "second" and found.values > MAX_VALUES:
        return Failure.TOO_MANY_QUADS
    statements = _statements(found.json, engine)
    options = _statements(options_json(document), engine)
    if isinstance(statements, Failure) or isinstance(options, Failure):
        return Failure.NOT_LINKED_DATA
    quads = statements.quads()
    failure = guard(quads)
    if failure is not None:
        return failure
    graph = Graph(quads)
    if graph.is_object(found.root):
        return Failure.REROOTED
    same = is_same(document, graph, found.root, found.terms)
    meaning = orjson.dumps(compacted(graph, found.root))
    try:
        return Reading(statements.hash(), options.hash(), same, meaning)
    except _TooManyCalls:
        return Failure.POISON


def _statements(source: bytes, engine: Engine) -> Oxigraph | Pyld | Failure:
    try:
        return ENGINES[engine](source)
    except (SyntaxError, ValueError, TypeError, KeyError, AttributeError, jsonld.JsonLdError):
        return Failure.NOT_LINKED_DATA  # what the engines raise for what they do not take


def _refuse(address: str, _: object) -> Any:
    raise jsonld.JsonLdError(f"{address} is not loaded", "jsonld.LoadDocumentError")
