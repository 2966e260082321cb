from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.protocol.httpsig import (
    MAX_AGE,
    MAX_AHEAD,
    Failure,
    Signature,
    body_digest,
    http_date,
)
from relay.protocol.sigheader import parse_signature
from tests.unit.protocol.signed import (
    BODY,
    GOOD,
    KEY_ID,
    NOW,
    accepted,
    changed,
    lines,
    made,
    posted,
    seen,
)

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


# ---------------------------------------------------------------- grammar and coverage


def test_no_signature_and_two() -> None:
    request = posted()
    assert seen(changed(request, signature=None)) is Failure.MISSING_SIGNATURE
    twice = replace(request, headers=(*request.headers, request.headers[-1]))
    assert seen(twice) is Failure.DUPLICATE_SIGNATURE


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
