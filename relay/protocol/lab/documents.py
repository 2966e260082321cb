"""A document under the lab's eyes: every attestation in it and beside it, and every case about documents.

Pure: actor documents, digests of bytes, the header and what an engine made of the JSON-LD come from outside.
Nothing stops at the first problem: each attestation has its eleven steps, and every rule looks at every place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

import orjson

from mediaattest import EXPLANATIONS, Step, Verdict, parse_header, to_data_url, unverified
from mediaattest.header import MAX_BYTES, MAX_TOKENS
from relay.domain.lab.cases.document import DOCUMENT
from relay.domain.lab.model import Evidence, Outcome, Result, Role, Run
from relay.protocol.lab.covering import covering, signer_of
from relay.protocol.lab.looking import Looked, judged, passed, unclear
from relay.protocol.lab.meaning import meaning
from relay.protocol.lab.places import ATTESTATION, BESIDE, HASH, MULTIBASE, carrying, media_in
from relay.protocol.lab.properties import properties
from relay.protocol.lab.stepping import Found, State, Terms, attestation_string, examine_one, issuer_of
from relay.protocol.lab.tokens import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from relay.protocol.lab.looking import LinkedData
    from relay.protocol.lab.places import Carrying, Medium
    from relay.protocol.lab.stepping import Examined

MOST_EXAMINED: Final = 256
"""Most attestations of a document that are looked at."""
HEADER: Final = "header"
"""Where tokens of the header field stand."""
_MISSING: Final = EXPLANATIONS[Verdict.MISSING, Step.GRAMMAR]
_OUTCOMES: Final = {
    State.PASSED: Outcome.PASSED,
    State.ASSUMED: Outcome.PASSED,
    State.FAILED: Outcome.FAILED,
    State.UNCHECKED: Outcome.UNTESTED,
    State.NOT_REACHED: Outcome.UNTESTED,
}


@dataclass(frozen=True, slots=True)
class Given:
    """What is to be looked at, and what is at hand.

    `document` is parsed JSON. `header` is the value of the field `Media-Attestation` of the delivery. `digests` are the
    hash strings of the bytes at each URL; `unreachable` says of others why they could not be had. `linked` is what
    an engine made of the document.
    """

    document: object
    terms: Terms
    header: str | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    unreachable: Mapping[str, str] = field(default_factory=dict)
    linked: LinkedData | None = None


@dataclass(frozen=True, slots=True)
class Examination:
    """All there is to say of a document.

    `media` are those that a reader finds, `examined` all attestations. `results` are in the order of cases, with at
    least one for each. `complete` is False when there were more attestations than are looked at.
    """

    media: tuple[Medium, ...]
    examined: tuple[Examined, ...]
    results: tuple[Result, ...]
    complete: bool = True

    @property
    def valid(self) -> bool:
        """Whether there is an attestation and every one is valid."""
        return self.complete and bool(self.examined) and all(one.result.valid for one in self.examined)

    @property
    def temporary(self) -> bool:
        """Whether something could not be had that may be had later."""
        return any(one.result.temporary for one in self.examined) or any(
            result.code == "ATT-009" and result.outcome is Outcome.CANNOT_TELL for result in self.results
        )

    def run(
        self, target: str, *, started: float, finished: float, tester: str, options: Sequence[str] = ()
    ) -> Run:
        """The examination as a run of the lab."""
        return Run(Role.DOCUMENT, target, started, finished, tester, self.results, options)


def issuers_in(document: object, header: str | None = None) -> tuple[str, ...]:
    """Whose actor documents are needed: of the issuers, and of whoever signed the document."""
    texts = [
        *(text for one in carrying(document) for name in (ATTESTATION, BESIDE) for text in one.strings(name)),
        *map(to_data_url, parse_header(header or "")),
    ]
    found = [issuer_of(text) for text in texts]
    signer = signer_of(document) if isinstance(document, dict) else None
    return tuple(dict.fromkeys(one for one in (*found, signer) if one is not None))


def assign(media: Sequence[Medium], files: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The digests of files by the URL of the medium that each is: pairs of name or URL and hash string.

    A file belongs to its URL, or to the one that ends in its name; else to a medium that declares its hash or has an
    attestation of it; else, when one medium and one file are left, these belong together.
    """
    found: dict[str, str] = {}
    unnamed = []
    for name, digest in files:
        named = [
            url
            for url in (one.ref.url for one in media)
            if name in {url, url.partition("?")[0].rpartition("/")[2]}
        ]
        found |= dict.fromkeys(named, digest)
        unnamed += [] if named else [digest]
    left = []
    for digest in unnamed:
        meant = [one.ref.url for one in media if _speaks_of(one, digest)]
        found = dict.fromkeys(meant, digest) | found
        left += [] if meant else [digest]
    rest = dict.fromkeys(one.ref.url for one in media if one.ref.url not in found)
    if len(left) == len(rest) == 1:
        found |= dict.fromkeys(rest, left[0])
    return found


