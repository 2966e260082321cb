"""Whether the signature of a document covers the properties: `ATT-032`.

A signature does not when it was made before the properties were added, and when they are no part of what was signed:
JSON-LD drops values that are no IRIs and terms that no context defines. Both are told from a signature that is bad.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain.attachments import flat
from relay.protocol.actors import KeyFound, key_in
from relay.protocol.lab.looking import failed, passed, unclear
from relay.protocol.lab.meaning import CONTEXT, lost, values_in
from relay.protocol.lab.places import ATTESTATION, BESIDE, HASH
from relay.protocol.ldsig import Reading, ld_signature, verify_ld
from relay.protocol.proof import integrity_proof, verify_proof
from relay.protocol.unproven import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.domain.attachments import Document
    from relay.domain.lab.model import Result
    from relay.protocol.lab.looking import Looked

_ADDED: Final = frozenset({HASH, ATTESTATION, BESIDE})
_BEFORE: Final = "The signature was made before they were added, or they were changed since."
_NO_KEY: Final = "The key of the signature is not at hand: it stands in the document of whoever signed."


def signer_of(document: Document) -> str | None:
    """Whose actor document is needed to verify the document's own signature; None when it has none."""
    for name, key in (("proof", "verificationMethod"), ("signature", "creator")):
        for member in flat(document.get(name)):
            found = member.get(key) if isinstance(member, dict) else None
            if isinstance(found, str):
                return found.partition("#")[0]
    return None


def without(document: Document, *, terms: bool = False) -> dict[str, object]:
    """The document without the properties; with `terms`, without their definitions, too."""
    return {
        name: (_context(value) if terms else value) if name == "@context" else _less(value, terms=terms)
        for name, value in document.items()
        if name not in _ADDED
    }


def covering(looked: Looked) -> Iterator[Result]:
    """Look at the signature or proof, if the document has one and carries the properties."""
    document = looked.document
    if not isinstance(document, dict) or not values_in(looked):
        return
    signer = signer_of(document)
    if signer is None:
        return
    if flat(document.get("proof")):
        yield _proof(document, signer, looked)
    elif looked.linked is not None:
        yield _linked_data(document, signer, looked)


def _proof(document: Document, signer: str, looked: Looked) -> Result:
    proof = integrity_proof(document, signer, looked.now)
    if isinstance(proof, Failure):
        return unclear(32, proof.sentence)
    pem = _key(looked, signer, proof.key_id)
    if pem is None:
        return unclear(32, _NO_KEY)
    if verify_proof(proof, pem):
        return passed(32, "The integrity proof is good, and covers every property.")
    earlier = (integrity_proof(without(document, terms=terms), signer, looked.now) for terms in (False, True))
    if any(not isinstance(one, Failure) and verify_proof(one, pem) for one in earlier):
        return failed(32, _BEFORE)
    return unclear(32, Failure.PROOF_MISMATCH.sentence)


def _linked_data(document: Document, signer: str, looked: Looked) -> Result:
    assert looked.linked is not None  # noqa: S101 - the caller looked
    signature = ld_signature(document, signer, looked.now)
    if isinstance(signature, Failure):
        return unclear(32, signature.sentence)
    readings = [one for one in looked.linked.whole if isinstance(one, Reading)]
    earlier = [one for one in looked.linked.without if isinstance(one, Reading)]
    if not readings:
        return unclear(32, Failure.NOT_LINKED_DATA.sentence)
    if lost(looked, readings[0]):
        return failed(32, "JSON-LD drops some of them, so no signature of this kind can cover them.")
    pem = _key(looked, signer, signature.creator)
    if pem is None:
        return unclear(32, _NO_KEY)
    if any(verify_ld(signature, one, pem) for one in readings):
        return passed(32, "The Linked Data signature is good, and covers them.")
    if any(verify_ld(signature, one, pem) for one in earlier):
        return failed(32, _BEFORE)
    return unclear(32, Failure.MISMATCH.sentence)


def _key(looked: Looked, signer: str, key_id: str) -> str | None:
    found = key_in(looked.actors.get(signer), key_id, now=looked.now)
    return found.key.pem if isinstance(found, KeyFound) else None


def _less(value: object, *, terms: bool) -> object:
    if isinstance(value, list):
        return [_less(member, terms=terms) for member in value]
    return without(value, terms=terms) if isinstance(value, dict) else value


def _context(value: object) -> object:
    """A context without the terms; one of several that is left stands alone, as servers write it."""
    if isinstance(value, dict):
        return {name: member for name, member in value.items() if name not in {*CONTEXT, BESIDE}}
    if not isinstance(value, list):
        return value
    left = [one for member in value if (one := _context(member)) != {}]
    return left[0] if len(left) == 1 else left
