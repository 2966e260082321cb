"""Targets: documents with Linked Data signatures or integrity proofs, and the graphs that they stand for."""

from __future__ import annotations

import orjson
import pyoxigraph as ox

from relay.adapters.canonical.engines import read
from relay.domain import strictjson
from relay.domain.activity import AS_PUBLIC, PUBLIC, Activity, parse_activity
from relay.domain.errors import Malformed
from relay.domain.hosts import same_origin
from relay.protocol.ldgraph import MAX_QUADS, NIL, RDF, Graph, Literal, Quad, guard
from relay.protocol.ldmeaning import compacted, is_same
from relay.protocol.ldshape import shape
from relay.protocol.ldsig import LdSignature, Reading, ld_signature, verify_ld
from relay.protocol.proof import Proof, integrity_proof, verify_proof
from relay.protocol.unproven import Failure
from tests.fuzz.properties import document_of, holds
from tests.fuzz.requests import NOW, PEM

ACTOR = "https://a.example/actor"


def signed_document(data: bytes) -> None:
    """A document and its proofs: looked at or refused; what says the same to all says the same to us."""
    document = document_of(data)
    if not isinstance(document, dict):
        return
    actor = document.get("actor")
    who = actor if isinstance(actor, str) else ACTOR
    signature = ld_signature(document, who, NOW)
    if isinstance(signature, LdSignature):
        holds(same_origin(signature.creator, who), "a key is on its actor's origin")
        holds(signature.expires is None or signature.expires > NOW, "a signature holds")
    proof = integrity_proof(document, who, NOW)
    if isinstance(proof, Proof):
        holds(same_origin(proof.key_id, who), "a key is on its actor's origin")
        holds(
            len(proof.message) == 64 and not {"proof", "signature"} & set(proof.document), "what was signed"
        )
        holds(not verify_proof(proof, PEM), "a key that signed nothing fits nothing")
    found = read(data, "first")
    if isinstance(found, Failure):
        return
    holds(not isinstance(shape(document), Failure), "only what may be looked at is read")
    if isinstance(signature, LdSignature):
        holds(not verify_ld(signature, found, PEM), "a key that signed nothing fits nothing")
    _check_meaning(data, found)


def _check_meaning(data: bytes, found: Reading) -> None:
    meant = strictjson.loads(found.compacted)
    holds(isinstance(meant, dict) and len(found.document_hash) == 64, "a graph is written as an object")
    if not found.same:
        return
    said, signed = _activity(data), _activity(found.compacted)
    if isinstance(said, Activity) and isinstance(signed, Activity):
        for name in ("id", "type", "actor", "object_id", "object_type", "target", "visibility", "published"):
            holds(
                getattr(said, name) == getattr(signed, name), f"the bytes say another {name} than was signed"
            )
        holds(_people(said.to) == _people(signed.to), "to other people")
        holds(_people(said.cc) == _people(signed.cc), "to other people")
        holds({one.url for one in _media(said)} == {one.url for one in _media(signed)}, "with other media")


def _activity(body: bytes) -> Activity | None:
    try:
        return parse_activity(body)
    except Malformed:
        return None


def _people(ids: tuple[str, ...]) -> set[str]:
    return {AS_PUBLIC if one in PUBLIC else one for one in ids}


def _media(activity: Activity) -> tuple:  # type: ignore[type-arg]
    return activity.object.media if activity.object is not None else ()


NODES = ("_:a", "_:b", "_:c", "_:d", "_:e", "_:f", "https://a.example/1", "https://a.example/2")
PREDICATES = (
    f"{RDF}type",
    f"{RDF}first",
    f"{RDF}rest",
    *(f"https://www.w3.org/ns/activitystreams#{name}" for name in ("tag", "object", "name", "actor")),
    "https://x.example/p",
)
TEXTS = (Literal("1", "http://www.w3.org/2001/XMLSchema#integer"), Literal("x", f"{RDF}langString", "en"))


def graph(data: bytes) -> None:
    """Graphs, three bytes a statement: what passes the guard is put in order and written out; nothing hangs."""
    quads = [_quad(*data[at : at + 3]) for at in range(0, min(len(data) - 2, 600), 3)]
    refusal = guard(quads)
    holds(refusal is None or isinstance(refusal, Failure), "a graph is taken or not")
    found = Graph(quads)
    root = NODES[6]
    document = compacted(found, root)
    holds(orjson.dumps(document), "a graph can be written")
    holds(isinstance(is_same(document, found, root, {}), bool), "a document says the same or not")
    for node in NODES:
        members = found.members(node)
        holds(members is None or len(members) <= MAX_QUADS + 1, "a list ends")
    if refusal is None and quads:
        lines = "".join(f"{_written(quad)} .\n" for quad in quads)
        dataset = ox.Dataset(ox.parse(lines.encode(), ox.RdfFormat.N_QUADS))
        dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)


def _quad(first: int, second: int, third: int) -> Quad:
    things = (*NODES, *TEXTS, NIL)
    named = NODES[first >> 5] if second & 0x80 else ""
    return Quad(NODES[first % 8], PREDICATES[second % 8], things[third % len(things)], named)


def _written(quad: Quad) -> str:
    parts = [quad.subject, quad.predicate, quad.object, *([quad.graph] if quad.graph else [])]
    return " ".join(map(_term, parts))


def _term(one: str | Literal) -> str:
    if isinstance(one, Literal):
        return f'"{one.text}"@{one.language}' if one.language else f'"{one.text}"^^<{one.type}>'
    return one if one.startswith("_:") else f"<{one}>"
