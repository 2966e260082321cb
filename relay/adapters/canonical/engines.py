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
from relay.protocol.ldsig import Reading, options_json
from relay.protocol.unproven import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.protocol.ldsig import Engine

MAX_CALLS: Final = 2000
"""Most steps into a neighbour that PyLD takes: posts of servers need at most eight."""

_NQUADS: Final = "application/n-quads"


class _TooManyCalls(Exception):
    """PyLD took too many steps."""


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


def read(body: bytes, engine: Engine) -> Reading | Failure:
    """What a signed document says, and the hashes that its signature covers. `body` is what `strictjson` accepts."""
    if len(body) > MAX_BYTES:
        return Failure.TOO_LARGE
    document = strictjson.loads(body)
    assert isinstance(document, dict)  # noqa: S101 - an activity is one
    found = shape(document)
    if isinstance(found, Failure):
        return found
    statements = _statements(found.json, engine)
    if isinstance(statements, Failure):
        return statements
    quads = _quads(statements)
    failure = guard(quads)
    if failure is not None:
        return failure
    graph = Graph(quads)
    if graph.is_object(found.root):
        return Failure.REROOTED
    options = _statements(options_json(document), engine)
    if isinstance(options, Failure):
        return options
    try:
        document_hash, options_hash = _hash(statements, engine), _hash(options, engine)
    except _TooManyCalls:
        return Failure.POISON
    same = is_same(document, graph, found.root, found.terms)
    return Reading(document_hash, options_hash, same, orjson.dumps(compacted(graph, found.root)))


def _statements(source: bytes, engine: Engine) -> list[ox.Quad] | Failure:
    """The statements of JSON-LD that needs no context from elsewhere, in its order."""
    try:
        if engine == "second":
            text: str = jsonld.to_rdf(orjson.loads(source), _options())
            return list(ox.parse(text, ox.RdfFormat.N_QUADS))
        return list(ox.parse(source, ox.RdfFormat.JSON_LD))
    except (SyntaxError, ValueError, TypeError, KeyError, AttributeError, jsonld.JsonLdError):
        return Failure.NOT_LINKED_DATA


def _options() -> dict[str, Any]:
    return {"format": _NQUADS, "base": None, "documentLoader": _refuse}


def _refuse(address: str, _: object) -> Any:
    raise jsonld.JsonLdError(f"{address} is not loaded", "jsonld.LoadDocumentError")


def _hash(statements: Sequence[ox.Quad], engine: Engine) -> str:
    """The SHA-256, in hex, of the canonical N-Quads (RDFC-1.0)."""
    if engine == "second":
        source = ox.serialize(statements, format=ox.RdfFormat.N_QUADS) or b""
        dataset = jsonld.JsonLdProcessor.parse_nquads(source.decode())
        text = _Bounded().main(dataset, {"format": _NQUADS}).encode()
        return hashlib.sha256(text).hexdigest()
    ordered = ox.Dataset(statements)
    ordered.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    lines = ox.serialize(ordered, format=ox.RdfFormat.N_QUADS) or b""
    return hashlib.sha256(b"".join(sorted(lines.splitlines(keepends=True)))).hexdigest()


def _quads(statements: Sequence[ox.Quad]) -> list[Quad]:
    found = []
    for subject, predicate, thing, graph in statements:
        named = "" if type(graph) is ox.DefaultGraph else _node(graph)
        found.append(Quad(_node(subject), predicate.value, _thing(thing), named))
    return found


def _node(one: Any) -> str:
    return f"{BLANK}{one.value}" if type(one) is ox.BlankNode else str(one.value)


def _thing(one: Any) -> str | Literal:
    if type(one) is ox.Literal:
        return Literal(one.value, one.datatype.value, (one.language or "").lower())
    return _node(one)
