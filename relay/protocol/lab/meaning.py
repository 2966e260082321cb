"""The rules about JSON-LD: what the terms mean, and whether signatures cover them: `ATT-024` to `026`, `032`, `045`.

Terms are read from the document's own contexts; what becomes of the values, an engine has to say (`LinkedData`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from relay.domain.attachments import flat
from relay.protocol.documents import NAMESPACE
from relay.protocol.lab.looking import judged, unclear
from relay.protocol.lab.places import ATTESTATION, BESIDE, HASH
from relay.protocol.ldsig import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from relay.domain.lab.model import Result
    from relay.protocol.lab.looking import Looked

VOCABULARY: Final = "https://purl.archive.org/socialweb/photodna#"
"""The namespace of FEP-b53d."""
TERMS: Final = {HASH: f"{VOCABULARY}hash", ATTESTATION: f"{VOCABULARY}attestation"}
ADDRESS: Final = VOCABULARY.removesuffix("#")
"""The address under which nobody has to look for the context (P-03)."""

_NAMED: Final = frozenset({"actor", "attributedTo", "context", "inReplyTo", "partOf"})
"""Properties under which `compacted` only names things (ldmeaning.py)."""

CONTEXT: Final[Mapping[str, object]] = {
    "pdna": VOCABULARY,
    HASH: {"@id": "pdna:hash", "@type": "@id"},
    ATTESTATION: {"@id": "pdna:attestation", "@type": "@id"},
}
"""The terms as a publisher defines them (FEP-b53d)."""


def meaning(looked: Looked) -> Iterator[Result]:
    """Look at the contexts, and at what became of the values."""
    used = {name for one in looked.carrying for name in (HASH, ATTESTATION, BESIDE) if one.values(name)}
    if not used:
        return
    contexts = list(_contexts(looked.document))
    defined: dict[str, Any] = {}
    for one in contexts:
        if isinstance(one, dict):
            defined |= one
    for name in (HASH, ATTESTATION):
        if name in used:
            yield judged(24, name, _definition(name, TERMS[name], defined), "It is defined as FEP-b53d does.")
    if BESIDE in used:
        fault = _definition(BESIDE, f"{NAMESPACE}{BESIDE}", defined)
        yield judged(45, BESIDE, fault, "It is defined as the profile does.")
    if not used.isdisjoint({HASH, ATTESTATION}):
        named = [one for one in contexts if isinstance(one, str) and one.startswith(ADDRESS)]
        fault = f"It is referred to as {named[0]}." if named else None
        yield judged(25, "", fault, "It is not.")
    yield from _survival(looked)


def _contexts(value: object) -> Iterator[object]:
    """Every context in a document, of embedded objects, too."""
    for member in flat(value):
        if isinstance(member, dict):
            yield from flat(member.get("@context"))
            for name, below in member.items():
                if name != "@context":
                    yield from _contexts(below)


def _definition(name: str, iri: str, defined: Mapping[str, Any]) -> str | None:
    """What is wrong with the definition of a term, as a sentence."""
    found = defined.get(name)
    if found is None:
        return f"No context in the document defines `{name}`."
    target, kind = (found.get("@id"), found.get("@type")) if isinstance(found, dict) else (found, None)
    prefix, _, rest = target.partition(":") if isinstance(target, str) else ("", "", "")
    base = defined.get(prefix)
    base = base.get("@id") if isinstance(base, dict) else base
    if target != iri and not (isinstance(base, str) and base + rest == iri):
        return f"`{name}` is defined as another property than <{iri}>."
    return None if kind == "@id" else f"`{name}` is defined without `@type` `@id`."


def values_in(looked: Looked) -> set[str]:
    """Every value of the properties that is a string, but of what is embedded where it is only to be named."""
    described = [one for one in looked.carrying if _NAMED.isdisjoint(one.names)]
    return {text for one in described for name in (HASH, ATTESTATION, BESIDE) for text in one.strings(name)}


def lost(looked: Looked, reading: Reading) -> list[str]:
    """The values that are not in what is said after expansion."""
    return sorted(values_in(looked) - set(_strings(orjson.loads(reading.compacted))))


def _survival(looked: Looked) -> Iterator[Result]:
    linked = looked.linked
    if linked is None:
        return
    readings = [one for one in linked.whole if isinstance(one, Reading)]
    failures = [one for one in linked.whole if not isinstance(one, Reading)]
    if not readings:
        yield unclear(26, failures[0].sentence)
        return
    gone = sorted({text for one in readings for text in lost(looked, one)})
    fault = f"{len(gone)} are dropped, among them `{gone[0][:60]}`." if gone else None
    yield judged(26, "", fault, f"{len(readings)} JSON-LD processors that were asked keep all of them.")


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for member in value if isinstance(value, list) else value.values():
            yield from _strings(member)
