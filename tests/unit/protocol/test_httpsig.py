from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.hashes import SHA256, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from relay.domain.errors import Malformed
from relay.protocol.httpsig import (
    COVERED_GET,
    MAX_AGE,
    MAX_AHEAD,
    Failure,
    Signature,
    SignedRequest,
    Target,
    body_digest,
    get_string,
    http_date,
    inspect,
    is_usable_key,
    signature_header,
    verify,
)
from tests.unit.captured import CAPTURES, KEYS, Capture, capture
from tests.unit.protocol.signed import (
    KEY_ID,
    NOW,
    accepted,
    changed,
    key,
    lines,
    made,
    pem,
    posted,
    seen,
    sign,
)

# ---------------------------------------------------------------- real servers

BAD = {"000897", "000899"}
"""activitypub-bot had a new key and answered with the old one (README of the captures)."""


@pytest.mark.parametrize("recorded", CAPTURES, ids=lambda recorded: recorded.name)
def test_real_deliveries(recorded: Capture) -> None:
    request = recorded.request
    signature = inspect(request, now=recorded.now, hosts=recorded.hosts)
    assert isinstance(signature, Signature)
    assert (signature.base is not None) is (recorded.facts["scheme"] == "rfc9421")
    assert signature.key_id == recorded.facts["keyId"]
    is_right = any(verify(signature, request, one) for one in KEYS[signature.key_id])
    assert is_right is (recorded.name.partition("/")[2][:6] not in BAD)


def test_the_clock_of_a_real_delivery() -> None:
    recorded = capture("000022")
    assert inspect(recorded.request, now=recorded.now + 7200, hosts=recorded.hosts) is Failure.STALE
    assert inspect(recorded.request, now=recorded.now - 7200, hosts=recorded.hosts) is Failure.AHEAD
    assert inspect(recorded.request, now=recorded.now, hosts=frozenset({"b.test"})) is Failure.WRONG_HOST


# ---------------------------------------------------------------- our own


@pytest.mark.parametrize("attestation", [None, '"e30.e30.c2ln"'])
@pytest.mark.parametrize("path", ["/inbox", "/inbox?a=b&c", "/", ""])
def test_what_we_sign_verifies(path: str, attestation: str | None) -> None:
    assert accepted(posted(f"https://relay.test{path}", attestation))


def test_a_covered_attestation_cannot_be_changed() -> None:
    request = changed(posted(attestation='"e30.e30.c2ln"'), media_attestation='"e30.e30.eA"')
    assert not accepted(request)


def test_what_we_sign_for_a_get_verifies() -> None:
    target, date = Target.of("https://relay.test/users/a?page=1"), http_date(NOW)
    header = signature_header(KEY_ID, COVERED_GET, sign(get_string(target, date)))
    headers = (("host", target.host), ("date", date), ("signature", header))
    assert accepted(SignedRequest("GET", target.path, headers, b""))


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://A.example/inbox", "a.example", "/inbox"),
        ("https://a.example", "a.example", "/"),
        ("https://a.example?x", "a.example", "/?x"),
        ("https://a.example:443/i?x=/y#f", "a.example", "/i?x=/y"),
        ("http://127.0.0.1:9001/i%20n", "127.0.0.1:9001", "/i%20n"),
        ("https://bücher.example/ü", "xn--bcher-kva.example", "/%C3%BC"),
        ("https://[::1]:8443/i", "[::1]:8443", "/i"),
    ],
)
def test_targets(url: str, host: str, path: str) -> None:
    target = Target.of(url)
    assert (target.host, target.path) == (host, path)
    assert target.url == f"{url.partition('://')[0]}://{host}{path}"


def test_a_target_is_a_url() -> None:
    with pytest.raises(Malformed):
        Target.of("urn:x")


def test_the_digest_of_a_body() -> None:
    assert body_digest(b"") == "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


# ---------------------------------------------------------------- algorithms and times

CREATED = {"date": None, "(created)": "1795298816"}


@pytest.mark.parametrize("algorithm", [SHA256(), SHA512()])
@pytest.mark.parametrize("named", ["", 'algorithm="hs2019",'])
def test_hs2019_is_either_hash_and_may_use_created(named: str, algorithm: HashAlgorithm) -> None:
    parameters = f"{named}created=1795298816"
    assert accepted(made(lines(**CREATED), parameters=parameters, algorithm=algorithm))


def test_rsa_sha256_is_one_hash_and_may_not_use_created() -> None:
    assert not accepted(made(lines(), algorithm=SHA512()))
    request = made(lines(**CREATED), parameters='algorithm="rsa-sha256",created=1795298816')
    assert seen(request) is Failure.CREATED_WITH_RSA


