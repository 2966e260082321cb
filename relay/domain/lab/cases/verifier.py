"""The cases about software that verifies.

ATT-301 to ATT-321 are F-01 to F-21, ATT-331 to ATT-363 are V-01 to V-33, ATT-371 to ATT-379 are W-01 to W-09: each one
statement of the profile, tried with every vector that names it. From ATT-381 on it
is watched while it fetches by itself.
"""

from __future__ import annotations

from typing import Final

from relay.domain.lab.cases.fetching import FETCHING
from relay.domain.lab.model import Case, Level, Role


def _case(number: int, clauses: str, title: str, advice: str, level: Level = Level.MUST) -> Case:
    return Case(f"ATT-{number}", Role.VERIFIER, title, tuple(clauses.split()), level, advice)


_FORMAT: Final = (
    _case(
        301,
        "F-01",
        "A hash is `sha256:` and 64 lower-case hex digits of the exact bytes.",
        "Compare hashes as text. Do not fold case, cut, or take other spellings.",
    ),
    _case(
        302,
        "F-02",
        "Only `data:application/jwt,` and a compact JWS of at most 2048 characters is an attestation.",
        "Match the whole text against the grammar before you decode anything; do not trim it.",
    ),
    _case(
        303,
        "F-03",
        "Base64url is strict: no padding, no stray bits.",
        "Encode again what you decoded and compare: many decoders drop what they do not need.",
    ),
    _case(
        304,
        "F-04",
        "Header and claims are strict JSON: UTF-8, no name twice, no lone surrogate, no number too large.",
        "Use a parser that reports double names, and refuse NaN and infinite numbers.",
    ),
    _case(
        305,
        "F-05",
        "At most 64 brackets stand in a part.",
        "Count the bytes `[` and `{` before you parse, wherever they stand.",
    ),
    _case(
        306,
        "F-06",
        "The algorithm is EdDSA or Ed25519, which are the same.",
        "Take both names and no other: never `none`, never a symmetric one.",
    ),
    _case(
        307,
        "F-07",
        "The type is media-attestation+jwt.",
        "Compare `typ` to the letter: it keeps other tokens of the same server out.",
    ),
    _case(308, "F-08", "`kid` is an https id.", "Match `kid` against the grammar `https-id`."),
    _case(
        309,
        "F-09",
        "Parameters that bring keys or change the meaning are refused.",
        "Refuse a header with crit, jku, jwk, x5u, x5c, x5t, x5t#S256, b64 or zip.",
    ),
    _case(310, "F-10", "`iss` is an https id.", "Match `iss` against the grammar `https-id`."),
    _case(
        311,
        "F-11",
        "`kid` and `iss` have the same origin.",
        "Compare host in lower case and port, 443 where none is named.",
    ),
    _case(
        312, "F-12", "`sub` is a hash string.", "Refuse tokens whose `sub` is missing or spelled otherwise."
    ),
    _case(
        313,
        "F-13",
        "`iat` and `exp` are whole numbers, written as such.",
        "Look at the text of the number: `1.0` and `1e3` are none, neither are true and strings.",
    ),
    _case(
        314,
        "F-14",
        "A token lives longer than nothing and at most 30 days.",
        "Refuse tokens whose `exp` is not after `iat`, or more than 2592000 seconds later.",
    ),
    _case(315, "F-15", "`jti` is 16 bytes in base64url.", "Decode `jti` strictly and count its bytes."),
    _case(
        316,
        "F-16",
        "`res` is a string, and only `no-match` states something.",
        "Refuse what is no string; any other string is a token without an accepted check.",
    ),
    _case(
        317,
        "F-17",
        "`chk` names one to eight methods and lists.",
        "Check each member: `alg` a method, `list` an https id, `at` a whole number if it is there.",
    ),
    _case(
        318,
        "F-18",
        "`alt` holds one to eight further digests.",
        "Check names and digits of each; an empty `alt` is malformed.",
    ),
    _case(
        319,
        "F-19",
        "`med` names a media type and a size.",
        "Both have to be there; the type is without parameters.",
    ),
    _case(
        320,
        "F-20",
        "`status` names a place in a status list.",
        "`uri` is an https id and `idx` a whole number; nothing else is a status.",
    ),
    _case(
        321,
        "F-21",
        "Tokens with `aud` or `nbf` are refused.",
        "An attestation is for everybody from its issue on: refuse both claims.",
    ),
)

