"""Public keys in PEM, of the two kinds that sign documents."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from relay.protocol.httpsig import is_usable_key

_MAX_PEM: Final = 4096


@lru_cache(maxsize=4096)
def public_key(pem: str) -> RSAPublicKey | Ed25519PublicKey | None:
    """The key in SPKI PEM: RSA of a size that is accepted, or Ed25519; None for all else. Total."""
    if len(pem) > _MAX_PEM:
        return None
    try:
        key = load_pem_public_key(pem.encode(errors="replace"))
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, Ed25519PublicKey):
        return key
    return key if isinstance(key, RSAPublicKey) and is_usable_key(pem) else None
