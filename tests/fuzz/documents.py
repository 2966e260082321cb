"""Targets: JSON, activities, servers' names, actors and their keys, NodeInfo."""

from __future__ import annotations

import orjson

from relay.domain import hosts, strictjson
from relay.domain.activity import MAX_OBJECTS, parse_activity
from relay.domain.attachments import MAX_CLAIMS, MAX_MEDIA
from relay.domain.authority import overreach
from relay.domain.consent import Sign, refusal
from relay.domain.content import (
    MAX_AUTHORS,
    MAX_HASHTAGS,
    MAX_LANGUAGES,
    content_of,
    hashtag_name,
    language_tag,
)
from relay.domain.errors import Malformed, Refused
from relay.domain.facts import Facts
from relay.domain.traits import traits_of
from relay.protocol.actors import (
    MAX_KEYS,
    KeyFound,
    NeedsOwner,
    check_inbox,
    key_in,
    key_of_owner,
    parse_actor,
)
from relay.protocol.discovery import nodeinfo_address, software_in
from relay.protocol.identity import RefetchAt, Same, check_content_type, check_identity
from relay.protocol.instances import descriptions_in
from relay.protocol.keys import load_key, pem_of_multikey
from relay.services.arrival import authors_of, servers_of
from tests.fuzz.properties import alike, document_of, holds, parts_of, read_strictly, text_of
from tests.fuzz.requests import NOW

CODES = frozenset(
    f"json-{name}" for name in ("encoding", "surrogate", "number", "depth", "duplicate-name", "syntax")
)


def strict_json(data: bytes) -> None:
    """What is read means the same to the standard library; what is refused it refuses, too, under the same rules."""
    try:
        found, code = strictjson.loads(data), None
    except Malformed as error:
        found, code = None, error.code
        holds(code in CODES, "a refusal has one of the documented codes")
    try:
        theirs = read_strictly(data, depth=strictjson.MAX_DEPTH, integer=strictjson.MAX_INTEGER)
    except (ValueError, RecursionError):
        holds(code is not None, "what others refuse was read")
        return
    holds(code is None, f"what others read was refused: {code}")
    holds(alike(found, theirs), "what was read means something else to others")
    holds(alike(strictjson.loads(orjson.dumps(found)), found), "what was read is read again as the same")


def activity(data: bytes) -> None:
    """Activities: read or `Malformed`; bounded; authority and servers are told for each."""
    try:
        found = parse_activity(data)
    except Malformed as error:
        holds(error.code.startswith(("json-", "bad-", "not-an-object")), "a refusal has a documented code")
        return
    holds(found.body == data and hosts.is_id(found.actor) and found.type, "bytes, actor and type are there")
    holds(len(found.object_ids) <= MAX_OBJECTS, "the objects of an activity are bounded")
    post = found.object
    if post is not None:
        holds(len(post.media) <= MAX_MEDIA, "the media of a post are bounded")
        traits = traits_of(found.type, post)
        holds(all(language_tag(tag) == tag for tag in traits.languages), "languages have one spelling")
        holds(all(hashtag_name(tag) == tag for tag in traits.hashtags), "so have hashtags")
        holds(
            len(traits.languages) <= MAX_LANGUAGES and len(traits.hashtags) <= MAX_HASHTAGS,
            "both are bounded",
        )
        holds(refusal(post.document, Sign) in {None, *Sign}, "whoever refuses does so in one way")
        for item in post.media:
            holds(
                len(item.hashes) <= MAX_CLAIMS and len(item.attestations) <= MAX_CLAIMS, "so are their claims"
            )
        content = content_of(post.document, (found.actor, *post.attributed_to))
        holds(len(content.actors) <= MAX_AUTHORS and found.actor in content.actors, "so are its authors")
        holds(len(content.hashtags) <= MAX_HASHTAGS, "and what it says about itself")
        kept = Facts(content=content)
        holds(Facts.from_json(strictjson.loads(orjson.dumps(kept.as_json()))) == kept, "which can be kept")
    overreach(found)
    for server in servers_of(found):
        holds(hosts.server_name(f"https://{server}/") == server, "a server has one name")
    holds(found.actor in authors_of(found), "the actor is one of the authors")
    again = parse_activity(orjson.dumps(found.document))
    holds(
        (again.id, again.object, again.to, again.cc) == (found.id, found.object, found.to, found.cc),
        "reads the same",
    )
    holds((again.visibility, again.target) == (found.visibility, found.target), "to the same readers")


