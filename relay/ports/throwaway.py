"""Keys that are thrown away: those of the actors that the lab makes up for a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class Keys(Protocol):
    """The keys of one actor. They are in memory only."""

    @property
    def rsa(self) -> RSAPrivateKey:
        """Signs requests and documents."""

    @property
    def ed25519(self) -> Ed25519PrivateKey:
        """Signs attestations."""


class KeyMaker(Protocol):
    """Makes keys from the system's cryptographic generator. Safe in any thread; takes a tenth of a second or so."""

    def __call__(self) -> Keys:
        """Return new keys."""
