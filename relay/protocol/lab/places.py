"""Where hashes and attestations stand in a document: everywhere, and in which media a reader finds them.

What counts as a medium is read as the relay reads posts (domain/attachments.py). Beside that every object that carries
one of the properties is found, wherever it is, so that the lab can say which of them nobody reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mediaattest import origin_of
from relay.domain.activity import ACTIVITY_TYPES
from relay.domain.attachments import ACTOR_TYPES, Document, flat, media_of, types_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.domain.media import MediaRef

HASH: Final = "hash"
ATTESTATION: Final = "attestation"
MULTIBASE: Final = "digestMultibase"
BESIDE: Final = "mediaAttestation"
"""On a relay's Announce (C-05); the others stand on the medium (FEP-b53d, FEP-1311)."""
PROPERTIES: Final = (HASH, ATTESTATION, MULTIBASE, BESIDE)
WHOLE: Final = "the document itself"
"""Said of what stands at the top."""
NOT_READ: Final = frozenset({"inReplyTo", "tag"})
"""What is embedded there is not the post's own (V-05)."""

_COLLECTIONS: Final = frozenset(
    {"Collection", "OrderedCollection", "CollectionPage", "OrderedCollectionPage"}
)


@dataclass(frozen=True, slots=True)
class Carrying:
    """An object that carries one of the properties.

    `where` is the path to it, `names` the properties on that path, `owner` the id of the innermost object around it,
    or its own; None when none has one.
    """

    where: str
    names: tuple[str, ...]
    members: Document
    owner: str | None

    def values(self, name: str) -> tuple[object, ...]:
        """All values of a property, the members of arrays one by one."""
        return tuple(flat(self.members.get(name)))

    def strings(self, name: str) -> tuple[str, ...]:
        """Those of the values that are strings."""
        return tuple(value for value in self.values(name) if isinstance(value, str))


@dataclass(frozen=True, slots=True)
class Medium:
    """One medium of a post in the document, and where it stands. `post` is the id of the post, or None."""

    where: str
    ref: MediaRef
    post: str | None


def carrying(document: object, where: str = "") -> tuple[Carrying, ...]:
    """Every object with one of the properties, in the document's order."""
    return tuple(
        Carrying(place or WHOLE, names, members, owner)
        for place, names, members, owner in _objects(document, where, (), None)
        if any(name in members for name in PROPERTIES)
    )


def media_in(document: object) -> tuple[Medium, ...]:
    """Every medium of the posts in a document: an activity, an object, an actor with its pictures, or several."""
    return tuple(medium for where, post in posts(document) for medium in _media(where, post))


def posts(document: object, where: str = "") -> Iterator[tuple[str, Document]]:
    """What the document is about, with the path to it: behind activities, collections and arrays."""
    for place, member in _members(document, where):
        if not isinstance(member, dict):
            continue
        types = set(types_of(member))
        if not types.isdisjoint(ACTIVITY_TYPES):
            yield from posts(member.get("object"), _below(place, "object"))
        elif not types.isdisjoint(_COLLECTIONS):
            for name in ("items", "orderedItems"):
                yield from posts(member.get(name), _below(place, name))
        else:
            yield place, member


def origin(document: object) -> str | None:
    """The origin that a document speaks for: of its actor, else of its author, else of its id; None for an array."""
    if not isinstance(document, dict):
        return None
    for name in ("actor", "attributedTo", "id"):
        found = next((one for value in flat(document.get(name)) if (one := _id(value))), None)
        if found is not None:
            return origin_of(found)
    return None


def _media(where: str, post: Document) -> Iterator[Medium]:
    # An actor's pictures are not a post's, but their attestations are read alike.
    is_actor = ACTOR_TYPES.issuperset(types_of(post))
    readable = {name: value for name, value in post.items() if name != "type" or not is_actor}
    places: dict[str, list[str]] = {}
    for place, members in _entries(readable, where):
        for url in (*flat(members.get("url")), *flat(members.get("href"))):
            if isinstance(url, str):
                places.setdefault(url, []).append(place or WHOLE)
    for ref in media_of(readable)[0]:
        known = places.get(ref.url) or [where or WHOLE]
        yield Medium(known.pop(0) if len(known) > 1 else known[0], ref, _id(post))


def _entries(value: object, where: str) -> Iterator[tuple[str, Document]]:
    found = _objects(value, where, (), None)
    return ((place, members) for place, names, members, _ in found if NOT_READ.isdisjoint(names))


def _objects(
    value: object, where: str, names: tuple[str, ...], owner: str | None
) -> Iterator[tuple[str, tuple[str, ...], Document, str | None]]:
    """Every object, with its path; the depth of a document is bounded by its parser."""
    for place, member in _members(value, where):
        if isinstance(member, dict):
            own = _id(member) or owner
            yield place, names, member, own
            for name, below in member.items():
                if name != "@context":
                    yield from _objects(below, _below(place, name), (*names, name), own)


def _members(value: object, where: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, list):
        for place, member in enumerate(value):
            yield from _members(member, f"{where}[{place}]")
    else:
        yield where, value


def _below(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _id(value: object) -> str | None:
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) and found else None
