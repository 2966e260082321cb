"""Where fuzzing starts: recorded traffic, the test vectors, and the oddities that the rows name."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fuzz import attestations, documents, linked, lists, requests
from tests.unit.captured import ACTORS, CAPTURES, FOLDER
from tests.unit.mediaattest.samples import attest, claims, header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]


TARGETS: dict[str, Callable[[bytes], None]] = {
    function.__name__: function
    for function in (
        requests.draft_header,
        requests.whole_request,
        requests.signature_input,
        requests.structured_field,
        requests.http_dates,
        documents.strict_json,
        documents.activity,
        documents.addresses,
        documents.media_type,
        documents.actor,
        documents.keys,
        lists.mastodon_csv,
        lists.fires,
        attestations.attestation_header,
        attestations.attestation,
        attestations.encodings,
        linked.signed_document,
        linked.graph,
    )
}

DATES = (
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Mon, 29 Feb 2000 23:59:60 GMT",
    "Thu, 30 Feb 2023 00:00:00 GMT",
    "Sat, 01 Jan 0000 00:00:00 GMT",
    "Sat, 01 Jan 0001 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
)
ADDRESSES = (
    "https://a.example",
    "HTTP://B\u00fccher.Example:80/x?y#z",
    "https://[::1]:9001/",
    "https://127.0.0.1/",
    "https://0x7f.1/",
    "https://a.example.:443",
    "https://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
    "https://xn--nxasmq6b.example",
    "*.b\u00fccher.example",
    "https://user:pw@a.example",
)
TYPES = (
    "application/activity+json; charset=utf-8",
    'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
    'application/ld+json ;charset=utf-8; profile="x https://www.w3.org/ns/activitystreams"',
    "application/json",
)
NUMBERS = (
    b'{"a":[1,-0,-0.0,1e3,0.1,9007199254740992,1e300]}',
    b"[1e999]",
    b'{"a":1,"a":2}',
    b'"\\ud800"',
    b"[[[[]]]]",
)
MASTODON = b"#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n"
CSV = (
    MASTODON
    + b'a.example,suspend,true,true,"why, that",false\n*.b.example,silence,,,,\nc*.example,suspend,,,,\n',
    b"a.example\r\nb.example\r\n",
    b"\xef\xbb\xbfdomain\na.example\n",
)
FIELDS = (
    'sig1=("@method" "@target-uri" "content-digest");created=1795298816;keyid="https://a.example/actor#k"',
    'a=( "x"  "y" );n=007;m=-0;d=-0.50;b=:AAA=:;t=*x/y;y=?1;v="\\"\\\\"',
    'a=1\t, b ,a=("x";p "y"),c=::',
)


@cache
def seeds(name: str) -> tuple[bytes, ...]:
    """The inputs that a target starts with."""
    return tuple(dict.fromkeys(_SEEDS.get(name, _texts)()))


def _texts() -> Iterator[bytes]:
    for text in (*DATES, *ADDRESSES, *TYPES, *FIELDS):
        yield text.encode()


def _requests() -> Iterator[bytes]:
    for capture in CAPTURES:
        yield (FOLDER / capture.name).read_bytes()


def _bodies() -> Iterator[bytes]:
    for capture in CAPTURES:
        yield capture.body
    for path in sorted((ROOT / "tests/golden/forwarded").glob("*.json")):
        yield path.read_bytes()
    yield from NUMBERS


def _draft_headers() -> Iterator[bytes]:
    for capture in CAPTURES:
        yield from (value.encode() for value in capture.request.values("signature"))


def _signature_inputs() -> Iterator[bytes]:
    for capture in CAPTURES:
        fields = [", ".join(capture.request.values(name)) for name in ("signature-input", "signature")]
        yield "\n".join(fields).encode()
    yield f"{FIELDS[0]}\nsig1=:AAAA:".encode()


def _fields() -> Iterator[bytes]:
    yield from (field.encode() for field in FIELDS)
    yield from (seed.partition(b"\n")[0] for seed in _signature_inputs())


def _actors() -> Iterator[bytes]:
    for document in ACTORS.values():
        if isinstance(document, dict):
            key = document.get("publicKey")
            key_id = key.get("id") if isinstance(key, dict) else document.get("id")
            yield f"{key_id}\n{json.dumps(document)}".encode()
            if isinstance(key, dict):
                yield f"{key_id}\n{json.dumps(key)}".encode()


def _keys() -> Iterator[bytes]:
    for document in ACTORS.values():
        key = document.get("publicKey") if isinstance(document, dict) else None
        methods = document.get("assertionMethod") if isinstance(document, dict) else None
        multikeys = [one.get("publicKeyMultibase", "") for one in methods or () if isinstance(one, dict)]
        yield "\n--\n".join([*multikeys[:1], (key or {}).get("publicKeyPem", "")]).encode()
    yield b"z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp\n--\n" + requests.PEM.encode()


def _fires() -> Iterator[bytes]:
    dataset = {"type": "Dataset", "endpoints": {"snapshot": f"{lists.URL}/s", "changes": f"{lists.URL}/c"}}
    kinds = [("Recommendation", "drop"), ("Recommendation", "filter"), ("Advisory", ""), ("Retraction", "")]
    items: list[dict[str, Any]] = [
        {"id": f"{lists.URL}/{n}", "type": kind, "entityKind": "domain", "entityKey": f"{n % 2}.example"}
        | {"recommendedPolicy": policy, "comment": "x"}
        for n, (kind, policy) in enumerate(kinds)
    ]
    items.append({"id": f"{lists.URL}/0", "type": "Tombstone"})
    page = {"type": "OrderedCollectionPage", "orderedItems": items, "next": f"{lists.URL}/n"}
    yield json.dumps(dataset).encode()
    yield json.dumps(page).encode()
    yield b"\n--\n".join(
        json.dumps(page | {"orderedItems": part}).encode() for part in (items[:3], items[2:])
    )


def _vectors() -> Iterator[str]:
    """Every text in the test vectors of the attestation."""
    waiting: list[Any] = [
        json.loads(path.read_text()) for path in sorted((ROOT / "fep/vectors").glob("*.json"))
    ]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)
        elif isinstance(value, str):
            yield value


def _attestations() -> Iterator[bytes]:
    yield from (text.encode() for text in _vectors() if text.startswith("data:"))
    yield attest().encode()
    yield header() + b"\n--\n" + claims()
    yield (
        header(alg="Ed25519") + b"\n--\n" + claims(alt={"sha512": "ab" * 64}, med={"type": "a/b", "size": 1})
    )


def _attestation_headers() -> Iterator[bytes]:
    yield from (text.encode("utf-8", "surrogateescape") for text in _vectors() if text.startswith('"'))
    token = attest().removeprefix("data:application/jwt,")
    yield ", ".join([f'"{token}"'] * 3).encode()


def _encodings() -> Iterator[bytes]:
    yield from (text.encode("utf-8", "replace") for text in _vectors() if len(text) < 200 and " " not in text)


def _graphs() -> Iterator[bytes]:
    yield bytes([6, 3, 0, 6, 3, 1, 0, 0, 7, 1, 0, 7])
    yield bytes([6, 4, 0, 0, 1, 1, 0, 2, 10, 1, 3, 2])
    yield bytes([6, 4, 0, 0, 1, 1, 0, 2, 0, 6, 7, 0])  # a list that bites its tail
    yield bytes(value for n in range(6) for value in (6, 3, n))
    yield bytes(value for n in range(5) for value in (n, 3, n + 1))
    yield bytes(value for n in range(36) for value in (n % 6, 3, n // 6))


_SEEDS: dict[str, Callable[[], Iterator[bytes]]] = {
    "draft_header": _draft_headers,
    "whole_request": _requests,
    "signature_input": _signature_inputs,
    "structured_field": _fields,
    "strict_json": _bodies,
    "activity": _bodies,
    "signed_document": _bodies,
    "actor": _actors,
    "keys": _keys,
    "mastodon_csv": lambda: iter(CSV),
    "fires": _fires,
    "attestation_header": _attestation_headers,
    "attestation": _attestations,
    "encodings": _encodings,
    "graph": _graphs,
}