def addresses(data: bytes) -> None:
    """Addresses and names of servers: one spelling each, and blocks that reach all of it."""
    text = text_of(data)
    try:
        name = hosts.server_name(text)
    except Malformed:
        holds(not hosts.is_http_url(text), "what has no server is no address")
    else:
        scheme = hosts.origin(text).partition(":")[0]
        holds(hosts.server_name(f"{scheme}://{name}/x") == name and name.isascii(), "a name is its own name")
        holds(name == name.lower() and hosts.covers(name, name), "a block of a server reaches it")
        holds(hosts.same_origin(text, text) and hosts.origin(text).endswith(name), "an address has an origin")
        holds(
            any(one in hosts.covered_by(name) for one in (name, name.rpartition(":")[0])),
            "and is found in lists",
        )
    try:
        pattern = hosts.parse_pattern(text)
    except Malformed:
        return
    holds(hosts.parse_pattern(pattern) == pattern, "a pattern has one spelling")


def media_type(data: bytes) -> None:
    """Content-Type of documents: total, and JSON-LD never without its profile."""
    text = text_of(data)
    if check_content_type(text):
        kind = text.partition(";")[0].strip(" \t").lower()
        holds(
            kind in {"application/activity+json", "application/ld+json"}, "only two types are ActivityStreams"
        )
        holds("+json" in kind and ("ld+json" not in kind or "activitystreams" in text), "with its profile")


def actor(data: bytes) -> None:
    """Actors and key documents: whatever is found belongs to whom it says, on one origin."""
    key_line, _, rest = data.partition(b"\n")
    key_id, document = text_of(key_line), document_of(rest)
    try:
        found = parse_actor(document)
    except Malformed as error:
        holds(error.code == "bad-actor", "a refusal has a documented code")
    else:
        holds(hosts.is_http_url(found.id), "an actor has an address")
    found_key = key_in(document, key_id, now=NOW)
    if isinstance(found_key, KeyFound):
        _check_key(found_key, key_id)
    elif isinstance(found_key, NeedsOwner):
        holds(hosts.same_origin(found_key.owner, key_id), "the owner of a key is on its origin")
        owned = key_of_owner(document, key_id, found_key.owner, now=NOW)
        holds(not isinstance(owned, KeyFound), "a document that is no actor proves nothing")
    for identity in (
        check_identity(key_id, key_id, document),
        check_identity(key_id, "https://a.example/", document),
    ):
        if isinstance(identity, Same | RefetchAt):
            holds(isinstance(document, dict), "only objects have an identity")
    nodeinfo_address(document)
    software_in(document)
    holds(all(isinstance(text, str) for text in descriptions_in(document)), "descriptions are texts")


def _check_key(found: KeyFound, key_id: str) -> None:
    key, owner = found.key, found.actor
    holds(
        key.id == key_id and key.owner == owner.id, "the key that was asked for, of the actor that lists it"
    )
    holds(hosts.same_origin(key.id, owner.id), "on one origin")
    holds(len(owner.keys) <= MAX_KEYS and len(owner.assertion_methods) <= MAX_KEYS, "keys are bounded")
    load_key(key.pem)
    try:
        check_inbox(owner.inbox, "relay.test", allow_http=False)
    except (Malformed, Refused):
        return
    holds(owner.inbox.lower().startswith("https://"), "an inbox is reached by https")


def keys(data: bytes) -> None:
    """Keys: PEM and Multikeys are read or not; one that is read is read from its own PEM as the same."""
    first, second = parts_of(data, 2)
    pem = pem_of_multikey(text_of(first))
    if pem is not None:
        key = load_key(pem)
        holds(
            key is not None and key.public_bytes_raw() if hasattr(key, "public_bytes_raw") else key, "a PEM"
        )
    load_key(text_of(second))
    load_key(text_of(first))
