from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.errors import Malformed
from relay.protocol.httpsig import (
    COVERED_GET,
    COVERED_POST,
    COVERED_POST_ATTESTED,
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
    post_string,
    signature_header,
    verify,
)
from relay.protocol.sigheader import parse_signature
from tests.unit.captured import CAPTURES, KEYS, Capture, capture

NOW = 1_795_298_816.0
HOSTS = frozenset({"relay.test"})
KEY_ID = "https://a.example/actor#main-key"
TYPE = "application/activity+json"
BODY = b'{"type":"Follow"}'


@cache
def key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def pem(private: Any = None) -> str:
    public = (private or key()).public_key()
    text: bytes = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


def sign(message: bytes, algorithm: HashAlgorithm | None = None) -> bytes:
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
    value = base64.b64encode(sign(message, options.get("algorithm"))).decode()
    method, _, path = lines.get("(request-target)", "post /inbox").partition(" ")
    header = f'keyId="{KEY_ID}",{parameters},headers="{" ".join(lines)}",signature="{value}"'
    plain = tuple((name, value) for name, value in lines.items() if not name.startswith("("))
    return SignedRequest(method.upper(), path, (*plain, ("signature", header)), body)


def lines(**changes: str | None) -> dict[str, str]:
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
    return inspect(request, now=now, hosts=HOSTS)


def accepted(request: SignedRequest, now: float = NOW) -> bool:
    signature = seen(request, now)
    assert isinstance(signature, Signature), signature
    return verify(signature, request, pem())


# ---------------------------------------------------------------- real servers

BAD = {"000897", "000899"}
"""activitypub-bot had a new key and answered with the old one (README of the captures)."""


@pytest.mark.parametrize("recorded", CAPTURES, ids=lambda recorded: recorded.name)
def test_real_deliveries(recorded: Capture) -> None:
    request = recorded.request
    signature = inspect(request, now=recorded.now, hosts=recorded.hosts)
    if recorded.facts["scheme"] == "rfc9421":
        assert signature is Failure.UNSUPPORTED_RFC9421
        return
    assert isinstance(signature, Signature)
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


# ---------------------------------------------------------------- rows of protocol.md 5.3


def test_row_18_digest_right_but_not_covered() -> None:
    request = made(lines(digest=None))
    assert seen(changed(request, digest=body_digest(BODY))) is Failure.DIGEST_NOT_COVERED
    assert seen(request) is Failure.DIGEST_NOT_COVERED


@pytest.mark.parametrize(
    ("digest", "failure"),
    [
        (body_digest(b"other"), Failure.DIGEST_MISMATCH),
        ("MD5=1B2M2Y8AsgTpgAmY7PhCfg==", Failure.DIGEST_UNSUPPORTED),
        (f"{body_digest(BODY)},{body_digest(BODY)}", Failure.DIGEST_DUPLICATE),
        (f"{body_digest(BODY)},sha-256=AAAA", Failure.DIGEST_DUPLICATE),
        ("SHA-256=AAAA", Failure.DIGEST_MALFORMED),
        ("SHA-256=", Failure.DIGEST_MALFORMED),
        (f"{body_digest(BODY)}!", Failure.DIGEST_MALFORMED),
        (body_digest(BODY).rstrip("="), Failure.DIGEST_MALFORMED),
        ("nonsense", Failure.DIGEST_MALFORMED),
        ("", Failure.DIGEST_MALFORMED),
    ],
)
def test_row_19_wrong_digests(digest: str, failure: Failure) -> None:
    assert seen(made(lines(digest=digest))) is failure


def test_row_19_two_digest_headers() -> None:
    request = made(lines())
    twice = replace(request, headers=(*request.headers, ("digest", body_digest(BODY))))
    assert seen(twice) is Failure.DIGEST_DUPLICATE


@pytest.mark.parametrize(
    "digest", ["sha-256={}", "Sha-256={}", "md5=AA==, SHA-256={}", "SHA-256={} ,MD5=AA=="]
)
def test_digests_are_named_in_any_case_and_may_stand_beside_others(digest: str) -> None:
    value = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    assert accepted(made(lines(digest=digest.format(value))))


@pytest.mark.parametrize(
    "extra", [f',keyId="{KEY_ID}"', ',headers="date"', ',x="1",x="2"', ',created=1,created="1"']
)
def test_row_20_duplicate_parameters(extra: str) -> None:
    request = posted()
    header = request.values("signature")[0] + extra
    assert seen(changed(request, signature=header)) is Failure.DUPLICATE_PARAMETER


