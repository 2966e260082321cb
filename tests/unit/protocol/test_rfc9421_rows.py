"""The rows of protocol.md 5.3 that are about RFC 9421."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from relay.protocol.httpsig import MAX_AGE, MAX_AHEAD, verify
from relay.protocol.sigheader import Failure, Signature
from tests.unit.protocol.messages import CREATED, MASTODON, digest_of, edwards, looked, message, valid
from tests.unit.protocol.signed import BODY, KEY_ID, NOW, accepted, changed, key, pem, posted, seen

WITHOUT_DIGEST = ("@method", "@target-uri")


def parameters(**changes: object) -> str:
    found: dict[str, object] = {"created": CREATED, "keyid": f'"{KEY_ID}"'} | changes
    return "".join(f";{name}={value}" for name, value in found.items() if value is not None)


def test_row_18_digest_right_but_not_covered() -> None:
    assert looked(message(WITHOUT_DIGEST)) is Failure.DIGEST_NOT_COVERED
    assert looked(message(WITHOUT_DIGEST, body=b"")) is Failure.DIGEST_NOT_COVERED
    assert looked(message(WITHOUT_DIGEST, method="DELETE", body=b"")) is Failure.DIGEST_NOT_COVERED
    assert valid(message(WITHOUT_DIGEST, method="GET", body=b""))


@pytest.mark.parametrize(
    ("digest", "failure"),
    [
        (digest_of(b"other"), Failure.DIGEST_MISMATCH),
        (f"{digest_of(BODY)}, {digest_of(b'other', 'sha-512')}", Failure.DIGEST_MISMATCH),
        ("md5=:1B2M2Y8AsgTpgAmY7PhCfg==:", Failure.DIGEST_UNSUPPORTED),
        (f"{digest_of(BODY)}, {digest_of(BODY)}", Failure.DIGEST_DUPLICATE),
    ],
)
def test_row_19_wrong_digests(digest: str, failure: Failure) -> None:
    assert looked(message(more={"content-digest": digest})) is failure


def test_row_19_the_body_changed() -> None:
    assert looked(replace(message(), body=BODY + b" ")) is Failure.DIGEST_MISMATCH


@pytest.mark.parametrize(
    "digest", [digest_of(BODY, "sha-512"), f"unknown=1, {digest_of(BODY, 'sha-512')},{digest_of(BODY)}"]
)
def test_both_kinds_of_digest_and_others_beside_them(digest: str) -> None:
    assert valid(message(more={"content-digest": digest}))


def test_row_20_what_is_given_twice() -> None:
    assert looked(message(("@method", *MASTODON))) is Failure.DUPLICATE_PARAMETER
    request = message()
    twice = (*request.headers, ("signature-input", request.values("signature-input")[0]))
    assert looked(replace(request, headers=twice)) is Failure.DUPLICATE_SIGNATURE
    twice = (*request.headers, ("signature", request.values("signature")[0]))
    assert looked(replace(request, headers=twice)) is Failure.DUPLICATE_SIGNATURE
    # Of two parameters the last one counts (RFC 8941 4.2.3.2), and is what is signed.
    assert not valid(message(parameters=f";created=1{parameters()}"))


def test_row_21_times_outside_the_window() -> None:
    request = message()
    assert looked(request, NOW + 7200) is Failure.STALE
    assert looked(request, NOW - 7200) is Failure.AHEAD
    assert valid(request, now=NOW + MAX_AGE)
    assert valid(request, now=NOW - MAX_AHEAD)
    request = message(parameters=parameters(expires=CREATED + 10))
    assert valid(request, now=NOW + 10)
    assert looked(request, NOW + 11) is Failure.EXPIRED


def test_row_23_for_another_path_host_method_or_scheme() -> None:
    request = message()
    assert not valid(replace(request, target="/other"))
    assert not valid(replace(request, target="/inbox?"))
    assert not valid(replace(request, method="PUT"))
    assert looked(changed(request, host="other.test")) is Failure.WRONG_HOST
    assert looked(changed(request, host=None)) is Failure.HOST_MALFORMED
    assert not valid(message(origin="https://other.test"))
    assert not valid(message(origin="http://relay.test"))
    found = looked(message(origin="http://relay.test"), scheme="http")
    assert isinstance(found, Signature)
    assert verify(found, request, pem())
    assert valid(changed(request, host="RELAY.test:443"))


def test_row_23_a_target_that_would_move_the_host() -> None:
    """Signed for `https://relay.test@other.test/inbox`, which is on other.test."""
    assert looked(message(target="@other.test/inbox")) is Failure.TARGET_MALFORMED
    assert looked(message(target="https://other.test/inbox")) is Failure.TARGET_MALFORMED


def test_row_24_created_missing() -> None:
    assert looked(message(parameters=parameters(created=None))) is Failure.CREATED_MISSING


def test_row_24_content_digest_uncovered() -> None:
    assert looked(changed(message(WITHOUT_DIGEST), content_digest=None)) is Failure.DIGEST_NOT_COVERED


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "nonsense!",
        "sha-256=AAAA",
        "sha-256=:AAAA:",
        "sha-256=:AA=A:",
        "sha-256",
        digest_of(BODY)[:-3] + ":",
    ],
)
def test_row_24_malformed_content_digest(digest: str) -> None:
    failure = looked(message(more={"content-digest": digest}))
    assert failure is Failure.DIGEST_MALFORMED
    assert failure.status == 400


def test_row_24_of_two_labels_the_first_counts() -> None:
    good, other = message(label="one"), message(WITHOUT_DIGEST, label="two")
    theirs = [header for header in other.headers if header[0].startswith("signature")]
    assert valid(replace(good, headers=(*good.headers, *theirs)))
    assert looked(replace(good, headers=(*theirs, *good.headers))) is Failure.DIGEST_NOT_COVERED
    elsewhere = [("signature", f"three=:{base64.b64encode(b'x').decode()}:")]
    assert valid(replace(good, headers=(*elsewhere, *good.headers)))


@pytest.mark.parametrize(
    "name", ["hmac-sha256", "rsa-pss-sha512", "ecdsa-p256-sha256", "RSA-V1_5-SHA256", ""]
)
def test_row_25_other_algorithms(name: str) -> None:
    assert looked(message(parameters=parameters(alg=f'"{name}"'))) is Failure.UNSUPPORTED_ALGORITHM


def test_row_25_the_algorithm_has_to_be_that_of_the_key() -> None:
    assert not valid(message(parameters=parameters(alg='"ed25519"')))
    assert not valid(message(parameters=parameters(alg='"rsa-v1_5-sha512"')))
    for name in ("rsa-v1_5-sha256", "rsa-v1_5-sha512"):
        request = message(parameters=parameters(alg=f'"{name}"'), private=edwards())
        assert not valid(request, pem(edwards()))
    assert not valid(message(), pem(edwards()))
    assert not valid(message(private=edwards()), pem())
    assert not valid(message(), pem(key(1024)))


def test_row_26_rfc_9421_is_looked_at_first_and_then_the_draft_alone() -> None:
    mine, theirs = message(), posted()
    both = replace(mine, headers=(*mine.headers, ("digest", theirs.values("digest")[0]), theirs.headers[-1]))
    found = seen(both)
    assert isinstance(found, Signature)
    assert found.base is not None
    assert found.instead is not None
    assert found.instead.base is None
    assert verify(found, both, pem())
    assert verify(found.instead, both, pem())


@pytest.mark.parametrize(
    "theirs",
    [
        (("signature-input", 'sig1=("@method");keyid="x"'), ("signature", "sig1=:AAAA:")),
        (("signature-input", "nonsense!"), ("signature", "sig1=:AAAA:")),
        (("signature-input", 'sig1=("@method")'),),
    ],
)
def test_row_26_a_wrong_one_leaves_the_draft(theirs: tuple[tuple[str, str], ...]) -> None:
    request = posted()
    assert accepted(replace(request, headers=(*request.headers, *theirs)))
    assert accepted(replace(request, headers=(*theirs, *request.headers)))
    two = replace(request, headers=(*request.headers, request.headers[-1], *theirs))
    assert isinstance(seen(two), Failure)
    alone = replace(request, headers=(*request.headers[:-1], *theirs))
    assert isinstance(seen(alone), Failure)


def test_row_26_a_wrong_draft_leaves_the_other() -> None:
    request = message()
    found = looked(replace(request, headers=(*request.headers, ("signature", 'keyId="x",x'))))
    assert isinstance(found, Signature)
    assert found.base is not None
    assert found.instead is None


def test_row_26_nothing_is_taken_from_the_other_signature() -> None:
    """The draft's date, digest and key do not help a signature of the RFC, nor the other way round."""
    theirs = posted()
    bare = message(WITHOUT_DIGEST, parameters=f';created={CREATED};keyid="x"')
    both = replace(bare, headers=(*bare.headers, ("digest", theirs.values("digest")[0])))
    assert isinstance(looked(both), Failure)
    mixed = changed(theirs, digest=None)
    mixed = replace(
        mixed, headers=(*mixed.headers, *message().headers[-2:], ("content-digest", digest_of(BODY)))
    )
    found = looked(mixed)
    assert isinstance(found, Signature)
    assert found.base is not None
    assert found.instead is None
