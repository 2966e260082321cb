"""HTTP signatures of draft-cavage-http-signatures-12, as the fediverse uses them: reading, verifying, making.

Reading is strict, because each leniency was somebody's hole: a body whose digest is not covered, a
parameter given twice, a date nobody looks at. `inspect` decides all that needs no key, so that a bad
request costs no fetch; `verify` is the RSA part and safe to run in a thread. Making is the hot path of
fan-out: per delivery one concatenation before the RSA signature and one after it; whatever depends on the
inbox alone is in `Target`.

What senders differ in and all get through: order and number of covered headers, `algorithm` absent,
`hs2019` or `rsa-sha256`, `(request-target)` with and without the query, `digest: sha-256=` in any case.
Keys are RSA of 2048 to 8192 bits: smaller ones are within reach of factoring (NIST SP 800-131A), larger
ones cost us too much to check, and no server in the recordings has one. RFC 9421 comes with a later
version; its requests are told apart.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from relay.domain.hosts import origin as origin_of
from relay.protocol.httpdate import http_date, parse_http_date
from relay.protocol.sigheader import Failure, Signature, parse_signature, strict_base64

__all__ = [
    "COVERED_GET",
    "COVERED_POST",
    "COVERED_POST_ATTESTED",
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

MAX_AGE: Final = 4200
"""Seconds after which a signature is stale: Mastodon's five minutes, an hour of clock error, some more."""

MAX_AHEAD: Final = 3600
"""Seconds by which a sender's clock may be ahead."""

MIN_KEY_BITS: Final = 2048
MAX_KEY_BITS: Final = 8192

COVERED_GET: Final = "(request-target) host date"
COVERED_POST: Final = "(request-target) host date digest content-type"
COVERED_POST_ATTESTED: Final = f"{COVERED_POST} media-attestation"
"""What our signatures cover, as the `headers` parameter names it."""

_MAX_PEM: Final = 8192
_ALGORITHMS: Final = frozenset({None, "hs2019", "rsa-sha256"})


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as received: `target` is path and query; header names are in lower case, in their order."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        """All values of a header, without the space around them."""
        return [value.strip(" \t") for header, value in self.headers if header == name]


# ---------------------------------------------------------------- reading


def inspect(request: SignedRequest, *, now: float, hosts: frozenset[str]) -> Signature | Failure:
    """The signature of `request`, or the first thing that is wrong with it. Total.

    `now` is in seconds since 1970, `hosts` are our names as they stand in Host headers, in lower case.
    """
    header = _signature_header(request)
    if isinstance(header, Failure):
        return header
    signature = parse_signature(header)
    if isinstance(signature, Failure):
        return signature
    return (
        _check_algorithm(signature)
        or _check_covered(signature, request)
        or _check_host(request, hosts)
        or _check_time(signature, request, now)
        or _check_digest(signature, request)
        or signature
    )


def _signature_header(request: SignedRequest) -> str | Failure:
    """The one Signature header of this draft; RFC 9421 has one of the same name, perhaps beside it."""
    values = request.values("signature")
    if not values:
        has_rfc9421 = bool(request.values("signature-input"))
        return Failure.UNSUPPORTED_RFC9421 if has_rfc9421 else Failure.MISSING_SIGNATURE
    if request.values("signature-input"):
        # Never mixed: what RFC 9421 writes is a dictionary of byte sequences (4.2) and not looked at.
        values = [value for value in values if 'keyId="' in value]
        if not values:
            return Failure.UNSUPPORTED_RFC9421
    return values[0] if len(values) == 1 else Failure.DUPLICATE_SIGNATURE


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


def _check_host(request: SignedRequest, hosts: frozenset[str]) -> Failure | None:
    values = request.values("host")
    if len(values) != 1:  # RFC 9112 3.2
        return Failure.HOST_MALFORMED
    host = values[0].lower()
    return None if host in hosts or host.removesuffix(":443") in hosts else Failure.WRONG_HOST


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
        if moment < now - MAX_AGE:
            return Failure.STALE
        if moment > now + MAX_AHEAD:
            return Failure.AHEAD
    if signature.expires is not None and float(signature.expires) < now:
        return Failure.EXPIRED
    return None


def _check_digest(signature: Signature, request: SignedRequest) -> Failure | None:
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
    if len(digests[0]) != 32:
        return Failure.DIGEST_MALFORMED
    return None if digests[0] == hashlib.sha256(request.body).digest() else Failure.DIGEST_MISMATCH


# ---------------------------------------------------------------- verifying


def verify(signature: Signature, request: SignedRequest, key_pem: str) -> bool:
    """Whether the key made the signature over this request. False too for keys that are no usable RSA keys.

    The query is tried as part of `(request-target)` and left out, as some servers do; hs2019 with an RSA
    key is SHA-256 in the field and SHA-512 in the draft (appendix E.2). No other state than a cache of
    keys.
    """
    key = _load(key_pem)
    if key is None:
        return False
    is_sha256 = signature.algorithm == "rsa-sha256"
    hashes: tuple[HashAlgorithm, ...] = (SHA256(),) if is_sha256 else (SHA256(), SHA512())
    path, query, _ = request.target.partition("?")
    for target in (request.target, path) if query else (request.target,):
        message = _signing_string(signature, request, target)
        for algorithm in hashes:
            try:
                key.verify(signature.value, message, PKCS1v15(), algorithm)
            except InvalidSignature:
                continue
            return True
    return False


def is_usable_key(key_pem: str) -> bool:
    """Whether this is an RSA public key in PEM of a size that we accept."""
    return _load(key_pem) is not None


def _signing_string(signature: Signature, request: SignedRequest, target: str) -> bytes:
    """Draft-cavage-12 2.3. Several headers of one name are joined with comma and space."""
    pseudo = {
        "(request-target)": f"{request.method.lower()} {target}",
        "(created)": signature.created,
        "(expires)": signature.expires,
    }
    lines = (f"{name}: {pseudo.get(name) or ', '.join(request.values(name))}" for name in signature.covered)
    return "\n".join(lines).encode("utf-8", "surrogateescape")


@lru_cache(maxsize=4096)
def _load(key_pem: str) -> RSAPublicKey | None:
    if len(key_pem) > _MAX_PEM:
        return None
    try:
        key = load_pem_public_key(key_pem.encode(errors="replace"))
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, RSAPublicKey) or not MIN_KEY_BITS <= key.key_size <= MAX_KEY_BITS:
        return None
    return key


# ---------------------------------------------------------------- making


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that we sign requests to, with everything prepared that does not change between them.

    `url` is what has to be requested and `host` what the Host header has to say, both to the letter.
    """

    url: str
    host: str
    path: str
    post_prefix: str
    get_prefix: str

    @classmethod
    def of(cls, url: str) -> Target:
        """The target for an http(s) URL. Raises `Malformed`. Characters beyond ASCII are percent-encoded."""
        origin = origin_of(url)
        authority_and_path = url.partition("#")[0].split("://", 1)[1]
        start = min((at for at in map(authority_and_path.find, "/?") if at >= 0), default=None)
        path = authority_and_path[start:] if start is not None else ""
        path = quote(path if path.startswith("/") else f"/{path}", safe="/?:@!$&'()*+,;=~%[]|^`{}")
        host = origin.split("://", 1)[1]
        return cls(
            url=origin + path,
            host=host,
            path=path,
            post_prefix=f"(request-target): post {path}\nhost: {host}\ndate: ",
            get_prefix=f"(request-target): get {path}\nhost: {host}\ndate: ",
        )


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
