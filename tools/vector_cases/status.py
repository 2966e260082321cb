"""Status list tokens, and what a verifier makes of one index."""

from __future__ import annotations

import zlib
from typing import Any

from vector_cases.tokens import CLAIMS, DAY, ENTRY, ISSUER, KID, NOW, Vector, actor, b64u, private_key, raw

URI = "https://relay.example/status-lists/1"
HEADER = {"alg": "EdDSA", "kid": KID, "typ": "statuslist+jwt"}
EXAMPLE = {"bits": 1, "lst": "eNrbuRgAAhcBXQ"}
"""The list of 16 statuses that the draft shows (4.2): the bytes b9 and a3."""
LIST = {"iss": ISSUER, "sub": URI, "iat": NOW - 60, "exp": NOW + DAY, "ttl": 3600, "status_list": EXAMPLE}


def signed(claims: dict[str, Any], header: dict[str, Any] | None = None, *, label: str = "relay") -> str:
    """A token with whatever claims and header, well signed by the key of a label."""
    parts = [
        {name: value for name, value in part.items() if value is not None}
        for part in (HEADER | (header or {}), LIST | claims)
    ]
    text = ".".join(b64u(raw(part)) for part in parts)
    return f"{text}.{b64u(private_key(label).sign(text.encode()))}"


def zipped(statuses: bytes) -> bytes:
    """The ZLIB form without compression (RFC 1950, RFC 1951 3.2.4): the same bytes by every library."""
    size = len(statuses).to_bytes(2, "little")
    stored = b"\x01" + size + bytes(255 - byte for byte in size) + statuses
    return b"\x78\x01" + stored + zlib.adler32(statuses).to_bytes(4, "big")


def case(name: str, clause: str, expected: str | None, token: str, **changed: Any) -> Vector:
    """A vector: the status at an index, null when the token is no list that may be used."""
    usual = {"token": token, "uri": URI, "issuer": ISSUER, "actor": actor(ENTRY), "index": 0, "now": NOW}
    return {"name": name, "clause": clause, "input": usual | changed, "expected": expected}


def status_cases() -> list[Vector]:
    """Tokens that are taken, and tokens that are not."""
    draft = "; draft-ietf-oauth-status-list "
    read, refused = f"W-06{draft}4.2", f"W-07{draft}8.3"
    good = signed({})
    wider = {2: b"\xc9", 4: b"\xc9\x00", 8: b"\xc9\x00\x02"}
    two, four, eight = (
        signed({"status_list": {"bits": bits, "lst": b64u(zipped(statuses))}})
        for bits, statuses in wider.items()
    )
    attestation = raw(CLAIMS)
    cut = good.split(".")
    stranger = {"id": "https://stranger.example/actor"}
    bad_claims: dict[str, dict[str, Any]] = {
        "of another address": {"sub": f"{URI}0"},
        "without an address": {"sub": None},
        "of another issuer": {"iss": "https://relay.example/other"},
        "expired": {"exp": NOW},
        "exp a fraction": {"exp": NOW + 9.5},
        "iat missing": {"iat": None},
        "iat in the future": {"iat": NOW + 301},
        "ttl of zero": {"ttl": 0},
        "ttl a string": {"ttl": "60"},
        "no list": {"status_list": None},
        "list a string": {"status_list": "x"},
        "three bits": {"status_list": EXAMPLE | {"bits": 3}},
        "bits a truth value": {"status_list": EXAMPLE | {"bits": True}},
        "bits missing": {"status_list": {"lst": EXAMPLE["lst"]}},
        "statuses a number": {"status_list": {"bits": 1, "lst": 5}},
        "statuses padded": {"status_list": {"bits": 1, "lst": "eNrbuRgAAhcBXQ=="}},
        "statuses not compressed": {"status_list": {"bits": 1, "lst": b64u(b"\xb9\xa3")}},
        "statuses cut short": {"status_list": {"bits": 1, "lst": b64u(zipped(b"\xb9\xa3")[:-1])}},
        "statuses with more behind": {"status_list": {"bits": 1, "lst": b64u(zipped(b"x") + b"y")}},
    }
    bad_headers: dict[str, dict[str, Any]] = {
        "alg none": {"alg": "none"},
        "typ of an attestation": {"typ": "media-attestation+jwt"},
        "typ JWT": {"typ": "JWT"},
        "typ missing": {"typ": None},
        "kid missing": {"kid": None},
        "a key that is not published": {"kid": f"{KID}-2"},
        "a key of another origin": {"kid": "https://stranger.example/actor#att-2026-11"},
        "crit": {"crit": ["b64"]},
        "a key in the header": {"jwk": {}},
    }
    return [
        case("standing", read, "standing", good, index=1),
        case("retracted", read, "revoked", good),
        case("last of a byte", read, "revoked", good, index=7),
        case("last of the list", read, "revoked", good, index=15),
        case("index behind the list", read, "unavailable", good, index=16),
        case("largest index", read, "unavailable", good, index=2**53 - 1),
        case("without iss", read, "revoked", signed({"iss": None})),
        case(
            "without exp and ttl", read, "standing", signed({"exp": None, "ttl": None}), index=1, now=NOW * 2
        ),
        case("iat as far ahead as clocks may be", read, "revoked", signed({"iat": NOW + 300})),
        case("alg Ed25519", read, "revoked", signed({}, {"alg": "Ed25519"})),
        case("two bits, not 0", read, "revoked", two, index=3),
        case("two bits, 0", read, "standing", two, index=2),
        case("four bits, not 0", read, "revoked", four, index=1),
        case("four bits, 0", read, "standing", four, index=2),
        case("eight bits, not 0", read, "revoked", eight, index=2),
        case("eight bits, 0", read, "standing", eight, index=1),
        *(case(name, refused, None, signed(claims)) for name, claims in bad_claims.items()),
        *(case(name, refused, None, signed({}, header)) for name, header in bad_headers.items()),
        case("signed by another key", refused, None, signed({}, label="stranger")),
        case(
            "a key that was revoked",
            refused,
            None,
            good,
            actor=actor(ENTRY | {"revoked": "2026-11-01T00:00:00Z"}),
        ),
        case("document of another actor", refused, None, good, actor=actor(ENTRY, **stranger)),
        case(
            "list on another origin",
            refused,
            None,
            signed({"sub": "https://stranger.example/1"}),
            uri="https://stranger.example/1",
        ),
        case("an attestation", refused, None, f"{cut[0]}.{b64u(attestation)}.{cut[2]}"),
        case("changed after signing", refused, None, good.replace(cut[1], signed({"ttl": 60}).split(".")[1])),
        case("two parts", refused, None, ".".join(cut[:2])),
        case("four parts", refused, None, f"{good}.x"),
        case("padding", refused, None, f"{good}="),
        case("claims an array", refused, None, f"{cut[0]}.{b64u(b'[]')}.{cut[2]}"),
        case("empty", refused, None, ""),
    ]
