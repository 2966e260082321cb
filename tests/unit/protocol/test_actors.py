from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.actor import ActorKey
from relay.domain.errors import Malformed, Refused
from relay.protocol.actors import (
    MAX_KEYS,
    KeyFailure,
    KeyFound,
    NeedsOwner,
    check_inbox,
    key_in,
    key_of_owner,
    parse_actor,
)
from relay.protocol.keys import MAX_PEM
from tests.unit.captured import ACTORS, KEYS

ACTOR = "https://a.example/users/alice"
KEY_ID = f"{ACTOR}#main-key"
PEM = "-----BEGIN PUBLIC KEY-----"
NOW = 1_795_300_000.0


def key(**changes: Any) -> dict[str, Any]:
    return {"id": KEY_ID, "owner": ACTOR, "publicKeyPem": PEM} | changes


def actor(**changes: Any) -> dict[str, Any]:
    return {"id": ACTOR, "type": "Person", "inbox": f"{ACTOR}/inbox", "publicKey": key()} | changes


@pytest.mark.parametrize("name", ACTORS)
def test_real_actors(name: str) -> None:
    document = ACTORS[name]
    found = parse_actor(document)
    assert (found.id, found.inbox) == (document["id"], document["inbox"])
    assert found.preferred_username == document.get("preferredUsername")
    assert found.keys
    for one in found.keys:
        known = key_in(document, one.id, now=NOW)
        assert isinstance(known, KeyFound)
        assert known.key.owner == found.id
        assert one.id in KEYS


def test_everything_of_an_actor() -> None:
    found = parse_actor(
        actor(
            type=["Service", "x"],
            preferredUsername="relay",
            name="Relay",
            followers={"id": f"{ACTOR}/followers"},
            endpoints={"sharedInbox": "https://a.example/inbox"},
            assertionMethod=[{"type": "Multikey"}, f"{ACTOR}#key", 7, None],
        )
    )
    assert (found.type, found.preferred_username, found.name) == ("Service", "relay", "Relay")
    assert (found.shared_inbox, found.followers) == ("https://a.example/inbox", f"{ACTOR}/followers")
    assert found.keys == (ActorKey(KEY_ID, ACTOR, PEM),)
    assert found.assertion_methods == ({"type": "Multikey"}, f"{ACTOR}#key")


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "x",
        {},
        actor(id=None),
        actor(id="urn:x"),
        actor(id=7),
        actor(inbox=None),
        actor(inbox="ftp://a.example/"),
        actor(inbox=["https://a.example/inbox"]),
        actor(type=None),
        actor(type=7),
    ],
)
def test_what_is_no_actor(document: Any) -> None:
    with pytest.raises(Malformed) as caught:
        parse_actor(document)
    assert caught.value.code == "bad-actor"


@pytest.mark.parametrize(
    "value", [7, [], None, {"sharedInbox": 7}, {"sharedInbox": "x"}, "https://a.example/e"]
)
def test_row_33_properties_of_other_types_are_left_out(value: Any) -> None:
    found = parse_actor(actor(endpoints=value, name=7, preferredUsername=[], followers=7, publicKey=7))
    assert (found.shared_inbox, found.name, found.preferred_username) == (None, None, None)
    assert (found.followers, found.keys) == (None, ())


def test_an_array_of_keys() -> None:
    second = key(id=f"{ACTOR}#second")
    found = parse_actor(actor(publicKey=[key(), "x", second]))
    assert [one.id for one in found.keys] == [KEY_ID, second["id"]]
    known = key_in(actor(publicKey=[key(), second]), second["id"], now=NOW)
    assert isinstance(known, KeyFound)
    assert len(parse_actor(actor(publicKey=[key()] * 99)).keys) == MAX_KEYS


@pytest.mark.parametrize("owner", [{"owner": ACTOR}, {"controller": ACTOR}, {"owner": {"id": ACTOR}}, {}])
def test_the_owner_in_any_shape(owner: dict[str, Any]) -> None:
    entry = {"id": KEY_ID, "publicKeyPem": PEM} | owner
    assert isinstance(key_in(actor(publicKey=entry), KEY_ID, now=NOW), KeyFound)


def test_row_15_a_key_speaks_for_the_one_actor_that_lists_it() -> None:
    found = key_in(actor(), KEY_ID, now=NOW)
    assert isinstance(found, KeyFound)
    assert found.key.owner == found.actor.id == ACTOR  # what services compare with the activity's actor


