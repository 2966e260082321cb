"""The lab's samples: good and bad documents, each with what examining it has to find.

The same every time: keys and token ids are made of fixed names, and everything is as of `NOW`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import rfc8785

from mediaattest import EXPLANATIONS, IssuerKey, base58, describe_key, format_header, from_data_url
from relay.protocol.documents import AS2
from relay.protocol.lab import shapes
from relay.protocol.lab.making import TestIssuer
from relay.protocol.lab.meaning import CONTEXT
from relay.protocol.lab.variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Json = dict[str, Any]

NOW: Final = 1_795_300_000
"""When the samples are true, in seconds since 1970: 2026-11-21T22:26:40Z."""
SERVER: Final = "origin.example"
ISSUER: Final = "https://relay.example/actor"
STEPS: Final = {why.code: int(step) for (_, step), why in EXPLANATIONS.items()}
"""The step at which each outcome decides."""

_AUTHOR: Final = f"https://{SERVER}/users/ann"


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that the samples are about: its name, hash string and media type."""

    name: str
    digest: str
    type: str = "image/png"

    @property
    def url(self) -> str:
        """Where the samples say that it is."""
        return f"https://{SERVER}/media/{self.name}"


@dataclass(frozen=True, slots=True)
class Sample:
    """A document and what it is for.

    `header` is the field of the delivery, None without; `actors` the documents that are needed; `codes` the outcome of
    each attestation in order; `failed` the cases that fail, without those that merely may be otherwise.
    """

    name: str
    says: str
    document: object
    actors: Sequence[Json]
    codes: Sequence[str]
    failed: Sequence[str]
    header: str | None = field(default=None)


def draw(label: str) -> bytes:
    """32 bytes for a label, always the same: the keys of samples are no secrets."""
    return hashlib.sha256(f"assay lab sample: {label}".encode()).digest()


def samples(pictures: Sequence[Picture]) -> Iterator[Sample]:
    """Every sample. `pictures` are two files."""
    issuer = TestIssuer(ISSUER, NOW, draw)
    yield from _shaped(issuer, pictures)
    yield from _varied(issuer, pictures[0])
    yield from _placed(issuer, pictures)
    yield from _beside(issuer, pictures)
    yield from _signed(issuer, pictures[0])


def medium(picture: Picture, properties: Mapping[str, object]) -> Json:
    """A medium with its properties, for a shape."""
    return {"mediaType": picture.type, "url": picture.url, **properties}


def varied(name: str, issuer: TestIssuer, picture: Picture) -> Sample:
    """A Note with one picture in a variant. Raises KeyError for a name that is none."""
    variant = VARIANTS[name]
    document = shapes.note(SERVER, [medium(picture, variant.made(issuer, picture.digest, name))])
    if variant.context is not None:
        document["@context"] = variant.context
    actor = variant.actor(issuer)
    failed = {*variant.failed, *_step(variant.code)}
    return Sample(
        name, variant.says, document, [] if actor is None else [actor], [variant.code], _cases(*failed)
    )


def _step(code: str) -> tuple[int, ...]:
    """The case that an outcome fails; none for what may be otherwise later."""
    return () if code in {"valid", "key-unavailable"} else (STEPS[code],)


def _cases(*numbers: int) -> list[str]:
    return [f"ATT-{number:03}" for number in sorted(numbers)]


def _good(issuer: TestIssuer, picture: Picture) -> Json:
    return medium(picture, {"hash": picture.digest, "attestation": issuer.attestation(picture.digest)})


def _shaped(issuer: TestIssuer, pictures: Sequence[Picture]) -> Iterator[Sample]:
    media = [_good(issuer, one) for one in pictures]
    counts = {"image": 1, "lemmy": 1, "preview": 1}
    for name, shape in shapes.SHAPES.items():
        document = shape(SERVER, media)
        says = f"{(shape.__doc__ or '').partition('.')[0]}."
        yield Sample(
            f"shape-{name}", says, document, [issuer.document()], ["valid"] * counts.get(name, 2), []
        )


def _varied(issuer: TestIssuer, picture: Picture) -> Iterator[Sample]:
    return (varied(name, issuer, picture) for name in VARIANTS)


