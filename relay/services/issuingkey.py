"""The key that signs what the relay states about media: attestations, and the lists of those that were retracted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class IssuingKey:
    """The key that signs our attestations: its id in the actor, the key, and its name."""

    kid: str
    private: Ed25519PrivateKey
    name: str
