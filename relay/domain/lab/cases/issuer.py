"""The cases about a server that attests.

10x are its keys, 11x its tokens, 12x its objects, 13x its lookup, 14x its status lists, 15x its service.
"""

from __future__ import annotations

from typing import Final

from relay.domain.lab.model import Case, Level, Role


def _case(number: int, clauses: str, title: str, advice: str, level: Level = Level.MUST) -> Case:
    return Case(f"ATT-{number}", Role.ISSUER, title, tuple(clauses.split()), level, advice)


_KEYS: Final = (
    _case(
        101,
        "K-06",
        "The actor document is served to requests without a signature.",
        "Answer unsigned requests for the actor, also where everything else asks for a signature: verifiers of other "
        "servers need the key.",
        Level.SHOULD,
    ),
    _case(
        102,
        "K-01",
        "The actor embeds its keys as Multikeys in assertionMethod.",
        "Each key is an object with `id`, `type` Multikey, `controller` (the actor's id) and `publicKeyMultibase`, "
        "which begins with z6Mk.",
    ),
    _case(
        103,
        "K-02",
        "Keys are named after actor and month.",
        "Name a key by the actor's id and `#att-` with year and month.",
        Level.SHOULD,
    ),
    _case(
        104,
        "K-03",
        "The key of attestations is for nothing else.",
        "Do not list it under publicKey, authentication or other purposes; make a key of its own.",
    ),
    _case(
        105,
        "K-07",
        "The actor names the profile, and its lookup where there is one.",
        "Add the profile's address to `generator.implements` (FEP-844e), and `endpoints.mediaAttestation`.",
        Level.SHOULD,
    ),
    _case(
        106,
        "K-04",
        "A key that was replaced stays listed.",
        "Keep the old key in assertionMethod for the longest life of a token after the last one it signed.",
    ),
)

_TOKENS: Final = (
    _case(
        111,
        "I-08",
        "Every attestation verifies, in all eleven steps.",
        "Follow the explanation of the step that failed.",
    ),
    _case(112, "I-03", "iat is a full hour.", "Round the time of issue down to the hour, never up."),
    _case(
        113,
        "I-04",
        "Each token has an id of its own.",
        "Take 16 new bytes from the system's cryptographic generator for each token.",
    ),
    _case(114, "I-05", "A token lives 14 days or less.", "Issue for a shorter time, and anew.", Level.SHOULD),
    _case(
        115,
        "I-06",
        "Tokens tell nothing but what they are for.",
        "Leave out perceptual hashes, distances, thresholds, addresses of the medium, and ids of posts and people.",
    ),
    _case(
        116,
        "I-07",
        "Ids of lists tell nothing of the lists.",
        "Use an opaque id without version, date or size, which stays when the list changes.",
    ),
    _case(
        117,
        "I-09",
        "Header and claims are canonical JSON.",
        "Write them as RFC 8785 has it: names sorted, no white space.",
        Level.SHOULD,
    ),
    _case(118, "I-10", "alg is written EdDSA.", "Write EdDSA: more libraries know it.", Level.SHOULD),
    _case(
        119,
        "I-11",
        "The same file gets the same token.",
        "Keep the token of a digest and give it out until half of its life is over.",
        Level.SHOULD,
    ),
)

_OBJECTS: Final = (
    _case(
        121,
        "P-01",
        "What carries an attestation carries the hash of its bytes.",
        "Write `hash` and `attestation` together, for the file as it is served.",
    ),
    _case(
        122,
        "P-02",
        "Both terms are defined in the document's own context.",
        "Put the terms of FEP-b53d into `@context`, inline: else they are not covered by signatures.",
    ),
    _case(
        123,
        "P-03",
        "The context of the draft is not referred to by its address.",
        "Inline the terms: an address that cannot be fetched costs the whole document its signature.",
    ),
    _case(124, "P-05", "An attestation is one string.", "Write a string, not an array.", Level.SHOULD),
    _case(
        125,
        "P-06",
        "Objects of others that are embedded carry nothing of ours.",
        "Take the properties off what you embed in inReplyTo, object or tag and what is not yours.",
    ),
    _case(
        126,
        "P-04",
        "A signature of the document covers the properties.",
        "Put the properties in place before you sign.",
    ),
    _case(
        127,
        "P-07",
        "A file is the same for everybody.",
        "Serve the same bytes whatever a client accepts: no content negotiation, no recoding at the edge.",
        Level.SHOULD,
    ),
)

_LOOKUP: Final = (
    _case(
        131,
        "S-01",
        "The lookup answers 200 with the token.",
        "Answer with the compact JWS as application/jwt.",
    ),
    _case(
        132,
        "S-02 I-13",
        "The lookup answers alike for all that it does not give out.",
        "Answer 404 with the same headers and body for what is unknown, withheld or matched.",
    ),
    _case(
        133,
        "S-03",
        "The lookup answers 410 for what was taken back.",
        "Keep what was retracted until it would have expired, and answer 410.",
    ),
    _case(
        134,
        "S-10",
        "The lookup is for servers that are known.",
        "Ask for a signature of a server that you serve: everybody else could learn what is on a list.",
        Level.SHOULD,
    ),
)

_STATUS: Final = (
    _case(
        141,
        "S-07 W-07",
        "Status lists are tokens that can be read, served to everybody.",
        "Serve application/statuslist+jwt to unsigned requests: with exp, bits 1, sub its address, signed by a key of "
        "the actor.",
    ),
    _case(
        142,
        "S-08",
        "Places in a status list are drawn at random.",
        "Draw the index from the whole list with a cryptographic generator, not one after the other.",
    ),
)

_SERVICE: Final = (
    _case(
        151,
        "S-04",
        "Nothing is checked for strangers.",
        "Check signature and caller before you look at, or fetch, what is submitted.",
    ),
    _case(
        152,
        "S-05",
        "A submitted file is answered with hash and attestation.",
        "Answer 200 with both, or 202 with a Location where they can be had.",
    ),
    _case(
        153,
        "I-02",
        "A file that matches is not attested.",
        "The canary picture has to match wherever checks are made: see that the list `canary` is asked.",
    ),
    _case(
        154,
        "S-05 I-13",
        "All that is not attested looks alike.",
        "Give one answer, at a time that does not depend on the reason, for a match, a broken file and one too large.",
    ),
    _case(
        155,
        "S-06",
        "A URL is fetched from the caller's own server only.",
        "Compare the host of the URL with that of the signing actor before you fetch.",
    ),
    _case(
        156,
        "S-06 V-19",
        "Redirects to private or insecure addresses are not followed.",
        "Check every address again after name resolution and after each redirect; never from https to http.",
    ),
)

ISSUER: Final[tuple[Case, ...]] = (*_KEYS, *_TOKENS, *_OBJECTS, *_LOOKUP, *_STATUS, *_SERVICE)
