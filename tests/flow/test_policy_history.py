"""The history of the policy: signed, chained, and what of it the public reads."""

from __future__ import annotations

import json
import re
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from relay.cli.serving import listening, public_app
from relay.domain.errors import NotFound
from relay.domain.policy_version import Why
from relay.protocol.policy_statement import (
    HEAD_TYPE,
    VERSION_TYPE,
    StatementKey,
    digest_of_statement,
    read_statement,
)
from tests.fakes import rsa_key
from tests.flow.conftest import BASE
from tests.flow.test_reload import reload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.services.policy_history import Fault
    from tests.flow.conftest import World, Worlds

pytestmark = pytest.mark.databases

FIRST = """\
policy:
  rules:  # because of mallory.test
    - {name: Mallory sends spam, when: {from: [mallory.test, list:dni]}, then: drop, reason: spam}
    - {name: Crowd, when: {mentions: more than 130}, then: quarantine, reason: mentions}
    - {name: Alike, when: {match: near, match distance: up to 29}, then: quarantine, reason: near}
  lists: {dni: [eve.test, trent.test]}
"""
SECOND = FIRST.replace("more than 130", "more than 170").replace("then: drop", "then: quarantine")
THIRD = FIRST.replace("eve.test, trent.test", "eve.test")
SECRETS = ("mallory", "eve.test", "trent.test", "Mallory sends", "130", "170", "29", "Crowd", "cli:")


async def with_versions(worlds: Worlds, more: str = "") -> World:
    """A relay with three versions of its policy."""
    world = await worlds.open(BASE + FIRST + more)
    await world.relay.office.reloads.ask(who="cli:ann", why=Why.APPLY, note="They apologized.")
    for text in (SECOND, THIRD):
        answer = await reload(worlds, world, BASE + text + more)
        assert answer.new_version
    return world


@pytest_asyncio.fixture(loop_scope="session")
async def world(worlds: Worlds) -> World:
    return await with_versions(worlds)


async def faults(world: World) -> list[Fault]:
    return await world.relay.office.policy_history.verify()


async def tamper(world: World, sql: str) -> None:
    """Change the record behind the relay's back."""
    async with world.relay.office.store.transaction() as tx:
        await tx.policies._sql._connection.execute(sql)


# -------------------------------------------------------------------- the record


async def test_versions_say_who_when_why_and_what(world: World) -> None:
    versions = await world.relay.office.policy_history.all()
    assert [(one.number, one.who, one.why) for one in versions] == [
        (1, "relay", Why.START),
        (2, "cli:ann", Why.APPLY),
        (3, "signal", Why.RELOAD),
    ]
    assert versions[1].note == "They apologized."
    assert versions[0].written.text.startswith("rules:  # because of mallory.test\n")
    assert versions[0].written.place.endswith("config.yaml")
    assert len({one.policy for one in versions}) == 3
    assert "trent" not in json.dumps([one.record for one in versions])
    with pytest.raises(NotFound):
        await world.relay.office.policy_history.get(4)


async def test_an_untouched_record_is_whole_whatever_becomes_of_the_keys_of_attestations(
    world: World,
) -> None:
    assert await faults(world) == []
    keys = world.relay.office.keys
    await keys.revoke((await keys.current()).signing.name, who="cli:ann", note=None)
    world.clock.forward(400 * 24 * 3600.0)
    assert await faults(world) == []


