"""Attestations for two libraries to judge: well made ones, and ones with something wrong at any place.

What is wrong is put into the raw JSON text and signed again, so that it reaches the step that it is about; the rest is
damage to the finished string, to the actor document, and to what the verifier knows.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

from mediaattest import IssuerKey, describe_key, digest_of
from mediaattest.jws import encode_part

if TYPE_CHECKING:
    from collections.abc import Callable

ISSUER: Final = "https://relay.example/actor"
KID: Final = f"{ISSUER}#att-2026-11"
LIST: Final = "https://relay.example/lists/1"
MEDIA: Final = b"hello media attestation\n"
DIGEST: Final = digest_of(MEDIA)
NOW: Final = 1795300000
IAT: Final = NOW - NOW % 3600
SEED: Final = hashlib.sha256(b"between two libraries").digest()
KEY: Final = Ed25519PrivateKey.from_private_bytes(SEED)
ENTRY: Final = describe_key(IssuerKey(KID, ISSUER, KEY.public_key().public_bytes_raw()))
TEXT: Final = {
    "alg": '"EdDSA"',
    "kid": f'"{KID}"',
    "typ": '"media-attestation+jwt"',
    "iss": f'"{ISSUER}"',
    "sub": f'"{DIGEST}"',
    "iat": str(IAT),
    "exp": str(IAT + 86400),
    "jti": '"q83vEjRWeJCrze8SNFZ4kA"',
    "res": '"no-match"',
    "chk": f'[{{"alg":"pdq","list":"{LIST}"}}]',
}
"""The raw JSON of each member of header and claims."""
HEADER: Final = ("alg", "kid", "typ")
OPTIONAL: Final = ("alt", "med", "status", "aud", "nbf", "crit", "jwk", "x5t#S256", "__proto__", "note", "é")

ORIGINS: Final = [
    "https://relay.example",
    "https://RELAY.example:443/actor#x",
    "https://relay.example:8443/actor",
    "https://relay.example:0443/actor",
    "https://relay.example:99999/actor",
    "https://relay.example:/actor",
    "https://relay.example./actor",
    "https://user@relay.example/actor",
    "https://relay.example\\@evil.example/",
    "https://relay.example/actor%2",
    "https://relay.example/actor%2f?a=b#c?d",
    "https://relay.example#a#b",
    "https://relay.example/é",
    "https://relay.example/ ",
    "https://relay.example/\n",
    "\nhttps://relay.example/",
    "https://[::1]:1/actor",
    "https://[::1/actor",
    "https://127.1/actor",
    "https://under_score.example/",
    "HTTPS://relay.example/actor",
    "http://relay.example/actor",
    "https:///actor",
    "https:relay.example",
    "urn:x",
    "",
]
TIMES: Final = [
    None,
    0,
    True,
    "",
    "2026-11-21T00:00:00Z",
    "2026-11-21T22:26:40Z",
    "2026-11-21T22:26:41Z",
    "2026-11-21T22:26:40.999999999Z",
    "2026-11-21T23:26:41.5+01:00",
    "2026-11-21T08:26:41-14:00",
    "2030-02-29T00:00:00Z",
    "2028-02-29T00:00:00Z",
    "2030-01-01T24:00:00Z",
    "2030-01-01T23:59:60Z",
    "2030-01-01T00:00:00+14:01",
    "2030-01-01T00:00:00+01:99",
    "2030-01-01T00:00:00-00:00",
    "2030-01-01T00:00:00",
    "2030-01-01t00:00:00z",
    "2030-01-01 00:00:00Z",
    "2030-01-01T00:00:00.Z",
    "2030-01-01T00:00Z",
    "0000-01-01T00:00:00Z",
    "0099-01-01T00:00:00Z",
    "9999-12-31T23:59:59.9999999-14:00",
    "12030-01-01T00:00:00Z",
    "\uff12\uff10\uff13\uff10-01-01T00:00:00Z",
    "2030-01-01T00:00:00Z\n",
    ["2030-01-01T00:00:00Z"],
]
RAW: Final = [
    "null",
    "true",
    "0",
    "-0",
    "-1",
    "1.0",
    f"{IAT}.0",
    f"{IAT + 60}",
    f"{IAT + 60}e0",
    f"{IAT + 30 * 86400}",
    f"{IAT + 30 * 86400 + 1}",
    "1e3",
    "-1e-400",
    "9" * 308,
    "9007199254740991",
    "9007199254740992",
    '""',
    '"x"',
    '"\\u0061"',
    '"\\ud83d\\ude00"',
    '"\\/"',
    '"\x7f"',
    '"\u2028"',
    "[]",
    "{}",
    "[{}]",
    "[" * 30 + "]" * 30,
    '"match"',
    '"no-match "',
    '"q83vEjRWeJCrze8SNFZ4kB"',
    '"q83vEjRWeJCrze8SNFZ4kA=="',
    '"q83vEjRWeJCrze8SNFZ4"',
    f'[{{"alg":"pdq","list":"{LIST}","at":1.0}}]',
    f'[{{"alg":"pdq","list":"{LIST}","at":null}}]',
    f'[{{"alg":"pdq","list":"{LIST}","at":0,"note":[]}}]',
    f'[{{"alg":"PDQ","list":"{LIST}"}}]',
    f'[{{"alg":"{"p" * 32}","list":"{LIST}x"}},{{"alg":"pdq","list":"{LIST}"}}]',
    f'[{{"alg":"{"p" * 33}","list":"{LIST}"}}]',
    '{"sha512":"' + "ab" * 64 + '","10":"' + "0a" * 16 + '","9":"' + "00" * 128 + '"}',
    '{"sha512":"abc"}',
    '{"__proto__":"' + "ab" * 16 + '"}',
    '{"type":"image/png","size":0}',
    '{"type":"image/png\\n","size":1}',
    '{"type":"image/svg+xml","size":1e2}',
    f'{{"status_list":{{"uri":"{LIST}","idx":7}}}}',
    f'{{"status_list":{{"uri":"{LIST}","idx":-0}}}}',
    f'{{"status_list":[{{"uri":"{LIST}","idx":7}}]}}',
    '"Ed25519"',
    '"JWT"',
    f'"sha256:{"0" * 64}"',
    f'"sha256:{"0" * 64}\\n"',
]
"""Values that a strict reader reads, most of which some claim must not have."""
REFUSED: Final = [
    "1E400",
    "9" * 309,
    "1" * 400,
    "-" + "9" * 400,
    "01",
    "1.",
    "+1",
    "NaN",
    "-Infinity",
    '"\\ud800"',
    '"\\ude00\\ud83d"',
    '"\\x"',
    '"\t"',
    '{"a":1,"\\u0061":2}',
    '{"a":1,}',
    "[1,]",
    "[" * 62 + "]" * 62,
    "[" * 70 + "]" * 70,
    '"' + "[{" * 40 + '"',
]
"""What a strict reader refuses, or nearly."""

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
written = st.sampled_from([json.dumps, partial(json.dumps, ensure_ascii=False)])
raw_values = st.one_of(
    st.sampled_from(RAW),
    st.sampled_from(RAW),
    st.sampled_from(ORIGINS).map(json.dumps),
    st.builds(lambda write, value: str(write(value)), written, json_values),
    st.sampled_from(REFUSED),
)
names = st.sampled_from([*TEXT, *OPTIONAL])


def spoilt(data: bytes, at: int, how: str, byte: int) -> bytes:
    """Some bytes with one of them replaced, left out, doubled or put before."""
    at %= len(data) + 1
    put = {
        "replace": bytes([byte]),
        "drop": b"",
        "double": data[at : at + 1] * 2,
        "insert": bytes([byte]) + data[at : at + 1],
    }
    return data[:at] + put[how] + data[at + 1 :]


spoiling = st.tuples(
    st.integers(0, 1000), st.sampled_from(["replace", "drop", "double", "insert"]), st.integers(0, 255)
)


@st.composite
def tokens(draw: Callable[[Any], Any]) -> Any:
    """Attestation strings that are good but for one or two members, or for a byte."""
    members: list[tuple[str, str]] = [*TEXT.items()]
    for name, value in draw(st.lists(st.tuples(names, raw_values), max_size=2)):
        how = draw(st.sampled_from(["set"] * 8 + ["again", "drop"]))
        members = members if how == "again" else [one for one in members if one[0] != name]
        members = members if how == "drop" else [*members, (name, value)]
    space = draw(st.sampled_from([""] * 10 + [" ", "\n\t", "\r", "\u00a0", "\ufeff"]))
    in_header = {*HEADER, "crit", "jwk", "x5t#S256"}
    parts = []
    for wanted in (True, False):
        chosen = [
            f"{json.dumps(name, ensure_ascii=False)}:{value}"
            for name, value in members
            if (name in in_header) is wanted
        ]
        parts.append((space + "{" + ("," + space).join(chosen) + "}").encode("utf-8", "surrogatepass"))
    if draw(st.integers(0, 9)) == 0:
        which = draw(st.integers(0, 1))
        parts[which] = spoilt(parts[which], *draw(spoiling))
    signing_input = ".".join(map(encode_part, parts))
    text = f"data:application/jwt,{signing_input}.{encode_part(KEY.sign(signing_input.encode()))}"
    if draw(st.integers(0, 9)) == 0:
        return spoilt(text.encode(), *draw(spoiling)).decode("latin-1")
    return text


@st.composite
def actors(draw: Callable[[Any], Any]) -> Any:
    """What an issuer's server may have answered, by issuer."""
    entry = dict(ENTRY)
    for name in draw(st.sampled_from([[], [], [], ["expires"], ["revoked"], ["expires", "revoked"]])):
        entry[name] = draw(st.sampled_from(TIMES))
    if draw(st.integers(0, 7)) == 0:
        entry[draw(st.sampled_from(sorted(ENTRY)))] = draw(json_values | st.sampled_from(ORIGINS))
    listed = draw(
        st.sampled_from([*[[entry]] * 8, entry, [entry, "x", None], [entry, dict(ENTRY)], [[entry]]])
    )
    actor = {"id": draw(st.sampled_from([ISSUER] * 9 + [f"{ISSUER}/"])), "assertionMethod": listed}
    return draw(st.sampled_from([{ISSUER: actor}] * 16 + [{ISSUER: None}, {}]))


