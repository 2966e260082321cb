"""The rules about the properties `hash` and `attestation`, and where they stand: `ATT-020` to `ATT-031`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mediaattest import from_data_url, from_multibase, is_compact_jws, is_hash, origin_of
from relay.domain.attachments import MAX_CLAIMS
from relay.protocol.lab.looking import failed, judged, passed
from relay.protocol.lab.places import ATTESTATION, HASH, MULTIBASE, NOT_READ, origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.domain.lab.model import Result
    from relay.protocol.lab.looking import Looked
    from relay.protocol.lab.places import Carrying

_SHOWN: Final = 40
"""Characters of a wrong value that are shown."""


def properties(looked: Looked) -> Iterator[Result]:
    """Look at every object that carries the properties."""
    read = {text for medium in looked.media for text in medium.ref.attestations}
    speaker = origin(looked.document)
    for one in looked.carrying:
        if one.values(ATTESTATION) or one.values(HASH):
            yield from _together(one)
            yield from _written(one)
            yield _place(one, read)
            if speaker is not None and one.owner is not None:
                yield _own(one, speaker)
        if one.values(MULTIBASE):
            yield _multibase(one)


def _together(one: Carrying) -> Iterator[Result]:
    has_hash, has_attestation = bool(one.values(HASH)), bool(one.values(ATTESTATION))
    if has_attestation:
        fault = None if has_hash else "There is an attestation and no hash beside it."
        yield judged(29, one.where, fault, "Both are there.")
    if has_hash:
        fault = None if has_attestation else "There is a hash and no attestation beside it."
        yield judged(21, one.where, fault, "Both are there.")


def _written(one: Carrying) -> Iterator[Result]:
    lists = [name for name in (HASH, ATTESTATION) if isinstance(one.members.get(name), list)]
    fault = f"`{lists[0]}` is an array." if lists else None
    yield judged(20, one.where, fault, "Each is one value.")
    hashes, attestations = one.values(HASH), one.values(ATTESTATION)
    if hashes:
        wrong = next((value for value in hashes if not (isinstance(value, str) and is_hash(value))), None)
        fault = None if wrong is None else f"{_shown(wrong)} is no hash string."
        yield judged(22, one.where, fault, "It is a hash string.")
    if attestations:
        fault = next((said for value in attestations if (said := _instead(value)) is not None), None)
        yield judged(23, one.where, fault, "It has the form of an attestation.")
        count = len(attestations)
        fault = None if count <= MAX_CLAIMS else f"There are {count}, of which verifiers read the first four."
        yield judged(30, one.where, fault, f"There are {count}.")


def _instead(value: object) -> str | None:
    """What stands where an attestation belongs, as a sentence; None when it is one by its form."""
    if not isinstance(value, str):
        return f"{_shown(value)} is no string."
    if from_data_url(value) is not None:
        return None
    if is_compact_jws(value.strip()):
        return "It is a token without `data:application/jwt,` before it, which JSON-LD drops."
    if value.isalnum():
        return f"{_shown(value)} is no IRI, which JSON-LD drops; the draft's own example has this form."
    return f"{_shown(value)} is not `data:application/jwt,` and a token."


def _place(one: Carrying, read: set[str]) -> Result:
    hidden = next((name for name in one.names if name in NOT_READ), None)
    if hidden is not None:
        return failed(27, f"It stands in `{hidden}`, which is not the post's own.", one.where)
    attestations = one.strings(ATTESTATION)
    if attestations and read.isdisjoint(attestations):
        return failed(27, "Nobody looks for a medium there, or it has no `url`.", one.where)
    return passed(27, "It stands where verifiers look.", one.where)


def _own(one: Carrying, speaker: str) -> Result:
    theirs = origin_of(one.owner or "")
    if theirs is None or theirs == speaker:
        return passed(28, "The object is of the document's own origin.", one.where)
    return failed(28, f"The object is of {theirs}, and the document of {speaker}.", one.where)


def _multibase(one: Carrying) -> Result:
    hashes = one.strings(HASH)
    for text in one.values(MULTIBASE):
        digest = from_multibase(text) if isinstance(text, str) else None
        if digest is None:
            return failed(31, f"{_shown(text)} is no SHA-256 in base58btc.", one.where)
        if hashes and digest not in hashes:
            return failed(31, f"It stands for {digest}, and `hash` is another one.", one.where)
    return passed(31, "It can be read and contradicts nothing.", one.where)


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else type(value).__name__
    return f"`{text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}`"
