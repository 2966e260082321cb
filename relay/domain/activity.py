"""What an activity is to a relay, and how it is read from the bytes that came in.

Reading is total and bounded: any body gives an `Activity` or raises `Malformed`. What servers write in more
than one way is coerced here, once: a single value for an array of one, an object for its id, three
spellings of the public collection. The received bytes are kept: a body that others signed is passed on to
the letter or not at all.

Source: ActivityStreams 2.0, ActivityPub 4 to 7, and the recordings in tests/golden/captures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from relay.domain import hosts, strictjson
from relay.domain.attachments import flat, media_of, types_of
from relay.domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from relay.domain.attachments import Document
    from relay.domain.media import MediaRef

AS_PUBLIC: Final = "https://www.w3.org/ns/activitystreams#Public"
PUBLIC: Final = frozenset({AS_PUBLIC, "as:Public", "Public"})
"""The public collection as servers spell it (ActivityPub 5.6; FEP-ae0c)."""

ACTIVITY_TYPES: Final = frozenset(
    {
        *("Accept", "Add", "Announce", "Arrive", "Block", "Create", "Delete", "Dislike", "Flag", "Follow"),
        *("Ignore", "Invite", "Join", "Leave", "Like", "Listen", "Move", "Offer", "Read", "Reject", "Remove"),
        *("TentativeAccept", "TentativeReject", "Travel", "Undo", "Update", "View"),
    }
)
"""ActivityStreams 2.0 vocabulary 3.1; what the fediverse calls a Question is a post (a poll)."""

MAX_OBJECTS: Final = 256
"""Most object ids that are kept of one activity; only a Flag names more than one."""


class Visibility(StrEnum):
    """To whom something is addressed: `PUBLIC` in `to`, `UNLISTED` only in `cc`, `OTHER` not to all."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    OTHER = "other"


def relayed(*, unlisted: bool) -> frozenset[Visibility]:
    """The visibilities that are relayed: public, and unlisted where the operator wants it."""
    return frozenset({Visibility.PUBLIC, Visibility.UNLISTED} if unlisted else {Visibility.PUBLIC})


@dataclass(frozen=True, slots=True)
class ApObject:
    """What an activity is about, when it is embedded or has been fetched.

    `id` and `type` are None when absent. `visibility` is by the object's own `to` and `cc`. `media` are its
    items and `media_complete` is False when there may be more of them. `updated` and `published` are as
    written. `url` is the first http(s) link for people. `actor` and `object_id` are set when the object is
    an activity in turn, such as the Follow in an Accept or Undo. `document` is the whole object and must
    not be changed.
    """

    id: str | None
    type: str | None
    attributed_to: tuple[str, ...]
    visibility: Visibility
    media: tuple[MediaRef, ...]
    media_complete: bool
    updated: str | None
    published: str | None
    url: str | None
    actor: str | None
    object_id: str | None
    document: Document = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity as received. Nothing here is proven: who sent it is for the signatures to show.

    `object_ids` are all objects named; `object_id`, `object_type` and `object` are set only when there is
    exactly one, the last two only when it is embedded. `to` and `cc` are ids. `visibility` is by the `to`
    and `cc` of the activity and of the embedded object together. `ld_signed` and `has_proof` tell that a
    Linked Data signature or a data integrity proof is there, not that it is right. `body` are the exact
    bytes, `document` what they say; it must not be changed.
    """

    id: str | None
    type: str
    actor: str
    object_ids: tuple[str, ...]
    object_id: str | None
    object_type: str | None
    object: ApObject | None
    target: str | None
    to: tuple[str, ...]
    cc: tuple[str, ...]
    visibility: Visibility
    published: str | None
    ld_signed: bool
    has_proof: bool
    body: bytes = field(repr=False)
    document: Document = field(repr=False, compare=False)

    @property
    def version(self) -> str | None:
        """What tells this version of the object from another: its `updated`, else the activity's own id."""
        if self.object is not None and self.object.updated is not None:
            return self.object.updated
        return self.id

    def shown_to(self, seen: frozenset[Visibility]) -> bool:
        """Whether it and what it embeds are visible to one of `seen`; an object without audience has the activity's."""
        post = self.object
        addressed = post is not None and ("to" in post.document or "cc" in post.document)
        hidden = post is not None and addressed and post.visibility not in seen
        return self.visibility in seen and not hidden