_STEPS: Final = (
    _case(
        331,
        "V-01",
        "The first step that fails decides.",
        "Keep to the order of the eleven steps; within a step, to that of the statements.",
    ),
    _case(
        332,
        "V-02",
        "Every input gets a verdict, in bounded time.",
        "Look at the input that was not answered: a crash, an endless loop or an answer in another form.",
    ),
    _case(
        333,
        "V-03",
        "Attestations are found on objects, in attachment, image, icon, preview, and on Links.",
        "Read all five places and all five types; a single member may stand without its array.",
    ),
    _case(
        334,
        "V-04",
        "A string and an array are read alike, the first four strings of it.",
        "Skip what is no string, then stop after four.",
    ),
    _case(
        335,
        "V-05",
        "What stands in inReplyTo or tag is not the post's own.",
        "Do not look for attestations below `inReplyTo` and `tag`.",
    ),
    _case(
        336,
        "V-06",
        "Properties are read by their names, whatever the context says.",
        "Do not expand the document and do not fetch its context to find them.",
    ),
    _case(
        338, "V-08", "No attestation is `missing`.", "Null and an empty text both mean that there is none."
    ),
    _case(
        339,
        "V-09",
        "Broken grammar is `malformed`.",
        "Broken encoding and broken JSON belong to step 1, even where the signature is bad as well.",
    ),
    _case(
        340,
        "V-10",
        "A bad header is `malformed`.",
        "Check the header before issuer and key: nothing is fetched.",
    ),
    _case(
        341,
        "V-11",
        "A bad issuer is `malformed`.",
        "Check the grammar of `iss` before you ask whom you trust.",
    ),
    _case(
        342,
        "V-12",
        "An issuer that nobody trusts is `untrusted-issuer`.",
        "Compare `iss` to the letter with those that are trusted, then its origin with the object's, port included.",
    ),
    _case(
        343,
        "V-13",
        "An origin that vouches for itself is told apart, as class `self`.",
        "Report the class with the verdict: `trusted` or `self`.",
    ),
    _case(
        345, "V-15", "A key of another origin is `malformed`.", "Compare origins, not text: spellings differ."
    ),
    _case(
        346,
        "V-16",
        "A key that the issuer does not publish is `unknown-key`.",
        "Exactly one fitting Multikey in `assertionMethod`, embedded, with the issuer as controller. Nothing in "
        "`publicKey` counts.",
    ),
    _case(
        347,
        "V-17",
        "An actor that cannot be had for now is `key-unavailable`.",
        "Tell an actor that is gone (404, 410) from one that does not answer, and try the latter again.",
    ),
    _case(
        348,
        "V-18",
        "An expired or revoked key is `revoked-key`.",
        "Read `expires` and `revoked` strictly, with their time zone; what cannot be read counts as past.",
    ),
    _case(
        351,
        "V-21",
        "A wrong signature is `bad-signature`.",
        "Verify over the text as it came, by RFC 8032 5.1.7; never over JSON that was written again.",
    ),
    _case(353, "V-23", "Broken claims are `malformed`.", "Check each claim after the signature, in step 7."),
    _case(
        354,
        "V-24",
        "A token has expired from the second `exp` on.",
        "No leeway for `exp`: now >= exp is over.",
    ),
    _case(
        355,
        "V-25",
        "A token from more than 300 seconds ahead is `not-yet-valid`.",
        "Allow exactly 300 seconds for clocks that differ.",
    ),
    _case(
        356,
        "V-26",
        "Unknown parameters and claims are ignored.",
        "Refuse only what the profile tells you to refuse.",
    ),
    _case(
        357,
        "V-27",
        "Another declared hash is `hash-mismatch`.",
        "One of the declared hashes has to be `sub`, to the letter; without any this step passes.",
    ),
    _case(
        358,
        "V-28",
        "digestMultibase counts as a declared hash.",
        "Decode `z` and a SHA2-256 multihash; one that cannot be read equals nothing.",
    ),
    _case(
        359,
        "V-29",
        "Other bytes than those attested are `hash-mismatch`.",
        "Hash the bytes that you received yourself, always.",
    ),
    _case(
        360,
        "V-30",
        "Without an accepted list the verdict is `no-accepted-check`.",
        "One entry of `chk` with an accepted list is enough, wherever it stands; `res` has to be no-match.",
    ),
)

_BESIDE: Final = (
    _case(
        371,
        "W-01",
        "The header field is read: at most 7 tokens in 4096 bytes.",
        "Match the whole field against the grammar; spaces around it and around commas are fine.",
    ),
    _case(
        372,
        "W-02",
        "A field that breaks the grammar is ignored as a whole.",
        "Do not take the good tokens of a bad field.",
    ),
    _case(
        375,
        "W-05",
        "mediaAttestation of an Announce is read like the field.",
        "Read the property as an array of attestation strings.",
        Level.MAY,
    ),
    _case(
        376,
        "W-06",
        "What was taken back is `revoked`; a status that cannot be had is `key-unavailable`.",
        "Only step 11 looks at the status, when everything else passed.",
    ),
    _case(
        377,
        "W-07",
        "A status list counts only as a good token of the issuer.",
        "Check type, subject, issuer, key, signature and expiry of the list as you do for attestations.",
    ),
)

STATEMENTS: Final[tuple[Case, ...]] = (*_FORMAT, *_STEPS, *_BESIDE)
"""The cases that vectors try, one statement each."""

VERIFIER: Final[tuple[Case, ...]] = (*STATEMENTS, *FETCHING)
