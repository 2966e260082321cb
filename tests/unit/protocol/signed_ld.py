"""Documents signed for tests: Linked Data signatures with PyLD, integrity proofs with the standard library's JSON.

Nothing of the verifier is used but the bundled context files, so that both can be wrong only apart. Misuse is
possible on purpose: `options` takes any member, also one that a good signer would not write.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from pyld import BUNDLED_CONTEXTS, FrozenDocumentLoader, jsonld

import relay.protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

AS2 = "https://www.w3.org/ns/activitystreams"
SECURITY = "https://w3id.org/security/v1"
IDENTITY = "https://w3id.org/identity/v1"
DATA_INTEGRITY = "https://w3id.org/security/data-integrity/v1"
CREATED = "2026-11-21T22:06:56Z"
MASTODON: dict[str, Any] = {
    "ostatus": "http://ostatus.org#",
    "atomUri": "ostatus:atomUri",
    "inReplyToAtomUri": "ostatus:inReplyToAtomUri",
    "conversation": "ostatus:conversation",
    "sensitive": "as:sensitive",
    "toot": "http://joinmastodon.org/ns#",
    "votersCount": "toot:votersCount",
    "blurhash": "toot:blurhash",
    "focalPoint": {"@container": "@list", "@id": "toot:focalPoint"},
    "Hashtag": "as:Hashtag",
}
"""What Mastodon declares in its posts."""

_FOLDER = Path(relay.protocol.__file__).parent / "contexts"
_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@cache
def _loader() -> FrozenDocumentLoader:
    ours = {
        url: {"@context": json.loads((_FOLDER / f"{name}.json").read_text())}
        for url, name in ((IDENTITY, "identity-v1"), (DATA_INTEGRITY, "data-integrity-v1"))
    }
    return FrozenDocumentLoader(documents=dict(BUNDLED_CONTEXTS, **ours))


def canonical_hash(document: Mapping[str, Any]) -> str:
    """The SHA-256, in hex, of the canonical N-Quads of a document."""
    options = {
        "algorithm": "URDNA2015",
        "format": "application/n-quads",
        "base": None,
        "documentLoader": _loader(),
    }
    return hashlib.sha256(jsonld.normalize(dict(document), options).encode()).hexdigest()


def sign_ld(
    document: Mapping[str, Any],
    key: RSAPrivateKey,
    creator: str,
    created: str = CREATED,
    expires: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """The document with an RsaSignature2017 as Mastodon makes it (ActivityPub's `LinkedDataSignature`).

    `creator` is a key id; times are as in XML Schema. The document's contexts have to be AS2, security/v1,
    data-integrity/v1 or inline. `options` are further members of the signature, such as `nonce`.
    """
    signed = {name: value for name, value in document.items() if name != "signature"}
    members = {"creator": creator, "created": created, **options}
    if expires is not None:
        members["expires"] = expires
    message = canonical_hash({"@context": IDENTITY, **members}) + canonical_hash(signed)
    value = base64.b64encode(key.sign(message.encode(), padding.PKCS1v15(), SHA256())).decode()
    return {**signed, "signature": {"type": "RsaSignature2017", **members, "signatureValue": value}}


def add_proof(
    document: Mapping[str, Any],
    ed25519_key: Ed25519PrivateKey,
    verification_method: str,
    created: str = CREATED,
    **options: Any,
) -> dict[str, Any]:
    """The document with a proof of FEP-8b32: DataIntegrityProof, `eddsa-jcs-2022`.

    `options` replace or extend the members of the proof. Strings have to be in the basic plane and numbers
    integers: then sorted JSON of the standard library is what JCS (RFC 8785) asks for.
    """
    secured = {name: value for name, value in document.items() if name not in {"proof", "signature"}}
    proof = {
        "@context": document["@context"],
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": verification_method,
        "proofPurpose": "assertionMethod",
        "created": created,
        **options,
    }
    message = b"".join(hashlib.sha256(sorted_json(part)).digest() for part in (proof, secured))
    return {**document, "proof": {**proof, "proofValue": base58(ed25519_key.sign(message))}}


def sorted_json(value: Mapping[str, Any]) -> bytes:
    """Canonical JSON for plain values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def base58(value: bytes) -> str:
    """Multibase with base58btc."""
    number, text = int.from_bytes(value, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _ALPHABET[digit] + text
    zeros = len(value) - len(value.lstrip(b"\0"))
    return "z" + "1" * zeros + text


def mastodon_create(pictures: int = 1, **more: Any) -> dict[str, Any]:
    """A public Create of a Note with pictures in Mastodon's shape, by alice of a.example."""
    actor = "https://a.example/users/alice"
    note = f"{actor}/statuses/1"
    public, followers = "https://www.w3.org/ns/activitystreams#Public", f"{actor}/followers"
    return {
        "@context": [AS2, MASTODON, SECURITY],
        "id": f"{note}/activity",
        "type": "Create",
        "actor": actor,
        "published": "2026-11-21T22:06:50Z",
        "to": [public],
        "cc": [followers],
        "object": {
            "id": note,
            "type": "Note",
            "summary": None,
            "inReplyTo": None,
            "published": "2026-11-21T22:06:50Z",
            "url": "https://a.example/@alice/1",
            "attributedTo": actor,
            "to": [public],
            "cc": [followers],
            "sensitive": False,
            "atomUri": note,
            "inReplyToAtomUri": None,
            "conversation": "tag:a.example,2026-11-21:objectId=1:objectType=Conversation",
            "content": "<p>four canaries</p>",
            "contentMap": {"en": "<p>four canaries</p>"},
            "attachment": [
                {
                    "type": "Document",
                    "mediaType": "image/png",
                    "url": f"https://a.example/media/{number}.png",
                    "name": f"canary {number}",
                    "blurhash": "UBL_:rOpGG-oBUNG,qRj2so|=eE1w^n4S5NH",
                    "focalPoint": [0.0, 0.25],
                    "width": 640,
                    "height": 480,
                }
                for number in range(pictures)
            ],
            "tag": [
                {"type": "Hashtag", "href": "https://a.example/tags/canary", "name": "#canary"},
                {"type": "Mention", "href": "https://b.example/users/bob", "name": "@bob@b.example"},
            ],
            "replies": {
                "id": f"{note}/replies",
                "type": "Collection",
                "first": {
                    "type": "CollectionPage",
                    "next": f"{note}/replies?only_other_accounts=true&page=true",
                    "partOf": f"{note}/replies",
                    "items": [],
                },
            },
        },
        **more,
    }
