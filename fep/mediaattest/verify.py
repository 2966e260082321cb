"""Verifying an attestation: a pure function from what was received and what is known to a verdict.

The steps and their order are the profile's; each is reached only when all before it passed, and the first
that fails decides. Nothing is fetched here: the caller brings the issuer's actor document, using `unverified`
to learn whose it is, and a status check if its policy asks for one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mediaattest.claims import NO_MATCH, ClaimError, read_claims
from mediaattest.digest import digest_of, from_multibase, is_hash
from mediaattest.jws import Token, read_token
from mediaattest.keys import find_key
from mediaattest.model import (
    Attestation,
    IssuerClass,
    IssuerKey,
    Status,
    Step,
    Unverified,
    Verdict,
    Verification,
)
from mediaattest.origin import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from collections.abc import Set as AbstractSet

CLOCK_SKEW: Final = 300
"""Seconds that an issuer's clock may be ahead of ours."""


def unverified(attestation: str) -> Unverified | None:
    """Whose key the token claims to be signed with, for fetching the actor document; nothing is checked.

    None when `verify` would end before step 5 for any policy: then there is nothing to fetch.
    """
    token = read_token(attestation)
    if isinstance(token, Verification):
        return None
    issuer, digest = token.claims.get("iss"), token.claims.get("sub")
    if not isinstance(issuer, str) or not isinstance(digest, str) or not is_hash(digest):
        return None
    if origin_of(issuer) is None or origin_of(issuer) != origin_of(token.kid):
        return None
    return Unverified(issuer, token.kid, digest)


def verify(
    attestation: str | None,
    *,
    received: bytes | str,
    actors: Mapping[str, Mapping[str, Any] | None],
    trusted_issuers: AbstractSet[str],
    accepted_lists: AbstractSet[str] | None,
    now: int,
    declared_hashes: tuple[str, ...] = (),
    object_origin: str | None = None,
    status: Callable[[Attestation], Status] | None = None,
) -> Verification:
    """Whether `attestation` vouches for the bytes received.

    `attestation`: the string found, None or empty when there is none.
    `received`: the bytes actually received, or their hash string.
    `actors`: actor documents by issuer id, each fetched from that id. An issuer that is not in it could not
    be fetched (`key-unavailable`, temporary); None says that its server knows no such actor (`unknown-key`).
    `trusted_issuers`: ids of actors; `accepted_lists`: list ids of which one must have been checked, None
    when any list will do.
    `now`: seconds since the epoch.
    `declared_hashes`: the object's `hash` (FEP-b53d) or `digestMultibase` (FEP-1311); () when it has none.
    `object_origin`: origin or id of the object with the medium; an issuer of that origin then is of class
    `self`.
    `status`: asked last, when the policy wants to know about retraction; a status that could not be had is
    `key-unavailable` at step 11.

    Raises ValueError when `received` is a string but not a hash string; otherwise every outcome is returned.
    """
    digest = digest_of(received) if isinstance(received, bytes) else received
    if not is_hash(digest):
        raise ValueError("received is neither bytes nor a hash string")
    if not attestation:
        return Verification(Verdict.MISSING, Step.GRAMMAR, "There is no attestation.")
    token = read_token(attestation)
    if isinstance(token, Verification):
        return token
    issuer_class = _issuer_class(token, trusted_issuers, object_origin)
    if isinstance(issuer_class, Verification):
        return issuer_class
    key = _issuer_key(token, actors, now)
    if isinstance(key, Verification):
        return key
    if not _signed_by(token, key):
        return Verification(Verdict.BAD_SIGNATURE, Step.SIGNATURE, "The signature does not verify.")
    try:
        statement = read_claims(token.claims)
    except ClaimError as fault:
        return Verification(Verdict.MALFORMED, Step.CLAIMS, str(fault))
    policy = _Policy(digest, accepted_lists, now, declared_hashes, status)
    # A token with another result states something that an Attestation cannot express.
    shown = statement if token.claims["res"] == NO_MATCH else None
    return replace(policy.judge(statement, stated=shown), attestation=shown, issuer_class=issuer_class)