@pytest.mark.parametrize(
    ("sql", "number", "cause"),
    [
        ("UPDATE policy_versions SET note = 'x' WHERE number = 2", 2, "note is not what was signed"),
        ("UPDATE policy_versions SET why = 'undo' WHERE number = 2", 2, "why is not what was signed"),
        ("UPDATE policy_versions SET at = at + 60 WHERE number = 2", 2, "iat is not what was signed"),
        ("UPDATE policy_versions SET who = 'cli:eve' WHERE number = 2", 2, "sealed is not what"),
        ("UPDATE policy_versions SET text = 'x' WHERE number = 2", 2, "sealed is not what"),
        ("UPDATE policy_versions SET policy = '1-x' WHERE number = 2", 2, "sealed is not what"),
        (
            "UPDATE policy_versions SET record = replace(record, '\"mentions\"', '\"media\"') WHERE number = 3",
            3,
            "sealed is not what",
        ),
        ("DELETE FROM policy_versions WHERE number = 2", 3, "does not follow"),
        ("DELETE FROM policy_versions WHERE number = 1", 2, "does not follow"),
        (
            (
                "UPDATE policy_versions SET statement = "
                "(SELECT statement FROM policy_versions WHERE number = 1) WHERE number = 2"
            ),
            2,
            "number is not what was signed",
        ),
        (
            (
                "UPDATE policy_versions SET statement = substr(statement, 1, length(statement) - 4) || 'AAAA' "
                "WHERE number = 1"
            ),
            1,
            "signature is wrong",
        ),
        (
            "UPDATE policy_versions SET statement = 'a.b.c' WHERE number = 1",
            1,
            "signature is wrong",
        ),
    ],
)
async def test_every_change_of_the_record_is_found(world: World, sql: str, number: int, cause: str) -> None:
    await tamper(world, sql)
    found = await faults(world)
    assert any(one.number == number and cause in one.cause for one in found), found


async def test_a_record_of_another_relay_is_found(worlds: Worlds, world: World) -> None:
    history = world.relay.office.policy_history
    history._opened = StatementKey(history.key.kid, rsa_key(0))
    assert {one.number: one.cause for one in await faults(world)} == dict.fromkeys(
        (1, 2, 3), "its signature is wrong"
    )


async def test_the_version_after_one_that_was_changed_shows_it_too(world: World) -> None:
    sql = "UPDATE policy_versions SET statement = statement || 'A' WHERE number = 2"
    await tamper(world, sql)
    assert {one.number for one in await faults(world)} == {2, 3}


# -------------------------------------------------------------------- what the public reads


