"""Signatures of requests whose body is still to come: what they promise about it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from relay.protocol.httpsig import verify
from relay.protocol.sigheader import Failure, Signature
from tests.unit.protocol.messages import digest_of, looked, message
from tests.unit.protocol.signed import BODY, lines, made, pem, posted, seen

PROMISED = hashlib.sha256(BODY).digest()


def test_the_promise_is_the_digest_that_is_covered() -> None:
    for signature, request in (
        (seen(replace(posted(), body=b"", deferred=True)), posted()),
        (looked(replace(message(), body=b"", deferred=True)), message()),
    ):
        assert isinstance(signature, Signature)
        assert signature.promised == PROMISED
        assert verify(signature, replace(request, body=b"", deferred=True), pem())


def test_a_body_that_is_there_is_compared_and_promises_nothing() -> None:
    for signature in (seen(posted()), looked(message())):
        assert isinstance(signature, Signature)
        assert signature.promised is None


def test_row_18_a_digest_that_is_not_covered_promises_nothing() -> None:
    uncovered = made(lines(digest=None))
    assert seen(replace(uncovered, body=b"", deferred=True)) is Failure.DIGEST_NOT_COVERED
    both = message(("@method", "@target-uri"), body=b"")
    assert looked(replace(both, deferred=True)) is Failure.DIGEST_NOT_COVERED


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        (f"{digest_of(BODY)}, {digest_of(b'other', 'sha-512')}", PROMISED),
        (digest_of(BODY, "sha-512"), Failure.DIGEST_UNSUPPORTED),
        ("sha-256=:AAAA:", Failure.DIGEST_MALFORMED),
    ],
)
def test_row_19_only_sha_256_can_be_promised(digest: str, expected: object) -> None:
    found = looked(replace(message(more={"content-digest": digest}), body=b"", deferred=True))
    assert (found.promised if isinstance(found, Signature) else found) == expected


def test_row_19_a_digest_that_is_none() -> None:
    request = replace(made(lines(digest="SHA-256=AAAA")), body=b"", deferred=True)
    assert seen(request) is Failure.DIGEST_MALFORMED
