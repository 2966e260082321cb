"""The cases about one document: the eleven steps of verifying each attestation, then what stands around them.

Of the steps, one case each: `ATT-001` to `ATT-011`. From `ATT-020` on: the properties and where they stand; from
`ATT-033` on: the token itself; from `ATT-043` on: what stands beside the object.
"""

from __future__ import annotations

from typing import Final

from relay.domain.lab.model import Case, Level, Role


def _case(number: int, level: Level, title: str, clauses: str, advice: str) -> Case:
    return Case(f"ATT-{number:03}", Role.DOCUMENT, title, tuple(clauses.split()), level, advice)


_STEPS: Final = (
    _case(
        1,
        Level.MUST,
        "The attestation is a `data:` URL with a strict compact JWS.",
        "F-02 F-03 F-04 F-05 V-08 V-09",
        "Write `data:application/jwt,` and the token, to the letter: no padding, no white space, no escapes.",
    ),
    _case(
        2,
        Level.MUST,
        "The JOSE header is in order.",
        "F-06 F-07 F-08 F-09 V-10",
        "Write `alg` EdDSA, `typ` media-attestation+jwt and `kid` with the https id of the key, and nothing that "
        "brings a key along.",
    ),
    _case(
        3,
        Level.MUST,
        "The issuer is an https id, and one that is trusted.",
        "F-10 V-11 V-12 V-13",
        "Write the id of the issuing actor in `iss`. If the issuer is merely not trusted, that is for the verifier to "
        "change.",
    ),
    _case(
        4,
        Level.MUST,
        "The key is of the issuer's origin.",
        "F-11 V-15",
        "Publish the key in the issuer's own actor document: `kid` and `iss` have the same host and port.",
    ),
    _case(
        5,
        Level.MUST,
        "The issuer publishes the key, which has neither expired nor been revoked.",
        "K-01 K-05 V-16 V-17 V-18",
        "Embed the key in `assertionMethod` as a Multikey with the issuer as `controller`; keep it there until the "
        "last token has expired.",
    ),
    _case(
        6,
        Level.MUST,
        "The signature is good.",
        "V-21",
        "Sign the ASCII text of the first two parts as it is sent, and compare the published key with the one in use.",
    ),
    _case(
        7,
        Level.MUST,
        "The claims are in order, and now is within their time.",
        "F-12 F-13 F-14 F-15 F-16 F-17 F-18 F-19 F-20 F-21 V-23 V-24 V-25",
        "See which claim the reason names. If the time is over, put a new attestation beside the medium.",
    ),
    _case(
        8,
        Level.MUST,
        "The attestation is about the hash that the object declares.",
        "P-01 V-27 V-28",
        "Set `hash` and `attestation` together, after the file got its last form.",
    ),
    _case(
        9,
        Level.MUST,
        "The attestation is about the bytes that were received.",
        "F-01 V-29",
        "Have the file attested as it is served: behind image proxies, without content negotiation, after stripping "
        "metadata.",
    ),
    _case(
        10,
        Level.MUST,
        "It states a check against an accepted list, without a match.",
        "F-16 V-30",
        "Compare the lists in `chk` with those that the verifier accepts. The only result is `no-match`.",
    ),
    _case(
        11,
        Level.MUST,
        "The issuer did not take the attestation back.",
        "W-06 W-07",
        "Ask for a new attestation. If the status list could not be had, the issuer has to serve it to everybody.",
    ),
)

