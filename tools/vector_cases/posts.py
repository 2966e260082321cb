"""Whole documents, and the media in them with the hashes and attestations that stand beside each."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from mediaattest import base58
from vector_cases.carriage import CONTEXT, vector
from vector_cases.tokens import CLAIMS, GOLDEN, ISSUER, Vector, b64u, token

AS2 = "https://www.w3.org/ns/activitystreams"
USER = "https://a.example/users/1"
TERMS = json.loads(CONTEXT.read_text())["@context"]
OURS = {name: TERMS[name] for name in ("pdna", "hash", "attestation")}
INLINED = [AS2, OURS]
BY_URL = [AS2, "https://purl.archive.org/socialweb/photodna"]
MASTODON = [
    AS2,
    {
        "toot": "http://joinmastodon.org/ns#",
        "blurhash": "toot:blurhash",
        "focalPoint": {"@container": "@list", "@id": "toot:focalPoint"},
        **OURS,
    },
]


def digest(number: int) -> str:
    """The hash string of the picture of a number: its bytes are the text `picture N` and a line feed."""
    return "sha256:" + hashlib.sha256(f"picture {number}\n".encode()).hexdigest()


def attested(number: int) -> dict[str, str]:
    """The two properties for the picture of a number. Each token has a `jti` of its own (I-04)."""
    jti = b64u(hashlib.sha256(f"jti {number}".encode()).digest()[:16])
    return {"hash": digest(number), "attestation": token(CLAIMS | {"sub": digest(number), "jti": jti})}


def picture(number: int, **members: Any) -> dict[str, Any]:
    """An attested Image."""
    return {"type": "Image", "mediaType": "image/png", "url": url(number)} | attested(number) | members


def url(number: int) -> str:
    """Where the picture of a number is."""
    return f"https://a.example/media/{number}.png"


def found(number: int, **changed: Any) -> dict[str, Any]:
    """What is to be found of an attested picture."""
    claims = attested(number)
    usual = {"url": url(number), "hashes": [claims["hash"]], "attestations": [claims["attestation"]]}
    return usual | changed


def note(context: Any = INLINED, **members: Any) -> dict[str, Any]:
    """A Note."""
    document = {"@context": context, "id": "https://a.example/notes/1", "type": "Note", "attributedTo": USER}
    return document | {"content": "Here are pictures of my cat."} | members


def activity(kind: str, subject: Any, **members: Any) -> dict[str, Any]:
    """An activity about an object."""
    document = {"@context": INLINED, "id": f"https://a.example/activities/{kind.lower()}", "type": kind}
    return document | {"actor": USER, "object": subject} | members


def document_cases() -> list[Vector]:
    """Documents as servers send them. A member with the url null belongs to no medium: it is matched by `sub`."""
    image = {"id": "https://a.example/images/1"} | picture(1)
    embedded = note(attachment=[picture(1)])
    del embedded["@context"]
    remote = {"id": "https://b.example/images/1"} | picture(1, url="https://b.example/1.png")
    mastodon = [
        picture(number, type="Document", name=None, blurhash="UeKUpFxuo~R%0nW;WCnh", focalPoint=[-0.5, 0.25])
        for number in range(1, 17)
    ]
    link = {"type": "Link", "mediaType": "image/png", "href": url(1)}
    multibase = "z" + base58.encode(b"\x12\x20" + bytes.fromhex(digest(1)[7:]))
    five = [attested(number)["attestation"] for number in range(1, 6)]
    announce = {
        "@context": [
            AS2,
            {"mediaAttestation": {**TERMS["mediaAttestation"], "@id": TERMS["assay"] + "mediaAttestation"}},
        ],
        "id": "https://relay.example/activities/4",
        "type": "Announce",
        "actor": ISSUER,
        "object": "https://a.example/notes/1",
        "to": ["https://relay.example/followers"],
        "cc": [],
        "published": "2026-11-21T22:26:40Z",
        "mediaAttestation": [GOLDEN],
    }
    mine, places = "P-01, P-02, V-03", "V-03"
    cases: list[tuple[str, str, Any, list[dict[str, Any]]]] = [
        ("an image by itself", mine, activity("Create", image), [found(1)]),
        (
            "an image that was changed",
            mine,
            activity("Update", image | attested(2)),
            [found(2, url=url(1))],
        ),
        (
            "an image that is added to a collection",
            mine,
            activity("Add", image, target={"id": "https://a.example/collections/1", "type": "Collection"}),
            [found(1)],
        ),
        (
            "a note with two images",
            mine,
            activity("Create", embedded | {"attachment": [picture(1), picture(2)]}),
            [found(1), found(2)],
        ),
        ("a note without attachments", places, note(), []),
        (
            "one attachment without its array",
            "V-03; JSON-LD 1.1 1.8",
            note(attachment=picture(1)),
            [found(1)],
        ),
        (
            "four attachments of Mastodon's kind",
            places,
            note(MASTODON, attachment=mastodon[:4]),
            [found(number) for number in range(1, 5)],
        ),
        (
            "sixteen attachments",
            places,
            note(MASTODON, attachment=mastodon),
            [found(number) for number in range(1, 17)],
        ),
        *(
            (f"an attachment of type {kind}", places, note(attachment=[picture(1, type=kind)]), [found(1)])
            for kind in ("Document", "Video", "Audio")
        ),
        (
            "a Link in attachment",
            places,
            note(attachment=[link | attested(1)]),
            [found(1)],
        ),
        (
            "claims on the Link in url",
            places,
            note(attachment=[{"type": "Image", "url": [link | attested(1)]}]),
            [found(1)],
        ),
        *(
            (f"in {name}", places, note(**{name: picture(1)}), [found(1)])
            for name in ("image", "icon", "preview")
        ),
        (
            "five attestations, the first four count",
            "V-04",
            note(attachment=[picture(1, attestation=five)]),
            [found(1, attestations=five[:4])],
        ),
        (
            "what is no string among attestations",
            "V-04",
            note(attachment=[picture(1, hash=[7, digest(1)], attestation=[None, five[0], {"id": five[1]}])]),
            [found(1)],
        ),
        (
            "digestMultibase in place of hash",
            "V-28; FEP-1311",
            note(attachment=[picture(1, hash=None, digestMultibase=multibase)]),
            [found(1)],
        ),
        (
            "digestMultibase of other bytes beside hash",
            "V-28; FEP-1311",
            note(attachment=[picture(2, digestMultibase=multibase)]),
            [found(2, hashes=[digest(2), digest(1)])],
        ),
        ("a picture without claims", places, note(attachment=[link]), [found(1, hashes=[], attestations=[])]),
        ("context by its address", "V-06", note(BY_URL, attachment=[picture(1)]), [found(1)]),
        ("terms that no context defines", "V-06", note(AS2, attachment=[picture(1)]), [found(1)]),
        ("an answer that embeds somebody's image", "V-05", note(inReplyTo=remote), []),
        ("an answer that embeds somebody's note", "V-05", note(inReplyTo=embedded), []),
        (
            "a custom emoji",
            "V-05",
            note(tag=[{"type": "Emoji", "name": ":cat:", "icon": picture(1)}]),
            [],
        ),
        (
            "an Announce of a relay",
            "C-05, W-05",
            announce,
            [{"url": None, "hashes": [], "attestations": [GOLDEN]}],
        ),
    ]
    return [vector(name, clause, document, expected) for name, clause, document, expected in cases]
