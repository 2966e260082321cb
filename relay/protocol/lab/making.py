"""Test issuers and what they sign, good or bad.

A test issuer is marked twice: its actor document has `testIssuer`, and its tokens name no list but the lab's
(domain/lab/testing.py). Keys and token ids come from the caller: fixed ones for samples, random ones for all else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mediaattest import DEFAULT_LIFETIME, IssuerKey, describe_key
from mediaattest.data_url import PREFIX
from mediaattest.jws import TOKEN_TYPE, encode_part
from mediaattest.model import HOUR
from relay.domain.lab.testing import TEST_ISSUER, TEST_LIST
from relay.protocol.documents import AS2, NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Json = dict[str, Any]

METHOD: Final = "pdq"
"""The method that test tokens name."""

_TERMS: Final[Mapping[str, object]] = {
    "sec": "https://w3id.org/security#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "Multikey": "sec:Multikey",
    "assertionMethod": {"@id": "sec:assertionMethod", "@type": "@id", "@container": "@set"},
    "controller": {"@id": "sec:controller", "@type": "@id"},
    "publicKeyMultibase": {"@id": "sec:publicKeyMultibase", "@type": "sec:multibase"},
    "expires": {"@id": "sec:expiration", "@type": "xsd:dateTime"},
    "revoked": {"@id": "sec:revoked", "@type": "xsd:dateTime"},
    TEST_ISSUER: {"@id": f"{NAMESPACE}{TEST_ISSUER}", "@type": "xsd:boolean"},
}


@dataclass(frozen=True, slots=True)
class TestIssuer:
    """An issuer of the lab.

    `actor` is its id, https. `now` in seconds since 1970. `draw` gives 32 bytes for a label: always the same ones for
    what has to be the same each time, random ones otherwise.
    """

    __test__ = False

    actor: str
    now: int
    draw: Callable[[str], bytes]

    @property
    def kid(self) -> str:
        """The id of its key, which names the month (K-02)."""
        return f"{self.actor}#att-{datetime.fromtimestamp(self.now, UTC):%Y-%m}"

    def key(self, label: str = "key") -> Ed25519PrivateKey:
        """Its secret key; with another label a key that it does not publish."""
        return Ed25519PrivateKey.from_private_bytes(self.draw(label))

    def document(self, **changed: object) -> Json:
        """Its actor document; `changed` replaces members of the key in it."""
        public = self.key().public_key().public_bytes_raw()
        return {
            "@context": [AS2, dict(_TERMS)],
            "id": self.actor,
            "type": "Service",
            "preferredUsername": "test-issuer",
            "name": "Test issuer of a lab: believe nothing that it signs",
            "inbox": f"{self.actor}/inbox",
            "outbox": f"{self.actor}/outbox",
            TEST_ISSUER: True,
            "assertionMethod": [describe_key(IssuerKey(self.kid, self.actor, public)) | changed],
        }

    def header(self) -> Json:
        """The JOSE header of its tokens."""
        return {"alg": "EdDSA", "kid": self.kid, "typ": TOKEN_TYPE}

    def claims(self, digest: str, label: str) -> Json:
        """The claims of a good token about a hash string; `label` tells its `jti` from others."""
        issued = self.now - self.now % HOUR
        return {
            "chk": [{"alg": METHOD, "list": TEST_LIST}],
            "exp": issued + DEFAULT_LIFETIME,
            "iat": issued,
            "iss": self.actor,
            "jti": encode_part(self.draw(f"jti {label}")[:16]),
            "res": "no-match",
            "sub": digest,
        }

    def attestation(self, digest: str, label: str = "") -> str:
        """A good attestation string about a hash string."""
        return sign(self.header(), self.claims(digest, label or digest), self.key())


def sign(header: Json | bytes, claims: Json | bytes, key: Ed25519PrivateKey) -> str:
    """An attestation string with whatever header and claims, well signed. Bytes are taken as they are."""
    text = f"{_part(header)}.{_part(claims)}"
    return f"{PREFIX}{text}.{encode_part(key.sign(text.encode('ascii')))}"


def _part(value: Json | bytes) -> str:
    return encode_part(
        value if isinstance(value, bytes) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    )