def _placed(issuer: TestIssuer, pictures: Sequence[Picture]) -> Iterator[Sample]:
    """Where properties stand, and how many."""
    first, second = pictures
    good, actors = _good(issuer, first), [issuer.document()]
    bare = medium(second, {})
    five = [issuer.attestation(first.digest, f"five {number}") for number in range(5)]
    theirs = {"id": "https://elsewhere.example/images/1", "type": "Image", **good}
    emoji = {"type": "Emoji", "name": ":cat:", "icon": {"type": "Image", **good}}
    mentioned = {
        "id": "https://elsewhere.example/notes/1",
        "type": "Note",
        "attachment": [{"type": "Image", **good}],
    }
    note = shapes.note
    yield Sample("nothing-attested", "No medium is attested.", note(SERVER, [bare]), actors, [], _cases(1))
    yield Sample(
        "one-of-two", "One of two media is attested.", note(SERVER, [good, bare]), actors, ["valid"], []
    )
    yield Sample(
        "five",
        "Five attestations stand beside one medium, of which four are read.",
        note(SERVER, [good | {"attestation": five}]),
        actors,
        ["valid"] * 5,
        _cases(20, 30),
    )
    yield Sample(
        "first-is-bad",
        "The first of two attestations is bad, which makes the medium no less attested.",
        note(SERVER, [good | {"attestation": ["data:application/jwt,a.b.c", five[0]]}]),
        actors,
        ["malformed-grammar", "valid"],
        _cases(1, 20),
    )
    yield Sample(
        "in-reply-to",
        "What is answered to is embedded with an attestation, which is not the post's.",
        note(SERVER, [], inReplyTo=mentioned),
        actors,
        ["valid"],
        _cases(27, 28),
    )
    yield Sample(
        "emoji", "A custom emoji is attested.", note(SERVER, [], tag=[emoji]), actors, ["valid"], _cases(27)
    )
    yield Sample(
        "of-another-server",
        "An image of another server is embedded with an attestation.",
        note(SERVER, [], attachment=[theirs]),
        actors,
        ["valid"],
        _cases(28),
    )
    yield Sample(
        "several-documents",
        "An array of a good and a bad document.",
        [note(SERVER, [good]), note(SERVER, [good | {"hash": second.digest}])],
        actors,
        ["valid", "hash-mismatch-declared"],
        _cases(8),
    )


def _beside(issuer: TestIssuer, pictures: Sequence[Picture]) -> Iterator[Sample]:
    """The header of a delivery."""
    first, second = pictures
    actors = [issuer.document()]
    document = shapes.note(SERVER, [medium(first, {})])
    tokens = [from_data_url(issuer.attestation(one.digest)) or "" for one in (first, second)]
    for name, says, header, codes, failed in (
        ("header", "The header attests the medium.", format_header(tokens[:1]), ["valid"], ()),
        ("header-unquoted", "The token in the header is not quoted.", tokens[0], [], (1, 43)),
        ("header-empty", "The header is empty.", "", [], (1, 43)),
        ("header-too-many", "The header has eight tokens.", ", ".join(['"a.b.c"'] * 8), [], (1, 43)),
        ("header-too-long", "The header has over 4096 bytes.", f'"{tokens[0]}"'.ljust(4097), [], (1, 43)),
        (
            "header-of-another-file",
            "The header attests another file.",
            format_header(tokens[1:]),
            ["valid"],
            (44,),
        ),
    ):
        yield Sample(name, says, document, actors, codes, _cases(*failed), header)


def _signed(issuer: TestIssuer, picture: Picture) -> Iterator[Sample]:
    """Integrity proofs, made after the properties were added, and before."""
    author = _author()
    actors = [issuer.document(), author]
    good = _good(issuer, picture)
    attested = shapes.note(SERVER, [good])
    early = shapes.note(SERVER, [medium(picture, {})])
    yield Sample("proven", "The proof covers the properties.", _proven(attested), actors, ["valid"], [])
    late = attested | {"proof": _proven(early)["proof"]}
    yield Sample(
        "added-after-signing", "The properties were added after signing.", late, actors, ["valid"], _cases(32)
    )
    plain = _proven(early | {"@context": AS2})["proof"]
    yield Sample(
        "added-with-terms",
        "The properties and their terms were added after signing.",
        attested | {"@context": [AS2, dict(CONTEXT)], "proof": plain},
        actors,
        ["valid"],
        _cases(32),
    )


def _author() -> Json:
    key = TestIssuer(_AUTHOR, NOW, draw).key("author")
    kid = f"{_AUTHOR}#ed25519-key"
    return {
        "@context": [AS2, "https://w3id.org/security/multikey/v1"],
        "id": _AUTHOR,
        "type": "Person",
        "inbox": f"{_AUTHOR}/inbox",
        "assertionMethod": [describe_key(IssuerKey(kid, _AUTHOR, key.public_key().public_bytes_raw()))],
    }


def _proven(document: Json) -> Json:
    """The document with an integrity proof by its author (FEP-8b32, `eddsa-jcs-2022`)."""
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": f"{_AUTHOR}#ed25519-key",
        "proofPurpose": "assertionMethod",
        "created": shapes.PUBLISHED,
    }
    message = b"".join(hashlib.sha256(rfc8785.dumps(part)).digest() for part in (options, document))
    value = TestIssuer(_AUTHOR, NOW, draw).key("author").sign(message)
    return document | {"proof": options | {"proofValue": f"z{base58.encode(value)}"}}
