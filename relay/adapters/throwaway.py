"""Keys for actors that live as long as a run of the lab: in memory, never written, never used again."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key


@dataclass(frozen=True, slots=True)
class ThrowAwayKeys:
    """Port `Keys`."""

    rsa: RSAPrivateKey
    ed25519: Ed25519PrivateKey


def make_keys() -> ThrowAwayKeys:
    """Port `KeyMaker`."""
    return ThrowAwayKeys(
        generate_private_key(public_exponent=65537, key_size=2048), Ed25519PrivateKey.generate()
    )