@pytest_asyncio.fixture(loop_scope="session")
async def web(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    async with visiting(world) as session:
        yield session


@asynccontextmanager
async def visiting(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody who reads the pages."""
    headers = {"Host": "relay.test"}
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as session,
    ):
        yield session


async def read(web: aiohttp.ClientSession, path: str, status: int = 200, **headers: str) -> str:
    async with web.get(path, headers=headers) as answer:
        assert answer.status == status, path
        return await answer.text()


PATHS = ("/policy", "/policy/history", "/policy/history/1", "/policy/history/2", "/policy/history/3")


async def test_in_sentences_nothing_tells_how_to_get_around_the_rules(web: aiohttp.ClientSession) -> None:
    for path in PATHS:
        for form in ("html", "json"):
            text = await read(web, f"{path}?format={form}")
            shown = text if form == "html" else json.dumps(without_statements(json.loads(text)))
            assert [one for one in SECRETS if one in strip(shown)] == [], (path, form)
        assert "not published" in await read(web, path) or path.endswith("history")
    assert await read(web, "/policy?format=yaml", status=404)
    for version in json.loads(await read(web, "/policy/history?format=json"))["versions"]:
        claims = json.dumps(claims_of(version, public_key(await read(web, "/actor"))))
        assert [one for one in SECRETS if one in strip(claims)] == []


def strip(text: str) -> str:
    """Without times, digests and keys, whose digits are anybody's."""
    text = re.sub(
        r"<pre.*?</pre>|<code>.*?</code>|[0-9]+ November [0-9]+, [0-9:]+ UTC", "", text, flags=re.DOTALL
    )
    return re.sub(r'"(?:iat|at)": ?[0-9]+|[a-z0-9-]+:[0-9a-f]{64}|#main-key', "", text)


def without_statements(found: Any) -> Any:
    if isinstance(found, dict):
        hidden = {"statement", "head", "key"}
        return {key: without_statements(value) for key, value in found.items() if key not in hidden}
    return [without_statements(one) for one in found] if isinstance(found, list) else found


def public_key(actor: str) -> Any:
    """The key that an actor document has."""
    return load_pem_public_key(json.loads(actor)["publicKey"]["publicKeyPem"].encode())


def claims_of(version: dict[str, Any], key: Any) -> dict[str, Any]:
    """What a version says that was signed."""
    claims = read_statement(version["statement"], typ=VERSION_TYPE, key=key)
    assert claims is not None
    return claims


async def test_anybody_can_check_the_chain_with_the_actor_document(web: aiohttp.ClientSession) -> None:
    found = json.loads(await read(web, "/policy/history", Accept="application/json"))
    key = public_key(await read(web, "/actor"))
    head = read_statement(found["head"], typ=HEAD_TYPE, key=key)
    assert head is not None
    expected = head["statement"]
    assert head["number"] == len(found["versions"]) == 3
    for version in found["versions"]:
        assert expected == digest_of_statement(version["statement"]) == version["digest"]
        claims = claims_of(version, key)
        assert (claims["number"], claims["why"], claims["iat"]) == (
            version["number"],
            version["why"],
            version["at"],
        )
        assert claims["outline"] == version["policy"]
        assert claims["sub"] == f"https://relay.test/policy/history/{version['number']}"
        expected = claims["previous"]
    assert expected is None


async def test_the_pages_tell_the_changes_by_date(web: aiohttp.ClientSession) -> None:
    history = await read(web, "/policy/history")
    assert "“They apologized.”" in history
    assert history.index("Version 3") < history.index("Version 2") < history.index("Version 1")
    assert "What changed in it is not published." in history
    assert "The list &#34;dni&#34; has 1 member." in history
    second = await read(web, "/policy/history/2")
    assert "drop it" in second
    assert "hold it for a person" in second
    current = await read(web, "/policy")
    assert "Version 3" in current
    assert "test pictures that harm nobody" in current
    home = await read(web, "/")
    assert 'href="/policy"' in home
    assert "Allow: /policy\n" in await read(web, "/robots.txt")


@pytest.mark.parametrize(
    "path",
    [
        "/policy/history/0",
        "/policy/history/4",
        "/policy/history/x",
        "/policy/history/99999999999",
        "/policy/history?before=1",
        "/policy/history?before=x",
    ],
)
async def test_what_is_not_there_is_404(web: aiohttp.ClientSession, path: str) -> None:
    assert json.loads(await read(web, path, status=404))["code"] == "not-found"


async def test_pages_of_a_long_history(world: World, web: aiohttp.ClientSession) -> None:
    history = world.relay.office.policy_history
    policy = world.relay.office.decider.policy
    written = (await history.get(1)).written
    for number in range(10, 31):
        await history.record(replace(policy, version=number), written, why=Why.RELOAD, who="cli:ann")
    newest = await read(web, "/policy/history")
    assert 'href="/policy/history?before=5"' in newest
    older = await read(web, "/policy/history?before=5")
    assert "Version 4" in older
    assert "Version 5" not in older
    assert "Older changes" not in older
    assert "Nothing that is published." in newest
    assert await faults(world) == []


async def test_in_full_everything_but_lists_and_distances_is_there(worlds: Worlds) -> None:
    world = await with_versions(worlds, "transparency: {policy: full}\n")
    async with visiting(world) as web:
        for path in ("/policy", "/policy/history/1"):
            text = await read(web, path, Accept="text/yaml")
            assert 'name: "Mallory sends spam"' in text
            assert "match distance: not published" in text
            page = await read(web, path)
            for shown in (text, page):
                assert [
                    one for one in ("eve.test", "trent.test", "29", "because of") if one in strip(shown)
                ] == []
        assert "mentions: more than 130" in await read(web, "/policy/history/1?format=yaml")
        assert json.loads(await read(web, "/policy/history/1?format=json"))["text"] == text
        assert "more than 130" in await read(web, "/policy")


async def test_switched_off_nothing_is_there_and_nothing_leads_there(worlds: Worlds) -> None:
    world = await worlds.open(BASE + FIRST + "transparency: {policy: off}\n")
    async with visiting(world) as web:
        for path in PATHS:
            await read(web, path, status=404)
        assert "/policy" not in await read(web, "/")
        assert "/policy" not in await read(web, "/robots.txt")
        await reload(worlds, world, BASE + FIRST)
        assert "Version 1" in await read(web, "/policy")
