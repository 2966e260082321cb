from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.hashes import SHA512
from hypothesis import given
from hypothesis import strategies as st

from relay.protocol import rfc9421
from relay.protocol.httpsig import SignedRequest, inspect, verify
from relay.protocol.sfields import parse_dictionary
from relay.protocol.sigheader import Failure, Signature
from tests.unit.captured import KEYS, capture
from tests.unit.protocol.messages import (
    BOT,
    CREATED,
    FEDIFY,
    MASTODON,
    edwards,
    looked,
    message,
    valid,
)
from tests.unit.protocol.signed import KEY_ID, NOW, changed, key, pem, posted

# ---------------------------------------------------------------- what senders send


@pytest.mark.parametrize("covered", [MASTODON, FEDIFY, BOT])
@pytest.mark.parametrize(
    "named", ["", ';alg="rsa-v1_5-sha256"', ';expires=1795299000;nonce="n";tag="t";x;y=1.50']
)
def test_what_the_field_sends_verifies(covered: tuple[str, ...], named: str) -> None:
    written = named.replace("1.50", "1.5")
    request = message(covered, parameters=f';created={CREATED};keyid="{KEY_ID}"{written}')
    assert valid(
        changed(request, signature_input=request.values("signature-input")[0].replace(written, named))
    )


def test_the_other_algorithms() -> None:
    named = f';created={CREATED};keyid="{KEY_ID}";alg='
    assert valid(message(parameters=f'{named}"rsa-v1_5-sha512"', algorithm=SHA512()))
    assert not valid(message(algorithm=SHA512()))
    assert valid(message(private=edwards()), pem(edwards()))
    assert valid(message(parameters=f'{named}"ed25519"', private=edwards()), pem(edwards()))


def test_a_signature_of_the_draft_is_none_of_the_rfc() -> None:
    found = looked(posted())
    assert isinstance(found, Signature)
    assert not rfc9421.verify(found, key().public_key())


@pytest.mark.parametrize("target", ["/inbox", "/users/a?page=1", "/?", "/a%20b?c=%C3%BC&d"])
@pytest.mark.parametrize(
    "where",
    [
        ("@target-uri",),
        ("@authority", "@path", "@query"),
        ("@authority", "@request-target", "@scheme"),
    ],
)
def test_the_target_in_any_words(where: tuple[str, ...], target: str) -> None:
    assert valid(message(("@method", *where, "content-digest"), target=target))


@pytest.mark.parametrize(
    ("covered", "target"),
    [
        (("content-digest",), "/inbox"),
        (("@method", "content-digest"), "/inbox"),
        (("@target-uri", "content-digest"), "/inbox"),
        (("@method", "@path", "@query", "content-digest"), "/inbox"),
        (("@method", "@authority", "content-digest"), "/inbox"),
        (("@method", "@authority", "@path", "content-digest"), "/inbox?x"),
        (("@method", "host", "@path", "content-digest"), "/inbox"),
    ],
)
def test_a_target_that_is_not_bound_as_a_whole(covered: tuple[str, ...], target: str) -> None:
    assert looked(message(covered, target=target)) is Failure.TARGET_NOT_COVERED


def test_a_path_without_query_needs_no_query() -> None:
    assert valid(message(("@method", "@authority", "@path", "content-digest")))


@pytest.mark.parametrize(
    ("inputs", "signature", "failure"),
    [
        ("", None, Failure.MALFORMED_SIGNATURE),
        ("sig1", None, Failure.MALFORMED_SIGNATURE),
        ("sig1=1", None, Failure.MALFORMED_SIGNATURE),
        ('sig1=("@method"', None, Failure.MALFORMED_SIGNATURE),
        ('sig1=("@method"),', None, Failure.MALFORMED_SIGNATURE),
        ("x" * 9000, None, Failure.MALFORMED_SIGNATURE),
        ("sig1=(a);created=1", None, Failure.MALFORMED_SIGNATURE),
        (None, "sig1=1", Failure.MALFORMED_SIGNATURE),
        (None, "sig1=::", Failure.MALFORMED_SIGNATURE),
        (None, "sig1=:AA=A:", Failure.MALFORMED_SIGNATURE),
        (None, "sig1=(:AAAA:)", Failure.MALFORMED_SIGNATURE),
        (None, "sig1=:AAAA:;", Failure.MALFORMED_SIGNATURE),
        (None, "sig2=:AAAA:", Failure.MISSING_SIGNATURE),
        ('sig1=("@method");created="1"', None, Failure.MALFORMED_SIGNATURE),
        ('sig1=("@method");created=1.5', None, Failure.MALFORMED_SIGNATURE),
        ('sig1=("@method");created', None, Failure.MALFORMED_SIGNATURE),
        ('sig1=("@method");keyid=x', None, Failure.MALFORMED_SIGNATURE),
        ('sig1=("@method");keyid="x";alg=rsa', None, Failure.MALFORMED_SIGNATURE),
        ('sig1=("@method");keyid="acct:a@a.example"', None, Failure.MALFORMED_KEY_ID),
        ('sig1=("@method");created=1', None, Failure.MALFORMED_KEY_ID),
    ],
)
def test_headers_that_are_not_accepted(inputs: str | None, signature: str | None, failure: Failure) -> None:
    request = message()
    changes = {"signature_input": inputs, "signature": signature}
    for name, value in changes.items():
        if value is not None:
            request = changed(request, **{name: value})
    assert looked(request) is failure


