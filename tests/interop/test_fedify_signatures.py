"""HTTP signatures of draft-cavage: ours checked by Fedify, Fedify's checked by us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from mediaattest import HEADER_NAME, format_header
from relay.protocol.documents import CONTENT_TYPE, announce, dump
from relay.protocol.httpsig import (
    COVERED_GET,
    Failure,
    Signature,
    SignedRequest,
    Target,
    body_digest,
    get_string,
    http_date,
    inspect,
    post_string,
    signature_header,
    verify,
)
from relay.services.signing import signed_headers
from tests.fakes import rsa_key
from tests.interop.actors import RELAY, Author, our_actor

if TYPE_CHECKING:
    from relay.adapters.system import SystemClock
    from tests.interop.oracle import Oracle

INBOX = "https://social.test/inbox"
KEY_ID = f"{RELAY}/actor#main-key"
ALICE = Author("https://social.test/users/alice", number=1)
BODY = dump(
    announce(
        id=f"{RELAY}/activities/1",
        actor=f"{RELAY}/actor",
        followers=f"{RELAY}/followers",
        object_id="https://social.test/notes/1",
        published=1_795_300_000.0,
    )
)


@pytest.fixture(autouse=True)
def known(oracle: Oracle) -> None:
    oracle.knows({f"{RELAY}/actor": our_actor(), ALICE.id: ALICE.document()})


def delivery(now: float, attestations: str | None = None) -> dict[str, str]:
    """The headers of a delivery as the relay sends it."""
    target, date, digest = Target.of(INBOX), http_date(now), body_digest(BODY)
    message = post_string(target, date, digest, CONTENT_TYPE, attestations)
    return signed_headers(target, date, digest, attestations, KEY_ID, signed(message))


def fetching(now: float, url: str = INBOX) -> dict[str, str]:
    """The headers of a GET as the relay signs it."""
    target, date = Target.of(url), http_date(now)
    header = signature_header(KEY_ID, COVERED_GET, signed(get_string(target, date)))
    return {"Host": target.host, "Date": date, "Signature": header}


def signed(message: bytes) -> bytes:
    return rsa_key(0).sign(message, PKCS1v15(), SHA256())


# ---------------------------------------------------------------- ours, checked by Fedify


def test_fedify_accepts_our_delivery(oracle: Oracle, clock: SystemClock) -> None:
    assert oracle.verifies("POST", INBOX, delivery(clock.now()), BODY) == KEY_ID


def test_fedify_accepts_our_delivery_with_attestations(oracle: Oracle, clock: SystemClock) -> None:
    headers = delivery(clock.now(), format_header(["eyJhbGciOiJFZERTQSJ9.e30.AAAA"]))
    assert HEADER_NAME.lower() in headers["Signature"]
    assert oracle.verifies("POST", INBOX, headers, BODY) == KEY_ID


def test_fedify_accepts_our_fetch(oracle: Oracle, clock: SystemClock) -> None:
    assert oracle.verifies("GET", INBOX, fetching(clock.now()), None) == KEY_ID


@pytest.mark.parametrize("change", ["body", "path", "host", "attestation", "date", "content-type"])
def test_fedify_notices_what_was_changed_on_the_way(oracle: Oracle, clock: SystemClock, change: str) -> None:
    headers, body, url = delivery(clock.now(), format_header(["eyJhbGciOiJFZERTQSJ9.e30.AAAA"])), BODY, INBOX
    match change:
        case "body":
            body = BODY.replace(b"notes/1", b"notes/2")
        case "path":
            url = INBOX.replace("/inbox", "/users/alice/inbox")
        case "host":
            headers["Host"] = "other.test"
        case "attestation":
            headers["Media-Attestation"] = format_header(["eyJhbGciOiJFZERTQSJ9.e30.AAAB"])
        case "date":
            headers["Date"] = http_date(clock.now() - 60)
        case "content-type":
            headers["Content-Type"] = "application/json"
    assert oracle.verifies("POST", url, headers, body) is None


def test_fedify_leaves_the_query_out_of_the_request_target(oracle: Oracle, clock: SystemClock) -> None:
    url = "https://social.test/users/1/outbox?page=1"
    assert oracle.verifies("GET", url, fetching(clock.now(), url), None) is None
    assert oracle.verifies("GET", url, fetching(clock.now(), url.partition("?")[0]), None) == KEY_ID


def test_fedify_finds_both_kinds_of_keys_in_our_actor(oracle: Oracle) -> None:
    assert oracle.ask("key", key_id=KEY_ID, cls="CryptographicKey") == "RSASSA-PKCS1-v1_5"
    assert oracle.ask("key", key_id=f"{RELAY}/actor#att-1", cls="Multikey") == "Ed25519"
    assert oracle.ask("key", key_id=f"{RELAY}/actor#att-2", cls="Multikey") is None


# ---------------------------------------------------------------- Fedify's, checked by us


def received(method: str, headers: dict[str, str], body: bytes, target: str = "/inbox") -> SignedRequest:
    """A request as our inbox would see it."""
    fields = tuple((name.lower(), value) for name, value in headers.items())
    return SignedRequest(method, target, fields, body)


def judged(request: SignedRequest, clock: SystemClock) -> bool | Failure:
    """Whether we accept it, or at once why not."""
    found: Any = inspect(request, now=clock.now(), hosts=frozenset({"relay.test"}))
    return verify(found, request, ALICE.public_pem) if isinstance(found, Signature) else found


@pytest.fixture
def theirs(oracle: Oracle) -> SignedRequest:
    headers = {"Content-Type": CONTENT_TYPE, "Host": "relay.test"}
    made = oracle.signs("POST", f"{RELAY}/inbox", headers, BODY, key=ALICE.rsa_pem, key_id=ALICE.key_id)
    return received("POST", made, BODY)


def test_we_accept_the_delivery_of_fedify(theirs: SignedRequest, clock: SystemClock) -> None:
    found = inspect(theirs, now=clock.now(), hosts=frozenset({"relay.test"}))
    assert isinstance(found, Signature)
    assert found.key_id == ALICE.key_id
    assert judged(theirs, clock) is True


@pytest.mark.parametrize("target", ["/actor", "/followers?page=1"])
def test_we_accept_the_fetch_of_fedify(oracle: Oracle, clock: SystemClock, target: str) -> None:
    headers = {"Accept": CONTENT_TYPE, "Host": "relay.test"}
    made = oracle.signs("GET", f"{RELAY}{target}", headers, None, key=ALICE.rsa_pem, key_id=ALICE.key_id)
    assert judged(received("GET", made, b"", target), clock) is True


def test_we_notice_what_was_changed_on_the_way(theirs: SignedRequest, clock: SystemClock) -> None:
    def changed(name: str, value: str) -> SignedRequest:
        fields = tuple((header, value if header == name else old) for header, old in theirs.headers)
        return SignedRequest(theirs.method, theirs.target, fields, theirs.body)

    other = SignedRequest(theirs.method, theirs.target, theirs.headers, BODY + b" ")
    assert judged(other, clock) is Failure.DIGEST_MISMATCH
    assert judged(changed("host", "other.test"), clock) is Failure.WRONG_HOST
    assert judged(changed("date", http_date(clock.now() - 30)), clock) is False
    assert judged(SignedRequest("POST", "/actor", theirs.headers, BODY), clock) is False
