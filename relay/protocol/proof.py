"""Integrity proofs of FEP-8b32: `DataIntegrityProof` with the cryptosuite `eddsa-jcs-2022`.

The proof covers the document as JSON, put in order by JCS (RFC 8785): what every reader reads is what was signed, and
no context plays a part but as text. VC Data Integrity EdDSA Cryptosuites 1.0, 3.3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from mediaattest import base58
from relay.domain.attachments import flat
from relay.domain.hosts import is_http_url, same_origin
from relay.protocol.keys import load_key, made_by
from relay.protocol.ldsig import moment
from relay.protocol.unproven import Failure

if TYPE_CHECKING:
    from relay.domain.attachments import Document

MAX_AHEAD: Final = 3600.0
"""Seconds by which a proof may be from the future: clocks differ (protocol.md 3.2)."""
MAX_PROOFS: Final = 8

_BESIDE: Final = frozenset({"proof", "signature"})
"""Not part of what is proven; FEP-8b32 adds the proof before a Linked Data signature, which is removed first."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that is right in all that can be seen without the key.

    `key_id` is the verification method; `expires` in seconds since 1970, None without limit; `message` what was
    signed (3.3.4: the hash of the options and the hash of the document); `document` the secured document.
    """

    key_id: str
    expires: float | None
    value: bytes
    message: bytes
    document: Document


def integrity_proof(document: Document, actor: str, now: float) -> Proof | Failure:
    """The proof of a document by `actor` at `now`, in seconds since 1970. Total, nothing is verified.

    Of several the first of a known suite counts. FEP-8b32, Proof verification; VC Data Integrity 1.0 4.4.
    """
    proofs = [one for one in flat(document.get("proof")) if isinstance(one, Mapping)][:MAX_PROOFS]
    if not proofs:
        return Failure.UNSIGNED
    known = [one for one in proofs if one.get("cryptosuite") == "eddsa-jcs-2022"]
    if not known or known[0].get("type") != "DataIntegrityProof":
        return Failure.PROOF_SUITE
    proof = known[0]
    key_id, value = proof.get("verificationMethod"), _multibase(proof.get("proofValue"))
    if not isinstance(key_id, str) or not is_http_url(key_id) or value is None:
        return Failure.BAD_PROOF
    if proof.get("proofPurpose") != "assertionMethod" or moment(proof.get("created")) is None:
        return Failure.BAD_PROOF
    if "expires" in proof and moment(proof["expires"]) is None:
        return Failure.BAD_PROOF
    expires = moment(proof.get("expires"))
    if (expires is not None and expires <= now) or (moment(proof["created"]) or 0.0) > now + MAX_AHEAD:
        return Failure.PROOF_EXPIRED
    if not same_origin(key_id, actor):
        return Failure.PROOF_ORIGIN
    if "@context" in proof and not _begins(document.get("@context"), proof["@context"]):
        return Failure.PROOF_CONTEXT
    return _proof(document, proof, key_id, expires, value)


def _proof(
    document: Document, proof: Document, key_id: str, expires: float | None, value: bytes
) -> Proof | Failure:
    secured = {name: member for name, member in document.items() if name not in _BESIDE}
    options = {name: member for name, member in proof.items() if name != "proofValue"}
    if "@context" in proof:  # 3.3.2, step 4.2: the document is read under the context of its proof
        secured["@context"] = proof["@context"]
    try:
        message = hashlib.sha256(_jcs(options)).digest() + hashlib.sha256(_jcs(secured)).digest()
    except rfc8785.CanonicalizationError:
        return Failure.BAD_PROOF
    return Proof(key_id, expires, value, message, secured)


def verify_proof(proof: Proof, key_pem: str) -> bool:
    """Whether the key made the proof: Ed25519 (RFC 8032)."""
    key = load_key(key_pem)
    return isinstance(key, Ed25519PublicKey) and made_by(key, proof.value, proof.message, SHA256())


def _jcs(value: Document) -> bytes:
    return rfc8785.dumps(value)  # type: ignore[arg-type] # what strictjson returns is what it takes


def _multibase(value: object) -> bytes | None:
    """The 64 bytes of a signature in Multibase with base58btc (3.3.1)."""
    if not isinstance(value, str) or not value.startswith("z"):
        return None
    found = base58.decode(value[1:])
    return found if found is not None and len(found) == 64 else None


def _begins(document: object, proof: object) -> bool:
    """Whether the contexts of the document begin with those of its proof, in the same order (3.3.2, step 4.1)."""
    ours, theirs = ([one] if not isinstance(one, list) else one for one in (document, proof))
    return list(ours[: len(theirs)]) == list(theirs)