def test_row_20_a_header_covered_twice() -> None:
    request = posted()
    header = request.values("signature")[0].replace("host date", "host host date")
    assert seen(changed(request, signature=header)) is Failure.DUPLICATE_PARAMETER


def test_row_21_dates_outside_the_window() -> None:
    request = posted()
    assert seen(request, NOW + 7200) is Failure.STALE
    assert seen(request, NOW - 7200) is Failure.AHEAD
    assert accepted(request, NOW + MAX_AGE)
    assert accepted(request, NOW - MAX_AHEAD)
    assert seen(request, NOW + MAX_AGE + 1) is Failure.STALE
    assert seen(request, NOW - MAX_AHEAD - 1) is Failure.AHEAD


@pytest.mark.parametrize(
    "date",
    [
        "yesterday",
        "",
        "Sat, 21 Nov 2026 22:06:56 +0000",
        "Sat, 31 Feb 2026 22:06:56 GMT",
        "Sat, 21 Nov 2026 24:06:56 GMT",
        "Sat, 21 Xxx 2026 22:06:56 GMT",
        "Sat, 21 Nov 0000 22:06:56 GMT",
        "2026-11-21T22:06:56Z",
    ],
)
def test_row_21_dates_that_cannot_be_read(date: str) -> None:
    assert seen(made(lines(date=date))) is Failure.BAD_DATE


def test_row_21_no_date_and_two() -> None:
    assert seen(changed(posted(), date=None)) is Failure.HEADER_MISSING
    assert seen(made(lines(date=None))) is Failure.NOT_COVERED
    request = posted()
    twice = replace(request, headers=(*request.headers, ("date", http_date(NOW))))
    assert seen(twice) is Failure.BAD_DATE


def test_row_22_the_same_request_again_is_the_same_request() -> None:
    request = posted()
    assert seen(request) == seen(request, NOW + 60)
    assert accepted(request, NOW + 60)


def test_row_23_for_another_path_or_host() -> None:
    assert not accepted(replace(posted(), target="/other"))
    assert not accepted(replace(posted(), method="PUT"))
    assert seen(changed(posted(), host="other.test")) is Failure.WRONG_HOST
    elsewhere = changed(posted("https://other.test/inbox"), host="relay.test")
    assert not accepted(elsewhere)


def test_row_26_beside_rfc_9421_this_draft_is_verified_alone() -> None:
    request = posted()
    mine = request.headers[-1]
    theirs = (("signature-input", 'sig1=("@method");keyid="x"'), ("signature", "sig1=:AAAA:"))
    assert accepted(replace(request, headers=(*request.headers, *theirs)))
    assert accepted(replace(request, headers=(*theirs, *request.headers)))
    only_theirs = replace(request, headers=(*request.headers[:-1], *theirs))
    assert seen(only_theirs) is Failure.UNSUPPORTED_RFC9421
    without_value = replace(request, headers=(*request.headers[:-1], theirs[0]))
    assert seen(without_value) is Failure.UNSUPPORTED_RFC9421
    two = replace(request, headers=(*request.headers, mine, *theirs))
    assert seen(two) is Failure.DUPLICATE_SIGNATURE


# ---------------------------------------------------------------- grammar and coverage


def test_no_signature_and_two() -> None:
    request = posted()
    assert seen(changed(request, signature=None)) is Failure.MISSING_SIGNATURE
    twice = replace(request, headers=(*request.headers, request.headers[-1]))
    assert seen(twice) is Failure.DUPLICATE_SIGNATURE


GOOD = f'keyId="{KEY_ID}",headers="(request-target) host date digest",signature="AAAA"'