@dataclass(frozen=True, slots=True)
class _Policy:
    """Steps 7 to 11: what a good signature is worth to this verifier."""

    digest: str
    accepted_lists: AbstractSet[str] | None
    now: int
    declared_hashes: tuple[str, ...]
    status: Callable[[Attestation], Status] | None

    def judge(self, statement: Attestation, *, stated: Attestation | None) -> Verification:
        if self.now >= statement.expires_at:  # RFC 7519 4.1.4
            return Verification(Verdict.EXPIRED, Step.CLAIMS, "The attestation has expired.")
        if statement.issued_at > self.now + CLOCK_SKEW:  # RFC 7519 4.1.6
            return Verification(Verdict.NOT_YET_VALID, Step.CLAIMS, "The attestation is dated in the future.")
        if self.declared_hashes and statement.digest not in map(_as_hash, self.declared_hashes):
            reason = "The attestation is about another hash than the object declares."
            return Verification(Verdict.HASH_MISMATCH, Step.DECLARED_HASH, reason)
        if statement.digest != self.digest:
            reason = "The attestation is about other bytes than those received."
            return Verification(Verdict.HASH_MISMATCH, Step.RECEIVED_BYTES, reason)
        if stated is None or not self._accepts(stated):
            reason = "The attestation does not state a check against an accepted list without a match."
            return Verification(Verdict.NO_ACCEPTED_CHECK, Step.CHECKS, reason)
        return self._ask_status(stated)

    def _accepts(self, stated: Attestation) -> bool:
        lists = self.accepted_lists
        return lists is None or any(check.list_id in lists for check in stated.checks)

    def _ask_status(self, stated: Attestation) -> Verification:
        standing = Status.STANDING if self.status is None else self.status(stated)
        if standing is Status.REVOKED:
            return Verification(Verdict.REVOKED, Step.STATUS, "The issuer has retracted the attestation.")
        if standing is Status.UNAVAILABLE:
            return Verification(
                Verdict.KEY_UNAVAILABLE, Step.STATUS, "The attestation's status could not be had."
            )
        reason = "The issuer states that these bytes were checked and no known match was found."
        return Verification(Verdict.VALID, Step.STATUS, reason)


def _issuer_class(
    token: Token, trusted_issuers: AbstractSet[str], object_origin: str | None
) -> IssuerClass | Verification:
    issuer = token.claims.get("iss")
    issuer_origin = origin_of(issuer) if isinstance(issuer, str) else None
    if issuer_origin is None:
        return Verification(Verdict.MALFORMED, Step.ISSUER, "The issuer is not an https id.")
    if issuer in trusted_issuers:
        return IssuerClass.TRUSTED
    if object_origin is not None and origin_of(object_origin) == issuer_origin:  # FEP-fe34
        return IssuerClass.SELF
    return Verification(Verdict.UNTRUSTED_ISSUER, Step.ISSUER, "The issuer is not trusted here.")


def _issuer_key(
    token: Token, actors: Mapping[str, Mapping[str, Any] | None], now: int
) -> IssuerKey | Verification:
    issuer: str = token.claims["iss"]
    if origin_of(token.kid) != origin_of(issuer):  # FEP-fe34
        return Verification(
            Verdict.MALFORMED, Step.KEY_ORIGIN, "The key is of another origin than the issuer."
        )
    if issuer not in actors:
        return Verification(Verdict.KEY_UNAVAILABLE, Step.KEY, "The issuer's key could not be fetched.")
    actor = actors[issuer]
    if actor is None:
        return Verification(Verdict.UNKNOWN_KEY, Step.KEY, "The issuer's server knows no such actor.")
    return find_key(actor, kid=token.kid, issuer=issuer, now=now)


def _signed_by(token: Token, key: IssuerKey) -> bool:
    try:  # RFC 8032 5.1.7 over RFC 7515 5.2 step 8
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(token.signature, token.signing_input)
    except InvalidSignature:
        return False
    return True


def _as_hash(declared: str) -> str:
    return from_multibase(declared) or declared
