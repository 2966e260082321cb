"""RsaSignature2017, the Linked Data signature of Mastodon and Misskey.

The signature covers the hash of its own options and the hash of the document without it, both as hex text
(FEP-ae0c, Linked Data Signatures; protocol.md 4.1). Putting documents in order is not done here: that takes an
engine and, for hostile ones, a process that can be killed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from relay.domain.hosts import MAX_URL, is_http_url, same_origin
from relay.protocol.keys import load_key, made_by
from relay.protocol.ldcontexts import IDENTITY, table
from relay.protocol.sigheader import strict_base64
from relay.protocol.unproven import Failure

if TYPE_CHECKING:
    from relay.domain.attachments import Document

Engine: TypeAlias = Literal["first", "second"]
"""Which of the two engines reads a document; the second is asked when a signature does not verify."""

_UNSIGNED: Final = frozenset({"type", "id", "signatureValue"})
_CONTEXT: Final = "https://w3id.org/identity/v1"
"""Under which the options are hashed. Fedify writes it down beside them; it says nothing that is not so anyway."""
_OPTIONS: Final = frozenset({"creator", "created", "expires", "nonce", "domain"})
"""Whatever else stood there would not be signed, or not be known to who verifies."""


@dataclass(frozen=True, slots=True)
class LdSignature:
    """A Linked Data signature that is right in all that can be seen without the key.

    `creator` is a key id; `expires` in seconds since 1970, None without limit; `value` the RSA signature.
    """

    creator: str
    expires: float | None
    value: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """What an engine made of a signed document: hashes in hex, and what it means.

    `compacted` is JSON: the signed statements under our own context (`ldmeaning.compacted`); `same` whether
    the document says just that to readers of plain JSON (`ldmeaning.is_same`).
    """

    document_hash: str
    options_hash: str
    same: bool
    compacted: bytes


def ld_signature(document: Document, actor: str, now: float) -> LdSignature | Failure:
    """The signature of a document by `actor` at `now`, in seconds since 1970. Total, nothing is verified."""
    signature = document.get("signature")
    if not isinstance(signature, dict):
        return Failure.UNSIGNED
    options = {name: value for name, value in signature.items() if name not in _UNSIGNED}
    if options.pop("@context", _CONTEXT) != _CONTEXT:
        return Failure.BAD_SIGNATURE
    if signature.get("type") != "RsaSignature2017" or not _OPTIONS.issuperset(options):
        return Failure.BAD_SIGNATURE
    if not all(isinstance(value, str) and len(value) <= MAX_URL for value in options.values()):
        return Failure.BAD_SIGNATURE
    creator, value = str(options.get("creator")), signature.get("signatureValue")
    if not is_http_url(creator) or not isinstance(value, str) or len(value) > MAX_URL:
        return Failure.BAD_SIGNATURE
    expires = None
    if "expires" in options:
        expires = moment(options["expires"])
        if expires is None:
            return Failure.BAD_SIGNATURE
        if expires <= now:
            return Failure.EXPIRED
    if not same_origin(creator, actor):
        return Failure.CREATOR_ORIGIN
    return LdSignature(creator, expires, strict_base64(value.replace("\n", "")))


def options_json(document: Document) -> bytes:
    """The options of a document's signature as JSON-LD: every member but type, id and value, under identity/v1."""
    signature = document.get("signature")
    options = signature.items() if isinstance(signature, dict) else ()
    members = {name: value for name, value in options if name in _OPTIONS}
    return orjson.dumps({"@context": orjson.Fragment(table(IDENTITY).json(members)), **members})


def verify_ld(signature: LdSignature, reading: Reading, key_pem: str) -> bool:
    """Whether the key made the signature: RSA PKCS #1 v1.5 with SHA-256 over both hashes in hex."""
    key = load_key(key_pem)
    message = f"{reading.options_hash}{reading.document_hash}".encode()
    return isinstance(key, RSAPublicKey) and made_by(key, signature.value, message, SHA256())


def moment(text: object) -> float | None:
    """Seconds since 1970 of an xsd:dateTime with time zone (XML Schema 1.1 part 2, 3.3.7), None for all else."""
    if not isinstance(text, str) or len(text) > 40 or "T" not in text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.timestamp() if found.tzinfo is not None and found.year > 1 else None