@st.composite
def circumstances(draw: Callable[[Any], Any]) -> dict[str, Any]:
    """All that a verification is given besides the attestation, in JSON."""
    usually = st.sampled_from
    return {
        "received": draw(usually([DIGEST] * 9 + ["sha256:" + "0" * 64])),
        "actors": draw(actors()),
        "trusted_issuers": draw(usually([[ISSUER]] * 7 + [[], ORIGINS])),
        "accepted_lists": draw(usually([[LIST], [LIST], None, [], [f"{LIST}x"]])),
        "now": draw(usually([NOW] * 8 + [IAT - 300, IAT - 301, IAT + 86399, IAT + 86400])),
        "declared_hashes": draw(usually([[]] * 5 + [[DIGEST], ["x", DIGEST], ["x"], ["z" + "1" * 200]])),
        "object_origin": draw(st.none() | usually(ORIGINS)),
        "status": draw(usually([None, None, None, "standing", "revoked", "unavailable"])),
    }


ALGORITHMS: Final = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,9}", fullmatch=True)
SAME_ORIGIN: Final = st.sampled_from([ISSUER, f"{ISSUER}?x=%20#y", "https://RELAY.example:443"])
ODD: Final[dict[str, Any]] = {
    "kid": st.sampled_from(ORIGINS),
    "issuer": st.sampled_from(ORIGINS),
    "digest": st.sampled_from([DIGEST.upper(), DIGEST[7:], ""]),
    "checks": st.lists(
        st.tuples(st.text(max_size=3), st.sampled_from(ORIGINS), st.integers(-1, 2**53)), max_size=9
    ),
    "jti": st.binary(max_size=17).map(bytes.hex),
    "lifetime": st.sampled_from([-1, 0, 1, 3599, 30 * 86400 + 1]),
    "alternatives": st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    "medium": st.tuples(st.text(max_size=9), st.integers(-1, 2**53)),
    "status": st.tuples(st.sampled_from(ORIGINS), st.integers(-1, 2**53)),
}
"""What an issuer mostly has to refuse."""