def all_in(document: object, received: frozenset[str]) -> Iterator[Found]:
    """Every attestation in a document, wherever it stands, with the hashes beside it.

    `received` are the hash strings of the bytes at hand: an attestation about one of them is held against it.
    """
    for one in carrying(document):
        declared = (*one.strings(HASH), *one.strings(MULTIBASE))
        for text in (*one.strings(ATTESTATION), *one.strings(BESIDE)):
            digest = _subject(text)
            yield Found(text, one.where, declared, digest if digest in received else None)


def examine(given: Given) -> Examination:
    """Look at a document. Total for what a JSON parser returns."""
    held, media = carrying(given.document), media_in(given.document)
    found = tuple(islice(_found(given, held, media), MOST_EXAMINED + 1))
    examined = tuple(examine_one(one, given.terms) for one in found[:MOST_EXAMINED])
    looked = Looked(
        document=given.document,
        carrying=held,
        media=media,
        examined=examined,
        digests=given.digests,
        actors=given.terms.actors,
        now=given.terms.now,
        header=given.header,
        linked=given.linked,
    )
    results = [
        *_steps(given, looked),
        *properties(looked),
        *meaning(looked),
        *covering(looked),
        *tokens(looked),
        *_beside(looked),
    ]
    return Examination(media, examined, tuple(_complete(results)), len(found) <= MOST_EXAMINED)


def _found(given: Given, held: Sequence[Carrying], media: Sequence[Medium]) -> Iterator[Found]:
    """Each attestation once for each place: beside its medium, elsewhere in the document, in the header."""
    read: set[str] = set()
    for medium in media:
        for text in medium.ref.attestations:
            read.add(text)
            yield Found(text, medium.where, medium.ref.hashes, given.digests.get(medium.ref.url))
    for one in held:
        for text in one.strings(ATTESTATION):
            if text not in read:
                yield Found(text, one.where, one.strings(HASH))
        for place, text in enumerate(one.strings(BESIDE)):
            yield _loose(attestation_string(text), f"{BESIDE}[{place}]", given, media)
    for place, token in enumerate(parse_header(given.header or "")):
        yield _loose(to_data_url(token), f"{HEADER}[{place}]", given, media)


def _loose(text: str, where: str, given: Given, media: Sequence[Medium]) -> Found:
    """An attestation beside the object, which belongs to the medium with the digest that it is about (W-03)."""
    digest = _subject(text)
    for medium in media:
        if digest is not None and (
            digest == given.digests.get(medium.ref.url) or digest in medium.ref.hashes
        ):
            return Found(text, where, medium.ref.hashes, given.digests.get(medium.ref.url))
    return Found(text, where)


def _subject(text: str) -> str | None:
    claim = unverified(text)
    return claim.digest if claim else None


