"""Requests with RFC 9421 signatures, made for tests by the letter of the RFC and apart from the relay's own code."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from relay.protocol.httpsig import SignedRequest, inspect, verify
from relay.protocol.sigheader import Failure, Signature
from tests.unit.protocol.signed import BODY, HOSTS, KEY_ID, NOW, TYPE, pem, sign

MASTODON = ("@method", "@target-uri", "content-digest")
FEDIFY = ("@method", "@target-uri", "@authority", "host", "date", "content-digest")
BOT = ("@method", "@target-uri", "date", "user-agent", "content-type", "content-digest")
CREATED = int(NOW)


@cache
def edwards() -> ed25519.Ed25519PrivateKey:
    """An Ed25519 key made once for the run."""
    return ed25519.Ed25519PrivateKey.generate()


def digest_of(body: bytes, name: str = "sha-256") -> str:
    """A Content-Digest header."""
    content = hashlib.new(name.replace("-", ""), body).digest()
    return f"{name}=:{base64.b64encode(content).decode()}:"


def component(name: str, request: SignedRequest, origin: str) -> str:
    """A line of what is signed."""
    path, _, query = request.target.partition("?")
    derived = {
        "@method": request.method,
        "@target-uri": origin + request.target,
        "@authority": origin.split("://")[1],
        "@scheme": origin.split("://", maxsplit=1)[0],
        "@request-target": request.target,
        "@path": path,
        "@query": f"?{query}",
    }
    return f'"{name}": {derived.get(name) or ", ".join(request.values(name))}'


def message(
    covered: tuple[str, ...] = MASTODON,
    *,
    parameters: str = f';created={CREATED};keyid="{KEY_ID}"',
    target: str = "/inbox",
    method: str = "POST",
    body: bytes = BODY,
    origin: str = "https://relay.test",
    label: str = "sig1",
    more: dict[str, str] | None = None,
    **options: Any,
) -> SignedRequest:
    """A signed request that covers some components."""
    headers = {
        "host": "relay.test",
        "date": "Sat, 21 Nov 2026 22:06:56 GMT",
        "user-agent": "x/1",
        "content-type": TYPE,
    }
    headers |= {"content-digest": digest_of(body)} | (more or {})
    request = SignedRequest(method, target, tuple(headers.items()), body)
    listed = " ".join(f'"{name}"' for name in covered)
    lines = [component(name, request, origin) for name in covered]
    base = "\n".join([*lines, f'"@signature-params": ({listed}){parameters}']).encode()
    private = options.get("private")
    if isinstance(private, rsa.RSAPrivateKey):
        value = private.sign(base, padding.PKCS1v15(), SHA256())
    else:
        value = sign(base, options.get("algorithm")) if private is None else private.sign(base)
    signature = (
        ("signature-input", f"{label}=({listed}){parameters}"),
        ("signature", f"{label}=:{base64.b64encode(value).decode()}:"),
    )
    return replace(request, headers=(*request.headers, *signature))


def looked(request: SignedRequest, now: float = NOW, scheme: str = "https") -> Signature | Failure:
    """What `inspect` says."""
    return inspect(request, now=now, hosts=HOSTS, scheme=scheme)


def valid(request: SignedRequest, key_pem: str | None = None, now: float = NOW) -> bool:
    """Whether the request is in order and its signature verifies."""
    found = looked(request, now)
    return isinstance(found, Signature) and verify(found, request, key_pem or pem())
