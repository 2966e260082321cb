"""RFC 9421 in both directions against http-message-signatures, which knows nothing of our code."""

from __future__ import annotations

import datetime as dt
from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature as InvalidPublicSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)

from relay.protocol import rfc9421
from relay.protocol.httpsig import SignedRequest, Target, body_digest, inspect, verify
from relay.protocol.sigheader import Failure, Signature
from tests.unit.protocol.messages import CREATED, digest_of, edwards, valid
from tests.unit.protocol.signed import BODY, KEY_ID, TYPE, key, pem, sign


class Message:
    """A request as http-message-signatures wants it."""

    def __init__(self, request: SignedRequest, origin: str = "https://relay.test") -> None:
        self.method, self.url = request.method, origin + request.target
        self.headers = dict(request.headers)


class Keys(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id: str) -> Any:
        return edwards().public_key() if key_id.endswith("#ed") else key().public_key()

    def resolve_private_key(self, key_id: str) -> Any:
        return edwards() if key_id.endswith("#ed") else key()


def unsigned(target: str = "/inbox?a=b", method: str = "POST", body: bytes = BODY) -> SignedRequest:
    headers = {
        "host": "relay.test",
        "content-type": TYPE,
        "content-digest": digest_of(body),
        "x-list": "a, b",
    }
    return SignedRequest(method, target, tuple(headers.items()), body)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    ("key_id", "algorithm"),
    [(KEY_ID, algorithms.RSA_V1_5_SHA256), ("https://a.example/u#ed", algorithms.ED25519)],
)
@pytest.mark.parametrize(
    "covered",
    [
        ("@method", "@target-uri", "content-digest"),
        ("content-digest", "@query", "@path", "x-list", "@authority", "@method"),
        ("@method", "@scheme", "@request-target", "@authority", "content-type", "content-digest"),
    ],
)
def test_what_http_message_signatures_signs_verifies(
    covered: tuple[str, ...],
    key_id: str,
    algorithm: Any,
    named: bool,  # noqa: FBT001
) -> None:
    request = unsigned()
    theirs = Message(request)
    HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=Keys()).sign(
        theirs,
        key_id=key_id,
        created=dt.datetime.fromtimestamp(CREATED, dt.UTC),
        covered_component_ids=covered,
        include_alg=named,
        nonce='n"\\n',
        expires=dt.datetime.fromtimestamp(CREATED + 60, dt.UTC),
        use_existing_digest=True,
    )
    signed = replace(request, headers=tuple((name.lower(), value) for name, value in theirs.headers.items()))
    assert valid(signed, pem(edwards() if key_id.endswith("#ed") else key()))


def ours(target: Target, method: str, attestation: str | None = None) -> SignedRequest:
    """A request as we make it ourselves."""
    created = 1_700_000_000  # http-message-signatures reads the clock, so in the past
    digest = rfc9421.content_digest(body_digest(BODY))
    if method == "GET":
        base, covered, headers = rfc9421.get_base(target, created, KEY_ID), rfc9421.COVERED_GET, {}
    else:
        base = rfc9421.post_base(target, created, digest, TYPE, attestation, KEY_ID)
        covered = rfc9421.COVERED_POST if attestation is None else rfc9421.COVERED_POST_ATTESTED
        headers = {"content-digest": digest, "content-type": TYPE} | (
            {} if attestation is None else {"media-attestation": attestation}
        )
    headers |= {"host": target.host} | rfc9421.signature_headers(KEY_ID, covered, created, sign(base))
    lowered = tuple((name.lower(), value) for name, value in headers.items())
    return SignedRequest(method, target.path, lowered, BODY if method == "POST" else b"")


