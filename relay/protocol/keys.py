"""Public keys: those that we accept, from PEM and from Multikeys, and whether one made a signature.

RSA keys have 2048 to 8192 bits: smaller ones are within reach of factoring (NIST SP 800-131A), larger ones
cost us too much to check, and no server in the recordings has one. Ed25519 keys have one size.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from mediaattest import base58

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

PublicKey: TypeAlias = RSAPublicKey | Ed25519PublicKey

MIN_KEY_BITS: Final = 2048
MAX_KEY_BITS: Final = 8192

MAX_PEM: Final = 8192
"""Characters of the longest PEM that is looked at, or kept."""

_MAX_MULTIKEY: Final = 1536
"""Characters of the largest RSA key of `MAX_KEY_BITS`, and some more."""
_ED25519: Final = b"\xed\x01"  # Multicodec ed25519-pub (0xed) and rsa-pub (0x1205), as varints
_RSA: Final = b"\x85\x24"
_LOADED: Final = (ValueError, UnsupportedAlgorithm)
_PADDING: Final = PKCS1v15()


def load_key(pem: str) -> PublicKey | None:
    """The public key in a PEM (PKCS#1 or SubjectPublicKeyInfo) if it is one that we accept. Total."""
    return _loaded(pem) if len(pem) <= MAX_PEM else None


@lru_cache(maxsize=4096)
def _loaded(pem: str) -> PublicKey | None:
    try:
        return _accepted(load_pem_public_key(pem.encode(errors="replace")))
    except _LOADED:
        return None


def pem_of_multikey(text: str) -> str | None:
    """The PEM (SubjectPublicKeyInfo) of a `publicKeyMultibase` if it is a key that we accept. Total.

    FEP-521a: base58btc of the Multicodec prefix and the key: 32 bytes of Ed25519 (`z6Mk...`), or an RSA key
    as PKCS#1 DER (`z4MX...`, `zgghB...`).
    """
    data = base58.decode(text[1:], longest=_MAX_MULTIKEY) if text.startswith("z") else None
    if data is None:
        return None
    prefix, material = data[:2], data[2:]
    try:
        if prefix == _ED25519:
            key = _accepted(Ed25519PublicKey.from_public_bytes(material))
        elif prefix == _RSA:
            key = _accepted(load_der_public_key(material))
        else:
            return None
    except _LOADED:
        return None
    if key is None:
        return None
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def made_by(key: PublicKey, signature: bytes, message: bytes, digest: HashAlgorithm) -> bool:
    """Whether the key made the signature: RSA PKCS #1 v1.5 with `digest`, or Ed25519, which has its own."""
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signature, message, _PADDING, digest)
        else:
            key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _accepted(key: object) -> PublicKey | None:
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, RSAPublicKey) and MIN_KEY_BITS <= key.key_size <= MAX_KEY_BITS:
        return key
    return None