@st.composite
def statements(draw: Callable[[Any], Any]) -> dict[str, Any]:
    """What somebody may ask `issue` for, in JSON: in order, but for one thing in every third."""
    check = st.tuples(ALGORITHMS, st.sampled_from([LIST, f"{LIST}/2"]), st.none() | st.integers(0, 2**53 - 1))
    hexes = st.binary(min_size=16, max_size=64).map(bytes.hex)
    kinds = st.sampled_from(["image/png", "video/mp4", "image/svg+xml"])
    asked = {
        "seed": SEED.hex(),
        "kid": draw(SAME_ORIGIN),
        "issuer": draw(SAME_ORIGIN),
        "digest": f"sha256:{draw(st.binary(min_size=32, max_size=32)).hex()}",
        "checks": draw(st.lists(check, min_size=1, max_size=8)),
        "now": draw(st.integers(0, 10**10)),
        "jti": draw(st.binary(min_size=16, max_size=16)).hex(),
        "lifetime": draw(st.integers(3600, 30 * 86400)),
        "alternatives": draw(st.dictionaries(ALGORITHMS, hexes, max_size=8)),
        "medium": draw(st.none() | st.tuples(kinds, st.integers(0, 2**53 - 1))),
        "status": draw(st.none() | st.tuples(SAME_ORIGIN, st.integers(0, 2**53 - 1))),
    }
    for name in draw(
        st.sampled_from([[], [], [], *([name] for name in ODD)]) if draw(st.booleans()) else st.just([])
    ):
        asked[name] = draw(ODD[name])
    return asked
