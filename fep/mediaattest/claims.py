"""The claims of a token, read into an `Attestation` and written from one.

Unknown claims are ignored (RFC 7519 4), except `aud` and `nbf`, which bind whoever accepts a token and which
this profile has no use for.
"""

from __future__ import annotations

import re
from typing import Any, Final

from mediaattest.digest import is_hash
from mediaattest.jws import decode_part, encode_part
from mediaattest.model import (
    JTI_BYTES,
    MAX_CHECKS,
    MAX_LIFETIME,
    Attestation,
    Check,
    Medium,
    StatusReference,
)
from mediaattest.origin import is_https_id
from mediaattest.strict_json import is_safe_integer

NO_MATCH: Final = "no-match"
"""The only result that a token can state."""

_ALGORITHM: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){16,128}")
_MEDIA_TYPE: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
)


class ClaimError(ValueError):
    """A claim is absent or breaks its grammar; the message is a sentence for people."""


def write_claims(attestation: Attestation) -> dict[str, Any]:
    """The claims set of an attestation, optional claims only where there is something to say."""
    claims: dict[str, Any] = {
        "iss": attestation.issuer,
        "sub": attestation.digest,
        "iat": attestation.issued_at,
        "exp": attestation.expires_at,
        "jti": encode_part(attestation.jti),
        "res": NO_MATCH,
        "chk": [_write_check(check) for check in attestation.checks],
    }
    if attestation.alternatives:
        claims["alt"] = dict(attestation.alternatives)
    if attestation.medium is not None:
        claims["med"] = {"type": attestation.medium.media_type, "size": attestation.medium.size}
    if attestation.status is not None:
        claims["status"] = {"status_list": {"uri": attestation.status.uri, "idx": attestation.status.index}}
    return claims


def read_claims(claims: dict[str, Any]) -> Attestation:
    """The attestation that a claims set states, `res` aside. Raises ClaimError when a claim is wrong."""
    _require(
        condition="aud" not in claims, otherwise="The token is meant for one audience."
    )  # RFC 7519 4.1.3
    _require(condition="nbf" not in claims, otherwise="The token has the claim nbf.")  # RFC 7519 4.1.5
    _require(condition=is_https_id(claims.get("iss")), otherwise="The issuer is not an https id.")
    _require(condition=is_hash(_text(claims.get("sub"))), otherwise="The subject is not a hash string.")
    _require(condition=isinstance(claims.get("res"), str), otherwise="The token states no result.")
    issued_at, expires_at = _read_times(claims)
    return Attestation(
        issuer=claims["iss"],
        digest=claims["sub"],
        issued_at=issued_at,
        expires_at=expires_at,
        jti=_read_jti(claims.get("jti")),
        checks=_read_checks(claims.get("chk")),
        alternatives=_read_alternatives(claims["alt"]) if "alt" in claims else (),
        medium=_read_medium(claims["med"]) if "med" in claims else None,
        status=_read_status(claims["status"]) if "status" in claims else None,
    )


def _write_check(check: Check) -> dict[str, Any]:
    claim: dict[str, Any] = {"alg": check.algorithm, "list": check.list_id}
    return claim if check.checked_at is None else claim | {"at": check.checked_at}


def _read_times(claims: dict[str, Any]) -> tuple[int, int]:
    issued_at, expires_at = claims.get("iat"), claims.get("exp")
    if not is_safe_integer(issued_at) or not is_safe_integer(expires_at):
        raise ClaimError("The times are not whole seconds.")
    _require(
        condition=0 < expires_at - issued_at <= MAX_LIFETIME,
        otherwise="The token's lifetime is not between 1 second and 30 days.",
    )
    return issued_at, expires_at


def _read_jti(value: object) -> bytes:
    jti = decode_part(_text(value))
    if jti is None or len(jti) != JTI_BYTES:
        raise ClaimError("The token's id is not 16 bytes.")
    return jti


def _read_checks(value: object) -> tuple[Check, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_CHECKS:
        raise ClaimError("The token does not name 1 to 8 checks.")
    return tuple(_read_check(entry) for entry in value)


def _read_check(entry: object) -> Check:
    check = _members(entry)
    algorithm, list_id, checked_at = _text(check.get("alg")), check.get("list"), check.get("at")
    _require(
        condition=_ALGORITHM.fullmatch(algorithm) is not None
        and is_https_id(list_id)
        and ("at" not in check or is_safe_integer(checked_at)),
        otherwise="A check does not name a method and a list.",
    )
    return Check(algorithm, _text(list_id), checked_at)


def _read_alternatives(value: object) -> tuple[tuple[str, str], ...]:
    pairs = tuple(_members(value).items())
    _require(
        condition=0 < len(pairs) <= MAX_CHECKS
        and all(_ALGORITHM.fullmatch(name) and _HEX.fullmatch(_text(digest)) for name, digest in pairs),
        otherwise="A further digest is not lower-case hex.",
    )
    return pairs


def _read_medium(value: object) -> Medium:
    medium = _members(value)
    media_type, size = _text(medium.get("type")), medium.get("size")
    if _MEDIA_TYPE.fullmatch(media_type) is None or not is_safe_integer(size):  # RFC 6838 4.2
        raise ClaimError("The medium's type or size is not in order.")
    return Medium(media_type, size)


def _read_status(value: object) -> StatusReference:
    # draft-ietf-oauth-status-list: "status_list": {"idx", "uri"}
    reference = _members(_members(value).get("status_list"))
    uri, index = reference.get("uri"), reference.get("idx")
    if not is_https_id(uri) or not is_safe_integer(index):
        raise ClaimError("The status reference is not in order.")
    return StatusReference(_text(uri), index)


def _members(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ClaimError("A claim that should be an object is not.")
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _require(*, condition: bool, otherwise: str) -> None:
    if not condition:
        raise ClaimError(otherwise)
