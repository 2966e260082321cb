"""HTTP signatures as the fediverse uses them: those of draft-cavage-12 here, those of RFC 9421 in `rfc9421`.

Reading is strict, because each leniency was somebody's hole: a body whose digest is not covered, a
parameter given twice, a date nobody looks at. `inspect` decides all that needs no key, so that a bad
request costs no fetch; `verify` is the work of the key and safe to run in a thread. Making is the hot path of
fan-out: per delivery one concatenation before the RSA signature and one after it; whatever depends on the
inbox alone is in `Target`.

What senders of the draft differ in and all get through: order and number of covered headers, `algorithm`
absent, `hs2019` or `rsa-sha256`, `(request-target)` with and without the query, `digest: sha-256=` in any case.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA512, HashAlgorithm

from relay.protocol import rfc9421
from relay.protocol.httpdate import http_date, parse_http_date
from relay.protocol.keys import load_key, made_by
from relay.protocol.requests import MAX_AGE, MAX_AHEAD, SignedRequest, Target, check_moment, host_of
from relay.protocol.sigheader import Failure, Signature, parse_signature, strict_base64

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "COVERED_GET",
    "COVERED_POST",
    "COVERED_POST_ATTESTED",
    "MAX_AGE",
    "MAX_AHEAD",
    "Failure",
    "Signature",
    "SignedRequest",
    "Target",
    "body_digest",
    "get_string",
    "http_date",
    "inspect",
    "is_usable_key",
    "post_string",
    "signature_header",
    "verify",
]

COVERED_GET: Final = "(request-target) host date"
COVERED_POST: Final = "(request-target) host date digest content-type"
COVERED_POST_ATTESTED: Final = f"{COVERED_POST} media-attestation"
"""What our signatures cover, as the `headers` parameter names it."""

_ALGORITHMS: Final = frozenset({None, "hs2019", "rsa-sha256"})


# ---------------------------------------------------------------- reading


def inspect(
    request: SignedRequest, *, now: float, hosts: frozenset[str], scheme: str = "https"
) -> Signature | Failure:
    """The signature of `request`, or the first thing that is wrong with it. Total.

    `now` is in seconds since 1970, `hosts` are our names as they stand in Host headers, in lower case, `scheme` is
    that of our public address. With RFC 9421 and the draft side by side the first is looked at first, and the
    second alone if there is something wrong with it (or it does not verify: `instead`); they are never mixed.
    """
    drafted = [value for value in request.values("signature") if 'keyId="' in value]
    if not request.values("signature-input"):
        return _inspect_draft(request, request.values("signature"), now, hosts)
    others = [value for value in request.values("signature") if value not in drafted]
    found = rfc9421.inspect(request, others, now=now, hosts=hosts, scheme=scheme)
    if not drafted:
        return found
    second = _inspect_draft(request, drafted, now, hosts)
    if isinstance(second, Failure):
        return found
    return second if isinstance(found, Failure) else replace(found, instead=second)


def _inspect_draft(
    request: SignedRequest, headers: Sequence[str], now: float, hosts: frozenset[str]
) -> Signature | Failure:
    if len(headers) != 1:
        return Failure.DUPLICATE_SIGNATURE if headers else Failure.MISSING_SIGNATURE
    signature = parse_signature(headers[0])
    if isinstance(signature, Failure):
        return signature
    host = host_of(request, hosts)
    failure = (
        _check_algorithm(signature)
        or _check_covered(signature, request)
        or (host if isinstance(host, Failure) else None)
        or _check_time(signature, request, now)
    )
    digest = failure or _digest(signature, request)
    if isinstance(digest, Failure):
        return digest
    if request.deferred:
        return replace(signature, promised=digest)
    if digest is not None and digest != hashlib.sha256(request.body).digest():
        return Failure.DIGEST_MISMATCH
    return signature


def _check_algorithm(signature: Signature) -> Failure | None:
    if signature.algorithm not in _ALGORITHMS:
        return Failure.UNSUPPORTED_ALGORITHM
    # Section 2.3: an algorithm that starts with rsa does not go with (created) or (expires).
    if signature.algorithm == "rsa-sha256" and not {"(created)", "(expires)"}.isdisjoint(signature.covered):
        return Failure.CREATED_WITH_RSA
    return None


def _check_covered(signature: Signature, request: SignedRequest) -> Failure | None:
    covered = set(signature.covered)
    if not {"(request-target)", "host"} <= covered or covered.isdisjoint({"date", "(created)"}):
        return Failure.NOT_COVERED
    if "digest" not in covered and (request.body or request.method.upper() not in {"GET", "HEAD"}):
        return Failure.DIGEST_NOT_COVERED
    absent = {"(created)": signature.created is None, "(expires)": signature.expires is None}
    present = {name for name, _ in request.headers}
    if any(absent.get(name, name not in present and name != "(request-target)") for name in covered):
        return Failure.HEADER_MISSING
    return None


def _check_time(signature: Signature, request: SignedRequest, now: float) -> Failure | None:
    """Every time that is covered has to be in the window, an expiry also when it is not covered."""
    moments: list[float | None] = []
    if "date" in signature.covered:
        dates = request.values("date")
        moments.append(parse_http_date(dates[0]) if len(dates) == 1 else None)
    if signature.created is not None:
        moments.append(float(signature.created))
    for moment in moments:
        if moment is None:
            return Failure.BAD_DATE
        failure = check_moment(moment, now)
        if failure is not None:
            return failure
    if signature.expires is not None and float(signature.expires) < now:
        return Failure.EXPIRED
    return None


def _digest(signature: Signature, request: SignedRequest) -> bytes | Failure | None:
    """RFC 3230 4.3.2: algorithm=value, several with commas between; names in any case; SHA-256 decides."""
    if "digest" not in signature.covered:
        return None
    digests: list[bytes] = []
    for part in ",".join(request.values("digest")).split(","):
        algorithm, separator, value = part.strip(" \t").partition("=")
        if not separator:
            return Failure.DIGEST_MALFORMED
        if algorithm.lower() == "sha-256":
            digests.append(strict_base64(value))
    if not digests:
        return Failure.DIGEST_UNSUPPORTED
    if len(digests) > 1:
        return Failure.DIGEST_DUPLICATE
    return digests[0] if len(digests[0]) == 32 else Failure.DIGEST_MALFORMED


# ---------------------------------------------------------------- verifying


def verify(signature: Signature, request: SignedRequest, key_pem: str) -> bool:
    """Whether the key made this signature of this request. False too for keys that we do not accept.

    `signature` is what `inspect` found in `request`. In the draft the query is tried as part of `(request-target)`
    and left out, as some servers do; hs2019 with an RSA key is SHA-256 in the field and SHA-512 in the draft
    (appendix E.2), with an Ed25519 key it is Ed25519 (Mitra, streams). No other state than a cache of keys.
    """
    key = load_key(key_pem)
    if key is None:
        return False
    if signature.base is not None:
        return rfc9421.verify(signature, key)
    is_sha256 = signature.algorithm == "rsa-sha256"
    if is_sha256 and not isinstance(key, RSAPublicKey):
        return False
    one_is_enough = is_sha256 or not isinstance(key, RSAPublicKey)
    hashes: tuple[HashAlgorithm, ...] = (SHA256(),) if one_is_enough else (SHA256(), SHA512())
    path, query, _ = request.target.partition("?")
    for target in (request.target, path) if query else (request.target,):
        message = _signing_string(signature, request, target)
        if any(made_by(key, signature.value, message, digest) for digest in hashes):
            return True
    return False


def is_usable_key(key_pem: str) -> bool:
    """Whether this is a public key in PEM that we accept: RSA of some sizes, Ed25519."""
    return load_key(key_pem) is not None


def _signing_string(signature: Signature, request: SignedRequest, target: str) -> bytes:
    """Draft-cavage-12 2.3. Several headers of one name are joined with comma and space."""
    pseudo = {
        "(request-target)": f"{request.method.lower()} {target}",
        "(created)": signature.created,
        "(expires)": signature.expires,
    }
    lines = (f"{name}: {pseudo.get(name) or ', '.join(request.values(name))}" for name in signature.covered)
    return "\n".join(lines).encode("utf-8", "surrogateescape")


# ---------------------------------------------------------------- making


def post_string(target: Target, date: str, digest: str, content_type: str, attestation: str | None) -> bytes:
    """What to sign for a POST: covers `COVERED_POST`, or `COVERED_POST_ATTESTED` with an attestation."""
    text = f"{target.post_prefix}{date}\ndigest: {digest}\ncontent-type: {content_type}"
    return (text if attestation is None else f"{text}\nmedia-attestation: {attestation}").encode()


def get_string(target: Target, date: str) -> bytes:
    """What to sign for a GET, covering `COVERED_GET`."""
    return f"{target.get_prefix}{date}".encode()


def signature_header(key_id: str, covered: str, signature: bytes) -> str:
    """The Signature header. The oldest servers know no algorithm name but rsa-sha256 (relays.md C17)."""
    encoded = b64encode(signature).decode()
    return f'keyId="{key_id}",algorithm="rsa-sha256",headers="{covered}",signature="{encoded}"'


def body_digest(body: bytes) -> str:
    """The Digest header of a body (RFC 3230 4.3.2)."""
    return f"SHA-256={b64encode(hashlib.sha256(body).digest()).decode()}"
