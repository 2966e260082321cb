"""Both ways of signing through the whole relay: who is believed, how we knock, and what is remembered of it."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from mediaattest import encode_multikey
from relay.adapters.media.canary import clean_picture
from relay.domain.errors import RemoteError, Unauthorized
from relay.domain.scheme import Scheme
from relay.protocol.httpsig import body_digest
from relay.services.schemes import KEPT, MOST, ONCE_FOR, Schemes
from relay.services.signing import Signing
from tests.fakes import rsa_key
from tests.flow.conftest import follow
from tests.flow.test_screen import screened
from tests.unit.protocol.messages import MASTODON, edwards, message
from tests.unit.protocol.signed import lines, made

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.protocol.httpsig import SignedRequest
    from tests.fakes import FakeActor, FakeServer
    from tests.flow.conftest import World, Worlds

DRAFT, RFC9421 = Scheme.DRAFT, Scheme.RFC9421
ONLY_RFC9421, ONLY_DRAFT = frozenset({RFC9421}), frozenset({DRAFT})


def signed(
    world: World, actor: FakeActor, activity: Mapping[str, Any], *, key_id: str | None = None, **options: Any
) -> SignedRequest:
    """A delivery as Mastodon 4.7 knocks."""
    parameters = f';created={int(world.clock.now())};keyid="{key_id or actor.key_id}"'
    body = json.dumps(activity).encode()
    return message(MASTODON, parameters=parameters, body=body, **({"private": actor.key} | options))


def with_multikey(server: FakeServer, **changes: Any) -> str:
    """Let the server's actor publish an Ed25519 key; return the key's id."""
    actor = server.actor()
    method = {
        "id": f"{actor.id}#ed25519-key",
        "type": "Multikey",
        "controller": actor.id,
        "publicKeyMultibase": encode_multikey(edwards().public_key().public_bytes_raw()),
    } | changes
    server.serve("/actor", {**actor.document(), "assertionMethod": [method]})
    return f"{actor.id}#ed25519-key"


# ---------------------------------------------------------------- who is believed


async def test_a_knock_with_rfc_9421_is_heard(world: World) -> None:
    server = world.server("m.test")
    assert (await world.send(signed(world, server.actor(), follow(server)))).code == "follow-accepted"


async def test_an_ed25519_key_is_believed_in_both_ways(world: World) -> None:
    server = world.server("m.test")
    key_id = with_multikey(server)
    rfc9421 = signed(world, server.actor(), follow(server), key_id=key_id, private=edwards())
    assert (await world.send(rfc9421)).code == "follow-accepted"
    body = json.dumps(follow(server, number=2)).encode()
    covered = lines(date=None, digest=None) | {"(created)": str(int(world.clock.now()))}
    covered |= {"digest": body_digest(body)}
    parameters = f'algorithm="hs2019",created={int(world.clock.now())}'
    draft = made(covered, parameters=parameters, body=body, private=edwards(), key_id=key_id)
    assert (await world.send(draft)).code == "follow-accepted"


@pytest.mark.parametrize("name", ["expires", "revoked"])
async def test_an_ed25519_key_that_ended_is_not_believed(world: World, name: str) -> None:
    server = world.server("m.test")
    key_id = with_multikey(server, **{name: "2026-01-01T00:00:00Z"})
    with pytest.raises(Unauthorized) as error:
        await world.send(signed(world, server.actor(), follow(server), key_id=key_id, private=edwards()))
    assert error.value.code == "no-key"


async def test_row_15_a_signature_speaks_for_its_owner_only(world: World) -> None:
    server = world.server("m.test")
    mallory = server.actor("/users/mallory", "Person")
    with pytest.raises(Unauthorized):
        await world.send(signed(world, mallory, follow(server)))


async def test_row_22_the_same_request_again(world: World) -> None:
    server = await world.subscribe("m.test")
    alice = server.actor("/users/alice", "Person")
    request = signed(world, alice, server.create(server.note()))
    assert (await world.send(request)).code == "published"
    assert (await world.send(request)).code == "ignored-replay"


async def test_row_25_the_kind_of_key_decides(world: World) -> None:
    server = world.server("m.test")
    with pytest.raises(Unauthorized) as error:
        await world.send(signed(world, server.actor(), follow(server), private=edwards()))
    assert error.value.code == "bad-signature"


async def test_row_26_the_draft_alone_when_the_other_does_not_verify(world: World) -> None:
    server = world.server("m.test")
    actor, body = server.actor(), follow(server)
    draft = actor.sign("https://relay.test/inbox", body, world.clock.now())
    wrong = signed(world, actor, body, private=rsa_key(5))
    theirs = tuple(header for header in wrong.headers if header[0] in {"signature-input", "signature"})
    digest = ("content-digest", wrong.values("content-digest")[0])
    both = replace(draft, headers=(*draft.headers, digest, *theirs))
    assert (await world.send(both)).code == "follow-accepted"
    mixed = replace(both, headers=tuple(one for one in both.headers if one[0] != "digest"))
    with pytest.raises(Unauthorized):
        await world.send(mixed)


# ---------------------------------------------------------------- how we knock


async def test_a_server_that_takes_rfc_9421_only_is_reached_and_remembered(world: World) -> None:
    world.server("n.test").schemes = ONLY_RFC9421
    server = await world.subscribe("n.test")
    assert server.knocks[:2] == [DRAFT, RFC9421]
    assert set(server.knocks[2:]) == {RFC9421}
    server.knocks.clear()
    await world.publish(await world.subscribe("a.test"))
    assert len(server.arrivals("Announce")) == 1
    assert server.knocks == [RFC9421]


@pytest.mark.parametrize("refusal", [400, 401, 403])
async def test_the_fan_out_knocks_twice(world: World, refusal: int) -> None:
    server = await world.subscribe("n.test")
    server.schemes, server.refusal = ONLY_RFC9421, refusal
    await world.subscribe("a.test")
    server.knocks.clear()
    await world.publish(world.server("a.test"))
    await world.publish(world.server("a.test"))
    assert len(server.arrivals("Announce")) == 2
    assert server.knocks == [DRAFT, RFC9421, RFC9421]


async def test_attestations_are_covered_in_both_ways(worlds: Worlds) -> None:
    world = await screened(worlds)
    server, origin = world.server("b.test"), world.server("a.test")
    server.schemes = ONLY_RFC9421
    await world.publish(origin, origin.picture(clean_picture("sky")))
    [received] = server.inbox
    assert "media-attestation" in received.headers
    assert '"media-attestation"' in received.headers["signature-input"]


async def test_a_server_that_takes_the_draft_only_is_never_asked_for_more(world: World) -> None:
    world.server("o.test").schemes = ONLY_DRAFT
    server = await world.subscribe("o.test")
    await world.publish(await world.subscribe("a.test"))
    assert set(server.knocks) == {DRAFT}
    assert len(server.arrivals("Announce")) == 1


async def test_a_server_that_refuses_both_costs_two_tries_an_hour(world: World) -> None:
    server = await world.subscribe("x.test")
    await world.subscribe("a.test")
    server.schemes, server.refusal = frozenset(), 400
    server.knocks.clear()
    for _ in range(3):
        await world.publish(world.server("a.test"))
    assert server.knocks == [DRAFT, RFC9421, DRAFT, DRAFT]
    world.clock.forward(ONCE_FOR + 1)
    server.schemes = ONLY_RFC9421
    await world.publish(world.server("a.test"))
    assert server.knocks[4:] == [DRAFT, RFC9421]
    assert len(server.arrivals("Announce")) == 1


async def test_a_refused_activity_does_not_make_forget_what_a_server_takes(world: World) -> None:
    world.server("n.test").schemes = ONLY_RFC9421
    server = await world.subscribe("n.test")
    origin = await world.subscribe("a.test")
    bad = origin.note()
    server.refuses[bad["id"]] = 400
    server.knocks.clear()
    await world.post(origin.actor("/users/alice", "Person"), origin.create(bad))
    await world.publish(origin)
    assert server.knocks[:2] == [RFC9421, DRAFT]
    assert set(server.knocks[2:]) == {RFC9421}
    assert len(server.arrivals("Announce")) == 1


async def test_other_failures_are_no_refusals(world: World) -> None:
    server = await world.subscribe("m.test")
    await world.subscribe("a.test")
    server.knocks.clear()
    server.status = 503
    await world.publish(world.server("a.test"))
    assert server.knocks == [DRAFT]


async def test_a_server_that_falls_back_to_the_draft_is_followed_at_once(world: World) -> None:
    world.server("n.test").schemes = ONLY_RFC9421
    server = await world.subscribe("n.test")
    await world.subscribe("a.test")
    server.schemes = ONLY_DRAFT
    server.knocks.clear()
    await world.publish(world.server("a.test"))
    await world.publish(world.server("a.test"))
    assert server.knocks == [RFC9421, DRAFT, DRAFT]
    assert len(server.arrivals("Announce")) == 2


async def test_a_restart_keeps_the_memory_and_two_weeks_end_it(worlds: Worlds) -> None:
    async with AsyncExitStack() as stack:
        first = await worlds.open(stack=stack)
        first.server("n.test").schemes = ONLY_RFC9421
        await first.subscribe("n.test")
        await first.subscribe("a.test")
    world = await worlds.open()
    server = world.server("n.test")
    server.knocks.clear()
    await world.publish(world.server("a.test"))
    assert server.knocks == [RFC9421]
    world.clock.forward(KEPT + 1)
    await world.publish(world.server("a.test"))
    assert server.knocks[-2:] == [DRAFT, RFC9421]
    assert len(server.arrivals("Announce")) == 2


# ---------------------------------------------------------------- fetching


async def test_documents_are_fetched_in_either_way(world: World) -> None:
    server = world.server("n.test")
    server.schemes = ONLY_RFC9421
    note = server.note()
    assert (await world.relay.fetcher.document(note["id"]))["id"] == note["id"]
    assert (await world.relay.fetcher.document(server.actor().id))["id"] == server.actor().id
    assert server.knocks == [DRAFT, RFC9421, RFC9421]


async def test_a_fetch_that_is_refused_in_both_ways(world: World) -> None:
    server = world.server("x.test")
    server.schemes, server.refusal = frozenset(), 403
    for _ in range(2):
        with pytest.raises(RemoteError) as error:
            await world.relay.fetcher.document(server.note()["id"])
        assert error.value.status == 403
    assert server.knocks == [DRAFT, RFC9421, DRAFT]


async def test_a_fetch_that_fails_otherwise_the_second_time(world: World) -> None:
    server = world.server("n.test")
    server.schemes = ONLY_RFC9421
    with pytest.raises(RemoteError) as error:
        await world.relay.fetcher.document(server.url("/nothing"))
    assert error.value.status == 404
    with pytest.raises(RemoteError) as error:
        await world.relay.fetcher.document(server.url("/nothing-else"))
    assert server.knocks == [DRAFT, RFC9421, DRAFT, RFC9421]


# ---------------------------------------------------------------- bounds


async def test_row_38_strangers_cannot_make_the_memory_grow(world: World) -> None:
    schemes = Schemes(world.clock, world.relay.office.store, most=20)
    for number in range(50):
        await schemes.settle(f"{number}.test", RFC9421, 202)
        await schemes.settle(f"dead-{number}.test", RFC9421, 401)
        world.clock.forward(1)
    fresh = Schemes(world.clock, world.relay.office.store)
    await fresh.load()
    for known in (schemes, fresh):
        taken = [n for n in range(50) if known.first(f"{n}.test") is RFC9421]
        assert taken == list(range(30, 50))
    twice = [n for n in range(50) if schemes.second(f"dead-{n}.test", DRAFT, 401) is RFC9421]
    assert twice == list(range(30))
    assert MOST == 10_000


async def test_signing_alone_remembers_for_itself(world: World) -> None:
    server = world.server("n.test")
    server.schemes = ONLY_RFC9421

    class Signer:
        key_id = "https://relay.test/actor#main-key"

        async def sign_many(self, messages: list[bytes]) -> list[bytes]:
            return [rsa_key(7).sign(one, PKCS1v15(), SHA256()) for one in messages]

    signing = Signing(Signer(), world.fediverse, world.clock)
    for _ in range(2):
        assert (await signing.post(server.url("/inbox"), b"{}", 1.0)).status == 202
    assert server.knocks == [DRAFT, RFC9421, RFC9421]