@pytest.mark.parametrize(
    "item",
    [
        '"content-type";sf',
        '"content-digest";key="sha-256"',
        '"x-list";bs',
        '"@method";req',
        '"@query-param";name="a"',
        '"@status"',
        '"@signature-params"',
        '"Content-Type"',
        '"user agent"',
        '"\\""',
    ],
)
def test_components_that_are_not_supported(item: str) -> None:
    request = message()
    header = request.values("signature-input")[0].replace('"content-digest"', f'"content-digest" {item}')
    assert looked(changed(request, signature_input=header)) is Failure.BAD_COMPONENT


def test_covered_headers_have_to_be_there() -> None:
    assert looked(changed(message(BOT), user_agent=None)) is Failure.HEADER_MISSING
    assert looked(changed(message(), content_digest=None)) is Failure.HEADER_MISSING
    assert looked(changed(message(), signature=None)) is Failure.MISSING_SIGNATURE


@pytest.mark.parametrize("value", ["Ünïcode", "\udcdc", "x\nnext: line", "x\ry", "\x00", "\x7f"])
def test_values_that_cannot_be_signed(value: str) -> None:
    """RFC 9421 2.1, 2.5, 7.5.3: a value cannot bring a line of its own."""
    assert looked(changed(message(BOT), user_agent=value)) is Failure.BAD_COMPONENT


def test_headers_of_one_name_are_joined() -> None:
    request = message((*MASTODON, "cookie"), more={"cookie": "a=1,\tx, b=2"})
    split = tuple(header for header in request.headers if header[0] != "cookie")
    assert valid(replace(request, headers=(("cookie", "a=1,\tx "), *split, ("cookie", "\tb=2"))))


def test_a_header_may_be_empty() -> None:
    assert valid(message((*MASTODON, "x-empty"), more={"x-empty": ""}))


# ---------------------------------------------------------------- properties

HEADERS = ("signature-input", "signature", "content-digest", "host", "user-agent")


@given(
    st.sampled_from(HEADERS),
    st.text()
    | st.text(alphabet='sig1=("@methodkey");:A,\\ ?', max_size=60)
    | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    st.booleans(),
)
def test_total_whatever_stands_in_the_headers(name: str, value: str, appended: bool) -> None:  # noqa: FBT001
    request = message(BOT)
    old = request.values(name)[0]
    found = looked(changed(request, **{name.replace("-", "_"): old + value if appended else value}))
    assert isinstance(found, Signature | Failure)


ANY = st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
NAMES = st.sampled_from(["signature-input", "signature", "content-digest", "host", "date", "digest"])


@given(ANY, ANY, st.lists(st.tuples(NAMES, ANY), max_size=8), st.binary(max_size=9))
def test_total_whatever_the_request(
    method: str, target: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    request = SignedRequest(method, target, tuple(headers), body)
    assert isinstance(looked(request), Signature | Failure)
    good = message(BOT)
    assert isinstance(looked(replace(good, method=method, target=target)), Signature | Failure)
    assert isinstance(looked(replace(good, headers=(*headers, *good.headers))), Signature | Failure)


@given(st.data())
def test_any_change_of_one_character_fails(data: st.DataObject) -> None:
    """Of what is covered, of what covers it, or of the body: nothing can be changed and still be believed."""
    request = message(BOT, target="/inbox?a=b")
    covered = {"method": request.method, "target": request.target, "body": request.body.decode()}
    covered |= {name: request.values(name)[0] for name in (*BOT[2:], "signature-input", "signature")}
    name = data.draw(st.sampled_from(sorted(covered)))
    old = covered[name]
    place = data.draw(st.integers(0, len(old) - 1))
    new = old[:place] + chr(data.draw(st.integers(0x20, 0x7E))) + old[place + 1 :]
    if name == "body":
        tampered = replace(request, body=new.encode())
    elif name in {"method", "target"}:
        tampered = replace(request, **{name: new})
    else:
        tampered = changed(request, **{name.replace("-", "_"): new})
    is_same = new == old or (new.strip(" ") == old.strip(" ") and name not in {"body", "method", "target"})
    assert valid(tampered) is (is_same or _means_the_same(name, old, new))


def _means_the_same(name: str, old: str, new: str) -> bool:
    """The base64 of a signature of 256 bytes has four bits that say nothing."""
    if name != "signature":
        return False
    before, after = parse_dictionary(old), parse_dictionary(new)
    return after is not None and before == after


# ---------------------------------------------------------------- the recording


def test_the_recorded_request_and_the_clock() -> None:
    recorded = capture("000872")
    request = recorded.request

    def found(now: float) -> Signature | Failure:
        return inspect(request, now=now, hosts=recorded.hosts)

    signature = found(recorded.now)
    assert isinstance(signature, Signature)
    assert signature.covered == BOT
    assert any(verify(signature, request, one) for one in KEYS[signature.key_id])
    assert found(recorded.now + 7200) is Failure.STALE
    assert found(recorded.now - 7200) is Failure.AHEAD


def test_failures_say_what_to_do() -> None:
    assert NOW == CREATED
    assert (
        Failure.TARGET_NOT_COVERED.status
        == Failure.CREATED_MISSING.status
        == Failure.BAD_COMPONENT.status
        == 401
    )
