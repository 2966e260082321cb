"""Rotating and revoking attestation keys while the relay runs."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mediaattest import Verdict, to_data_url, unverified, verify
from relay.adapters.keys import KeyFolder
from relay.adapters.media.canary import clean_picture
from relay.domain.errors import Conflict, NotFound
from relay.services.attestkeys import LISTED_FOR
from tests.flow.operators import Operator, at_a_prompt, documented, with_a_relay
from tests.flow.submitters import digest_of, serving, submitters

if TYPE_CHECKING:
    from tests.flow.conftest import World, Worlds

DAY = 24 * 3600.0


async def attest(world: World, content: bytes) -> str:
    """Let the relay scan and attest a file; return the token."""
    await world.relay.inspector.facts(content)
    token = await world.relay.attestor.token(digest_of(content))
    assert token is not None
    return token


def verdict(world: World, token: str, content: bytes) -> Verdict:
    """What somebody finds who trusts the relay and looks at its actor now."""
    actor = json.loads(world.relay.actor)
    return verify(
        to_data_url(token),
        received=content,
        actors={actor["id"]: actor},
        trusted_issuers={actor["id"]},
        accepted_lists=None,
        now=int(world.clock.now()),
    ).verdict


def key_of(token: str) -> str:
    claim = unverified(to_data_url(token))
    assert claim is not None
    return claim.kid.partition("#")[2]


def published(world: World) -> dict[str, dict[str, Any]]:
    return {key["id"].partition("#")[2]: key for key in json.loads(world.relay.actor)["assertionMethod"]}


async def audited(world: World) -> list[str]:
    async with world.relay.office.store.reading() as tx:
        rows = await tx.subscribers._sql._connection.execute_fetchall("SELECT action FROM audit ORDER BY id")
    return [row[0] for row in rows]


async def test_a_rotated_key_stays_listed_until_what_it_signed_has_ended(worlds: Worlds) -> None:
    world = await serving(worlds)
    content, watch = clean_picture(400), world.relay.key_watch
    await watch.run_once()
    old = await attest(world, content)
    assert key_of(old) == "att-2026-11"
    assert await world.relay.office.keys.rotate(who="test") == "att-2026-11-2"
    assert await watch.run_once()
    assert not await watch.run_once()
    assert list(published(world)) == ["att-2026-11-2", "att-2026-11"]
    assert "expires" in published(world)["att-2026-11"]
    assert verdict(world, old, content) is Verdict.VALID
    new = await attest(world, clean_picture(401))
    assert key_of(new) == "att-2026-11-2"
    assert await attest(world, content) == old  # nothing is made anew for it
    world.clock.forward(13 * DAY)
    await watch.run_once()
    assert verdict(world, old, content) is Verdict.VALID
    world.clock.forward(LISTED_FOR)
    await watch.run_once()
    assert list(published(world)) == ["att-2026-11-2"]
    assert await world.relay.office.keys.rotate(who="test") == "att-2027-01"
    assert (await audited(world)).count("key-rotated") == 2


async def test_a_revoked_key_counts_nowhere_and_what_it_signed_is_made_anew(worlds: Worlds) -> None:
    world = await serving(worlds)
    keys, watch, content = world.relay.office.keys, world.relay.key_watch, clean_picture(402)
    await watch.run_once()
    old = await attest(world, content)
    assert await keys.revoke("att-2026-11", who="test", note="stolen") == 1
    late = await attest(world, clean_picture(403))  # the relay has not heard of it yet
    assert key_of(late) == "att-2026-11"
    assert await watch.run_once()
    assert [verdict(world, old, content), verdict(world, late, clean_picture(403))] == [
        Verdict.REVOKED_KEY,
        Verdict.REVOKED_KEY,
    ]
    assert "revoked" in published(world)["att-2026-11"]
    assert not (worlds.folder / "data" / "att-2026-11.pem").exists()
    async with submitters(world, "a.test") as [server]:
        paths = [f"/media-attestations/sha256/{digest_of(clean_picture(number))}" for number in (402, 403)]
        for path in paths:
            async with server.session.get(path, headers={"Host": "relay.test"}) as answer:
                assert answer.status == 410
        again = await server.send(content)
        assert again.status == 200
        async with server.session.get(paths[0], headers={"Host": "relay.test"}) as answer:
            assert answer.status == 200
    token = again.document["attestation"].removeprefix("data:application/jwt,")
    assert (key_of(token), verdict(world, token, content)) == ("att-2026-11-2", Verdict.VALID)
    with pytest.raises(Conflict):
        await keys.revoke("att-2026-11", who="test", note=None)
    with pytest.raises(NotFound):
        await keys.revoke("att-2000-01", who="test", note=None)
    assert "key-revoked" in await audited(world)


async def test_a_retired_key_can_be_revoked_and_the_signing_one_stays(worlds: Worlds) -> None:
    world = await serving(worlds)
    keys = world.relay.office.keys
    await keys.rotate(who="test")
    await keys.revoke("att-2026-11", who="test", note=None)
    current = await keys.current()
    assert [(key.name, key.state) for key in current.all] == [
        ("att-2026-11-2", "signing"),
        ("att-2026-11", "revoked"),
    ]


async def test_a_revoked_key_stays_revoked_when_its_file_comes_back(worlds: Worlds) -> None:
    """A copy of the folder is put back, or the process died before the file was deleted."""
    async with AsyncExitStack() as stack:
        world = await worlds.open(stack=stack)
        file = worlds.folder / "data" / "att-2026-11.pem"
        pem = file.read_bytes()
        await world.relay.office.keys.revoke("att-2026-11", who="test", note=None)
    file.touch(mode=0o600)
    file.write_bytes(pem)
    world = await worlds.open()
    assert world.relay.attestor.key.name == "att-2026-11-2"
    assert "revoked" in published(world)["att-2026-11"]


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return with_a_relay(at_a_prompt(tmp_path, monkeypatch))


def test_keys_at_a_prompt(operator: Operator) -> None:
    [first] = [key.name for key in KeyFolder(Path("data")).attestation(now=0)]
    rotated = operator.ask("keys", "rotate")
    assert set(rotated) == documented("keys", "rotate")
    rows = operator.ask("keys", "list")["keys"]
    assert {key for row in rows for key in row} == documented("keys", "list") - {"keys"}
    assert [(row["name"], row["state"]) for row in rows] == [
        ("main-key", "main"),
        (rotated["name"], "signing"),
        (first, "retired"),
    ]
    revoked = operator.ask("keys", "revoke", rotated["name"], "--note", "a test")
    assert set(revoked) == documented("keys", "revoke")
    assert revoked["signing"] not in {first, rotated["name"]}
    shown = operator.run("keys", "list").stdout
    assert "revoked" in shown
    assert "retired" in shown
    operator.fail("keys", "revoke", "main-key", status=1, code="main-key")
    operator.fail("keys", "revoke", "att-1999-01", status=1, code="not-found")
    operator.fail("keys", "revoke", rotated["name"], status=1, code="conflict")
    assert "is revoked" in operator.run("keys", "revoke", first).stdout
