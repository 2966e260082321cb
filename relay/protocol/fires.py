"""Datasets of moderation recommendations (FediMod FIRES), read as far as they are about servers.

A dataset names two endpoints: `snapshot`, a collection with the newest change of every entity, and `changes`, a
collection of pages in which the newest change comes last. The snapshot says at which address of the feed to go on
(`changes`, with a cursor); the last page of the feed says it with its `next`, or is asked again itself.

What becomes of a change: a Recommendation of `drop` or `reject` blocks. A Recommendation of `filter` or without a
policy, and an Advisory, are observed: the first is no reason not to relay, the others leave the decision to us. A
Recommendation of `accept` or `none`, a Retraction and a Tombstone end whatever the dataset said before. A Tombstone
names only the change that it wipes out, so the id of each change is kept with what it said.

Names are read in camel case and, as the first servers wrote them, with underscores. Source: fires.fedimod.org,
Protocol Reference (Datasets, Changes) and Concepts (Federation Management), and its reference server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.domain import hosts, strictjson
from relay.domain.attachments import flat, types_of
from relay.domain.blocklist import MOST_ENTRIES, Effect, ListedServer, listed_name
from relay.domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Document = Mapping[str, object]

ACCEPT: Final = "application/ld+json, application/json;q=0.9"
"""What is asked for: with a browser's `Accept` the servers answer HTML."""
_BLOCKING: Final = frozenset({"drop", "reject"})
_OBSERVED: Final = frozenset({"filter", ""})
_ENDING: Final = frozenset({"accept", "none"})
_COMMENT: Final = 500


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the parts of a dataset are."""

    snapshot: str
    changes: str


@dataclass(frozen=True, slots=True)
class FiresChange:
    """One change. `server` is None for a tombstone, `entry` None when the change ends what was said before."""

    ref: str
    server: str | None
    entry: ListedServer | None


@dataclass(frozen=True, slots=True)
class FiresPage:
    """A collection or a page of it: its changes as they stand there, and where to go on.

    `first` is set for a collection without items of its own. `resume` is the address of the feed that follows: a
    snapshot's `changes`, a page's `next`. `unusable` counts changes about servers whose names cannot be matched.
    """

    changes: tuple[FiresChange, ...]
    first: str | None
    resume: str | None
    unusable: int = 0


def read_dataset(body: bytes, url: str) -> Endpoints:
    """The endpoints of the dataset at `url`. Raises `Malformed` (`bad-list`); both must be on the dataset's origin."""
    document = _document(body)
    if "Dataset" not in types_of(document):
        raise _bad("The document is no FIRES dataset.")
    endpoints = document.get("endpoints")
    found = endpoints if isinstance(endpoints, dict) else document
    return Endpoints(_near(found, "snapshot", url), _near(found, "changes", url))


def read_changes(body: bytes, url: str) -> FiresPage:
    """The snapshot or the page of changes at `url`. Raises `Malformed` (`bad-list`)."""
    document = _document(body)
    types = types_of(document)
    if not {"OrderedCollection", "OrderedCollectionPage", "Collection", "CollectionPage"} & set(types):
        raise _bad("The document is no collection of changes.")
    members = flat(document.get("orderedItems")) or flat(document.get("items"))
    if len(members) > MOST_ENTRIES:
        raise _bad(f"The collection has more than {MOST_ENTRIES:,} changes.")
    changes: list[FiresChange] = []
    unusable = 0
    for member in members:
        change = _change(member) if isinstance(member, dict) else None
        if change is not None:
            changes.append(change)
        elif isinstance(member, dict) and _is_about_a_server(member):
            unusable += 1
    is_page = any(kind.endswith("Page") for kind in types)
    onwards = "next" if is_page else "changes"
    return FiresPage(
        tuple(changes),
        None if is_page or members else _optional(document, "first", url),
        _optional(document, onwards, url),
        unusable,
    )


def apply_changes(
    entries: Mapping[str, ListedServer], changes: Iterable[FiresChange]
) -> dict[str, ListedServer]:
    """The entries after changes, oldest first.

    Applying changes twice is the same as once, and where one page ends and the next begins makes no difference. A
    tombstone ends what the change said that it names, unless a newer change has replaced that already.
    """
    found = dict(entries)
    named: dict[str, set[str]] = {}
    for server, entry in found.items():
        named.setdefault(entry.ref, set()).add(server)
    for change in changes:
        ended = {change.server} if change.server is not None else set(named.get(change.ref, ()))
        for server in ended:
            before = found.pop(server, None)
            if before is not None:
                named[before.ref].discard(server)
        if change.server is not None and change.entry is not None:
            found[change.server] = change.entry
            named.setdefault(change.entry.ref, set()).add(change.server)
        if len(found) > MOST_ENTRIES:
            raise _bad(f"The dataset names more than {MOST_ENTRIES:,} servers.")
    return found


def _change(member: Document) -> FiresChange | None:
    """One change; None when it is not about a server, or about one whose name cannot be matched."""
    ref, types = _text(member.get("id")), types_of(member)
    if "Tombstone" in types:
        return FiresChange(ref, None, None) if ref else None
    if not _is_about_a_server(member):
        return None
    server = listed_name(_text(_either(member, "entityKey", "entity_key")))
    if server is None:
        return None
    if "Retraction" in types:
        return FiresChange(ref, server, None)
    if "Advisory" in types:
        return FiresChange(ref, server, _entry(server, Effect.OBSERVE, "advisory", member, ref))
    if "Recommendation" not in types:
        return None
    policy = _text(_either(member, "recommendedPolicy", "recommended_policy")).lower()
    if policy in _ENDING:
        return FiresChange(ref, server, None)
    effect = Effect.BLOCK if policy in _BLOCKING else Effect.OBSERVE
    severity = policy if policy in _BLOCKING | _OBSERVED else "unknown"
    return FiresChange(ref, server, _entry(server, effect, severity or "no policy", member, ref))


def _entry(server: str, effect: Effect, severity: str, member: Document, ref: str) -> ListedServer:
    return ListedServer(server, effect, severity, _text(member.get("comment"))[:_COMMENT], ref)


def _is_about_a_server(member: Document) -> bool:
    return _text(_either(member, "entityKind", "entity_kind")).lower() == "domain"


def _document(body: bytes) -> Document:
    try:
        document = strictjson.loads(body)
    except Malformed as error:
        raise _bad(f"This is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise _bad("The document is not a JSON object.")
    return document


def _near(document: Document, name: str, url: str) -> str:
    found = _optional(document, name, url)
    if found is None:
        raise _bad(f"The dataset does not say where its {name} is.")
    return found


def _optional(document: Document, name: str, url: str) -> str | None:
    """An address in the document; one on another origin than `url` is as good as none."""
    value = document.get(name)
    text = value.get("id") if isinstance(value, dict) else value
    return text if isinstance(text, str) and hosts.same_origin(text, url) else None


def _either(member: Document, name: str, older: str) -> object:
    return member[name] if name in member else member.get(older)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _bad(sentence: str) -> Malformed:
    return Malformed(sentence, code="bad-list")