def _speaks_of(medium: Medium, digest: str) -> bool:
    return digest in medium.ref.hashes or digest in map(_subject, medium.ref.attestations)


def _steps(given: Given, looked: Looked) -> Iterator[Result]:
    """The eleven steps of each attestation; without any, that there is none."""
    for one in looked.examined:
        for step, state in one.steps.items():
            yield _step(step, state, one, given, looked.media)
    if not looked.examined:
        yield Result("ATT-001", Outcome.FAILED, "There is no attestation.", explanation=_MISSING.code)


def _step(step: Step, state: State, one: Examined, given: Given, media: Sequence[Medium]) -> Result:
    code, where, text = f"ATT-{step:03}", one.found.where, one.found.text
    if state is State.FAILED:
        outcome = Outcome.CANNOT_TELL if one.result.temporary else Outcome.FAILED
        evidence = [Evidence("attestation", text)]
        evidence += [
            Evidence(label, pretty(value))
            for label, value in (("header", one.header), ("claims", one.claims))
            if value is not None
        ]
        return Result(code, outcome, one.reason, where, one.explanation.code, evidence)
    if state is State.UNCHECKED and step is Step.DECLARED_HASH:
        return Result(code, Outcome.INAPPLICABLE, "The object declares no hash.", where)
    urls = [medium.ref.url for medium in media if medium.where == where]
    why = next((given.unreachable[url] for url in urls if url in given.unreachable), None)
    if state is State.UNCHECKED and step is Step.RECEIVED_BYTES and why is not None:
        return Result(code, Outcome.CANNOT_TELL, f"The bytes could not be had. {why}", where)
    return Result(code, _OUTCOMES[state], _WORDS[state], where)


_WORDS: Final = {
    State.PASSED: "It is so.",
    State.ASSUMED: "The id is in order. Nobody was named as trusted, so the issuer is believed here.",
    State.UNCHECKED: "There was nothing at hand to hold it against.",
    State.NOT_REACHED: "An earlier step decided.",
}


def _beside(looked: Looked) -> Iterator[Result]:
    """The header, and whether what stands beside the object belongs to it: `ATT-043`, `ATT-044`."""
    if looked.header is not None:
        yield judged(43, HEADER, _header_fault(looked.header), "It can be read.")
    known = {one for medium in looked.media for one in medium.ref.hashes}
    known |= {looked.digests[medium.ref.url] for medium in looked.media if medium.ref.url in looked.digests}
    complete = all(medium.ref.hashes or medium.ref.url in looked.digests for medium in looked.media)
    for one in looked.examined:
        where, claim = one.found.where, one.claim
        if claim is None or not where.startswith((HEADER, BESIDE)):
            continue
        if claim.digest in known:
            yield passed(44, "It is about a medium of the document.", where)
        elif looked.media and complete:
            yield judged(44, where, "No medium of the document has the digest in `sub`.", "")
        else:
            yield unclear(44, "The digests of the media are not known.", where)


def _header_fault(header: str) -> str | None:
    """Why a field is ignored, as a sentence; None when it is not."""
    if parse_header(header):
        return None
    if not header.strip(" "):
        return "It is empty: then it is left out."
    if len(header) > MAX_BYTES:
        return f"It has {len(header)} bytes, more than {MAX_BYTES}."
    if header.count(",") >= MAX_TOKENS:
        return f"It has more than {MAX_TOKENS} members."
    if '"' not in header:
        return "The tokens are not quoted."
    return "It is no list of quoted tokens."


def _complete(results: Sequence[Result]) -> Iterator[Result]:
    """The results in the order of cases; of what there is nothing to say, that it does not apply."""
    for case in DOCUMENT:
        found = [result for result in results if result.code == case.code]
        yield from found or [
            Result(case.code, Outcome.INAPPLICABLE, "There is nothing here that it is about.")
        ]


def pretty(value: object) -> str:
    """JSON for people."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
