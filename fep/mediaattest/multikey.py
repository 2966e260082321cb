"""Ed25519 public keys as Multikeys: `z`, base58btc, prefix 0xed01, 32 bytes (FEP-521a; CID 1.0 2.2.2)."""

from __future__ import annotations

from typing import Final

from mediaattest import base58

_ED25519_PUBLIC: Final = b"\xed\x01"
_KEY_BYTES: Final = 32

_SMALL_ORDER: Final = frozenset(
    bytes.fromhex(y)
    for y in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)
"""The eight points whose order divides 8, in every spelling, sign bit cleared. RFC 8032 5.1.7 lets them verify: under
such a key anybody makes signatures without a secret, for the neutral element even one that fits every text."""


def encode_multikey(public_key: bytes) -> str:
    """The `publicKeyMultibase` of a raw Ed25519 public key of 32 bytes.

    Raises ValueError for another number of bytes, and for a point of small order.
    """
    if len(public_key) != _KEY_BYTES:
        raise ValueError("an Ed25519 public key has 32 bytes")
    if _has_small_order(public_key):
        raise ValueError("a point of small order is nobody's key")
    return "z" + base58.encode(_ED25519_PUBLIC + public_key)


def decode_multikey(text: str) -> bytes | None:
    """The 32 raw bytes of a `publicKeyMultibase`, or None when it is not an Ed25519 Multikey.

    A point of small order is none: no secret belongs to it (profile K-08).
    """
    if not text.startswith("z"):
        return None
    data = base58.decode(text[1:])
    if data is None or len(data) != len(_ED25519_PUBLIC) + _KEY_BYTES or not data.startswith(_ED25519_PUBLIC):
        return None
    key = data[len(_ED25519_PUBLIC) :]
    return None if _has_small_order(key) else key


def _has_small_order(key: bytes) -> bool:
    return key[:-1] + bytes([key[-1] & 0x7F]) in _SMALL_ORDER