def parse_activity(body: bytes) -> Activity:
    """The activity in `body`. Raises `Malformed`: `json-...`, `not-an-object`, `bad-<property>`."""
    document = strictjson.loads(body)
    if not isinstance(document, dict):
        raise Malformed("The document is not a JSON object.", code="not-an-object")
    objects = flat(document.get("object"))
    ids = tuple(_ids("object", objects[:MAX_OBJECTS]))
    single = objects[0] if len(objects) == 1 else None
    embedded = parse_object(single) if isinstance(single, dict) else None
    to, cc = _addressees(document)
    return Activity(
        id=_optional_id("id", document.get("id")),
        type=_required_type(document),
        actor=_required_id("actor", document.get("actor")),
        object_ids=ids,
        object_id=ids[0] if ids and single is not None else None,
        object_type=embedded.type if embedded is not None else None,
        object=embedded,
        target=_id_of(document.get("target")),
        to=to,
        cc=cc,
        visibility=_wider(
            _visibility(to, cc), embedded.visibility if embedded is not None else Visibility.OTHER
        ),
        published=_text(document.get("published")),
        ld_signed=isinstance(document.get("signature"), dict),
        has_proof=any(isinstance(proof, dict) for proof in flat(document.get("proof"))),
        body=body,
        document=document,
    )


def parse_object(document: Document) -> ApObject:
    """The object in `document`, embedded or fetched. Raises `Malformed` with code `bad-<property>`."""
    to, cc = _addressees(document)
    media, media_complete = media_of(document)
    return ApObject(
        id=_optional_id("id", document.get("id")),
        type=next(iter(types_of(document)), None),
        attributed_to=tuple(_ids("attributedTo", flat(document.get("attributedTo")))),
        visibility=_visibility(to, cc),
        media=media,
        media_complete=media_complete,
        updated=_text(document.get("updated")),
        published=_text(document.get("published")),
        url=_page(document.get("url")),
        actor=_id_of(document.get("actor")),
        object_id=_id_of(document.get("object")),
        document=document,
    )


def loop_key(kind: str, object_id: str, version: str | None = None) -> str:
    """The key under which a published activity is remembered, so that it is published once.

    Create and Announce of one object share a key, whoever announces it and under whatever id: two relays that
    reflect each other would otherwise never stop. An Update counts by `version` (the object's `updated`), a
    Delete once; any other kind once for each `version`, which is then the activity's id.
    """
    if kind in {"Create", "Announce"}:
        return f"post {object_id}"
    if kind == "Delete":
        return f"delete {object_id}"
    return f"{kind.lower()} {object_id} {version or ''}"


def is_public_collection(value: object) -> bool:
    """Whether `value` is the public collection in any spelling, as in a Follow of FEP-ae0c."""
    return isinstance(value, str) and value in PUBLIC


def _required_type(document: Document) -> str:
    types = types_of(document)
    if not types or not types[0]:
        raise Malformed("The activity has no type.", code="bad-type")
    return types[0]


def _addressees(document: Document) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`to` and `cc`; strings that cannot be ids address nobody and are left out."""
    to, cc = (
        tuple(
            _ids(
                name,
                [one for one in flat(document.get(name)) if not isinstance(one, str) or hosts.is_id(one)],
            )
        )
        for name in ("to", "cc")
    )
    return to, cc


def _visibility(to: tuple[str, ...], cc: tuple[str, ...]) -> Visibility:
    if not PUBLIC.isdisjoint(to):
        return Visibility.PUBLIC
    return Visibility.OTHER if PUBLIC.isdisjoint(cc) else Visibility.UNLISTED


def _wider(first: Visibility, second: Visibility) -> Visibility:
    order = (Visibility.PUBLIC, Visibility.UNLISTED, Visibility.OTHER)
    return min(first, second, key=order.index)


def _ids(name: str, members: Sequence[object]) -> Iterator[str]:
    """The ids of members that are ids, objects with one, or objects without (left out)."""
    for member in members:
        if isinstance(member, dict):
            found = _optional_id(name, member.get("id", member.get("href")))
            if found is not None:
                yield found
        else:
            yield _required_id(name, member)


def _required_id(name: str, value: object) -> str:
    """The id that a property names: a string, an object with an id, or an array of one of these."""
    if isinstance(value, str) and hosts.is_id(value):
        return value
    members = flat(value)
    if len(members) != 1:
        raise Malformed(f"The property {name} does not name exactly one thing.", code=f"bad-{name}")
    found = members[0].get("id") if isinstance(members[0], dict) else members[0]
    if not isinstance(found, str) or not hosts.is_id(found):
        raise Malformed(f"The property {name} is not an id.", code=f"bad-{name}")
    return found


def _optional_id(name: str, value: object) -> str | None:
    return None if value is None else _required_id(name, value)


def _id_of(value: object) -> str | None:
    """The id in a property that may be anything."""
    try:
        return _optional_id("any", value)
    except Malformed:
        return None


def _page(value: object) -> str | None:
    """The first http(s) URL among strings and Links."""
    for member in flat(value):
        url = member.get("href") if isinstance(member, dict) else member
        if isinstance(url, str) and hosts.is_http_url(url):
            return url
    return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
