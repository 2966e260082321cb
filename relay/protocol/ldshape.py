"""What a document may look like for its Linked Data signature to be looked at.

A signature covers a graph, and JSON-LD has many ways to write one graph: by renaming terms (CVE-2022-24307), by
`@graph`, `@included` and `@reverse`, plain or under another name (CVE-2026-46349, CVE-2026-48028,
CVE-2026-42462). None of them is used by servers that sign. So a document that is looked at uses known contexts
and inline ones that only define new terms, each by an IRI; no keyword stands in it but `@context` at its top.
Everything here is linear in the document, which `strictjson` has read: it is at most 32 levels deep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

import orjson

from relay.domain.attachments import Document, flat
from relay.domain.hosts import MAX_URL, is_http_url
from relay.protocol.ldcontexts import Context, Term, bundled, protected, shape_of, table
from relay.protocol.ldgraph import BLANK
from relay.protocol.unproven import Failure

MAX_BYTES: Final = 128 * 1024
"""Longest document, in bytes of JSON; the longest signed one of a server was 12 KiB."""

MAX_CONTEXTS: Final = 32
"""Most contexts of a document; servers have three."""

MAX_TERMS: Final = 512
"""Most terms that a document defines; servers define up to fifty."""

_ALIASES: Final = {"id": "@id", "type": "@type"}
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\"<>\\^`{|}]+")
_CONTAINERS: Final = frozenset({None, "@list", "@set", "@language"})
_MEMBERS: Final = frozenset({"@id", "@type", "@container", "@language"})

Inline: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Shape:
    """A document that may be read as JSON-LD without any access to the network.

    `root` is its id, `terms` what its names stand for, `json` the document without `signature`, with the tables in
    place of the addresses of contexts. `values` counts the strings, numbers, arrays and objects of its content.
    """

    root: str
    terms: Mapping[str, Term]
    json: bytes
    values: int


def shape(document: Document) -> Shape | Failure:
    """The document as it may be looked at, or why it may not. Total for what `strictjson` returns."""
    root = document.get("id")
    if not isinstance(root, str) or not is_http_url(root):
        return Failure.NO_ID
    rest = {name: value for name, value in document.items() if name not in {"@context", "proof", "signature"}}
    used: set[str] = set()
    values = _survey([rest, *flat(document.get("proof"))], used)
    if isinstance(values, Failure):
        return values
    read = _contexts(document.get("@context"), used)
    if isinstance(read, Failure):
        return read
    content = {"@context": read[0], **rest}
    if "proof" in document:
        proofs = _proofs(document["proof"], used)
        if isinstance(proofs, Failure):
            return proofs
        content["proof"] = proofs
    return Shape(root, read[1], orjson.dumps(content), values)


def _contexts(value: object, used: set[str]) -> tuple[list[object], Mapping[str, Term]] | Failure:
    """The contexts with tables for addresses, and the terms that hold after all of them (JSON-LD 1.1 4.1.2)."""
    read = _read_contexts(orjson.dumps(value))
    if isinstance(read, Failure):
        return read
    entries, terms, prefixes = read
    names = used | prefixes
    return [orjson.Fragment(one.json(names)) if isinstance(one, Context) else one for one in entries], terms


@lru_cache(maxsize=128)
def _read_contexts(source: bytes) -> tuple[list[Inline | Context], Mapping[str, Term], set[str]] | Failure:
    """Contexts, the terms that hold after them, and the prefixes they use. A server sends few different ones."""
    value = orjson.loads(source)
    terms: dict[str, Term] = {}
    found: list[Inline | Context] = []
    prefixes: set[str] = set()
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, str):
            tables = bundled(entry)
            if tables is None:
                return Failure.UNKNOWN_CONTEXT
            found.extend(tables)
            for one in tables:
                terms.update(one.terms)
        elif isinstance(entry, dict):
            defined = _defined(entry, terms)
            if isinstance(defined, Failure):
                return defined
            found.append(entry)
            terms.update(defined)
            prefixes.update(_prefixes(entry))
        else:
            return Failure.BAD_CONTEXT
        if len(found) > MAX_CONTEXTS:
            return Failure.BAD_CONTEXT
    return (found, terms, prefixes) if table("activitystreams") in found else Failure.UNKNOWN_CONTEXT


def _prefixes(context: Inline) -> Iterator[str]:
    """The prefixes that an inline context uses; its definitions are well-formed."""
    for definition in context.values():
        members = definition.values() if isinstance(definition, dict) else [definition]
        yield from (str(one).partition(":")[0] for one in members)


def _defined(context: Inline, terms: Mapping[str, Term]) -> dict[str, Term] | Failure:
    """The terms of an inline context, where each is new or says what it says everywhere."""
    if len(context) > MAX_TERMS:
        return Failure.BAD_CONTEXT
    found: dict[str, Term] = {}
    for name, definition in context.items():
        if name.startswith("@"):
            if name == "@language" and isinstance(definition, str):
                continue
            return Failure.KEYWORD
        is_alias = definition is not None and _ALIASES.get(name) == definition
        term = Term(str(definition)) if is_alias else _term(definition, context, terms)
        if isinstance(term, Failure):
            return term
        if not name or ":" in name:
            return Failure.BAD_CONTEXT
        if not _is_kept(name, term):
            return Failure.REMAPPED
        found[name] = term
    return found


def _term(definition: object, context: Inline, terms: Mapping[str, Term]) -> Term | Failure:
    kind = container = None
    if isinstance(definition, dict):
        if not _MEMBERS.issuperset(definition):
            return Failure.KEYWORD
        kind, container = definition.get("@type"), definition.get("@container")
        if isinstance(container, list) and len(container) == 1:
            container = container[0]
        definition = definition.get("@id")
    iri = _resolved(definition, context, terms)
    if isinstance(iri, Failure):
        return iri
    if kind is not None and kind not in {"@id", "@vocab"}:
        kind = _resolved(kind, context, terms)
        if isinstance(kind, Failure):
            return kind
    if not isinstance(container, str | None) or container not in _CONTAINERS:
        return Failure.KEYWORD
    return Term(iri, kind, container)


def _resolved(value: object, context: Inline, terms: Mapping[str, Term]) -> str | Failure:
    """The IRI that a definition gives: absolute, or with a prefix that is itself defined by an absolute one.

    A value without a colon would be another term, perhaps a keyword by another name.
    """
    if not isinstance(value, str) or len(value) > MAX_URL:
        return Failure.BAD_CONTEXT
    if value.startswith("@"):
        return Failure.KEYWORD
    if value.startswith(BLANK):
        return Failure.BLANK_ID
    prefix, colon, suffix = value.partition(":")
    if not colon or not _SCHEME.fullmatch(value):
        return Failure.BAD_CONTEXT
    if suffix.startswith("//"):
        return value
    if prefix in context:
        base = context[prefix]
        if not isinstance(base, str) or not is_http_url(base):
            return Failure.BAD_CONTEXT
        return base + suffix
    if prefix in terms:
        return terms[prefix].iri + suffix if terms[prefix].iri.startswith("http") else Failure.BAD_CONTEXT
    return value


def _is_kept(name: str, term: Term) -> bool:
    """Whether a definition leaves a term of ActivityStreams and the security vocabulary what it is.

    A prefix that some engines would not take as one ends without delimiter; none of the protected IRIs can be
    written with such a prefix, as the engines' answer is then compared with ours (`ldmeaning`).
    """
    usual = protected().get(name)
    return usual is None or (usual.iri, usual.type, shape_of(usual)) == (term.iri, term.type, shape_of(term))


def _proofs(value: object, used: set[str]) -> list[Document] | Failure:
    """Integrity proofs, which a Linked Data signature covers, too, and which have contexts of their own."""
    found: list[Document] = []
    for proof in flat(value):
        if not isinstance(proof, dict):
            return Failure.BAD_PROOF
        read = _contexts(proof["@context"], used) if "@context" in proof else None
        if isinstance(read, Failure):
            return read
        found.append(proof if read is None else {**proof, "@context": read[0]})
    return found


def _survey(roots: list[object], used: set[str]) -> int | Failure:
    """How many values a document has, or the first that may not stand there; collects what may be a term in `used`."""
    level, depth, count = roots, 0, 0
    while level:
        count += len(level)
        below: list[object] = []
        for value in level:
            if isinstance(value, str):
                if value.startswith(BLANK):
                    return Failure.BLANK_ID
                used.add(value.partition(":")[0])
            elif isinstance(value, list):
                below.extend(value)
            elif isinstance(value, dict):
                failure = _banned(value, is_top=depth == 0 and value is not roots[0])
                if failure is not None:
                    return failure
                used.update(name.partition(":")[0] for name in value)
                below.extend(each for name, each in value.items() if name != "@context")
        level, depth = below, depth + 1
    return count


def _banned(members: Document, *, is_top: bool) -> Failure | None:
    """`is_top`: these are the members of a proof, which may have a context."""
    for name in members:
        if name.startswith("@") and not (name == "@context" and is_top):
            return Failure.BAD_CONTEXT if name == "@context" else Failure.KEYWORD
        if name.startswith(BLANK):
            return Failure.BLANK_ID
    types = (one for one in flat(members.get("type")) if isinstance(one, str))
    return Failure.KEYWORD if any(one.startswith("@") for one in types) else None
