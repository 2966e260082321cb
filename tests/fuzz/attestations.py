"""Targets: attestations and the header that carries them."""

from __future__ import annotations

from mediaattest import (
    Verdict,
    decode_multikey,
    encode_multikey,
    format_header,
    from_multibase,
    origin_of,
    parse_header,
    to_data_url,
    to_multibase,
    unverified,
)
from mediaattest.data_url import MAX_LENGTH
from mediaattest.header import MAX_BYTES, MAX_TOKENS
from mediaattest.jws import decode_part, encode_part
from tests.fuzz.properties import holds, parts_of, text_of
from tests.unit.mediaattest.samples import ISSUER, MEDIA, NOW, check, digest_of, forge


def attestation_header(data: bytes) -> None:
    """The header: all or nothing, bounded, and written again as it was read."""
    value = text_of(data)
    tokens = parse_header(value)
    holds(len(tokens) <= MAX_TOKENS and (not tokens or len(value) <= MAX_BYTES), "the header is bounded")
    written = format_header(tokens)
    again = parse_header(written)
    holds(again == tokens[: len(again)] and len(written) <= MAX_BYTES, "what is written is read as the same")
    for token in tokens:
        unverified(to_data_url(token))
        holds(check(to_data_url(token)).verdict is not Verdict.MISSING, "a token is there")


def attestation(data: bytes) -> None:
    """A token as it came, and a header and claims under a good signature: nothing counts but what was stated."""
    text = text_of(data)
    check(text)
    _check_origin(text)
    header, claims = parts_of(data, 2)
    signed = forge(header, claims)
    found = check(signed)
    holds(found.verdict is Verdict.VALID or not found.valid, "there is one verdict that counts")
    if found.verdict is Verdict.VALID:
        stated = found.attestation
        holds(stated is not None and stated.issuer == ISSUER, "by the issuer whose key it is")
        holds(stated is not None and stated.digest == digest_of(MEDIA), "about these bytes")
        holds(stated is not None and stated.issued_at - 300 <= NOW < stated.expires_at, "now")
        holds(len(signed) <= MAX_LENGTH, "in a token that is not too long")
        holds(check(signed, received=MEDIA + b"x").verdict is Verdict.HASH_MISMATCH, "and about no others")


def _check_origin(text: str) -> None:
    origin = origin_of(text)
    holds(origin is None or origin_of(origin) == origin, "an origin is its own origin")
    claimed = unverified(text)
    if claimed is not None:
        holds(origin_of(claimed.issuer) == origin_of(claimed.kid), "issuer and key are on one origin")


def encodings(data: bytes) -> None:
    """Base64url, Base58, Multikeys and Multibase: one spelling each."""
    text = text_of(data)
    decoded = decode_part(text)
    holds(decoded is None or encode_part(decoded) == text, "base64url has one spelling")
    key = decode_multikey(text)
    holds(key is None or encode_multikey(key) == text, "a Multikey has one spelling")
    digest = from_multibase(text)
    holds(digest is None or to_multibase(digest) == text, "a digest has one spelling")
