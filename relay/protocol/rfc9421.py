"""HTTP message signatures (RFC 9421), the part that servers of the fediverse use: reading and making.

Reading asks for what Mastodon asks for, and takes what Fedify, activitypub-bot and FASP send: the method and
the whole target are covered, and the digest of the body, `created` is there, the first label counts. The
target is that of the public address: behind a proxy the scheme of the socket says nothing. Components with
parameters (`;sf`, `;key`, `;bs`, `;req`, `@query-param`) are refused: no sender in the field covers one, and each is
one more way to read a header (see docs/adr/0009). Algorithms are `rsa-v1_5-sha256`, `rsa-v1_5-sha512` and `ed25519`;
without `alg` the key decides.

Making: what `COVERED_POST` and `COVERED_GET` name, and `alg`, because there are verifiers that want it and none that
mind.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA512

from relay.domain.hosts import is_http_url
from relay.protocol.keys import made_by
from relay.protocol.requests import check_moment, host_of
from relay.protocol.sfields import byte_sequence, integer, parse_dictionary, string
from relay.protocol.sigheader import Failure, Signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.hashes import HashAlgorithm

    from relay.protocol.keys import PublicKey
    from relay.protocol.requests import SignedRequest, Target
    from relay.protocol.sfields import Member

COVERED_GET: Final = '"@method" "@target-uri"'
COVERED_POST: Final = '"@method" "@target-uri" "content-digest" "content-type"'
COVERED_POST_ATTESTED: Final = f'{COVERED_POST} "media-attestation"'
"""What our signatures cover."""

_LABEL: Final = "sig1"
_FIELD: Final = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_HASHES: Final[dict[str | None, HashAlgorithm]] = {
    None: SHA256(),
    "rsa-v1_5-sha256": SHA256(),
    "rsa-v1_5-sha512": SHA512(),
}
_ALGORITHMS: Final = frozenset({*_HASHES, "ed25519"})
_DIGESTS: Final = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
_TYPES: Final = {
    "keyid": string,
    "alg": string,
    "nonce": string,
    "tag": string,
    "created": integer,
    "expires": integer,
}
"""RFC 9421 2.3: the parameters and their types; others are signed and mean nothing to us."""


# ---------------------------------------------------------------- reading


def inspect(
    request: SignedRequest, values: Sequence[str], *, now: float, hosts: frozenset[str], scheme: str
) -> Signature | Failure:
    """The first signature in Signature-Input, or the first thing that is wrong with it. Total.

    `values` are the Signature headers that belong to it, `now` is in seconds since 1970, `hosts` are our names as
    they stand in Host headers, `scheme` is that of our public address.
    """
    found = parse(request, values)
    if isinstance(found, Failure):
        return found
    member, value = found
    host = host_of(request, hosts)
    if isinstance(host, Failure):
        return host
    if not request.target.startswith("/"):  # else `@host/` would be read as one with what is before it
        return Failure.TARGET_MALFORMED
    signature = _signature(member, value)
    if isinstance(signature, Failure):
        return signature
    failure = _check_covered(signature, request) or _check_time(signature, now)
    promised = failure or _check_digest(signature, request)
    if isinstance(promised, Failure):
        return promised
    base = signature_base(member, request, f"{scheme}://{host}")
    if isinstance(base, Failure):
        return base
    return replace(signature, base=base, promised=promised)


def parse(request: SignedRequest, values: Sequence[str]) -> tuple[Member, bytes] | Failure:
    """The first member of Signature-Input and the signature of the same label (4.1, 4.2). Total."""
    inputs = parse_dictionary(", ".join(request.values("signature-input")))
    if inputs is None:
        return Failure.MALFORMED_SIGNATURE
    if not values:
        return Failure.MISSING_SIGNATURE
    signatures = parse_dictionary(", ".join(values))
    if signatures is None:
        return Failure.MALFORMED_SIGNATURE
    label, member = inputs[0]
    bearing = [each for name, each in signatures if name == label]
    if not bearing:
        return Failure.MISSING_SIGNATURE
    if len(bearing) > 1 or sum(name == label for name, _ in inputs) > 1:
        return Failure.DUPLICATE_SIGNATURE
    value = byte_sequence(bearing[0].value)
    return (member, value) if value and member.value is None else Failure.MALFORMED_SIGNATURE


def signature_base(member: Member, request: SignedRequest, origin: str) -> bytes | Failure:
    """What is signed (2.5). `origin` is the public one that the request is for, without the default port."""
    scheme, _, host = origin.partition("://")
    path, _, query = request.target.partition("?")
    derived = {
        '"@method"': request.method,
        '"@target-uri"': origin + request.target,
        '"@authority"': host,
        '"@scheme"': scheme,
        '"@request-target"': request.target,
        '"@path"': path,
        '"@query"': f"?{query}",
    }
    lines: list[str] = []
    for item, has_parameters in member.items:
        if has_parameters or not (item in derived or _FIELD.fullmatch(item[1:-1])):
            return Failure.BAD_COMPONENT
        fields = [derived[item]] if item in derived else request.values(item[1:-1])
        value = ", ".join(fields)
        if not fields:
            return Failure.HEADER_MISSING
        # A line break in a value would be another line of what is signed (7.5.3).
        if not value.isascii() or not value.replace("\t", " ").isprintable():
            return Failure.BAD_COMPONENT
        lines.append(f"{item}: {value}")
    return "\n".join([*lines, f'"@signature-params": {member.text}']).encode()


def verify(signature: Signature, key: PublicKey) -> bool:
    """Whether the key made the signature. The type of the key and `alg` have to agree (3.2 step 6)."""
    if signature.base is None:
        return False
    if not isinstance(key, RSAPublicKey):
        agrees = signature.algorithm in {None, "ed25519"}
        return agrees and made_by(key, signature.value, signature.base, SHA512())
    digest = _HASHES.get(signature.algorithm)
    return digest is not None and made_by(key, signature.value, signature.base, digest)


def _signature(member: Member, value: bytes) -> Signature | Failure:
    """The signature without what was signed."""
    parameters = member.parameters
    if any(_TYPES[name](parameters[name]) is None for name in _TYPES.keys() & parameters.keys()):
        return Failure.MALFORMED_SIGNATURE
    items = [item for item, _ in member.items]
    if not all(item.startswith('"') for item in items):
        return Failure.MALFORMED_SIGNATURE
    if len(set(member.items)) != len(items):
        return Failure.DUPLICATE_PARAMETER
    key_id, algorithm = string(parameters.get("keyid")) or "", string(parameters.get("alg"))
    if not is_http_url(key_id):
        return Failure.MALFORMED_KEY_ID
    if algorithm not in _ALGORITHMS:
        return Failure.UNSUPPORTED_ALGORITHM
    covered = tuple(item[1:-1] for item in items)
    return Signature(key_id, algorithm, covered, parameters.get("created"), parameters.get("expires"), value)


def _check_covered(signature: Signature, request: SignedRequest) -> Failure | None:
    covered = set(signature.covered)
    has_path = "@request-target" in covered or (
        "@path" in covered and ("@query" in covered or "?" not in request.target)
    )
    has_target = "@target-uri" in covered or ("@authority" in covered and has_path)
    if "@method" not in covered or not has_target:
        return Failure.TARGET_NOT_COVERED
    if "content-digest" not in covered and (request.body or request.method not in {"GET", "HEAD"}):
        return Failure.DIGEST_NOT_COVERED
    return None


def _check_time(signature: Signature, now: float) -> Failure | None:
    if signature.created is None:
        return Failure.CREATED_MISSING
    if signature.expires is not None and float(signature.expires) < now:
        return Failure.EXPIRED
    return check_moment(float(signature.created), now)


def _check_digest(signature: Signature, request: SignedRequest) -> bytes | Failure | None:
    """RFC 9530 2: a dictionary of byte sequences; every digest of a kind that we know has to be right.

    Of a body that is still to come the SHA-256 is returned; it decides, whatever else is there.
    """
    if "content-digest" not in signature.covered:
        return None
    values = request.values("content-digest")
    if not values:
        return Failure.HEADER_MISSING
    members = parse_dictionary(", ".join(values))
    if members is None:
        return Failure.DIGEST_MALFORMED
    known = [(name, byte_sequence(member.value)) for name, member in members if name in _DIGESTS]
    if not known:
        return Failure.DIGEST_UNSUPPORTED
    if len(dict(known)) != len(known):
        return Failure.DIGEST_DUPLICATE
    if any(digest is None or len(digest) != _DIGESTS[name]().digest_size for name, digest in known):
        return Failure.DIGEST_MALFORMED
    if request.deferred:
        return dict(known).get("sha-256") or Failure.DIGEST_UNSUPPORTED
    is_right = all(_DIGESTS[name](request.body).digest() == digest for name, digest in known)
    return None if is_right else Failure.DIGEST_MISMATCH


# ---------------------------------------------------------------- making


def post_base(
    target: Target, created: int, digest: str, content_type: str, attestation: str | None, key_id: str
) -> bytes:
    """What to sign for a POST: covers `COVERED_POST`, or `COVERED_POST_ATTESTED` with an attestation.

    `created` is in seconds since 1970, `digest` the Content-Digest header.
    """
    text = (
        f'"@method": POST\n"@target-uri": {target.url}\n'
        f'"content-digest": {digest}\n"content-type": {content_type}\n'
    )
    if attestation is None:
        return f'{text}"@signature-params": {_parameters(COVERED_POST, created, key_id)}'.encode()
    parameters = _parameters(COVERED_POST_ATTESTED, created, key_id)
    return f'{text}"media-attestation": {attestation}\n"@signature-params": {parameters}'.encode()


def get_base(target: Target, created: int, key_id: str) -> bytes:
    """What to sign for a GET, covering `COVERED_GET`."""
    parameters = _parameters(COVERED_GET, created, key_id)
    return f'"@method": GET\n"@target-uri": {target.url}\n"@signature-params": {parameters}'.encode()


def signature_headers(key_id: str, covered: str, created: int, signature: bytes) -> dict[str, str]:
    """The headers Signature-Input and Signature (4.1, 4.2)."""
    return {
        "Signature-Input": f"{_LABEL}={_parameters(covered, created, key_id)}",
        "Signature": f"{_LABEL}=:{b64encode(signature).decode()}:",
    }


def content_digest(digest: str) -> str:
    """The Content-Digest header (RFC 9530 2) that says the same as a Digest header with SHA-256 (RFC 3230)."""
    return f"sha-256=:{digest.partition('=')[2]}:"


def _parameters(covered: str, created: int, key_id: str) -> str:
    return f'({covered});created={created};keyid="{key_id}";alg="rsa-v1_5-sha256"'
