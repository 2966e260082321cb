"""Actors for the oracles: keys of both kinds, and the document in which others find them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mediaattest import IssuerKey, describe_key
from relay.protocol.documents import AS2, SECURITY, relay_actor
from tests.fakes import pem_of, private_pem, rsa_key

RELAY = "https://relay.test"
DID = "https://www.w3.org/ns/did/v1"
MULTIKEY = "https://w3id.org/security/multikey/v1"


@dataclass(frozen=True)
class Author:
    """Somebody with an RSA key `#main-key` and an Ed25519 key `#ed25519-key` (FEP-521a)."""

    id: str
    number: int = 0

    @property
    def key_id(self) -> str:
        return f"{self.id}#main-key"

    @property
    def proof_key_id(self) -> str:
        return f"{self.id}#ed25519-key"

    @property
    def rsa_pem(self) -> str:
        return private_pem(rsa_key(self.number)).decode()

    @property
    def public_pem(self) -> str:
        return pem_of(rsa_key(self.number))

    @property
    def ed25519_pem(self) -> str:
        return ed25519_key(self.id).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def document(self) -> dict[str, Any]:
        """The actor as its server would answer."""
        public = ed25519_key(self.id).public_key().public_bytes_raw()
        return {
            "@context": [AS2, SECURITY, DID, MULTIKEY],
            "id": self.id,
            "type": "Person",
            "preferredUsername": "alice",
            "inbox": f"{self.id}/inbox",
            "outbox": f"{self.id}/outbox",
            "publicKey": {
                "id": self.key_id,
                "type": "CryptographicKey",
                "owner": self.id,
                "publicKeyPem": self.public_pem,
            },
            "assertionMethod": [describe_key(IssuerKey(self.proof_key_id, self.id, public))],
        }


@cache
def ed25519_key(owner: str) -> Ed25519PrivateKey:
    """One key for each owner."""
    return Ed25519PrivateKey.generate()


def our_actor(number: int = 0) -> dict[str, Any]:
    """The relay's own actor, as it publishes it."""
    public = ed25519_key(f"{RELAY}/actor").public_key().public_bytes_raw()
    return relay_actor(
        url=RELAY,
        name="Relay",
        summary="",
        public_key_pem=pem_of(rsa_key(number)),
        assertion_methods=[describe_key(IssuerKey(f"{RELAY}/actor#att-1", f"{RELAY}/actor", public))],
        implements=[("https://example.org/specification", "A specification")],
    )
