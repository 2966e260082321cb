"""Actor documents and key documents: whose key is this?

A signature names a key, a key names an owner, and only the owner's own document can say that the key is his
(FEP-fe34, reciprocal claims). What servers serve under a keyId: the actor itself (`actor#main-key`); a stub
of the actor with another id (GoToSocial's `/main-key`); a document that is only the key, perhaps without
ActivityStreams context (activitypub-bot, Mastodon #37826). From the last two the owner is taken and asked;
the key that counts is always the one in the owner's document. Keys stand there in `publicKey`, as PEM, or in
`assertionMethod`, as Multikeys (FEP-521a), of which those count that have neither expired nor been revoked.

That a document came from where its id says is for `relay.protocol.identity` to check first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from relay.domain.actor import Actor, ActorKey
from relay.domain.attachments import flat, types_of
from relay.domain.errors import Malformed, Refused
from relay.domain.hosts import check_url, is_http_url, same_origin, server_name
from relay.protocol.keys import MAX_PEM
from relay.protocol.multikeys import multikey_of, multikey_pem

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_KEYS: Final = 16
"""Most keys, and most assertion methods, that are read of one actor."""


@dataclass(frozen=True, slots=True)
class KeyFound:
    """The key is in its owner's document."""

    key: ActorKey
    actor: Actor


@dataclass(frozen=True, slots=True)
class NeedsOwner:
    """The document shows the key, not the owner: fetch `owner` and call `key_of_owner`."""

    owner: str


class KeyFailure(Enum):
    """Why a document does not give the key that was asked for."""

    BAD_DOCUMENT = "bad-document"
    """Neither an actor nor a key."""
    KEY_ID_MISMATCH = "key-id-mismatch"
    """A key with another id (row 17)."""
    NOT_LISTED = "not-listed"
    """The owner does not list the key as its own (row 16)."""
    OTHER_ORIGIN = "other-origin"
    """The key is on another origin than its owner."""


def parse_actor(document: object) -> Actor:
    """The actor that `document` describes. Raises `Malformed` with code `bad-actor`.

    An actor has an http(s) id, a type and an http(s) inbox (ActivityPub 4.1). Keys count that name the
    actor as owner, or nobody, and are on its origin; the others are left out.
    """
    if not isinstance(document, Mapping):
        raise _bad_actor("The actor document is not a JSON object.")
    actor_id, inbox = _url(document.get("id")), _url(document.get("inbox"))
    types = types_of(document)
    if actor_id is None or inbox is None or not types:
        raise _bad_actor("The actor document lacks an id, a type or an inbox.")
    endpoints = document.get("endpoints")
    return Actor(
        id=actor_id,
        type=types[0],
        preferred_username=_text(document.get("preferredUsername")),
        name=_text(document.get("name")),
        inbox=inbox,
        shared_inbox=_url(endpoints.get("sharedInbox")) if isinstance(endpoints, Mapping) else None,
        followers=_url(document.get("followers")),
        keys=tuple(_own_keys(document, actor_id)),
        assertion_methods=tuple(
            method for method in flat(document.get("assertionMethod")) if isinstance(method, str | Mapping)
        )[:MAX_KEYS],
    )


def key_in(document: object, key_id: str, *, now: float) -> KeyFound | NeedsOwner | KeyFailure:
    """What the document that was fetched at `key_id` says about that key at `now` (seconds since 1970). Total."""
    try:
        actor = parse_actor(document)
    except Malformed:
        return _key_alone(document, key_id)
    return _listed(actor, key_id, now)


def key_of_owner(document: object, key_id: str, owner: str, *, now: float) -> KeyFound | KeyFailure:
    """Whether the document that was fetched at `owner` is that actor's and lists the key. Total.

    FEP-fe34, reciprocal claims: a key that claims an owner is nothing until the owner claims the key.
    """
    try:
        actor = parse_actor(document)
    except Malformed:
        return KeyFailure.BAD_DOCUMENT
    return _listed(actor, key_id, now) if actor.id == owner else KeyFailure.NOT_LISTED


def check_inbox(url: str, own_server: str, *, allow_http: bool) -> str:
    """`url`, unchanged, if it can be a subscriber's inbox (row 37).

    Raises `Malformed` for what is no URL, `Refused` with code `own-inbox` for an inbox on our own server,
    which would make us deliver to ourselves. Addresses and ports are for the network guard to refuse.
    """
    check_url(url, allow_http=allow_http)
    if server_name(url) == own_server:
        raise Refused("An inbox on this relay cannot subscribe to it.", code="own-inbox")
    return url


def _bad_actor(sentence: str) -> Malformed:
    return Malformed(sentence, code="bad-actor")


def _listed(actor: Actor, key_id: str, now: float) -> KeyFound | KeyFailure:
    if not same_origin(actor.id, key_id):
        return KeyFailure.OTHER_ORIGIN
    for key in actor.keys:
        if key.id == key_id:
            return KeyFound(key, actor)
    for entry in actor.assertion_methods:
        pem = multikey_pem(entry, key_id=key_id, controller=actor.id, now=now)
        if pem is not None:
            return KeyFound(ActorKey(key_id, actor.id, pem), actor)
    return KeyFailure.NOT_LISTED


def _key_alone(document: object, key_id: str) -> NeedsOwner | KeyFailure:
    keys = _described_keys(document)
    if not keys:
        return KeyFailure.BAD_DOCUMENT
    key = next((key for key in keys if key.id == key_id), None)
    if key is None:
        return KeyFailure.KEY_ID_MISMATCH
    return NeedsOwner(key.owner) if same_origin(key.owner, key.id) else KeyFailure.OTHER_ORIGIN


def _described_keys(document: object) -> list[ActorKey]:
    """The keys in a document that is a key itself or a stub of the owner with keys in it."""
    if not isinstance(document, Mapping):
        return []
    listed = [*flat(document.get("publicKey"))[:MAX_KEYS], *flat(document.get("assertionMethod"))[:MAX_KEYS]]
    return [key for entry in [document, *listed] if (key := _key(entry, None)) is not None]


def _own_keys(document: Mapping[str, object], actor_id: str) -> Iterator[ActorKey]:
    for entry in flat(document.get("publicKey"))[:MAX_KEYS]:
        key = _key(entry, actor_id)
        if key is not None and key.owner == actor_id and same_origin(key.id, actor_id):
            yield key


def _key(entry: object, default_owner: str | None) -> ActorKey | None:
    """A key in PEM (security vocabulary v1 `publicKeyPem`) or, where an owner has to be asked, a Multikey."""
    if not isinstance(entry, Mapping):
        return None
    key_id, pem = _url(entry.get("id")), _text(entry.get("publicKeyPem"))
    if pem is None and default_owner is None:
        pem = multikey_of(entry)
    claimed = entry.get("owner", entry.get("controller", default_owner))
    owner = _url(claimed.get("id") if isinstance(claimed, Mapping) else claimed)
    if key_id is None or pem is None or owner is None or len(pem) > MAX_PEM:
        return None
    return ActorKey(key_id, owner, pem)


def _url(value: object) -> str | None:
    """The value if it is an http(s) URL, or an object with one as id."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) and is_http_url(found) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
