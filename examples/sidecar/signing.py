"""HTTP signatures of draft-cavage-http-signatures-12 with an RSA key: what servers and relays understand."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Signer:
    """Signs as one actor of the server: `key_id` is what its actor document calls the key, `now` reads the clock."""

    key_id: str
    key: RSAPrivateKey
    now: Callable[[], float]

    @classmethod
    def load(cls, key_id: str, pem: bytes, now: Callable[[], float]) -> Signer:
        """A signer from a private key in PEM. Raises TypeError for one that is not RSA."""
        key = load_pem_private_key(pem, None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError("the key is not an RSA key")
        return cls(key_id, key, now)

    def headers(self, method: str, url: str, body: bytes = b"", kind: str = "") -> dict[str, str]:
        """The headers of a request, its signature among them."""
        parts = urlsplit(url)
        headers = {"host": parts.netloc, "date": formatdate(self.now(), usegmt=True)}
        if method == "POST":
            digest = b64encode(hashlib.sha256(body).digest()).decode()
            headers |= {"digest": f"SHA-256={digest}", "content-type": kind}
        lines = [f"(request-target): {method.lower()} {parts.path}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        signature = b64encode(self.key.sign("\n".join(lines).encode(), PKCS1v15(), SHA256())).decode()
        covered = " ".join(["(request-target)", *headers])
        return headers | {
            "signature": (
                f'keyId="{self.key_id}",algorithm="rsa-sha256",headers="{covered}",signature="{signature}"'
            )
        }
