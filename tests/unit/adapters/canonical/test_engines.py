"""Signed documents, of real servers and of attackers, read by both engines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pyld import jsonld

from relay.adapters.canonical.engines import Pyld, read
from relay.domain.activity import parse_activity
from relay.domain.errors import Malformed
from relay.protocol.ldsig import Reading, ld_signature, verify_ld
from relay.protocol.unproven import Failure
from tests.unit.captured import CAPTURES, KEYS
from tests.unit.protocol.signed import key, pem
from tests.unit.protocol.signed_ld import AS2, CREATED, SECURITY, mastodon_create, sign_ld

if TYPE_CHECKING:
    from relay.protocol.ldsig import Engine

SIGNED = [one for one in CAPTURES if "ldsig_ok" in one.facts]
BODIES = {one.name: one.body for one in SIGNED}
ACTOR = "https://a.example/users/alice"
KEY_ID = f"{ACTOR}#main-key"
ENGINES: tuple[Engine, Engine] = ("first", "second")


def verified(body: bytes, *pems: str, engine: Engine = "first", now: float = 0.0) -> Reading | Failure:
    """What a signed document says, if its signature is right."""
    document = json.loads(body)
    signature = ld_signature(document, document["actor"], now)
    if isinstance(signature, Failure):
        return signature
    reading = read(body, engine)
    if isinstance(reading, Failure):
        return reading
    is_right = any(verify_ld(signature, reading, one) for one in pems or KEYS[signature.creator])
    return reading if is_right else Failure.MISMATCH


def signed(document: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    return sign_ld(document or mastodon_create(1), key(), KEY_ID, **options)


def seen(document: dict[str, Any], engine: Engine = "first", now: float = 0.0) -> Reading | Failure:
    return verified(json.dumps(document).encode(), pem(), engine=engine, now=now)


def meant(document: dict[str, Any], engine: Engine = "first") -> Reading:
    found = seen(document, engine)
    assert isinstance(found, Reading), found
    return found


# ---------------------------------------------------------------- real servers


@pytest.mark.parametrize("engine", ENGINES)
def test_every_signature_of_real_servers_verifies(engine: Engine) -> None:
    outcomes = {name: verified(body, engine=engine) for name, body in BODIES.items()}
    spoilt = {
        one.name for one in SIGNED if not one.facts["ldsig_ok"]
    }  # by ActivityRelay, which forwarded them
    assert (len(outcomes), len(spoilt)) == (48, 2)
    assert {name for name, found in outcomes.items() if found is Failure.MISMATCH} == spoilt
    readings = {name: found for name, found in outcomes.items() if isinstance(found, Reading)}
    assert len(readings) == 46
    assert all(found.same for found in readings.values())
    assert sum(b"focalPoint" in found.compacted for found in readings.values()) >= 3
    for name, found in readings.items():
        sent, said = parse_activity(BODIES[name]), parse_activity(found.compacted)
        assert (said.id, said.type, said.actor, said.object_ids) == (
            sent.id,
            sent.type,
            sent.actor,
            sent.object_ids,
        )
        assert (set(said.to), set(said.cc), said.visibility) == (set(sent.to), set(sent.cc), sent.visibility)
        if sent.object is not None:
            assert said.object is not None
            assert said.object.media == sent.object.media
            assert said.object.attributed_to == sent.object.attributed_to


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("pictures", [0, 4, 16])
def test_an_independent_signer_is_understood(engine: Engine, pictures: int) -> None:
    document = signed(mastodon_create(pictures), expires="2026-11-23T22:06:56Z", nonce="x")
    found = meant(document, engine)
    assert found.same
    said = parse_activity(found.compacted)
    sent = parse_activity(json.dumps(document).encode())
    assert said.object is not None
    assert sent.object is not None
    assert said.object.media == sent.object.media
    assert len(said.object.media) == pictures


@pytest.mark.parametrize("engine", ENGINES)
def test_a_changed_value_does_not_verify(engine: Engine) -> None:
    for name in ("content", "url", "published", "attributedTo"):
        document = signed()
        document["object"][name] = f"{document['object'][name]}x"
        assert seen(document, engine) is Failure.MISMATCH
    document = signed()
    del document["object"]["attachment"][0]["name"]
    assert seen(document, engine) is Failure.MISMATCH


def test_another_key_does_not_verify() -> None:
    body = json.dumps(signed()).encode()
    assert verified(body, KEYS[next(iter(KEYS))][0]) is Failure.MISMATCH
    assert verified(body, "no key") is Failure.MISMATCH


# ---------------------------------------------------------------- rows of protocol.md 5.3


@pytest.mark.parametrize(
    "terms",
    [
        {"content": "https://evil.example/content", "was": "as:content"},
        {"content": {"@id": "as:content", "@type": "@id"}},
        {"content": {"@id": "as:content", "@container": "@list"}},
        {"as": "https://evil.example/ns#"},
        {"publicKeyPem": "https://evil.example/pem"},
        {"id": "https://evil.example/id"},
    ],
)
def test_row_27_a_context_that_remaps_terms(terms: dict[str, Any]) -> None:
    document = signed()
    document["@context"] = [*document["@context"], terms]
    document["object"]["was"] = document["object"]["content"]
    document["object"]["content"] = "<p>the attacker's</p>"
    assert seen(document) is Failure.REMAPPED


def test_row_27_a_term_that_is_renamed_verifies_and_is_not_the_same() -> None:
    document = signed()
    document["@context"] = [*document["@context"], {"was": "as:content"}]
    document["object"]["was"] = document["object"].pop("content")
    found = meant(document)
    assert json.loads(found.compacted)["object"]["content"] == "<p>four canaries</p>"
    assert not found.same


@pytest.mark.parametrize("alias", [None, "things"])
def test_row_27_graph_plain_and_under_another_name(alias: str | None) -> None:
    document = signed()
    inner = {name: value for name, value in document.items() if name not in {"@context", "signature"}}
    contexts = document["@context"] if alias is None else [*document["@context"], {alias: "@graph"}]
    wrapped = {
        "@context": contexts,
        "id": "https://a.example/2",
        "type": "Delete",
        "actor": ACTOR,
        alias or "@graph": [inner],
        "signature": document["signature"],
    }
    assert seen(wrapped) is Failure.KEYWORD


@pytest.mark.parametrize("alias", [None, "contains"])
def test_row_27_reverse(alias: str | None) -> None:
    """The note is put on top, and its Create below it: the graph stays what it was."""
    document = signed()
    note = document.pop("object")
    signature, contexts = document.pop("signature"), document.pop("@context")
    contexts = contexts if alias is None else [*contexts, {alias: {"@reverse": "as:object"}}]
    below = {"@reverse": {"object": document}} if alias is None else {alias: document}
    rerooted = {"@context": contexts, **note, "actor": ACTOR, **below, "signature": signature}
    assert seen(rerooted) is Failure.KEYWORD


@pytest.mark.parametrize("alias", [None, "beside"])
def test_row_27_included(alias: str | None) -> None:
    document = signed()
    hidden = {"id": document["id"], "to": document.pop("to")}
    if alias is not None:
        document["@context"] = [*document["@context"], {alias: "@included"}]
    document[alias or "@included"] = [hidden]
    assert seen(document) is Failure.KEYWORD


@pytest.mark.parametrize(
    "definition",
    [
        "@nest",
        "@index",
        "@id",
        "type",
        {"@id": "@graph"},
        {"@id": "as:x", "@container": "@graph"},
        {"@id": "as:x", "@container": ["@index"]},
        {"@id": "as:x", "@container": {}},
        {"@id": "as:x", "@type": "@json"},
        {"@id": "as:x", "@type": 1},
        {"@id": "as:x", "@nest": "y"},
        {"@id": "as:x", "@context": {}},
        {"@type": "@id"},
        None,
        7,
    ],
)
def test_row_27_definitions_that_no_server_makes(definition: Any) -> None:
    document = signed()
    document["@context"] = [*document["@context"], {"other": definition}]
    assert seen(document) in {Failure.KEYWORD, Failure.BAD_CONTEXT}


def test_row_27_parts_moved_to_another_place_are_seen() -> None:
    document = signed()
    document["cc"] = [{"id": f"{ACTOR}/followers", "url": document["object"].pop("url")}]
    assert seen(document) is Failure.MISMATCH
    document = signed()
    replies = document["object"].pop("replies")
    document["object"]["replies"] = {"id": replies["id"]}
    document["object"]["replies"]["first"] = {**replies.pop("first"), "partOf": replies}
    found = meant(document)
    assert not found.same
    assert json.loads(found.compacted)["object"]["replies"]["id"] == replies["id"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_misskey_content", "the attacker's"),
        ("hash", "1234567890"),
        ("attestation", "1234567890"),
        ("source", {"content2": "the attacker's"}),
    ],
)
def test_row_28_undeclared_properties_are_ignored(engine: Engine, name: str, value: Any) -> None:
    document = signed()
    plain = meant(document, engine)
    document["object"]["attachment"][0][name] = value
    if name == "source":
        assert seen(document, engine) is Failure.MISMATCH  # AS2 knows `source`: an empty node is said
        return
    found = meant(document, engine)
    assert found.compacted == plain.compacted
    assert (plain.same, found.same) == (True, False)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("value", ["1234567890", "../x", "#x", "Public"])
def test_row_28_relative_iris_are_ignored(engine: Engine, value: str) -> None:
    document = signed()
    document["audience"] = value
    found = meant(document, engine)
    assert "audience" not in json.loads(found.compacted)
    assert not found.same
    document["audience"] = f"{value}y"
    assert not meant(document, engine).same


@pytest.mark.parametrize("engine", ENGINES)
def test_row_28_null_and_empty_arrays_say_the_same_nothing(engine: Engine) -> None:
    document = signed()
    document["object"]["inReplyTo"] = []
    document["object"]["icon"] = None
    del document["object"]["summary"]
    assert meant(document, engine).same


def test_row_29_expires() -> None:
    document = signed(expires="2026-11-23T22:06:56Z")
    assert isinstance(seen(document, now=1795471615.0), Reading)
    assert seen(document, now=1795471616.0) is Failure.EXPIRED


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("name", "value", "failure"),
    [
        ("expires", "2999-01-01T00:00:00Z", Failure.MISMATCH),
        ("nonce", "x", Failure.MISMATCH),
        ("created", "2026-11-21T22:06:57Z", Failure.MISMATCH),
        ("undeclared", "x", Failure.BAD_SIGNATURE),
        ("@context", AS2, Failure.BAD_SIGNATURE),
    ],
)
def test_row_29_an_option_that_was_not_signed(
    engine: Engine, name: str, value: str, failure: Failure
) -> None:
    document = signed()
    document["signature"][name] = value
    assert seen(document, engine) is failure


def test_row_29_a_key_of_another_origin() -> None:
    document = sign_ld(mastodon_create(0), key(), "https://b.example/users/alice#main-key")
    assert seen(document) is Failure.CREATOR_ORIGIN


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "contexts",
    [
        ["https://evil.example/context"],
        [{"@import": "https://evil.example/context"}],
        [{"x": {"@id": "as:x", "@context": "https://evil.example/context"}}],
        [{"@base": "https://evil.example/"}],
        [{"@vocab": "https://evil.example/"}],
        [None],
        [[AS2]],
    ],
)
def test_row_30_contexts_that_are_not_known(engine: Engine, contexts: list[Any]) -> None:
    document = signed()
    document["@context"] = [*document["@context"], *contexts]
    found = seen(document, engine)
    assert found in {Failure.UNKNOWN_CONTEXT, Failure.KEYWORD, Failure.BAD_CONTEXT}


def test_row_30_no_context_at_all() -> None:
    document = signed()
    document["@context"] = SECURITY
    assert seen(document) is Failure.UNKNOWN_CONTEXT
    del document["@context"]
    assert seen(document) is Failure.BAD_CONTEXT


def poison(kind: str, size: int) -> dict[str, Any]:
    """Documents that keep engines busy (protocol.md 4.4)."""
    mentions: list[dict[str, Any]] = [{"type": "Mention"} for _ in range(size)]
    if kind == "noise":
        mentions = [{"type": "Mention", f"undeclared{number}": number} for number in range(size)]
    if kind == "deeper":
        mentions = [{"type": "Mention", "tag": {"name": f"{number}"}} for number in range(size)]
    notes: list[Any] = [{"type": "Note", "tag": mentions}, {"type": "Note", "tag": mentions}]
    return {
        "@context": AS2,
        "id": "https://a.example/1",
        "type": "Create",
        "actor": ACTOR,
        "attachment": notes,
        "signature": {
            "type": "RsaSignature2017",
            "creator": KEY_ID,
            "created": CREATED,
            "signatureValue": "AAAA",
        },
    }


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("kind", "size", "failure"),
    [
        ("plain", 8, Failure.POISON),
        ("noise", 8, Failure.POISON),
        ("deeper", 8, Failure.POISON),
        ("plain", 2600, Failure.TOO_MANY_QUADS),
    ],
)
def test_row_31_poison_graphs(engine: Engine, kind: str, size: int, failure: Failure) -> None:
    assert seen(poison(kind, size), engine) is failure


def test_row_31_a_deep_chain() -> None:
    note: dict[str, Any] = {"type": "Note"}
    for _ in range(100):
        note = {"type": "Note", "tag": note}
    with pytest.raises(Malformed, match="32 levels"):
        parse_activity(json.dumps(poison("plain", 0) | {"object": note}).encode())


def test_row_31_an_engine_that_takes_too_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.adapters.canonical.engines.MAX_CALLS", 3)
    assert seen(poison("plain", 4), "second") is Failure.POISON
    assert seen(poison("plain", 4), "first") is Failure.MISMATCH


def test_what_an_engine_does_not_take() -> None:
    document = poison("plain", 0)
    document["@context"] = [AS2, {"type": "@type", "name": "as:name"}]
    document["type"] = 7
    for engine in ENGINES:
        assert seen(document, engine) is Failure.NOT_LINKED_DATA


def test_nothing_is_loaded() -> None:
    with pytest.raises(jsonld.JsonLdError):
        Pyld(b'{"@context":"https://evil.example/context"}')


def test_row_31_blank_ids() -> None:
    for place in ({"id": "_:b0"}, {"_:p": "x"}, {"tag": ["_:b0"]}):
        document = signed()
        document["object"] |= place
        assert seen(document) is Failure.BLANK_ID
    document = signed()
    document["@context"] = [*document["@context"], {"x": "_:x"}]
    assert seen(document) is Failure.BLANK_ID


def test_long_iris_by_short_names_are_too_much() -> None:
    document = poison("plain", 0) | {"tag": [{"x": number} for number in range(1000)]}
    document["@context"] = [AS2, {"x": "https://a.example/" + "x" * 2000}]
    assert seen(document) is Failure.TOO_MANY_QUADS
    document["@context"] = [AS2, {"x": "https://a.example/" + "x" * 3000}]
    assert seen(document) is Failure.BAD_CONTEXT


def test_a_long_document_is_not_looked_at() -> None:
    assert (
        seen(mastodon_create(0) | {"summary": "x" * 131_072} | signed(mastodon_create(0)))
        is Failure.TOO_LARGE
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_what_names_its_own_root_is_not_about_it(engine: Engine) -> None:
    document = mastodon_create(0)
    document["object"]["context"] = document["id"]
    assert seen(signed(document), engine) is Failure.REROOTED
