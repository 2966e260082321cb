"""Signatures of others verified per second on one core, each way, beside the bare work of the key.

    python -m bench.verify

Everything that an inbound request costs before anything is fetched or parsed: reading the headers, the digest of a
body of 3 KB, the signature, with the key in the cache. Rounds are interleaved, figures are medians, ratios are to the
bare RSA verification in the same round. `http-message-signatures` is beside it for comparison (docs/adr/0009).
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver, algorithms

from bench.world import save
from relay.protocol.httpsig import Signature, SignedRequest, inspect, verify
from tests.fakes import pem_of, rsa_key, sign_request
from tests.unit.protocol.messages import MASTODON, edwards, message
from tests.unit.protocol.signed import pem

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT, ROUNDS = 2_000, 9
URL, KEY_ID = "https://relay.test/inbox", "https://a.example/actor#main-key"
BODY = b'{"content":"' + b"x" * 3_000 + b'"}'


def signed(now: int, private: Any) -> SignedRequest:
    """A request as Mastodon 4.7 signs it."""
    return message(MASTODON, parameters=f';created={now};keyid="{KEY_ID}"', body=BODY, private=private)


def authentic(request: SignedRequest, key_pem: str, now: float) -> None:
    """What the relay does."""
    signature = inspect(request, now=now, hosts=frozenset({"relay.test"}))
    assert isinstance(signature, Signature), signature
    assert verify(signature, request, key_pem)


def kinds() -> dict[str, Callable[[], object]]:
    """What is measured."""
    now, key = time.time(), rsa_key(0)
    rfc9421, edwards_one = signed(int(now), key), signed(int(now), edwards())
    draft = sign_request(key, KEY_ID, URL, BODY, now)
    rsa_pem, edwards_pem = pem_of(key), pem(edwards())
    public, bare = key.public_key(), key.sign(b"x" * 300, PKCS1v15(), SHA256())
    bare_edwards, edwards_public = edwards().sign(b"x" * 300), edwards().public_key()
    library = HTTPMessageVerifier(
        signature_algorithm=algorithms.RSA_V1_5_SHA256,
        key_resolver=MappingKeyResolver(public_keys={KEY_ID: public}, private_keys={}),
    )

    class Message:
        method, url, headers = "POST", URL, dict(rfc9421.headers)

    needed = ("@method", "@target-uri", "content-digest")
    return {
        "bare RSA-2048": lambda: public.verify(bare, b"x" * 300, PKCS1v15(), SHA256()),
        "draft-cavage": lambda: authentic(draft, rsa_pem, now),
        "RFC 9421": lambda: authentic(rfc9421, rsa_pem, now),
        "RFC 9421, http-message-signatures": lambda: library.verify(
            Message, body=BODY, require_components=needed
        ),
        "bare Ed25519": lambda: edwards_public.verify(bare_edwards, b"x" * 300),
        "RFC 9421, Ed25519": lambda: authentic(edwards_one, edwards_pem, now),
    }


def seconds(work: Callable[[], object]) -> float:
    """Seconds of CPU for one."""
    start = time.process_time()
    for _ in range(COUNT):
        work()
    return (time.process_time() - start) / COUNT


def main() -> None:
    found: dict[str, list[float]] = {}
    ratios: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        times = {name: seconds(work) for name, work in kinds().items()}
        for name, each in times.items():
            found.setdefault(name, []).append(each)
            ratios.setdefault(name, []).append(each / times["bare RSA-2048"])
    for name, each in found.items():
        middle = statistics.median(each)
        ratio = statistics.median(ratios[name])
        print(f"{name:36}{1 / middle:>9,.0f}/s {middle * 1e6:>6.0f} us  ({ratio:.1f} x bare RSA)")
    save("verify", {name: statistics.median(each) for name, each in ratios.items()})


if __name__ == "__main__":
    main()
