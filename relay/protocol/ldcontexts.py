"""The JSON-LD contexts that are known here, and what their terms stand for.

Nothing is fetched: a context at another address makes a document count as unsigned (protocol.md 5.3, row 30).
The tables are files in contexts/; its README says where each is from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Definitions: TypeAlias = dict[str, object]

AS2: Final = "https://www.w3.org/ns/activitystreams"
IDENTITY: Final = "identity-v1"
_SECURITY: Final = "https://w3id.org/security/v1"
_WEBFINGER: Final = "https://purl.archive.org/socialweb/webfinger"

_ADDRESSES: Final = {
    AS2: ("activitystreams",),
    _SECURITY: ("security-v1",),
    "https://w3id.org/security/data-integrity/v1": ("data-integrity-v1",),
    "https://w3id.org/security/data-integrity/v2": ("data-integrity-v2",),
    "https://w3id.org/security/multikey/v1": ("multikey-v1",),
    "https://www.w3.org/ns/cid/v1": ("cid-v1",),
    "https://www.w3.org/ns/did/v1": ("did-v1",),
    _WEBFINGER: ("webfinger",),
    "https://gotosocial.org/ns": ("gotosocial",),
    "https://w3id.org/fep/5711": ("fep-5711",),
    "https://join-lemmy.org/context.json": ("activitystreams", "security-v1", "lemmy"),
}
_LITEPUB: Final = re.compile(r"https://[^/?#]+/schemas/litepub-0\.1\.jsonld")
_LITEPUB_FILES: Final = ("activitystreams", "security-v1", "webfinger", "litepub")
"""Pleroma and Akkoma serve it at an address on each server."""


class Term(NamedTuple):
    """What a term stands for: its IRI (or `@id`, `@type`), the type of its values, its container."""

    iri: str
    type: str | None = None
    container: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """One table: the terms that it gives, and its definitions as JSON, each by itself.

    `is_whole`: the table defines terms within terms or protects them, and is used as it is.
    """

    terms: Mapping[str, Term]
    definitions: Mapping[str, bytes]
    is_whole: bool

    def json(self, used: Iterable[str]) -> bytes:
        """The table as a context in JSON, with those terms only that are used: engines take long over the others."""
        kept = self.definitions if self.is_whole else {name for name in used if name in self.definitions}
        keywords = [] if self.is_whole else [name for name in ("@vocab",) if name in self.definitions]
        return b"{" + b",".join(self.definitions[name] for name in (*keywords, *kept)) + b"}"


def bundled(address: str) -> tuple[Context, ...] | None:
    """The tables that stand at an address, in the order in which they hold; None: not known here."""
    names = _ADDRESSES.get(address)
    if names is None and _LITEPUB.fullmatch(address):
        names = _LITEPUB_FILES
    return None if names is None else tuple(table(name) for name in names)


@cache
def table(name: str) -> Context:
    """The table in the file of that name."""
    source = files("relay.protocol").joinpath("contexts", f"{name}.json").read_bytes()
    content: Definitions = orjson.loads(source)
    is_whole = "@protected" in content
    terms = dict(_terms(content))
    pieces = {
        key: orjson.dumps({key: value if is_whole or key.startswith("@") else _alone(terms[key])})[1:-1]
        for key, value in content.items()
    }
    return Context(MappingProxyType(terms), MappingProxyType(pieces), is_whole)


def _alone(term: Term) -> str | dict[str, str]:
    """A definition that needs no other one; a plain one stays plain, as only such is a prefix (JSON-LD 1.1 4.2.2)."""
    members = {"@id": term.iri, "@type": term.type, "@container": term.container}
    found = {name: value for name, value in members.items() if value is not None}
    return term.iri if len(found) == 1 else found


def load_all() -> None:
    """Read every table: a process that will not be able to open files calls this first."""
    for address in _ADDRESSES:
        bundled(address)
    table(IDENTITY)
    protected()
    names_by_iri()


@cache
def protected() -> Mapping[str, Term]:
    """The terms of ActivityStreams 2.0 and the security vocabulary v1, which nobody may define otherwise.

    Mastodon gives `EncryptedMessage` a meaning of its own; nothing here depends on it.
    """
    terms = {**table("security-v1").terms, **table("activitystreams").terms}
    del terms["EncryptedMessage"]
    return MappingProxyType(terms)


@cache
def names() -> Mapping[str, Term]:
    """Our own context: the names under which this relay, and servers that do not process JSON-LD, read properties."""
    order = ("litepub", "lemmy", "gotosocial", "webfinger", "field", "security-v1", "activitystreams")
    return MappingProxyType({name: term for file in order for name, term in table(file).terms.items()})


@cache
def names_by_iri() -> Mapping[tuple[str, str | None], str]:
    """The name of each property by its IRI and its container: `@list`, `@language` or None."""
    return MappingProxyType(
        {(term.iri, shape_of(term)): name for name, term in names().items() if not term.iri.startswith("@")}
    )


def shape_of(term: Term) -> str | None:
    """The container of a term as far as it changes what stands in the graph: a `@set` does not."""
    return term.container if term.container in {"@list", "@language"} else None


def _terms(definitions: Definitions) -> Iterable[tuple[str, Term]]:
    for name, definition in definitions.items():
        if not name.startswith("@"):
            yield name, _term(definition, definitions)


def _term(definition: object, definitions: Definitions) -> Term:
    if not isinstance(definition, dict):
        return Term(_absolute(str(definition), definitions))
    kind, container = definition.get("@type"), definition.get("@container")
    return Term(_absolute(definition["@id"], definitions), kind and _absolute(kind, definitions), container)


def _absolute(iri: str, definitions: Definitions) -> str:
    """The IRI that a compact one stands for (JSON-LD 1.1 5.2); the prefix is in the file or one of AS2's."""
    prefix, _, suffix = iri.partition(":")
    if iri.startswith("@") or suffix.startswith("//"):
        return iri
    return f"{definitions.get(prefix) or table('activitystreams').terms[prefix].iri}{suffix}"
