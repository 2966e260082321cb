from __future__ import annotations

from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaattest import Check, Medium, StatusReference, from_data_url

from .samples import IAT, JTI, LIST, NOW, PRIVATE_KEY, attest, check


def test_pyjwt_verifies_what_we_issue() -> None:
    jws = from_data_url(attest())
    assert jws is not None
    options: Any = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(jws, PRIVATE_KEY.public_key(), algorithms=["EdDSA"], options=options)
    assert (claims["iat"], claims["exp"], claims["res"]) == (IAT, IAT + 14 * 86400, "no-match")
    assert jwt.get_unverified_header(jws)["typ"] == "media-attestation+jwt"


@given(st.integers(IAT, IAT + 3599), st.integers(3600, 30 * 86400))
def test_whatever_is_issued_verifies_until_it_expires(now: int, lifetime: int) -> None:
    token = attest(now=now, lifetime=lifetime)
    assert check(token, now=now).valid
    assert check(token, now=IAT + lifetime).verdict == "expired"


def test_the_same_inputs_give_the_same_token_and_another_jti_another() -> None:
    assert attest() == attest(now=IAT)
    assert attest() != attest(jti=JTI[::-1])


@pytest.mark.parametrize(
    "changed",
    [
        {"lifetime": 30 * 86400 + 1},
        {"lifetime": 0},
        {"lifetime": NOW - IAT},
        {"jti": b""},
        {"checks": []},
        {"checks": [Check("PDQ", LIST)]},
        {"checks": [Check("pdq", "list")]},
        {"checks": [Check("pdq", LIST, -1)]},
        {"checks": [Check("pdq", LIST + "x" * 2000)]},
        {"alternatives": {"sha512": "x"}},
        {"alternatives": {"SHA": "ab" * 32}},
        {"medium": Medium("png", 1)},
        {"medium": Medium("image/png", -1)},
        {"status": StatusReference("http://relay.example/1", 1)},
        {"status": StatusReference(LIST, -1)},
        {"issuer": "acct:relay@relay.example"},
        {"kid": "#att"},
        {"digest": "2f2d"},
        {"now": -3600},
    ],
    ids=str,
)
def test_nothing_is_issued_that_a_verifier_would_refuse(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        attest(**changed)
