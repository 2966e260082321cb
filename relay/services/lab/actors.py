"""The actors of the lab: a document, keys that are thrown away, and a hand that signs with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mediaattest import DEFAULT_LIFETIME, Check, IssuerKey, describe_key, issue
from relay.domain.attestkey import new_key_name
from relay.protocol.documents import AS2, SECURITY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from relay.ports import Clock
    from relay.ports.throwaway import Keys
    from relay.protocol.documents import Json

_TERMS: Final = {
    # FEP-521a, Controlled Identifiers 1.0
    "sec": "https://w3id.org/security#",
    "Multikey": "sec:Multikey",
    "assertionMethod": {"@id": "sec:assertionMethod", "@type": "@id", "@container": "@set"},
    "controller": {"@id": "sec:controller", "@type": "@id"},
    "publicKeyMultibase": {"@id": "sec:publicKeyMultibase", "@type": "sec:multibase"},
    # Test issuers say so (attestation.md: they count for nothing outside of the lab)
    "assay": "https://w3id.org/assay/ns#",
    "test": "assay:test",
}


class LabActor:
    """An actor at `server` (an origin without a slash at the end) under `path`. Implements the port `Signer`.

    Its keys can be exchanged while it lives; the ids of the keys stay.
    """

    def __init__(self, server: str, path: str, kind: str, name: str, keys: Keys, clock: Clock) -> None:
        self.server, self.path, self.kind, self.name = server, path, kind, name
        self.keys, self._clock = keys, clock
        self._issues_as = new_key_name(clock.now(), frozenset())

    @property
    def id(self) -> str:
        """The actor's id."""
        return f"{self.server}{self.path}"

    @property
    def inbox(self) -> str:
        """Its own inbox."""
        return f"{self.id}/inbox"

    @property
    def followers(self) -> str:
        """Its followers collection."""
        return f"{self.id}/followers"

    @property
    def key_id(self) -> str:
        """The id of the key that signs its requests."""
        return f"{self.id}#main-key"

    @property
    def issuer(self) -> str:
        """Its id as an issuer. A stage on plain http cannot be one: then nobody finds this id (ADR 0007)."""
        return f"https://{self.id.partition('://')[2]}"

    @property
    def attestation_key_id(self) -> str:
        """The id of the key that signs its attestations."""
        return f"{self.issuer}#{self._issues_as}"

    @property
    def public_pem(self) -> str:
        """The public half of the key that signs requests."""
        public = self.keys.rsa.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    async def sign_many(self, messages: Sequence[bytes]) -> list[bytes]:
        """Return the signatures of `messages`, in their order: the few of a run need no processes."""
        return [self.sign(message) for message in messages]

    def sign(self, message: bytes) -> bytes:
        """Sign with RSA PKCS #1 v1.5 and SHA-256."""
        return self.keys.rsa.sign(message, PKCS1v15(), SHA256())

    def document(self) -> Json:
        """Return the actor's document (ActivityPub 4.1), marked as a test."""
        public = self.keys.ed25519.public_key().public_bytes_raw()
        return {
            "@context": [AS2, SECURITY, _TERMS],
            "id": self.id,
            "type": self.kind,
            "preferredUsername": self.name,
            "name": f"{self.name} (a test by the Assay lab)",
            "summary": "Made for one run of a conformance test and gone after it.",
            "inbox": self.inbox,
            "outbox": f"{self.id}/outbox",
            "followers": self.followers,
            "following": f"{self.id}/following",
            "endpoints": {"sharedInbox": f"{self.server}/inbox"},
            "publicKey": {"id": self.key_id, "owner": self.id, "publicKeyPem": self.public_pem},
            "assertionMethod": [describe_key(IssuerKey(self.attestation_key_id, self.issuer, public))],
            "test": True,
        }

    def attest(
        self,
        digest: str,
        *,
        at: float | None = None,
        lifetime: int = DEFAULT_LIFETIME,
        key: Ed25519PrivateKey | None = None,
    ) -> str:
        """Return an attestation string about a hash string, in this actor's name.

        `at` in seconds since 1970 in place of now: long enough ago, and it has expired. `key` in place of its own
        forges one.
        """
        return issue(
            private_key=key or self.keys.ed25519,
            kid=self.attestation_key_id,
            issuer=self.issuer,
            digest=digest,
            checks=[Check("sha256", f"{self.issuer.rpartition(self.path)[0]}/lists/test")],
            now=int(self._clock.now() if at is None else at),
            jti=self._clock.token(16),
            lifetime=lifetime,
        )
