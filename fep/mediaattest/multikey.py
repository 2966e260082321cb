"""Ed25519 public keys as Multikeys: `z`, base58btc, prefix 0xed01, 32 bytes (FEP-521a; CID 1.0 2.2.2)."""

from __future__ import annotations

from typing import Final

from mediaattest import base58

_ED25519_PUBLIC: Final = b"\xed\x01"
_KEY_BYTES: Final = 32


def encode_multikey(public_key: bytes) -> str:
    """The `publicKeyMultibase` of a raw Ed25519 public key of 32 bytes.

    Raises ValueError for another number of bytes.
    """
    if len(public_key) != _KEY_BYTES:
        raise ValueError("an Ed25519 public key has 32 bytes")
    return "z" + base58.encode(_ED25519_PUBLIC + public_key)


def decode_multikey(text: str) -> bytes | None:
    """The 32 raw bytes of a `publicKeyMultibase`, or None when it is not an Ed25519 Multikey."""
    if not text.startswith("z"):
        return None
    data = base58.decode(text[1:])
    if data is None or len(data) != len(_ED25519_PUBLIC) + _KEY_BYTES or not data.startswith(_ED25519_PUBLIC):
        return None
    return data[len(_ED25519_PUBLIC) :]
