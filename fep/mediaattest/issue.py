"""Making an attestation: a pure function of the statement, the key, the time and 16 random bytes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from mediaattest.claims import check_claims, write_claims
from mediaattest.data_url import MAX_LENGTH, PREFIX
from mediaattest.jws import write_token
from mediaattest.model import DEFAULT_LIFETIME, HOUR, Attestation, Check, Medium, StatusReference
from mediaattest.origin import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def issue(
    *,
    private_key: Ed25519PrivateKey,
    kid: str,
    issuer: str,
    digest: str,
    checks: Iterable[Check],
    now: int,
    jti: bytes,
    lifetime: int = DEFAULT_LIFETIME,
    alternatives: Mapping[str, str] | None = None,
    medium: Medium | None = None,
    status: StatusReference | None = None,
) -> str:
    """The attestation string that `digest` was checked by `checks` and no known match was found.

    `kid` and `issuer` are https ids of one origin, `digest` is a hash string, `now` and `lifetime` are
    seconds; `iat` is `now` rounded down to the hour and `exp` is `iat + lifetime`. `jti` is 16 fresh random
    bytes, never made from the media. `alternatives` maps further digest algorithms to lower-case hex. The
    same arguments give the same string.

    Raises ValueError for whatever a verifier would refuse: among others a lifetime over 30 days, one that is
    over at `now`, no check or more than eight, or a result of more than 2048 characters.
    """
    issued_at = now - now % HOUR
    attestation = Attestation(
        issuer=issuer,
        digest=digest,
        issued_at=issued_at,
        expires_at=issued_at + lifetime,
        jti=jti,
        checks=tuple(checks),
        alternatives=tuple((alternatives or {}).items()),
        medium=medium,
        status=status,
    )
    check_claims(attestation)
    if attestation.expires_at <= now:
        raise ValueError("the attestation would be over before it is sent")
    if not _share_an_origin(kid, issuer):
        raise ValueError("the key is not of the issuer's origin")
    text = PREFIX + write_token(kid=kid, claims=write_claims(attestation), sign=private_key.sign)
    if len(text) > MAX_LENGTH:
        raise ValueError("the attestation would be too long")
    return text


@lru_cache(maxsize=8)  # an issuer has one key, and for a while two
def _share_an_origin(kid: str, issuer: str) -> bool:
    origin = origin_of(kid)
    return origin is not None and origin == origin_of(issuer)
