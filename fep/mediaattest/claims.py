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
from mediaattest.strict_json import is_array, is_members, is_safe_integer

NO_MATCH: Final = "no-match"
"""The only result that a token can state."""

_ALGORITHM: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){16,128}")
_MEDIA_TYPE: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
)


class ClaimError(ValueError):
    """A claim is absent or breaks its grammar; the message is a sentence for people."""


def write_claims(attestation: Attestation) -> bytes:
    """The canonical bytes of an attestation's claims (RFC 8785); what is not said is left out.

    By hand, which takes a fifth of the time: names stand in order, and nothing that passes `check_claims` holds a
    character that JSON escapes.
    """
    medium, status = attestation.medium, attestation.status
    alternatives = ",".join([f'"{name}":"{digest}"' for name, digest in sorted(attestation.alternatives)])
    text = (
        (f'"alt":{{{alternatives}}},' if alternatives else "")
        + f'"chk":[{",".join(map(_write_check, attestation.checks))}],'
        f'"exp":{attestation.expires_at},"iat":{attestation.issued_at},"iss":"{attestation.issuer}",'
        f'"jti":"{encode_part(attestation.jti)}",'
        + (f'"med":{{"size":{medium.size},"type":"{medium.media_type}"}},' if medium is not None else "")
        + f'"res":"{NO_MATCH}",'
        + (
            f'"status":{{"status_list":{{"idx":{status.index},"uri":"{status.uri}"}}}},'
            if status is not None
            else ""
        )
        + f'"sub":"{attestation.digest}"'
    )
    return f"{{{text}}}".encode("ascii")


def read_claims(claims: dict[str, Any]) -> Attestation:
    """The attestation that a claims set states, `res` aside. Raises ClaimError when a claim is wrong."""
    if "aud" in claims:  # RFC 7519 4.1.3
        raise ClaimError("The token is meant for one audience.")
    if "nbf" in claims:  # RFC 7519 4.1.5
        raise ClaimError("The token has the claim nbf.")
    if not isinstance(claims.get("res"), str):
        raise ClaimError("The token states no result.")
    attestation = Attestation(
        issuer=_text(claims.get("iss")),
        digest=_text(claims.get("sub")),
        issued_at=_integer(claims.get("iat")),
        expires_at=_integer(claims.get("exp")),
        jti=decode_part(_text(claims.get("jti"))) or b"",
        checks=_read_checks(claims.get("chk")),
        alternatives=_read_alternatives(claims["alt"]) if "alt" in claims else (),
        medium=_read_medium(claims["med"]) if "med" in claims else None,
        status=_read_status(claims["status"]) if "status" in claims else None,
    )
    check_claims(attestation)
    return attestation


def check_claims(attestation: Attestation) -> None:
    """Whether every claim keeps its grammar, when reading and when issuing. Raises ClaimError when one does not."""
    if not is_https_id(attestation.issuer):
        raise ClaimError("The issuer is not an https id.")
    if not is_hash(attestation.digest):
        raise ClaimError("The subject is not a hash string.")
    if not is_safe_integer(attestation.issued_at) or not is_safe_integer(attestation.expires_at):
        raise ClaimError("The times are not whole seconds.")
    if not 0 < attestation.expires_at - attestation.issued_at <= MAX_LIFETIME:
        raise ClaimError("The token's lifetime is not between 1 second and 30 days.")
    if len(attestation.jti) != JTI_BYTES:
        raise ClaimError("The token's id is not 16 bytes.")
    if not 1 <= len(attestation.checks) <= MAX_CHECKS:
        raise ClaimError("The token does not name 1 to 8 checks.")
    for check in attestation.checks:
        _check_check(check)
    _check_alternatives(attestation.alternatives)
    medium, status = attestation.medium, attestation.status
    # RFC 6838 4.2
    if medium and not (_MEDIA_TYPE.fullmatch(medium.media_type) and is_safe_integer(medium.size)):
        raise ClaimError("The medium's type or size is not in order.")
    if status and not (is_https_id(status.uri) and is_safe_integer(status.index)):
        raise ClaimError("The status reference is not in order.")


def _check_check(check: Check) -> None:
    if (
        _ALGORITHM.fullmatch(check.algorithm) is None
        or not is_https_id(check.list_id)
        or not (check.checked_at is None or is_safe_integer(check.checked_at))
    ):
        raise ClaimError("A check does not name a method and a list.")


def _check_alternatives(pairs: tuple[tuple[str, str], ...]) -> None:
    if len(pairs) > MAX_CHECKS or not all(
        _ALGORITHM.fullmatch(name) and _HEX.fullmatch(digest) for name, digest in pairs
    ):
        raise ClaimError("A further digest is not lower-case hex.")


def _write_check(check: Check) -> str:
    at = "" if check.checked_at is None else f'"at":{check.checked_at},'
    return f'{{"alg":"{check.algorithm}",{at}"list":"{check.list_id}"}}'


def _read_checks(value: object) -> tuple[Check, ...]:
    return tuple(map(_read_check, value)) if is_array(value) else ()


def _read_check(entry: object) -> Check:
    check = _members(entry)
    checked_at = _integer(check["at"]) if "at" in check else None
    return Check(_text(check.get("alg")), _text(check.get("list")), checked_at)


def _read_alternatives(value: object) -> tuple[tuple[str, str], ...]:
    pairs = tuple((name, _text(digest)) for name, digest in _members(value).items())
    if not pairs:
        raise ClaimError("The claim of further digests has none.")
    return pairs


def _read_medium(value: object) -> Medium:
    medium = _members(value)
    return Medium(_text(medium.get("type")), _integer(medium.get("size")))


def _read_status(value: object) -> StatusReference:
    # draft-ietf-oauth-status-list: "status_list": {"idx", "uri"}
    reference = _members(_members(value).get("status_list"))
    return StatusReference(_text(reference.get("uri")), _integer(reference.get("idx")))


def _members(value: object) -> dict[str, Any]:
    if is_members(value):
        return value
    raise ClaimError("A claim that should be an object is not.")


def _text(value: object) -> str:
    # Likewise: no claim may be empty
    return value if isinstance(value, str) else ""


def _integer(value: object) -> int:
    # What is no integer becomes one that no claim may have: the check that follows refuses it
    return value if is_safe_integer(value) else -1
