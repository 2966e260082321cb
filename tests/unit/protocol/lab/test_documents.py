"""What the lab says of whole documents: places, rules, signatures, and what is not at hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaattest import Check, Status, StatusReference, digest_of, issue, to_multibase
from mediaattest.jws import encode_part
from relay.adapters.canonical import engines
from relay.domain.lab.cases import CASES
from relay.domain.lab.model import Level, Outcome, Result
from relay.domain.lab.testing import TEST_LIST, is_lab_list, is_test
from relay.protocol.documents import dump
from relay.protocol.lab import documents, shapes
from relay.protocol.lab.covering import signer_of, without
from relay.protocol.lab.documents import Given, all_in, assign, examine, issuers_in
from relay.protocol.lab.looking import LinkedData
from relay.protocol.lab.making import TestIssuer, sign
from relay.protocol.lab.meaning import CONTEXT
from relay.protocol.lab.places import WHOLE, carrying, media_in, origin
from relay.protocol.lab.samples import ISSUER, NOW, SERVER, Picture, draw, medium
from relay.protocol.lab.stepping import Found, State, Terms, attestation_string, examine_one
from relay.protocol.lab.telling import answer
from tests.unit.protocol import signed, signed_ld

AS2 = "https://www.w3.org/ns/activitystreams"
MAKER = TestIssuer(ISSUER, NOW, draw)
ACTOR = MAKER.document()
ONE, TWO = (Picture(f"{name}.png", digest_of(name.encode())) for name in ("one", "two"))
AUTHOR = f"https://{SERVER}/users/ann"
TERMS = Terms({ISSUER: ACTOR}, frozenset(), None, NOW)


def good(picture: Picture = ONE, **changed: object) -> dict[str, Any]:
    return (
        medium(picture, {"hash": picture.digest, "attestation": MAKER.attestation(picture.digest)}) | changed
    )


def note(*media: dict[str, Any], **members: object) -> dict[str, Any]:
    return shapes.note(SERVER, media, **members)


def with_claims(**changed: object) -> str:
    return sign(MAKER.header(), MAKER.claims(ONE.digest, "") | changed, MAKER.key())


def look(document: object, **given: Any) -> dict[str, list[Result]]:
    """The results by case."""
    found = examine(Given(document, given.pop("terms", TERMS), **given))
    return {code: [result for result in found.results if result.code == code] for code in CASES}


def outcomes(case: str, document: object, **given: Any) -> list[Outcome]:
    return [result.outcome for result in look(document, **given)[case]]


def read(document: dict[str, Any]) -> LinkedData:
    whole, less = dump(document), dump(without(document))
    return LinkedData((engines.read(whole, "first"),), (engines.read(less, "first"),))


# -------------------------------------------------------------------- places
def test_the_origin_of_a_document() -> None:
    assert (
        origin({"actor": {"id": "https://a.example/1"}, "id": "https://b.example/2"}) == "https://a.example"
    )
    assert origin({"attributedTo": ["", "https://a.example/1"]}) == "https://a.example"
    assert origin({"id": "https://b.example/2"}) == "https://b.example"
    assert origin({}) is None
    assert origin([{"id": "https://b.example/2"}]) is None


def test_media_of_one_address_are_told_apart_by_their_place() -> None:
    document = note(good(), good() | {"hash": TWO.digest})
    assert [one.where for one in media_in(document)] == ["object.attachment[0]", "object.attachment[1]"]
    assert [one.where for one in media_in({"type": "Image", "url": "https://a.example/1.png"})] == [WHOLE]
    unnamed = {"type": "Note", "attachment": ["https://a.example/1.png"]}
    assert [one.where for one in media_in(unnamed)] == [WHOLE]


def test_what_carries_the_properties_has_an_owner_and_a_path() -> None:
    [one] = carrying(note(good()))
    assert (one.where, one.names, one.owner) == (
        "object.attachment[0]",
        ("object", "attachment"),
        f"https://{SERVER}/notes/1",
    )
    assert [one.where for one in carrying({"hash": "x"})] == [WHOLE]


def test_every_attestation_wherever_it_stands() -> None:
    document = {"tag": good(digestMultibase=to_multibase(ONE.digest)), "attestation": ["x", 7]}
    found = list(all_in(document, frozenset({ONE.digest})))
    assert [(one.where, one.received) for one in found] == [(WHOLE, None), ("tag", ONE.digest)]
    assert found[1].declared == (ONE.digest, to_multibase(ONE.digest))


def test_whose_documents_are_needed() -> None:
    document = note(good()) | {"signature": {"creator": f"{AUTHOR}#main-key"}}
    token = MAKER.attestation(TWO.digest).removeprefix("data:application/jwt,")
    assert issuers_in(document, f'"{token}"') == (ISSUER, AUTHOR)
    assert issuers_in([note(medium(ONE, {"attestation": "x"}))]) == ()
    assert signer_of({"proof": [7, {"verificationMethod": f"{AUTHOR}#k"}]}) == AUTHOR


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([("one.png", TWO.digest)], {ONE.url: TWO.digest}),
        ([("x", TWO.digest)], {TWO.url: TWO.digest}),
        ([("x", digest_of(b"")), ("two.png", TWO.digest)], {ONE.url: digest_of(b""), TWO.url: TWO.digest}),
        ([("x", digest_of(b""))], {}),
    ],
)
def test_files_belong_to_media(files: list[tuple[str, str]], expected: dict[str, str]) -> None:
    media = media_in(note(good(), good(TWO)))
    assert assign(media, files) == expected


def test_more_attestations_than_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_EXAMINED", 1)
    found = examine(Given(note(good(), good(TWO)), TERMS))
    assert (len(found.examined), found.complete, found.valid) == (1, False, False)
    assert examine(Given(note(good()), TERMS)).valid


# -------------------------------------------------------------------- one attestation
def test_trust() -> None:
    def steps(**terms: Any) -> State:
        found = Found(MAKER.attestation(ONE.digest), "here")
        usual = {"trusted": frozenset(), "strict": False} | terms
        return list(examine_one(found, Terms({ISSUER: ACTOR}, lists=None, now=NOW, **usual)).steps.values())[
            2
        ]

    assert steps() is State.ASSUMED
    assert steps(strict=True) is State.FAILED
    assert steps(strict=True, trusted=frozenset({"relay.example"})) is State.PASSED
    assert steps(trusted=frozenset({ISSUER})) is State.PASSED


def test_why_a_key_could_not_be_had() -> None:
    terms = Terms({}, frozenset(), None, NOW, {ISSUER: "(no answer)"})
    found = examine(Given(note(good()), terms))
    assert found.examined[0].reason == "The issuer's key could not be fetched. (no answer)"
    assert found.temporary
    [result] = [one for one in found.results if one.code == "ATT-005"]
    assert (result.outcome, result.explanation) == (Outcome.CANNOT_TELL, "key-unavailable")


def test_what_is_pasted() -> None:
    text = MAKER.attestation(ONE.digest)
    assert attestation_string(f" {text.removeprefix('data:application/jwt,')}\n") == text
    assert attestation_string("x") == "x"


def test_a_status_that_was_asked_for_is_told() -> None:
    text = issue(
        private_key=MAKER.key(),
        kid=MAKER.kid,
        issuer=ISSUER,
        digest=ONE.digest,
        checks=[Check("pdq", TEST_LIST, NOW)],
        now=NOW,
        jti=bytes(16),
        status=StatusReference("https://relay.example/status/1", 7),
    )
    found = Found(text, "here")
    assert examine_one(found, TERMS).steps[11] is State.UNCHECKED  # type: ignore[index] # a Step is an int
    asked = Terms({ISSUER: ACTOR}, frozenset(), None, NOW, status=lambda _: Status.STANDING)
    assert examine_one(found, asked).steps[11] is State.PASSED  # type: ignore[index]


@pytest.mark.parametrize(
    "claims",
    [
        b"[" * 300,
        b"[]",
        b'{"iss":["https://relay.example/actor"],"jti":7,"iat":1.5}',
        b'{"chk":[7,{"list":7}],"iat":3600}',
    ],
)
def test_claims_that_are_none_break_nothing(claims: bytes) -> None:
    found = examine(Given(note(good(attestation=sign(b'{"alg":["x"],"kid":7}', claims, MAKER.key()))), TERMS))
    assert not found.valid
    assert "steps" in answer(found, found.run("x", started=0, finished=1, tester="t"))["attestations"][0]


# -------------------------------------------------------------------- rules
@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (7, "`int` is no string."),
        ({"id": "x"}, "`dict` is no string."),
        ("data:application/jwt;x,a.b.c", "is not `data:application/jwt,` and a token."),
        ("a.b.c", "without `data:application/jwt,`"),
        ("1234567890", "the draft's own example"),
    ],
)
def test_what_stands_in_place_of_an_attestation(value: object, detail: str) -> None:
    [result] = look(note(good(attestation=value)))["ATT-023"]
    assert detail in result.detail


def test_a_hash_alone_and_a_digest_that_cannot_be_read() -> None:
    found = look(note(medium(ONE, {"hash": ONE.digest}), medium(TWO, {"digestMultibase": "x" * 99})))
    assert found["ATT-021"][0].outcome is Outcome.FAILED
    [unreadable] = found["ATT-031"]
    assert unreadable.detail == f"`{'x' * 40}…` is no SHA-256 in base58btc."
    assert outcomes("ATT-031", note(good(digestMultibase=to_multibase(ONE.digest)))) == [Outcome.PASSED]
    assert outcomes("ATT-031", note(good(digestMultibase=7))) == [Outcome.FAILED]


def test_properties_where_there_is_no_medium() -> None:
    [result] = look({"id": f"https://{SERVER}/1", "type": "Note", "endpoints": good(url=None)})["ATT-027"]
    assert "no `url`" in result.detail


def test_objects_without_an_origin_are_nobodys() -> None:
    assert outcomes("ATT-028", {"type": "Image", **good()}) == [Outcome.INAPPLICABLE]
    http = note({**good(), "id": "http://elsewhere.example/1"})
    assert outcomes("ATT-028", http) == [Outcome.PASSED]


@pytest.mark.parametrize(
    ("definition", "detail"),
    [
        ({"@id": "https://purl.archive.org/socialweb/photodna#hash", "@type": "@id"}, "It is defined"),
        ({"@id": "other:hash", "@type": "@id"}, "another property"),
        ({"@id": "dict:hash", "@type": "@id"}, "It is defined"),
        ({"@id": 7, "@type": "@id"}, "another property"),
        ("pdna:hash", "without `@type`"),
        (None, "No context"),
    ],
)
def test_definitions(definition: object, detail: str) -> None:
    prefix = {"dict": {"@id": CONTEXT["pdna"], "@prefix": True}}
    document = note(good()) | {"@context": [AS2, {**CONTEXT, **prefix, "hash": definition}]}
    found = look(document)["ATT-024"]
    assert detail in next(one for one in found if one.subject == "hash").detail


@pytest.mark.parametrize(
    ("changed", "case", "outcome"),
    [
        ({"score": 3}, "ATT-036", Outcome.FAILED),
        ({"page": "https://a.example/1"}, "ATT-036", Outcome.FAILED),
        ({"page": 7, "more": "text"}, "ATT-036", Outcome.PASSED),
        ({"chk": [{"alg": "pdq", "list": TEST_LIST, "distance": 3}]}, "ATT-036", Outcome.FAILED),
        ({"alt": {"pdq": "f" * 64}}, "ATT-036", Outcome.FAILED),
        ({"alt": {"sha512": "f" * 128}}, "ATT-036", Outcome.PASSED),
        ({"chk": [{"alg": "pdq", "list": "https://a.example/lists/csam"}]}, "ATT-037", Outcome.CANNOT_TELL),
        ({"chk": [{"alg": "pdq", "list": "https://a.example/l/v12"}]}, "ATT-037", Outcome.CANNOT_TELL),
        ({"chk": [{"alg": "pdq", "list": "https://a.example/l/2026-11"}]}, "ATT-037", Outcome.CANNOT_TELL),
        (
            {"chk": [{"alg": "pdq", "list": "https://a.example/184000-hashes"}]},
            "ATT-037",
            Outcome.CANNOT_TELL,
        ),
        (
            {"chk": [{"alg": "pdq", "list": "https://a.example/lists/1f2e3d4c5b6a7980"}]},
            "ATT-037",
            Outcome.PASSED,
        ),
        ({"iat": 1_794_096_000, "exp": 1_795_305_600}, "ATT-042", Outcome.FAILED),
        ({"exp": "later"}, "ATT-042", Outcome.INAPPLICABLE),
        ({"extra": 1.5}, "ATT-040", Outcome.FAILED),
    ],
)
def test_tokens(changed: dict[str, object], case: str, outcome: Outcome) -> None:
    assert outcomes(case, note(good(attestation=with_claims(**changed)))) == [outcome]


def test_one_id_for_two_tokens() -> None:
    text = sign(MAKER.header(), MAKER.claims(TWO.digest, ONE.digest), MAKER.key())
    assert outcomes("ATT-041", note(good(), good(TWO, attestation=text))) == [Outcome.PASSED, Outcome.FAILED]
    assert outcomes("ATT-041", note(good(), good())) == [Outcome.PASSED]


@pytest.mark.parametrize(
    ("list_id", "expected"),
    [(TEST_LIST, True), ("https://w3id.org/assay/lab", False), ("https://a.example/1", False)],
)
def test_lists_of_the_lab(list_id: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert is_lab_list(list_id) is expected
    assert is_test([list_id]) is expected
    assert not is_test([])


# -------------------------------------------------------------------- beside
def test_whose_the_tokens_of_a_header_are() -> None:
    token = MAKER.attestation(ONE.digest).removeprefix("data:application/jwt,")
    header = f'"{token}"'
    bare = note(medium(ONE, {}))
    assert outcomes("ATT-044", bare, header=header) == [Outcome.CANNOT_TELL]
    assert outcomes("ATT-044", bare, header=header, digests={ONE.url: ONE.digest}) == [Outcome.PASSED]
    assert outcomes("ATT-044", bare, header=header, digests={ONE.url: TWO.digest}) == [Outcome.FAILED]
    assert outcomes("ATT-043", bare, header='"x"') == [Outcome.FAILED]
    assert outcomes("ATT-044", bare, header='"a.b.c"') == [Outcome.INAPPLICABLE]


def test_bytes_that_could_not_be_had() -> None:
    found = examine(Given(note(good()), TERMS, unreachable={ONE.url: "No answer."}))
    [result] = [one for one in found.results if one.code == "ATT-009"]
    assert (result.outcome, result.detail) == (Outcome.CANNOT_TELL, "The bytes could not be had. No answer.")
    assert found.temporary
    assert outcomes("ATT-008", note(medium(ONE, {"attestation": MAKER.attestation(ONE.digest)}))) == [
        Outcome.INAPPLICABLE
    ]


# -------------------------------------------------------------------- signatures
def author(key_id: str = f"{AUTHOR}#main-key") -> dict[str, Any]:
    pem = signed.pem()
    key = {"id": key_id, "owner": AUTHOR, "publicKeyPem": pem}
    return {"id": AUTHOR, "type": "Person", "inbox": f"{AUTHOR}/inbox", "publicKey": key}


def covered(document: dict[str, Any], *actors: dict[str, Any]) -> str:
    terms = Terms({one["id"]: one for one in (ACTOR, *actors)}, frozenset(), None, NOW)
    [result] = look(document, terms=terms, linked=read(document))["ATT-032"]
    return f"{result.outcome}: {result.detail}"


def ld_signed(document: dict[str, Any]) -> dict[str, Any]:
    return signed_ld.sign_ld(document, signed.key(), f"{AUTHOR}#main-key")


def test_what_a_linked_data_signature_covers() -> None:
    whole = ld_signed(note(good()))
    assert covered(whole, author()).startswith("passed")
    assert covered(whole).startswith("cantTell: The key")
    added = note(good()) | {"signature": ld_signed(note(medium(ONE, {})))["signature"]}
    assert covered(added, author()).startswith("failed: The signature was made before")
    broken = ld_signed(note(good(), content="other")) | {"object": note(good())["object"]}
    assert covered(broken, author()).startswith("cantTell: The Linked Data signature is not")
    undefined = ld_signed(note(good()) | {"@context": AS2})
    assert covered(undefined, author()).startswith("failed: JSON-LD drops")
    unread = note(good()) | {"@context": [AS2, "https://elsewhere.example/context"]}
    assert covered(unread | {"signature": whole["signature"]}, author()).startswith(
        "cantTell: The document cannot"
    )
    other = whole | {"signature": whole["signature"] | {"type": "Other"}}
    assert covered(other, author()).startswith("cantTell: The Linked Data signature is not as")
    assert outcomes("ATT-032", whole) == [Outcome.INAPPLICABLE]
    assert outcomes("ATT-032", [whole]) == [Outcome.INAPPLICABLE]
    assert outcomes("ATT-026", unread, linked=read(unread)) == [Outcome.CANNOT_TELL]


def test_what_a_proof_covers() -> None:
    key = MAKER.key("author")
    kid = f"{AUTHOR}#ed25519-key"
    from mediaattest import IssuerKey, describe_key

    entry = describe_key(IssuerKey(kid, AUTHOR, key.public_key().public_bytes_raw()))
    actor = author() | {"assertionMethod": [entry]}
    whole = signed_ld.add_proof(note(good()), key, kid)
    assert covered(whole, actor).startswith("passed")
    assert covered(whole).startswith("cantTell: The key")
    assert covered(whole | {"published": "2026-11-21T00:00:00Z"}, actor).startswith(
        "cantTell: The integrity proof"
    )
    assert covered(whole | {"proof": whole["proof"] | {"type": "x"}}, actor).startswith(
        "cantTell: The integrity"
    )


def test_what_was_there_before() -> None:
    document = note(good()) | {"@context": [AS2, {**CONTEXT, "x": "y:z"}]}
    assert without(document)["@context"] == document["@context"]
    assert without(document, terms=True)["@context"] == [AS2, {"x": "y:z"}]
    assert without(note(good()), terms=True)["@context"] == AS2
    assert json.dumps(without(document)).count("sha256") == 0


def test_padding_and_other_prefixes_can_still_be_read() -> None:
    text = MAKER.attestation(ONE.digest).removeprefix("data:application/jwt,")
    head, claims, signature = text.split(".")
    found = examine_one(Found(f"{head}=.{claims}==.{signature}", "here"), TERMS)
    assert isinstance(found.header, dict)
    assert examine_one(Found(encode_part(b"\xff"), "here"), TERMS).header is None


# -------------------------------------------------------------------- any input
NAMES = st.sampled_from(
    [
        "type",
        "id",
        "url",
        "href",
        "attachment",
        "object",
        "icon",
        "tag",
        "inReplyTo",
        "items",
        "actor",
        "@context",
        "hash",
        "attestation",
        "digestMultibase",
        "mediaAttestation",
        "signature",
        "proof",
        "creator",
    ]
)
TEXTS = st.sampled_from(
    [
        "Create",
        "Note",
        "Image",
        "Collection",
        "Person",
        ONE.url,
        ONE.digest,
        AUTHOR,
        AS2,
        "",
        "data:application/jwt,",
        MAKER.attestation(ONE.digest),
        with_claims(chk=7, iat=[], iss={}),
        sign(b"{}", b'{"iss":[1]}', MAKER.key()),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | TEXTS
JSON = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=4),
    max_leaves=20,
)


@given(JSON, st.none() | st.text(max_size=40) | TEXTS)
def test_any_document_is_examined(document: object, header: str | None) -> None:
    found = examine(Given(document, TERMS, header, {ONE.url: ONE.digest}))
    assert {result.code for result in found.results} == {code for code in CASES if code < "ATT-1"}
    answer(found, found.run("x", started=0, finished=1, tester="t"))
    issuers_in(document, header)
    list(all_in(document, frozenset()))


# -------------------------------------------------------------------- the profile keeps its own rules
VECTORS = Path(__file__).parents[4] / "fep" / "vectors" / "document.json"
EXAMPLES = {
    "a note with two images",
    "an image by itself",
    "an image that was changed",
    "an image that is added to a collection",
    "four attachments of Mastodon's kind",
    "sixteen attachments",
    "an Announce of a relay",
}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_examples_of_the_profile_are_good(name: str) -> None:
    [vector] = [one for one in json.loads(VECTORS.read_text()) if one["name"] == name]
    found = look(vector["input"], linked=read(vector["input"]))
    broken = [
        code for code, results in found.items() if any(one.outcome is Outcome.FAILED for one in results)
    ]
    assert [code for code in broken if code > "ATT-011" and CASES[code].level is not Level.MAY] == []
