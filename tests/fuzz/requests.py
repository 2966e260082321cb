"""Targets: signatures, dates and structured fields of requests."""

from __future__ import annotations

from relay.domain.hosts import is_http_url
from relay.protocol import rfc9421
from relay.protocol.httpdate import http_date, parse_http_date
from relay.protocol.httpsig import Failure, Signature, SignedRequest, inspect, verify
from relay.protocol.sfields import Member, byte_sequence, integer, parse_dictionary, string
from relay.protocol.sigheader import MAX_HEADER, parse_signature
from tests.fuzz.properties import holds, text_of

NOW = 1_795_298_816.0
"""When the recordings were made, which are the seeds."""
HOSTS = frozenset({"relay.test", "relay2.test"})
PEM = (
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n"
)
"""The key of RFC 8032, test 1: whatever is signed here is not signed by it."""


def request_of(data: bytes) -> SignedRequest:
    """The request that an input spells, as the web layer would hand it over, however odd."""
    head, _, body = data.replace(b"\r\n", b"\n").partition(b"\n\n")
    first, *lines = head.split(b"\n")
    method, _, rest = text_of(first).partition(" ")
    headers = (line.partition(b":") for line in lines)
    return SignedRequest(
        method,
        rest.rpartition(" ")[0] or rest,
        tuple((name.decode("latin-1").lower(), text_of(value)) for name, _, value in headers),
        body,
    )


def draft_header(data: bytes) -> None:
    """The Signature header of the draft: total, and what is taken is well-formed."""
    header = text_of(data)
    found = parse_signature(header)
    if isinstance(found, Failure):
        return
    holds(len(header) <= MAX_HEADER, "a header over the limit was read")
    holds(is_http_url(found.key_id), "a key id is an address")
    holds(found.value and len(set(found.covered)) == len(found.covered), "covered once, and signed")
    holds(
        all(time is None or float(time) >= 0 for time in (found.created, found.expires)), "times are numbers"
    )
    again = f'keyId="{found.key_id}",headers="{" ".join(found.covered)}",signature="AAAA"'
    second = parse_signature(again)
    holds(isinstance(second, Signature) and second.covered == found.covered, "reads what it read before")


def whole_request(data: bytes) -> None:
    """Everything that is looked at before a key is fetched, then the key: total, and nobody's key fits."""
    request = request_of(data)
    for scheme in ("https", "http"):
        found = inspect(request, now=NOW, hosts=HOSTS, scheme=scheme)
        if isinstance(found, Failure):
            holds(found.status in {400, 401}, "a refusal has a status")
            continue
        holds(is_http_url(found.key_id), "a key id is an address")
        for one in (found, found.instead):
            if one is not None:
                _check_covered(one, request)
                holds(verify(one, request, PEM) is False, "a key that signed nothing fits nothing")


def _check_covered(found: Signature, request: SignedRequest) -> None:
    covered = set(found.covered)
    if request.body:
        holds(covered & {"digest", "content-digest"}, "the digest of a body is covered")
    if found.base is None:
        holds({"(request-target)", "host"} <= covered, "the target is covered")
        holds(covered & {"date", "(created)"}, "a time is covered")
    else:
        holds("@method" in covered and found.created is not None, "method and time are covered")
        lines = found.base.decode().split("\n")
        holds(len(lines) == len(found.covered) + 1, "one line for each component")


def signature_input(data: bytes) -> None:
    """The fields of RFC 9421 alone: an input is Signature-Input, a line break, and Signature."""
    first, _, second = text_of(data).partition("\n")
    headers = (("host", "relay.test"), ("signature-input", first), ("signature", second), ("x", "y"))
    request = SignedRequest("POST", "/inbox?a=b", headers, b"")
    found = rfc9421.parse(request, [second])
    if isinstance(found, Failure):
        return
    member, value = found
    holds(value and member.value is None, "an inner list, and a signature")
    base = rfc9421.signature_base(member, request, "https://relay.test")
    if isinstance(base, bytes):
        holds(base.decode().endswith(member.text), "what is signed ends with the parameters")
        holds(base.count(b"\n") == len(member.items), "no component brings a line of its own")


def structured_field(data: bytes) -> None:
    """Dictionaries: what is read is written, and read again as the same."""
    found = parse_dictionary(text_of(data))
    if found is None:
        return
    text = ", ".join(f"{name}{_written(member)}" for name, member in found)
    if len(text) <= MAX_HEADER and not any(more for _, member in found for _, more in member.items):
        holds(parse_dictionary(text) == found, "the canonical form is read as the same")
    for _, member in found:
        for bare in (member.value, *member.parameters.values(), *(item for item, _ in member.items)):
            kinds = [reader(bare) is not None for reader in (string, integer)] + [
                bare is not None and bare[:1] == ":" and byte_sequence(bare) is not None
            ]
            holds(sum(kinds) <= 1, "an item is of one kind")


def _written(member: Member) -> str:
    if member.value is None:
        return f"={member.text}"
    tail = "".join(f";{name}={value}" for name, value in member.parameters.items())
    return f"={member.value}{tail}"


def http_dates(data: bytes) -> None:
    """Dates: total, and what is read is the moment that was written, whatever day of the week stood there."""
    text = text_of(data)
    found = parse_http_date(text)
    if found is not None:
        again = http_date(found)
        holds(parse_http_date(again) == found, "a date is read as it is written")
        holds(again[5:22] == text[5:22], "day and minute are those that stood there")
