"""The documents that the relay publishes and sends: its actor, its answers, its Announces.

The actor is shaped so that every known implementation takes it for a relay (research: relays.md B3): type
Application, nick `relay`, path `/actor`, an inbox that is what admins type, a key `#main-key`. Our own
terms are defined in the document itself, never by the address of a context: servers that must not fetch
contexts, and those that cannot, keep them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.activity import Activity

AS2: Final = "https://www.w3.org/ns/activitystreams"
SECURITY: Final = "https://w3id.org/security/v1"
NAMESPACE: Final = "https://w3id.org/assay/ns#"
"""Where our own terms live."""
PROFILE: Final = "https://w3id.org/assay/media-attestation/v1"
"""The address of the profile of attestations (fep/profile.md); `implements` of our actor names it (FEP-844e)."""

CONTENT_TYPE: Final = "application/activity+json"

_ATTESTATION_PREFIX: Final = "data:application/jwt,"
MEDIA_ATTESTATION: Final = {"@id": f"{NAMESPACE}mediaAttestation", "@type": "@id", "@container": "@set"}
"""The definition of the term `mediaAttestation` (fep/profile.md C-05)."""
_ACTOR_TERMS: Final = {
    "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
    "toot": "http://joinmastodon.org/ns#",
    "discoverable": "toot:discoverable",
    # FEP-521a, Controlled Identifiers 1.0
    "sec": "https://w3id.org/security#",
    "Multikey": "sec:Multikey",
    "assertionMethod": {"@id": "sec:assertionMethod", "@type": "@id", "@container": "@set"},
    "controller": {"@id": "sec:controller", "@type": "@id"},
    "publicKeyMultibase": {"@id": "sec:publicKeyMultibase", "@type": "sec:multibase"},
    # FEP-844e
    "implements": {"@id": "https://w3id.org/fep/844e/implements", "@type": "@id", "@container": "@set"},
    "mediaAttestation": MEDIA_ATTESTATION,
}

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class FollowEcho:
    """What of a Follow is sent back in Accept and Reject: Misskey reads the embedded id and actor (B4)."""

    id: str
    actor: str
    target: str

    @classmethod
    def of(cls, follow: Activity) -> Self | None:
        """The echo of a received Follow; None when it has no id or not one object: nobody could match it."""
        if follow.id is None or follow.object_id is None:
            return None
        return cls(follow.id, follow.actor, follow.object_id)

    def document(self) -> Json:
        """The Follow as it is embedded."""
        return {"id": self.id, "type": "Follow", "actor": self.actor, "object": self.target}


def relay_actor(
    *,
    url: str,
    name: str,
    summary: str,
    public_key_pem: str,
    assertion_methods: Sequence[Mapping[str, object]],
    implements: Sequence[tuple[str, str]],
) -> Json:
    """The relay's actor. `url` is the public origin without a slash at the end.

    `public_key_pem` is SPKI ("BEGIN PUBLIC KEY"); `assertion_methods` are complete Multikeys (FEP-521a);
    `implements` are the addresses and names of specifications (FEP-844e).
    """
    actor = f"{url}/actor"
    return {
        "@context": [AS2, SECURITY, _ACTOR_TERMS],
        "id": actor,
        "type": "Application",
        "preferredUsername": "relay",
        "name": name,
        "summary": summary,
        "url": f"{url}/",
        "inbox": f"{url}/inbox",
        "outbox": f"{url}/outbox",
        "followers": f"{url}/followers",
        "following": f"{url}/following",
        "manuallyApprovesFollowers": False,
        "discoverable": False,
        # A prefix, not a template: a URI template is no IRI and would not survive JSON-LD.
        "endpoints": {
            "sharedInbox": f"{url}/inbox",
            "mediaAttestation": f"{url}/media-attestations/sha256/",
        },
        "publicKey": {"id": f"{actor}#main-key", "owner": actor, "publicKeyPem": public_key_pem},
        "assertionMethod": list(assertion_methods),
        "generator": {
            "type": "Application",
            "name": "Assay",
            "implements": [{"type": "Link", "href": href, "name": title} for href, title in implements],
        },
    }


def accept(*, id: str, actor: str, follow: FollowEcho) -> Json:  # noqa: A002  (the property's name)
    """The Accept of a Follow, which is embedded (relays.md B1)."""
    return _answer("Accept", id, actor, follow)


def reject(*, id: str, actor: str, follow: FollowEcho) -> Json:  # noqa: A002
    """The Reject of a Follow, also one accepted earlier."""
    return _answer("Reject", id, actor, follow)


def follow(*, id: str, actor: str, target: str, to: str) -> Json:  # noqa: A002
    """Our own Follow, sent to the actor `to`: of a LitePub relay actor (relays.md B2) or of the public collection."""
    return _activity("Follow", id, actor, target) | {"to": [to]}


def undo(*, id: str, actor: str, follow: FollowEcho, to: str) -> Json:  # noqa: A002
    """The Undo of our own Follow, which is embedded, sent to the actor `to`."""
    return _activity("Undo", id, actor, follow.document()) | {"to": [to]}


def flag(*, id: str, actor: str, objects: Sequence[str], content: str) -> Json:  # noqa: A002
    """A report to the server of what is reported: its actor first, then its posts, as Mastodon reads them.

    `content` is read by the moderators there (ActivityStreams 2.0 vocabulary, `Flag`).
    """
    return _activity("Flag", id, actor, list(objects)) | {"content": content}


def announce(
    *,
    id: str,  # noqa: A002
    actor: str,
    followers: str,
    object_id: str,
    published: float,
    attestations: Sequence[str] = (),
) -> Json:
    """The Announce of an object by its id, never by the id of an activity (FEP-ae0c; relays.md B2).

    `published` is in seconds since 1970. `attestations` are compact JWS or `data:application/jwt,` URLs;
    they go into `mediaAttestation` as URLs (attestation.md, carriage).
    """
    document = _activity("Announce", id, actor, object_id)
    document |= {"to": [followers], "cc": [], "published": timestamp(published)}
    if attestations:
        document["@context"] = [AS2, {"mediaAttestation": MEDIA_ATTESTATION}]
        document["mediaAttestation"] = [
            f"{_ATTESTATION_PREFIX}{one.removeprefix(_ATTESTATION_PREFIX)}" for one in attestations
        ]
    return document


def collection(*, id: str, total: int | None = None) -> Json:  # noqa: A002
    """An OrderedCollection without its members; `total` is left out where it is nobody's business."""
    document: Json = {"@context": AS2, "id": id, "type": "OrderedCollection"}
    return document if total is None else document | {"totalItems": total}


def timestamp(now: float) -> str:
    """Seconds since 1970 as an xsd:dateTime in UTC, whole seconds: `2026-09-01T12:00:00Z` (AS2 core 2.3)."""
    return datetime.fromtimestamp(int(now), tz=UTC).isoformat().replace("+00:00", "Z")


def dump(document: Mapping[str, object]) -> bytes:
    """The bytes of a document. The same document gives the same bytes."""
    return orjson.dumps(document)


def _activity(kind: str, activity_id: str, actor: str, target: object) -> Json:
    return {"@context": AS2, "id": activity_id, "type": kind, "actor": actor, "object": target}


def _answer(kind: str, activity_id: str, actor: str, follow: FollowEcho) -> Json:
    return _activity(kind, activity_id, actor, follow.document()) | {"to": [follow.actor]}
