"""The actors of the demo's servers: a document, a key, and a hand that signs with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from mediaattest import Check, IssuerKey, describe_key, digest_of, issue
from relay.adapters.keys import public_pem
from relay.protocol.documents import AS2, SECURITY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from relay.ports import Clock

_TERMS: Final = {
    # FEP-521a, Controlled Identifiers 1.0
    "sec": "https://w3id.org/security#",
    "Multikey": "sec:Multikey",
    "assertionMethod": {"@id": "sec:assertionMethod", "@type": "@id", "@container": "@set"},
    "controller": {"@id": "sec:controller", "@type": "@id"},
    "publicKeyMultibase": {"@id": "sec:publicKeyMultibase", "@type": "sec:multibase"},
}


class HandSigner:
    """Port `Signer` with a key in memory: the few requests of a demo need no processes."""

    def __init__(self, key_id: str, key: RSAPrivateKey) -> None:
        self._key_id, self._key = key_id, key

    @property
    def key_id(self) -> str:
        """The URL under which the public key is published, or is claimed to be."""
        return self._key_id

    async def sign_many(self, messages: Sequence[bytes]) -> list[bytes]:
        """Return the signatures of `messages`, in their order."""
        return [self._key.sign(message, PKCS1v15(), SHA256()) for message in messages]


@dataclass(frozen=True, slots=True)
class DemoActor:
    """An actor at `server` (an origin) under `path`; `issues` is the key with which it attests, if it does."""

    server: str
    path: str
    type: str
    name: str
    key: RSAPrivateKey
    issues: Ed25519PrivateKey | None = None

    @property
    def id(self) -> str:
        """The actor's id."""
        return f"{self.server}{self.path}"

    @property
    def key_id(self) -> str:
        """The id of the key that signs its requests."""
        return f"{self.id}#main-key"

    @property
    def attestation_key_id(self) -> str:
        """The id of the key that signs its attestations."""
        return f"{self.id}#att-1"

    def signer(self) -> HandSigner:
        """Return its hand."""
        return HandSigner(self.key_id, self.key)

    def document(self) -> dict[str, Any]:
        """Return the actor's document (ActivityPub 4.1); its inbox is the server's."""
        document: dict[str, Any] = {
            "@context": [AS2, SECURITY, _TERMS],
            "id": self.id,
            "type": self.type,
            "preferredUsername": self.name,
            "inbox": f"{self.server}/inbox",
            "publicKey": {
                "id": self.key_id,
                "owner": self.id,
                "publicKeyPem": public_pem(self.key.public_key()),
            },
        }
        if self.issues is not None:
            public = self.issues.public_key().public_bytes_raw()
            document["assertionMethod"] = [describe_key(IssuerKey(self.attestation_key_id, self.id, public))]
        return document

    def attest(self, content: bytes, clock: Clock, *, key: Ed25519PrivateKey | None = None) -> str:
        """Return an attestation of some bytes in this actor's name; `key` in place of its own forges one."""
        signing = key or self.issues
        if signing is None:
            raise ValueError(f"{self.id} issues no attestations")
        return issue(
            private_key=signing,
            kid=self.attestation_key_id,
            issuer=self.id,
            digest=digest_of(content),
            checks=[Check("pdq", f"{self.server}/lists/demo")],
            now=int(clock.now()),
            jti=clock.token(16),
        )
