"""Signatures as values, what can be wrong with a signed request, and the Signature header of draft-cavage-12."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from relay.domain.hosts import is_http_url

MAX_HEADER: Final = 8192
"""Longest Signature header in characters; servers cut header lines there, too."""

_PARAMETER: Final = re.compile(r'[ \t]*([A-Za-z]+)=(?:"([^"\\]*)"|([0-9]{1,12}(?:\.[0-9]{1,9})?))[ \t]*')
_COVERED_NAME: Final = re.compile(r"\((?:request-target|created|expires)\)|[!#$%&'*+.^_`|~0-9a-z-]+")
_SECONDS: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that is right in all that can be seen without the key.

    `algorithm` is `hs2019`, `rsa-sha256`, one of RFC 9421, or None. `covered` are the names of the signed headers
    and components in order. `created` and `expires` are as written, in seconds since 1970, or None. `base` is
    what was signed, when that is said by RFC 9421; `instead` is the draft signature that the request bears
    beside it, to be looked at when this one does not verify. `promised` is the SHA-256 that a body still to come has
    to have.
    """

    key_id: str
    algorithm: str | None
    covered: tuple[str, ...]
    created: str | None
    expires: str | None
    value: bytes
    base: bytes | None = None
    instead: Signature | None = None
    promised: bytes | None = None


class Failure(Enum):
    """Why a request is not accepted: a stable code, the HTTP status to answer, a sentence for the sender.

    400 says that the request can never be right, 401 that another signature may be.
    """

    MISSING_SIGNATURE = ("missing-signature", 401, "The request has no Signature header.")
    MALFORMED_SIGNATURE = (
        "malformed-signature",
        400,
        "The Signature or Signature-Input header does not follow its grammar.",
    )
    DUPLICATE_PARAMETER = ("duplicate-parameter", 401, "The signature has a parameter or a component twice.")
    DUPLICATE_SIGNATURE = ("duplicate-signature", 401, "The request has the same signature twice.")
    MALFORMED_KEY_ID = ("malformed-key-id", 401, "The keyId is not an http or https URL.")
    UNSUPPORTED_ALGORITHM = (
        "unsupported-algorithm",
        401,
        "The algorithm is none of hs2019, rsa-sha256, rsa-v1_5-sha256, rsa-v1_5-sha512 and ed25519.",
    )
    NOT_COVERED = (
        "not-covered",
        401,
        "The signature has to cover (request-target), host, and date or (created).",
    )
    TARGET_NOT_COVERED = (
        "target-not-covered",
        401,
        "The signature has to cover @method and @target-uri (or @authority with @path and @query).",
    )
    BAD_COMPONENT = ("bad-component", 401, "The signature covers what this request cannot have.")
    CREATED_MISSING = ("created-missing", 401, "The signature does not say when it was created.")
    TARGET_MALFORMED = ("target-malformed", 400, "The request target is not a path.")
    DIGEST_NOT_COVERED = ("digest-not-covered", 401, "The signature does not cover the digest of the body.")
    HEADER_MISSING = ("header-missing", 401, "A header that the signature covers is missing.")
    CREATED_WITH_RSA = ("created-with-rsa", 401, "(created) and (expires) cannot be used with rsa-sha256.")
    HOST_MALFORMED = ("host-malformed", 400, "The request has more than one Host header.")
    WRONG_HOST = ("wrong-host", 401, "The request was signed for another host.")
    BAD_DATE = ("bad-date", 401, "The date of the request is missing or cannot be read.")
    STALE = ("stale", 401, "The request was signed too long ago.")
    AHEAD = ("ahead", 401, "The request was signed in the future.")
    EXPIRED = ("expired", 401, "The signature has expired.")
    DIGEST_MALFORMED = ("digest-malformed", 400, "The digest of the body does not follow its grammar.")
    DIGEST_UNSUPPORTED = ("digest-unsupported", 401, "The body has no digest of a kind that is known here.")
    DIGEST_DUPLICATE = ("digest-duplicate", 401, "The body has two digests of one kind.")
    DIGEST_MISMATCH = ("digest-mismatch", 401, "The digest is not that of the body.")

    def __init__(self, code: str, status: int, sentence: str) -> None:
        self.code = code
        self.status = status
        self.sentence = sentence


def parse_signature(header: str) -> Signature | Failure:
    """The signature that the value of a Signature header stands for. Total, linear, nothing is verified."""
    parameters = _parameters(header)
    if isinstance(parameters, Failure):
        return parameters
    key_id, value = parameters.get("keyId", ""), strict_base64(parameters.get("signature", ""))
    algorithm = parameters.get("algorithm")
    # Section 2.1.6: without `headers`, `(created)` alone is covered; we ask for more in any case.
    covered = tuple(parameters.get("headers", "(created)").lower().split(" "))
    times = [parameters.get(name) for name in ("created", "expires")]
    if not value or not all(_COVERED_NAME.fullmatch(name) for name in covered):
        return Failure.MALFORMED_SIGNATURE
    if any(time is not None and not _SECONDS.fullmatch(time) for time in times):
        return Failure.MALFORMED_SIGNATURE
    if len(set(covered)) != len(covered):
        return Failure.DUPLICATE_PARAMETER
    if not is_http_url(key_id):
        return Failure.MALFORMED_KEY_ID
    return Signature(key_id, algorithm and algorithm.lower(), covered, times[0], times[1], value)


def _parameters(header: str) -> dict[str, str] | Failure:
    """The parameters of a Signature header, each given once (draft-cavage-12 2.1, 4.1; RFC 7235 2.1)."""
    if len(header) > MAX_HEADER:
        return Failure.MALFORMED_SIGNATURE
    found: dict[str, str] = {}
    position = len("Signature ") if header.startswith("Signature ") else 0
    while match := _PARAMETER.match(header, position):
        name, quoted, number = match.groups()
        if name in found:
            return Failure.DUPLICATE_PARAMETER
        found[name] = number if quoted is None else quoted
        position = match.end()
        if position == len(header):
            return found
        if header[position] != ",":
            break
        position += 1
    return Failure.MALFORMED_SIGNATURE


def strict_base64(text: str) -> bytes:
    """The bytes of strict base64 with padding (RFC 4648 3, 4), empty when it is not."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return b""
