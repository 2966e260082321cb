"""The values of Media Attestation JWT v1: what a token states, and what a verifier found.

An attestation says that some bytes were checked by a method against a list at a time and that no known match
was found. It never says "safe" or "clean", and a failed verification never says "bad": towards third parties
every verdict other than `valid` means *unattested*.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

HOUR: Final = 3600
"""Seconds to which `iat` is rounded down, so that a token does not tell when a medium was first seen."""

DEFAULT_LIFETIME: Final = 14 * 24 * HOUR
"""Seconds between `iat` and `exp` when the issuer does not say otherwise."""

MAX_LIFETIME: Final = 30 * 24 * HOUR
"""Largest number of seconds between `iat` and `exp`."""

MAX_CHECKS: Final = 8
"""Largest number of entries in `chk`."""

JTI_BYTES: Final = 16
"""Number of random bytes in `jti`."""


class Verdict(StrEnum):
    """What a verification came to: a closed set."""

    VALID = "valid"
    MISSING = "missing"
    MALFORMED = "malformed"
    UNTRUSTED_ISSUER = "untrusted-issuer"
    UNKNOWN_KEY = "unknown-key"
    REVOKED_KEY = "revoked-key"
    BAD_SIGNATURE = "bad-signature"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    HASH_MISMATCH = "hash-mismatch"
    NO_ACCEPTED_CHECK = "no-accepted-check"
    REVOKED = "revoked"
    KEY_UNAVAILABLE = "key-unavailable"

    @property
    def temporary(self) -> bool:
        """Whether the same token may fare better later, without anybody issuing a new one."""
        return self is Verdict.KEY_UNAVAILABLE


class Step(IntEnum):
    """The steps of a verification, in their order; each is reached only when all before it passed."""

    GRAMMAR = 1
    HEADER = 2
    ISSUER = 3
    KEY_ORIGIN = 4
    KEY = 5
    SIGNATURE = 6
    CLAIMS = 7
    DECLARED_HASH = 8
    RECEIVED_BYTES = 9
    CHECKS = 10
    STATUS = 11

    @property
    def title(self) -> str:
        """What the step looks at, in a few words, for display."""
        return _TITLES[self]


_TITLES: Final = {
    Step.GRAMMAR: "grammar and length",
    Step.HEADER: "JOSE header",
    Step.ISSUER: "issuer is trusted",
    Step.KEY_ORIGIN: "key is of the issuer's origin",
    Step.KEY: "key is published, neither expired nor revoked",
    Step.SIGNATURE: "signature",
    Step.CLAIMS: "claims and times",
    Step.DECLARED_HASH: "same hash as the object declares",
    Step.RECEIVED_BYTES: "same hash as the bytes received",
    Step.CHECKS: "an accepted list was checked, no match",
    Step.STATUS: "not retracted",
}


class IssuerClass(StrEnum):
    """Why an issuer was believed. `SELF` is weaker: an origin that vouches for its own media."""

    TRUSTED = "trusted"
    SELF = "self"


class Status(StrEnum):
    """What a status list says about an attestation; `UNAVAILABLE` when the list could not be had."""

    STANDING = "standing"
    REVOKED = "revoked"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Check:
    """One method applied against one list.

    `algorithm` is a short lower-case name (`pdq`, `photodna`, `sha256`, `md5`), `list_id` an opaque https id,
    `checked_at` seconds since the epoch or None.
    """

    algorithm: str
    list_id: str
    checked_at: int | None = None


@dataclass(frozen=True, slots=True)
class Medium:
    """The media type and the size in bytes of what was checked (claim `med`)."""

    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class StatusReference:
    """Where the status of a token stands: the list's https address and the index in it.

    Source: draft-ietf-oauth-status-list, `status_list`.
    """

    uri: str
    index: int


@dataclass(frozen=True, slots=True)
class Attestation:
    """The statement of one token: `digest` was checked by `checks` and no known match was found.

    `digest` is the hash string (`sha256:` and 64 lower-case hex digits) of the exact bytes. Times are seconds
    since the epoch. `jti` is 16 random bytes. `alternatives` are further cryptographic digests of the same
    bytes as (algorithm, lower-case hex) pairs.
    """

    issuer: str
    digest: str
    issued_at: int
    expires_at: int
    jti: bytes
    checks: tuple[Check, ...]
    alternatives: tuple[tuple[str, str], ...] = ()
    medium: Medium | None = None
    status: StatusReference | None = None


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token claims before anything was checked: enough to know which actor to fetch, and no more."""

    issuer: str
    kid: str
    digest: str


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """An Ed25519 key of an issuer, as its actor publishes it (FEP-521a Multikey).

    `public_key` is the 32 raw bytes; `expires` and `revoked` are seconds since the epoch, None when not set.
    """

    kid: str
    controller: str
    public_key: bytes
    expires: int | None = None
    revoked: int | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of a verification.

    `step` is the one that decided (the last one when valid), `reason` a sentence for people. `attestation` is
    there only when the signature was good and the claims well formed, `issuer_class` likewise.
    """

    verdict: Verdict
    step: Step
    reason: str
    attestation: Attestation | None = None
    issuer_class: IssuerClass | None = None

    @property
    def valid(self) -> bool:
        """Whether the bytes are attested."""
        return self.verdict is Verdict.VALID

    @property
    def temporary(self) -> bool:
        """Whether verifying again later may come to something else."""
        return self.verdict.temporary
