"""Signed requests, made for tests by the letter of the draft."""

from __future__ import annotations

import base64
from dataclasses import replace
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from relay.protocol.httpsig import (
    COVERED_POST,
    COVERED_POST_ATTESTED,
    Failure,
    Signature,
    SignedRequest,
    Target,
    body_digest,
    http_date,
    inspect,
    post_string,
    signature_header,
    verify,
)

NOW = 1_795_298_816.0
HOSTS = frozenset({"relay.test"})
KEY_ID = "https://a.example/actor#main-key"
TYPE = "application/activity+json"
BODY = b'{"type":"Follow"}'
GOOD = f'keyId="{KEY_ID}",headers="(request-target) host date digest",signature="AAAA"'


@cache
def key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key made once for the run."""
    return rsa.generate_private_key(65537, bits)


def pem(private: Any = None) -> str:
    """The public half in PEM."""
    public = (private or key()).public_key()
    text: bytes = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


def sign(message: bytes, algorithm: HashAlgorithm | None = None) -> bytes:
    """An RSA signature by `key()`."""
    return key().sign(message, padding.PKCS1v15(), algorithm or SHA256())


def posted(url: str = "https://relay.test/inbox", attestation: str | None = None) -> SignedRequest:
    """A delivery as we make it ourselves."""
    target, date, digest = Target.of(url), http_date(NOW), body_digest(BODY)
    covered = COVERED_POST if attestation is None else COVERED_POST_ATTESTED
    signature = sign(post_string(target, date, digest, TYPE, attestation))
    extra = () if attestation is None else (("media-attestation", attestation),)
    return SignedRequest(
        "POST",
        target.path,
        (
            ("host", target.host),
            ("date", date),
            ("digest", digest),
            ("content-type", TYPE),
            *extra,
            ("signature", signature_header(KEY_ID, covered, signature)),
        ),
        BODY,
    )


def made(
    lines: dict[str, str], *, parameters: str = 'algorithm="rsa-sha256"', body: bytes = BODY, **options: Any
) -> SignedRequest:
    """A request that covers `lines`, signed by the letter of the draft, with any parameters."""
    message = "\n".join(f"{name}: {value}" for name, value in lines.items()).encode()
    private = options.get("private")
    made_of = sign(message, options.get("algorithm")) if private is None else private.sign(message)
    value = base64.b64encode(made_of).decode()
    method, _, path = lines.get("(request-target)", "post /inbox").partition(" ")
    key_id = options.get("key_id", KEY_ID)
    header = f'keyId="{key_id}",{parameters},headers="{" ".join(lines)}",signature="{value}"'
    plain = tuple((name, value) for name, value in lines.items() if not name.startswith("("))
    return SignedRequest(method.upper(), path, (*plain, ("signature", header)), body)


def lines(**changes: str | None) -> dict[str, str]:
    """What a delivery covers, with some of it changed or, where None, left out."""
    found: dict[str, str | None] = {
        "(request-target)": "post /inbox",
        "host": "relay.test",
        "date": http_date(NOW),
        "digest": body_digest(BODY),
    }
    found |= {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in found.items() if value is not None}


def changed(request: SignedRequest, **headers: str | None) -> SignedRequest:
    """The request with headers replaced, or taken out."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    kept = [(name, names.pop(name, value)) for name, value in request.headers]
    found = [*kept, *names.items()]
    return replace(request, headers=tuple((name, value) for name, value in found if value is not None))


def seen(request: SignedRequest, now: float = NOW) -> Signature | Failure:
    """What `inspect` says."""
    return inspect(request, now=now, hosts=HOSTS)


def accepted(request: SignedRequest, now: float = NOW) -> bool:
    """Whether the signature verifies; it has to be in order."""
    signature = seen(request, now)
    assert isinstance(signature, Signature), signature
    return verify(signature, request, pem())