_PROPERTIES: Final = (
    _case(
        20,
        Level.SHOULD,
        "Each property is one string.",
        "P-05",
        "Write a string and not an array: simple readers take nothing else.",
    ),
    _case(
        21,
        Level.MAY,
        "Where `hash` stands, an attestation stands, too.",
        "W-09",
        "Nothing, if you meant it: a `hash` alone is a claim of the author that attests nothing. Otherwise see what "
        "removed the attestation.",
    ),
    _case(
        22,
        Level.MUST,
        "`hash` is `sha256:` and 64 lower-case hex digits.",
        "F-01",
        "Write the SHA-256 in lower-case hex, whole. Multibase belongs into `digestMultibase`.",
    ),
    _case(
        23,
        Level.MUST,
        "`attestation` is a `data:` URL and not something shorter.",
        "F-02",
        "Put `data:application/jwt,` before the token. JSON-LD drops what is no IRI before a document is signed.",
    ),
    _case(
        24,
        Level.MUST,
        "The document itself defines the terms `hash` and `attestation`.",
        "P-02",
        "Add the two terms to `@context`, with the IRIs of FEP-b53d and `@type` `@id`, as the profile's examples do.",
    ),
    _case(
        25,
        Level.MUST,
        "The context is not referred to by its address.",
        "P-03",
        "Define the terms in the document. A server that cannot fetch the address drops the signature or the post.",
    ),
    _case(
        26,
        Level.MUST,
        "The values survive JSON-LD processing, so a signature can cover them.",
        "F-01 F-02 P-02",
        "Define both terms in the document and write absolute IRIs: `sha256:` and `data:`. Everything else is dropped.",
    ),
    _case(
        27,
        Level.SHOULD,
        "The properties stand where verifiers read them.",
        "V-03 V-05",
        "Put them on the attachment (or image, icon, preview) or on the Image itself: never in `inReplyTo` or `tag`.",
    ),
    _case(
        28,
        Level.MUST,
        "No object of another server carries the properties.",
        "P-06",
        "Leave objects of others as they are. Send attestations of your own beside them: in the header or an Announce.",
    ),
    _case(
        29,
        Level.MUST,
        "Where `attestation` stands, `hash` stands, too.",
        "P-01",
        "Write `hash`, the SHA-256 of the bytes at `url`, beside each `attestation`.",
    ),
    _case(
        30,
        Level.SHOULD,
        "No more than four attestations stand beside one medium.",
        "P-05",
        "Verifiers read the first four. Send one; others can be found by lookup.",
    ),
    _case(
        31,
        Level.MUST,
        "`digestMultibase` says the same as `hash`.",
        "P-01 V-28",
        "Make both from the same bytes: `z`, base58btc of 0x12 0x20 and the digest.",
    ),
    _case(
        32,
        Level.MUST,
        "The document's signature covers the properties.",
        "P-04",
        "Put the properties in place first and sign then. Otherwise anybody can take them out or exchange them.",
    ),
)

_TOKEN: Final = (
    _case(
        33,
        Level.SHOULD,
        "The token lives 14 days or less.",
        "I-05",
        "Issue for 14 days. A longer life keeps attestations alive that should have ended.",
    ),
    _case(
        34,
        Level.MUST,
        "`iat` is a full hour.",
        "I-03",
        "Round `iat` down to the hour, so that it does not tell when a file was first seen.",
    ),
    _case(
        35,
        Level.SHOULD,
        "`alg` is written as EdDSA.",
        "I-10",
        "Write EdDSA: fewer libraries know the name Ed25519, which means the same here.",
    ),
    _case(
        36,
        Level.MUST,
        "The token holds nothing that helps to evade lists or to find people.",
        "I-06",
        "Leave out perceptual hashes, distances, thresholds, addresses of files, and ids of posts and persons.",
    ),
    _case(
        37,
        Level.MUST,
        "List ids tell nothing of a list.",
        "I-07",
        "Name lists by opaque ids, such as a random number. This is a guess by its form: look at it yourself.",
    ),
    _case(
        38,
        Level.SHOULD,
        "`kid` is the issuer's id and `#att-` with year and month.",
        "K-02",
        "Name keys by the month from which they are used, so that people see which one is old.",
    ),
    _case(
        39,
        Level.MUST,
        "The token has neither `aud` nor `nbf`.",
        "F-21",
        "Leave both out. Some libraries write `nbf` unless told otherwise.",
    ),
    _case(
        40,
        Level.SHOULD,
        "Header and claims are canonical JSON.",
        "I-09",
        "Write names in order and without white space (RFC 8785), so that one statement is one text everywhere.",
    ),
    _case(
        41,
        Level.MUST,
        "Each token has its own `jti`.",
        "I-04",
        "Draw 16 random bytes for each token anew.",
    ),
    _case(
        42,
        Level.MAY,
        "The token does not end soon.",
        "W-09",
        "Have it attested anew before you publish again: posts travel for days.",
    ),
)

_BESIDE: Final = (
    _case(
        43,
        Level.MUST,
        "The header field is a list of at most 7 quoted tokens and 4096 bytes.",
        "C-02 C-04 W-01 W-02",
        "Quote each token, separate them by commas, and leave the field out when there is nothing to send.",
    ),
    _case(
        44,
        Level.MUST,
        "Each token beside the object is about one of its media.",
        "W-03",
        "Send tokens whose `sub` is the digest of a medium of this activity: what matches nothing is ignored.",
    ),
    _case(
        45,
        Level.MUST,
        "The document itself defines the term `mediaAttestation`.",
        "C-05",
        "Add the term to `@context` of the Announce, as the profile's example does.",
    ),
    _case(
        46,
        Level.MAY,
        "The attestation is meant to be believed: it is no test of a lab.",
        "C-07",
        "Nothing, in a lab. Relays refuse what names only the lab's test list.",
    ),
)

DOCUMENT: Final[tuple[Case, ...]] = (*_STEPS, *_PROPERTIES, *_TOKEN, *_BESIDE)