def test_created_and_expires_bound_the_time() -> None:
    request = made(
        lines(**CREATED, **{"(expires)": "1795298916.5"}),
        parameters="created=1795298816,expires=1795298916.5",
    )
    assert accepted(request, NOW + 100)
    assert seen(request, NOW + 101) is Failure.EXPIRED
    assert seen(request, NOW - MAX_AHEAD - 1) is Failure.AHEAD
    uncovered = made(lines(), parameters='algorithm="rsa-sha256",expires=1795298800')
    assert seen(uncovered) is Failure.EXPIRED
    late = made(lines(**CREATED), parameters="created=1795298816,expires=999999999999")
    assert seen(late, NOW + MAX_AGE + 1) is Failure.STALE


def test_the_query_may_be_left_out_of_the_signature() -> None:
    assert accepted(replace(made(lines()), target="/inbox?x=1"))
    assert accepted(made(lines(**{"(request-target)": "post /inbox?x=1"})))
    assert not accepted(replace(made(lines(**{"(request-target)": "post /inbox?x=1"})), target="/inbox"))
    assert accepted(made(lines(**{"(request-target)": "post /inbox?"})))


def test_headers_of_one_name_are_joined() -> None:
    request = made(lines(cookie="a=1, b=2"))
    split = tuple(header for header in request.headers if header[0] != "cookie")
    assert accepted(replace(request, headers=(("cookie", "a=1 "), *split, ("cookie", "\tb=2"))))


@pytest.mark.parametrize("host", ["relay.test", "RELAY.test", "relay.test:443"])
def test_our_host_in_any_spelling(host: str) -> None:
    assert accepted(made(lines(host=host)))


def test_one_host_header() -> None:
    request = posted()
    assert (
        seen(replace(request, headers=(*request.headers, ("host", "relay.test")))) is Failure.HOST_MALFORMED
    )


def test_a_get_needs_no_digest_but_one_that_is_covered_has_to_be_right() -> None:
    get = {"(request-target)": "get /users/a"}
    assert accepted(made(lines(**get, digest=None), body=b""))
    assert seen(made(lines(**get, digest=None))) is Failure.DIGEST_NOT_COVERED
    assert seen(made(lines(**get, digest=body_digest(b"x")), body=b"")) is Failure.DIGEST_MISMATCH
    delete = {"(request-target)": "delete /users/a"}
    assert seen(made(lines(**delete, digest=None), body=b"")) is Failure.DIGEST_NOT_COVERED


def test_bytes_beyond_ascii_in_headers() -> None:
    request = made(lines(user_agent="Ünïcode"))
    assert accepted(request)
    assert not accepted(changed(request, user_agent="\udcdcn\udcefcode"))


# ---------------------------------------------------------------- keys


def test_keys_that_are_not_used() -> None:
    request = posted()
    signature = seen(request)
    assert isinstance(signature, Signature)
    assert is_usable_key(pem())
    for text in (
        "",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        pem(key(1024)),
        pem(x25519.X25519PrivateKey.generate()),
        pem() + " " * 9000,
        "\ud800",
    ):
        assert not is_usable_key(text)
        assert not verify(signature, request, text)
    assert not verify(signature, request, pem(key(2049)))


def test_ed25519_keys_are_used_with_hs2019_and_never_with_rsa_sha256() -> None:
    """Mitra and streams sign the draft that way."""
    private = ed25519.Ed25519PrivateKey.generate()
    assert is_usable_key(pem(private))
    for named in ("", 'algorithm="hs2019",'):
        request = made(lines(**CREATED), parameters=f"{named}created=1795298816", private=private)
        signature = seen(request)
        assert isinstance(signature, Signature)
        assert verify(signature, request, pem(private))
        assert not verify(signature, request, pem())
        assert not verify(signature, replace(request, target="/other"), pem(private))
    request = made(lines(), private=private)
    signature = seen(request)
    assert isinstance(signature, Signature)
    assert not verify(signature, request, pem(private))


def test_pkcs1_keys_are_used() -> None:
    request = posted()
    signature = seen(request)
    assert isinstance(signature, Signature)
    text = key().public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
    assert text.startswith("-----BEGIN RSA PUBLIC KEY-----")
    assert verify(signature, request, text)


def test_failures_are_stable() -> None:
    codes = [failure.code for failure in Failure]
    assert len(set(codes)) == len(codes)
    assert {failure.status for failure in Failure} == {400, 401}
    assert all(failure.sentence.endswith(".") for failure in Failure)
