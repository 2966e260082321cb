"""How attestations travel and what they are made of: header, data URL, digests, keys, issuing, JSON-LD."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from mediaattest import base58
from vector_cases.tokens import (
    DAY,
    DIGEST,
    EXP,
    GOLDEN,
    GOLDEN_KEY,
    GOLDEN_PUBLIC_KEY,
    IAT,
    ISSUER,
    JTI,
    KID,
    LIST,
    NOW,
    SMALL_ORDER,
    Vector,
    with_claims,
)

CONTEXT = Path(__file__).resolve().parents[2] / "fep" / "context.jsonld"
JWS = GOLDEN.removeprefix("data:application/jwt,")
PDNA = "https://purl.archive.org/socialweb/photodna#"
ASSAY = "https://w3id.org/assay/ns#"


def vector(name: str, clause: str, given: Any, expected: Any) -> Vector:
    """One vector."""
    return {"name": name, "clause": clause, "input": given, "expected": expected}


def header_cases() -> list[Vector]:
    """Values of the header, and the compact JWSs in them; none when the field is to be ignored."""
    one = f'"{JWS}"'
    long = f'"{with_claims(note="x" * 400).removeprefix("data:application/jwt,")}"'
    read = {
        "one token": one,
        "two tokens": f"{one}, {one}",
        "white space around commas": f"  {one}\t ,\t{one} ",
        "seven tokens": ",".join([one] * 7),
        "4096 bytes": one + " " * (4096 - len(one)),
    }
    ignored = {
        "empty": "",
        "token without quotes": JWS,
        "eight tokens": ",".join([one] * 8),
        "200 tokens": ",".join(['"a.b.c"'] * 200),
        "9 KB": ", ".join([long] * 7) + " " * 4096,
        "4097 bytes": one + " " * (4097 - len(one)),
        "trailing comma": one + ",",
        "leading comma": "," + one,
        "two commas": f"{one},,{one}",
        "no comma": f"{one} {one}",
        "leading tab": "\t" + one,
        "open quote": one[:-1],
        "a quote alone": '"',
        "empty string": '""',
        "single quotes": one.replace('"', "'"),
        "escape": one[:-1] + '\\""',
        "parameter": one + ";q=1",
        "inner list": f"({one})",
        "byte sequence": ":aGVsbG8=:",
        "a member that is no JWS": f'{one}, "hello"',
        "attestation string in place of a JWS": f'"{GOLDEN}"',
        "not ASCII": f'{one}, "é"',
    }
    return [
        *(
            vector(name, "W-01, C-02; RFC 9651 3.1", value, [JWS] * value.count(JWS))
            for name, value in read.items()
        ),
        *(vector(name, "W-01, W-02; RFC 9651 2, 4.2", value, []) for name, value in ignored.items()),
    ]


def digest_cases() -> list[Vector]:
    """`digestMultibase` values and the hash strings that they are the same as."""
    digest = bytes.fromhex(DIGEST[7:])
    golden = "z" + base58.encode(b"\x12\x20" + digest)
    bad = {
        "no multibase prefix": golden[1:],
        "base64url multibase": "u" + golden[1:],
        "character outside the alphabet": golden[:-1] + "0",
        "SHA-512 multihash": "z" + base58.encode(b"\x13\x40" + hashlib.sha512(b"").digest()),
        "truncated": "z" + base58.encode(b"\x12\x20" + digest[:31]),
        "too long": "z" + "1" * 200,
        "empty": "",
    }
    return [
        vector("SHA-256", "V-28; FEP-1311 digestMultibase", golden, DIGEST),
        *(vector(name, "V-28; FEP-1311 digestMultibase", value, None) for name, value in bad.items()),
    ]


def multikey_cases() -> list[Vector]:
    """`publicKeyMultibase` values and the 32 bytes, in hex, that they stand for."""
    bad = {
        "no multibase prefix": GOLDEN_PUBLIC_KEY[1:],
        "secret key": GOLDEN_KEY,
        "X25519 key": "z" + base58.encode(b"\xec\x01" + bytes(32)),
        "31 bytes": "z" + base58.encode(b"\xed\x01" + bytes(31)),
        "33 bytes": "z" + base58.encode(b"\xed\x01" + bytes(33)),
        "character outside the alphabet": GOLDEN_PUBLIC_KEY[:-1] + "l",
        "empty": "",
    } | {
        f"point of small order, {name}": "z" + base58.encode(b"\xed\x01" + key)
        for name, key in SMALL_ORDER.items()
    }
    key = (base58.decode(GOLDEN_PUBLIC_KEY[1:]) or b"")[2:].hex()
    return [
        vector("FEP-8b32 key", "K-01; FEP-521a", GOLDEN_PUBLIC_KEY, key),
        *(
            vector(name, f"K-0{8 if 'small' in name else 1}, V-16; FEP-521a", value, None)
            for name, value in bad.items()
        ),
    ]


def issue_cases() -> list[Vector]:
    """What is issued for an input, byte for byte; None when an issuer must refuse."""
    usual: dict[str, Any] = {
        "secret_key_multibase": GOLDEN_KEY,
        "kid": KID,
        "issuer": ISSUER,
        "digest": DIGEST,
        "checks": [{"alg": "pdq", "list": LIST}],
        "now": NOW,
        "jti": JTI,
        "lifetime": EXP - IAT,
    }
    refused: dict[str, dict[str, Any]] = {
        "lifetime over 30 days": {"lifetime": 30 * DAY + 1},
        "over before it is sent": {"lifetime": NOW - IAT},
        "no checks": {"checks": []},
        "nine checks": {"checks": usual["checks"] * 9},
        "jti of 15 bytes": {"jti": JTI[:20]},
        "key of another origin": {"kid": "https://evil.example/actor#att-2026-11"},
        "key over http": {"kid": KID.replace("https", "http")},
        "digest in upper case": {"digest": DIGEST.upper()},
        "over 2048 characters": {"checks": [{"alg": "pdq", "list": LIST + "x" * 1500}]},
    }
    return [
        vector("golden vector", "I-09, I-10; RFC 8785", usual, GOLDEN),
        vector("last second of the hour", "I-03", usual | {"now": IAT + 3599}, GOLDEN),
        *(vector(name, "I-08", usual | changed, None) for name, changed in refused.items()),
    ]


def expansion_cases() -> list[Vector]:
    """Documents and the IRIs that their properties still have as RDF, the context being inlined."""
    context = json.loads(CONTEXT.read_text())["@context"]
    multibase = "z" + base58.encode(b"\x12\x20" + bytes.fromhex(DIGEST[7:]))
    both = [GOLDEN, "data:application/jwt,a.b.c"]
    values: dict[str, tuple[str, dict[str, Any], dict[str, list[str]]]] = {
        "hash and attestation": (
            "P-02, F-01, F-02",
            {"hash": DIGEST, "attestation": GOLDEN},
            {PDNA + "hash": [DIGEST], PDNA + "attestation": [GOLDEN]},
        ),
        "array of attestations": ("P-02, V-04", {"attestation": both}, {PDNA + "attestation": both}),
        "mediaAttestation of an Announce": (
            "C-05",
            {"mediaAttestation": [GOLDEN]},
            {ASSAY + "mediaAttestation": [GOLDEN]},
        ),
        "the draft's own example is dropped": ("F-02", {"attestation": "1234567890"}, {}),
        "bare JWS is dropped": ("F-02", {"attestation": JWS}, {}),
        "digestMultibase in hash is dropped": ("F-01", {"hash": multibase}, {}),
        "undeclared term is dropped": ("P-02", {"digest": DIGEST}, {}),
    }
    return [
        vector(
            name,
            f"{clause}; FEP-b53d Context, RDFC-1.0",
            {"@context": context, "@id": "https://a.example/images/1"} | members,
            expected,
        )
        for name, (clause, members, expected) in values.items()
    ]
