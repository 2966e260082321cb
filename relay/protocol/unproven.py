"""Why an activity proves nothing by itself."""

from __future__ import annotations

from enum import Enum


class Failure(Enum):
    """Why a Linked Data signature or an integrity proof does not count: a stable code and a sentence."""

    UNSIGNED = ("unsigned", "The activity has neither a Linked Data signature nor an integrity proof.")
    NO_ID = ("ld-no-id", "A signed document needs an http or https id.")
    TOO_LARGE = ("ld-too-large", "The document is too large for its signature to be looked at.")
    UNKNOWN_CONTEXT = ("ld-unknown-context", "The document has a context that this relay does not carry.")
    BAD_CONTEXT = ("ld-bad-context", "The document defines terms in a way that no known server does.")
    KEYWORD = ("ld-keyword", "The document uses or renames a keyword of JSON-LD.")
    REMAPPED = ("ld-remapped", "The document gives a known term another meaning.")
    BLANK_ID = ("ld-blank-id", "The document names a blank node.")
    NOT_LINKED_DATA = ("ld-not-rdf", "The document cannot be read as JSON-LD.")
    TOO_MANY_QUADS = ("ld-too-many-quads", "The document says too much to be put in order.")
    POISON = ("ld-poison", "The document is made of too many parts that look the same.")
    REROOTED = ("ld-rerooted", "The document is not about what stands first in it.")
    TOO_SLOW = ("ld-too-slow", "The document took too long to put in order.")
    CRASHED = ("ld-crashed", "The process that puts documents in order ended.")
    BAD_SIGNATURE = ("ld-bad-signature", "The Linked Data signature is not as RsaSignature2017 has it.")
    CREATOR_ORIGIN = ("ld-creator-origin", "The key of the signature is on another origin than the actor.")
    EXPIRED = ("ld-expired", "The Linked Data signature has expired.")
    MISMATCH = ("ld-mismatch", "The Linked Data signature is not that of the document.")
    NOT_OWNER = ("not-owner", "The key does not belong to the actor.")
    BAD_PROOF = ("proof-bad", "The integrity proof is not as FEP-8b32 has it.")
    PROOF_SUITE = ("proof-suite", "The integrity proof is of a kind that this relay does not know.")
    PROOF_CONTEXT = ("proof-context", "The proof was made under another context.")
    PROOF_ORIGIN = ("proof-origin", "The key of the proof is on another origin than the actor.")
    PROOF_EXPIRED = ("proof-expired", "The integrity proof has expired, or is from the future.")
    NO_ACTIVITY = ("not-an-activity", "What was signed is no activity.")
    PROOF_MISMATCH = ("proof-mismatch", "The integrity proof is not that of the document.")

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence
