"""What each outcome of a verification means, and what to do about it: the one source of these words.

fep/profile.md and fep/explanations.json are written from this table by tools/profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mediaattest.model import Step, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mediaattest.model import Verification


@dataclass(frozen=True, slots=True)
class Explanation:
    """One outcome. `code` is stable and fit for a URL, `clause` the profile's statement that decides it.

    `meaning` says what is so, `advice` what to do: for whoever runs the verifier and for the issuer. Both are
    sentences for people.
    """

    code: str
    clause: str
    meaning: str
    advice: str


EXPLANATIONS: Final[Mapping[tuple[Verdict, Step], Explanation]] = {
    (Verdict.VALID, Step.STATUS): Explanation(
        "valid",
        "V-01",
        "The issuer states that exactly these bytes were checked against an accepted list and no known match was "
        "found. It does not state that they are harmless.",
        "Nothing. Do not show it as safe or clean.",
    ),
    (Verdict.MISSING, Step.GRAMMAR): Explanation(
        "missing",
        "V-08",
        "There is no attestation, or an empty one. Most media have none.",
        "Look at the header field of the delivery and at the relay's Announce, or ask the issuer's lookup. A "
        "publisher that meant to send one: see whether the software in between keeps properties that it does not "
        "know.",
    ),
    (Verdict.MALFORMED, Step.GRAMMAR): Explanation(
        "malformed-grammar",
        "V-09",
        "The text is not `data:application/jwt,` and a compact JWS of at most 2048 characters, or its parts are not "
        "strict base64url or not strict JSON.",
        "Issuer: write the prefix to the letter, no padding, no white space, no name twice. Look for software that "
        "wraps, escapes or cuts long strings.",
    ),
    (Verdict.MALFORMED, Step.HEADER): Explanation(
        "malformed-header",
        "V-10",
        "The JOSE header names another algorithm or type, has no https `kid`, or has a parameter that is refused.",
        "Issuer: `alg` is EdDSA, `typ` is media-attestation+jwt, `kid` is the id of the key in the actor document. "
        "Many libraries write `typ` JWT unless told otherwise.",
    ),
    (Verdict.MALFORMED, Step.ISSUER): Explanation(
        "malformed-issuer",
        "V-11",
        "The claim `iss` is missing, or is not an https id in the narrow grammar of the profile.",
        "Issuer: `iss` is the id of your actor, in ASCII, with https. An address like acct: is none.",
    ),
    (Verdict.UNTRUSTED_ISSUER, Step.ISSUER): Explanation(
        "untrusted-issuer",
        "V-12",
        "The token is well formed, and nobody here trusts its issuer. Its signature was not looked at.",
        "Operator: add the issuer to the trusted ones if you know who it is and what it checks. Nothing is wrong at "
        "the issuer.",
    ),
    (Verdict.MALFORMED, Step.KEY_ORIGIN): Explanation(
        "malformed-key-origin",
        "V-15",
        "`kid` and `iss` are on different hosts or ports, so the key is somebody else's.",
        "Issuer: publish the key in the actor document itself. If you did not make this token, somebody tries to "
        "speak in your name.",
    ),
    (Verdict.KEY_UNAVAILABLE, Step.KEY): Explanation(
        "key-unavailable",
        "V-17",
        "The issuer's actor document could not be had for now. This is temporary.",
        "Try again later. Issuer: serve the actor document to requests without a signature, and see that your "
        "firewall lets servers pass.",
    ),
    (Verdict.UNKNOWN_KEY, Step.KEY): Explanation(
        "unknown-key",
        "V-16",
        "The issuer's actor does not exist, or does not publish exactly one fitting key with the id in `kid`.",
        "Issuer: embed the key in `assertionMethod` as a Multikey with your actor as `controller`; a key in "
        "`publicKey`, or a bare id, does not count. After a rotation keep the old key listed.",
    ),
    (Verdict.REVOKED_KEY, Step.KEY): Explanation(
        "revoked-key",
        "V-18",
        "The key has expired or was revoked, or one of its times cannot be read.",
        "Ask for a new attestation. Issuer: write `expires` and `revoked` with a time zone, and sign with the new key.",
    ),
    (Verdict.BAD_SIGNATURE, Step.SIGNATURE): Explanation(
        "bad-signature",
        "V-21",
        "The key is known and did not sign this token. It was changed under way, or made by somebody else.",
        "Issuer: sign the ASCII text of the first two parts as it is sent, with Ed25519, and compare the published "
        "key with the one in use. Operator: do not blame the author of the post.",
    ),
    (Verdict.MALFORMED, Step.CLAIMS): Explanation(
        "malformed-claims",
        "V-23",
        "The signature is good, and a claim is absent or breaks its grammar.",
        "Issuer: times are whole seconds, at most 30 days apart; `jti` is 16 bytes; `chk` names 1 to 8 methods and "
        "lists; `aud` and `nbf` are not allowed. The reason says which claim it is.",
    ),
    (Verdict.EXPIRED, Step.CLAIMS): Explanation(
        "expired",
        "V-24",
        "The token is good and its time is over.",
        "Ask the issuer's lookup for a newer one. Operator: if all are expired, look at your clock.",
    ),
    (Verdict.NOT_YET_VALID, Step.CLAIMS): Explanation(
        "not-yet-valid",
        "V-25",
        "The token was issued more than 300 seconds in this verifier's future.",
        "Compare both clocks with a time server. Issuer: `iat` is rounded down to the hour, never up.",
    ),
    (Verdict.HASH_MISMATCH, Step.DECLARED_HASH): Explanation(
        "hash-mismatch-declared",
        "V-27",
        "The object declares one hash and the token is about another. They belong to different files or versions.",
        "Publisher: set `hash` and `attestation` together, after the file got its last form; `hash` is `sha256:` "
        "and 64 lower-case hex digits.",
    ),
    (Verdict.HASH_MISMATCH, Step.RECEIVED_BYTES): Explanation(
        "hash-mismatch-received",
        "V-29",
        "The token is about other bytes than those received. Most often something recoded the file; it can also be "
        "that different readers are shown different files.",
        "Publisher: have the file attested as it is served, behind image proxies and without content negotiation. "
        "Operator: check the bytes yourself.",
    ),
    (Verdict.NO_ACCEPTED_CHECK, Step.CHECKS): Explanation(
        "no-accepted-check",
        "V-30",
        "The token is good and does not say that a list which is accepted here was checked without a match.",
        "Operator: compare the lists in `chk` with those that you accept. Issuer: the only result is `no-match`.",
    ),
    (Verdict.REVOKED, Step.STATUS): Explanation(
        "revoked",
        "W-06",
        "The issuer took the attestation back. That happens when lists or keys change, too: it says nothing of the "
        "medium.",
        "Ask for a new attestation, or check the medium yourself.",
    ),
    (Verdict.KEY_UNAVAILABLE, Step.STATUS): Explanation(
        "status-unavailable",
        "W-06",
        "Everything else is in order, and the status of the token could not be had for now. This is temporary.",
        "Try again later. Issuer: serve status lists to everybody, with a life that outlasts your outages.",
    ),
}
"""Every outcome that `verify` can come to, in the order of the steps."""


def explain(result: Verification) -> Explanation:
    """The explanation of an outcome of `verify`. Raises KeyError for a verdict that its step cannot come to."""
    return EXPLANATIONS[result.verdict, result.step]