def test_row_16_a_key_that_its_owner_does_not_list() -> None:
    other = "https://a.example/users/bob"
    stolen = {"id": "https://a.example/keys/1", "owner": ACTOR, "publicKeyPem": PEM}
    assert key_in(stolen, stolen["id"], now=NOW) == NeedsOwner(ACTOR)
    assert key_of_owner(actor(), stolen["id"], ACTOR, now=NOW) is KeyFailure.NOT_LISTED
    assert key_in(actor(publicKey=key(owner=other)), KEY_ID, now=NOW) is KeyFailure.NOT_LISTED
    assert key_in(actor(publicKey=key(owner=None)), KEY_ID, now=NOW) is KeyFailure.NOT_LISTED
    foreign = "https://e.example/keys/1"
    assert key_in(key(id=foreign), foreign, now=NOW) is KeyFailure.OTHER_ORIGIN
    assert key_in(actor(publicKey=key(id=foreign)), foreign, now=NOW) is KeyFailure.OTHER_ORIGIN
    assert parse_actor(actor(publicKey=key(id=foreign))).keys == ()


def test_row_16_the_owner_has_to_be_the_one_that_was_named() -> None:
    other = "https://a.example/users/bob"
    assert key_of_owner(actor(), KEY_ID, other, now=NOW) is KeyFailure.NOT_LISTED
    assert key_of_owner(key(), KEY_ID, ACTOR, now=NOW) is KeyFailure.BAD_DOCUMENT


def test_row_38_a_key_too_long_to_be_one_is_not_kept() -> None:
    padding = "\n" * (MAX_PEM - len(PEM))
    assert parse_actor(actor(publicKey=key(publicKeyPem=PEM + padding))).keys
    assert parse_actor(actor(publicKey=key(publicKeyPem=PEM + padding + "\n"))).keys == ()


def test_row_17_a_key_with_another_id() -> None:
    assert key_in(key(), f"{ACTOR}#other", now=NOW) is KeyFailure.KEY_ID_MISMATCH
    assert key_in(actor(), f"{ACTOR}#other", now=NOW) is KeyFailure.NOT_LISTED


def test_a_key_alone_leads_to_its_owner() -> None:
    key_id = "https://a.example/users/alice/publickey"
    document = key(id=key_id, type="CryptographicKey")
    assert key_in(document, key_id, now=NOW) == NeedsOwner(ACTOR)
    found = key_of_owner(actor(publicKey=document), key_id, ACTOR, now=NOW)
    assert isinstance(found, KeyFound)
    assert found.key == ActorKey(key_id, ACTOR, PEM)


def test_a_stub_of_gotosocial_leads_to_its_owner() -> None:
    complete = ACTORS["gts.test_users_alice"]
    stub = {name: complete[name] for name in ("@context", "id", "type", "preferredUsername", "publicKey")}
    key_id = complete["publicKey"]["id"]
    assert key_in(stub, key_id, now=NOW) == NeedsOwner(complete["id"])
    assert isinstance(key_of_owner(complete, key_id, complete["id"], now=NOW), KeyFound)
    assert key_of_owner(stub, key_id, complete["id"], now=NOW) is KeyFailure.BAD_DOCUMENT


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "x",
        {},
        key(id=None),
        key(publicKeyPem=None),
        key(owner=None),
        key(owner=7),
        {"publicKey": KEY_ID},
    ],
)
def test_what_is_no_key(document: Any) -> None:
    assert key_in(document, KEY_ID, now=NOW) is KeyFailure.BAD_DOCUMENT


NAMES = st.sampled_from(
    ["id", "type", "inbox", "publicKey", "publicKeyPem", "owner", "endpoints", "assertionMethod"]
)
JSON = st.recursive(
    st.none() | st.integers(0, 9) | st.sampled_from([ACTOR, KEY_ID, "x", PEM]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=20,
)


@given(JSON)
def test_total_on_any_json(document: Any) -> None:
    assert isinstance(key_in(document, KEY_ID, now=NOW), KeyFound | NeedsOwner | KeyFailure)
    assert isinstance(key_of_owner(document, KEY_ID, ACTOR, now=NOW), KeyFound | KeyFailure)


def test_row_37_an_inbox_on_our_own_server() -> None:
    for url in ("https://relay.example/inbox", "https://RELAY.example:443/x"):
        with pytest.raises(Refused) as caught:
            check_inbox(url, "relay.example", allow_http=False)
        assert caught.value.code == "own-inbox"
    for url in (
        "http://a.example/inbox",
        "https://u@a.example/",
        "https://a.example/#x",
        "redis://a.example",
    ):
        with pytest.raises(Malformed):
            check_inbox(url, "relay.example", allow_http=False)
    assert (
        check_inbox("http://127.0.0.1:9001/i", "127.0.0.1:9000", allow_http=True) == "http://127.0.0.1:9001/i"
    )