@pytest.mark.parametrize(
    ("header", "failure"),
    [
        ("", Failure.MALFORMED_SIGNATURE),
        ("sig1=:AAAA:", Failure.MALFORMED_SIGNATURE),
        (GOOD + ",", Failure.MALFORMED_SIGNATURE),
        ("," + GOOD, Failure.MALFORMED_SIGNATURE),
        (GOOD + ";", Failure.MALFORMED_SIGNATURE),
        (GOOD + ' x="1"', Failure.MALFORMED_SIGNATURE),
        (GOOD + ',x="1\\""', Failure.MALFORMED_SIGNATURE),
        (GOOD + ',x="1', Failure.MALFORMED_SIGNATURE),
        (GOOD + ",x=y", Failure.MALFORMED_SIGNATURE),
        (GOOD + ',created="soon"', Failure.MALFORMED_SIGNATURE),
        (GOOD + ',expires="-1"', Failure.MALFORMED_SIGNATURE),
        (GOOD + ',x="' + "a" * 9000 + '"', Failure.MALFORMED_SIGNATURE),
        (GOOD.replace("AAAA", "AA=A"), Failure.MALFORMED_SIGNATURE),
        (GOOD.replace("AAAA", "AAA"), Failure.MALFORMED_SIGNATURE),
        (GOOD.replace("AAAA", "A A="), Failure.MALFORMED_SIGNATURE),
        (GOOD.replace("AAAA", "ÄÖÜ="), Failure.MALFORMED_SIGNATURE),
        (GOOD.replace("AAAA", ""), Failure.MALFORMED_SIGNATURE),
        (f'keyId="{KEY_ID}"', Failure.MALFORMED_SIGNATURE),
        (GOOD.replace("host date", "host  date"), Failure.MALFORMED_SIGNATURE),
        (GOOD.replace("host date", "host (x) date"), Failure.MALFORMED_SIGNATURE),
        (GOOD.replace("(request-target) host date digest", ""), Failure.MALFORMED_SIGNATURE),
        (GOOD.replace(KEY_ID, "acct:a@a.example"), Failure.MALFORMED_KEY_ID),
        (GOOD.replace(f'keyId="{KEY_ID}",', ""), Failure.MALFORMED_KEY_ID),
        (GOOD + ',algorithm="hmac-sha256"', Failure.UNSUPPORTED_ALGORITHM),
        (GOOD + ',algorithm="rsa-sha1"', Failure.UNSUPPORTED_ALGORITHM),
        (GOOD + ',algorithm=""', Failure.UNSUPPORTED_ALGORITHM),
        (GOOD.replace("(request-target) ", ""), Failure.NOT_COVERED),
        (GOOD.replace("host ", ""), Failure.NOT_COVERED),
        (GOOD.replace('headers="(request-target) host date digest",', ""), Failure.NOT_COVERED),
        (GOOD.replace(" digest", " digest x-missing"), Failure.HEADER_MISSING),
        (GOOD.replace(" date", " (created)"), Failure.HEADER_MISSING),
        (GOOD.replace(" date", " date (expires)"), Failure.HEADER_MISSING),
    ],
)
def test_headers_that_are_not_accepted(header: str, failure: Failure) -> None:
    assert seen(changed(posted(), signature=header)) is failure


@pytest.mark.parametrize("change", [lambda text: f"Signature {text}", lambda text: text.replace(",", " ,\t")])
def test_a_prefix_and_spaces_are_tolerated(change: Any) -> None:
    request = posted()
    assert accepted(changed(request, signature=change(request.values("signature")[0])))


def test_unknown_parameters_are_ignored() -> None:
    assert accepted(made(lines(), parameters='algorithm="rsa-sha256",opaque="x",created=1795298816'))


@given(st.text() | st.text(alphabet='keyIdhasigntur="(),1.: ', max_size=60).map((GOOD + "{}").format))
def test_the_parser_is_total(header: str) -> None:
    found = parse_signature(header)
    assert isinstance(found, Signature | Failure)


@given(
    st.permutations(["keyId", "algorithm", "headers", "signature", "created", "expires"]),
    st.integers(0, 10**12 - 1),
)
def test_the_order_of_parameters_does_not_matter(order: list[str], moment: int) -> None:
    values = {
        "keyId": f'"{KEY_ID}"',
        "algorithm": '"HS2019"',
        "headers": '"(Request-Target) Host (created)"',
        "signature": '"AAAA"',
        "created": f"{moment}",
        "expires": f'"{moment}.5"',
    }
    found = parse_signature(",".join(f"{name}={values[name]}" for name in order))
    covered = ("(request-target)", "host", "(created)")
    assert found == Signature(KEY_ID, "hs2019", covered, str(moment), f"{moment}.5", b"\0\0\0")


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
        pem(ed25519.Ed25519PrivateKey.generate()),
        pem() + " " * 9000,
        "\ud800",
    ):
        assert not is_usable_key(text)
        assert not verify(signature, request, text)
    assert not verify(signature, request, pem(key(2049)))


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