@pytest.mark.parametrize("attestation", [None, '"e30.e30.c2ln"'])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "url", ["https://relay.test/inbox", "https://relay.test/i?a=b&c", "https://RELAY.test:443"]
)
def test_what_we_sign_verifies_here_and_there(url: str, method: str, attestation: str | None) -> None:
    request = ours(Target.of(url), method, attestation)
    found = inspect(request, now=1_700_000_000.0, hosts=frozenset({"relay.test"}))
    assert isinstance(found, Signature), found
    assert verify(found, request, pem())
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.RSA_V1_5_SHA256, key_resolver=Keys())
    [result] = verifier.verify(Message(request), max_age=None, body=request.body)
    assert f'"{found.covered[-1]}"' in result.covered_components
    tampered = Message(replace(request, target="/other"))
    with pytest.raises(InvalidSignature):
        verifier.verify(tampered, max_age=None)


APPENDIX_B_HEADERS = (
    ("host", "example.com"),
    ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
    ("content-type", "application/json"),
    ("content-digest", digest_of(b'{"hello": "world"}', "sha-512")),
    ("content-length", "18"),
)


@pytest.mark.parametrize(
    "inputs",
    [
        '();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"',
        '("@authority" "content-digest");created=1618884473;keyid="test-key-rsa-pss";tag="header-example"',
        '("date" "@method" "@path" "@query" "content-type" "content-digest");created=1618884473;keyid="rsa-pss"',
        '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
        '("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="ed25519"',
    ],
)
def test_what_is_signed_in_the_shapes_of_appendix_b(inputs: str) -> None:
    """B.2.1 to B.2.3, B.2.5, B.2.6: the covered components and parameters of each, our reading against another."""
    headers = (*APPENDIX_B_HEADERS, ("signature-input", f"sig={inputs}"))
    request = SignedRequest("POST", "/foo?param=Value&Pet=dog", headers, b'{"hello": "world"}')
    parsed = rfc9421.parse(request, ["sig=:AAAA:"])
    assert not isinstance(parsed, Failure)
    base = rfc9421.signature_base(parsed[0], request, "https://example.com")
    covered, parameters = [item[1:-1] for item, _ in parsed[0].items], parsed[0].parameters
    prepared = HTTPMessageSigner(signature_algorithm=algorithms.ED25519).prepare(
        Message(replace(request, headers=_fields(covered)), "https://example.com"),
        key_id=parameters["keyid"][1:-1],
        created=dt.datetime.fromtimestamp(1618884473, dt.UTC),
        nonce=parameters["nonce"][1:-1] if "nonce" in parameters else None,
        tag=parameters["tag"][1:-1] if "tag" in parameters else None,
        covered_component_ids=covered,
        include_alg=False,
        use_existing_digest="content-digest" in covered,
    )
    assert isinstance(base, bytes)
    assert _sorted(base) == _sorted(prepared.signature_base)


def test_the_known_answer_of_appendix_b_2_6() -> None:
    """The Ed25519 signature of the RFC, over what we read as signed, with the key of B.1.4."""
    value = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    covered = '("date" "@method" "@path" "@authority" "content-type" "content-length")'
    headers = (
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", "application/json"),
        ("content-length", "18"),
        ("signature-input", f'sig-b26={covered};created=1618884473;keyid="test-key-ed25519"'),
    )
    request = SignedRequest("POST", "/foo?param=Value&Pet=dog", headers, b'{"hello": "world"}')
    parsed = rfc9421.parse(request, [f"sig-b26=:{value}:"])
    assert not isinstance(parsed, Failure)
    base = rfc9421.signature_base(parsed[0], request, "https://example.com")
    assert isinstance(base, bytes)
    public = Ed25519PublicKey.from_public_bytes(b64decode("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="))
    public.verify(parsed[1], base)
    with pytest.raises(InvalidPublicSignature):
        public.verify(parsed[1], base.replace(b"/foo", b"/bar"))


def _fields(covered: list[str]) -> tuple[tuple[str, str], ...]:
    """The headers of appendix B; http-message-signatures wants no digest there that is not covered."""
    return tuple(header for header in APPENDIX_B_HEADERS if header[0] in {*covered, "host", "date"})


def _sorted(base: bytes) -> list[list[str]]:
    """What is signed, whatever the order of parameters, which is the signer's to choose (2.3)."""
    return [sorted(line.split(";")) for line in base.decode().split("\n")]
