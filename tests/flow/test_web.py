"""The public addresses over HTTP, as servers and people ask for them."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from typing import TYPE_CHECKING

import aiohttp
import pytest_asyncio

from mediaattest import decode_multikey
from relay.adapters.media.canary import clean_picture, hostile_pictures
from relay.cli.serving import admin_app, listening, public_app
from relay.domain.rates import Rate
from relay.domain.waves.brake import Cover, Kind
from tests.fakes import sign_request
from tests.flow.conftest import INBOX, follow
from tests.flow.test_screen import KNOWN, LOCAL, PLAIN, screened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.flow.conftest import World, Worlds


@pytest_asyncio.fixture(loop_scope="session")
async def web(world: World) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers={"Host": "relay.test"}) as session,
    ):
        yield session


async def test_the_actor_is_what_every_server_expects(web: aiohttp.ClientSession) -> None:
    for path in ("/actor", "/inbox"):
        async with web.get(path) as answer:
            assert answer.content_type == "application/activity+json"
            actor = await answer.json(content_type=None)
        assert (actor["type"], actor["preferredUsername"]) == ("Application", "relay")
        assert actor["inbox"] == "https://relay.test/inbox"
        assert actor["publicKey"]["id"] == "https://relay.test/actor#main-key"
        assert actor["publicKey"]["publicKeyPem"].startswith("-----BEGIN PUBLIC KEY-----")
        [key] = actor["assertionMethod"]
        assert (key["type"], key["controller"]) == ("Multikey", actor["id"])
        assert len(decode_multikey(key["publicKeyMultibase"]) or b"") == 32


async def test_discovery(web: aiohttp.ClientSession) -> None:
    async with web.get("/.well-known/webfinger?resource=acct:relay@relay.test") as answer:
        found = await answer.json(content_type=None)
    assert {link["href"] for link in found["links"] if link["rel"] == "self"} == {"https://relay.test/actor"}
    async with web.get("/.well-known/webfinger?resource=acct:alice@relay.test") as answer:
        assert answer.status == 404
    async with web.get("/.well-known/webfinger") as answer:
        assert answer.status == 400
    async with web.get("/.well-known/nodeinfo") as answer:
        links = (await answer.json())["links"]
    for link in links:
        async with web.get(link["href"].removeprefix("https://relay.test")) as answer:
            info = await answer.json(content_type=None)
        assert (info["software"]["name"], info["openRegistrations"]) == ("assay", True)
    async with web.get("/nodeinfo/9.9") as answer:
        assert answer.status == 404
    async with web.get("/.well-known/host-meta") as answer:
        assert "lrdd" in await answer.text()


async def test_collections_show_no_members(world: World, web: aiohttp.ClientSession) -> None:
    await world.subscribe("m.test")
    for path in ("/outbox", "/followers", "/following"):
        async with web.get(path) as answer:
            assert "m.test" not in (text := await answer.text())
        assert json.loads(text)["type"] == "OrderedCollection"


async def test_the_page_for_people(web: aiohttp.ClientSession) -> None:
    async with web.get("/") as answer:
        text = await answer.text()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "https://relay.test/inbox" in text
    assert "canary" in text
    async with web.get("/static/style.css") as answer:
        assert answer.content_type == "text/css"
    async with web.get("/robots.txt") as answer:
        assert answer.status == 200
    async with web.get("/.well-known/security.txt") as answer:
        assert answer.status == 404  # no contact is configured


async def test_the_page_says_that_media_is_held_and_nothing_else_of_waves_and_incidents(
    world: World, web: aiohttp.ClientSession
) -> None:
    waves = world.relay.office.waves
    await waves.start_incident(Cover(Kind.SERVER, server="bad.test"), seconds=60.0, who="ann")
    async with web.get("/") as answer:
        quiet = await answer.text()
    assert "held at the moment" not in quiet
    await waves.start_incident(Cover(Kind.MEDIA), seconds=3600.0, who="ann", note="secret")
    async with web.get("/") as answer:
        text = await answer.text()
    assert "Media is held at the moment" in text
    assert "until 2026-11-2" in text
    assert not any(word in text for word in ("bad.test", "secret"))
    world.clock.forward(3601)
    async with web.get("/") as answer:
        assert "held at the moment" not in await answer.text()


async def test_a_follow_over_http_and_what_is_wrong_with_others(
    world: World, web: aiohttp.ClientSession
) -> None:
    server = world.server("m.test")
    request = server.actor().sign(INBOX, follow(server), world.clock.now())
    headers = {name: value for name, value in request.headers if name != "host"}
    async with web.post("/inbox", data=request.body, headers=headers) as answer:
        assert (answer.status, await answer.read()) == (202, b"")
    async with web.post("/inbox", data=request.body + b" ", headers=headers) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (401, "digest-mismatch")
    async with web.post("/inbox", data=b"{", headers=headers) as answer:
        assert answer.status == 400
    async with web.post("/inbox", data=b"x", headers={"Content-Type": "text/plain"}) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, "bad-content-type")
    async with web.get("/nothing-here") as answer:
        assert (answer.status, answer.content_type) == (404, "application/problem+json")
    dead = world.server("dead.test")
    request = dead.actor().sign(INBOX, follow(dead), world.clock.now())
    del world.fediverse.servers["dead.test"]
    headers = {name: value for name, value in request.headers if name != "host"}
    async with web.post("/inbox", data=request.body, headers=headers) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "60")


async def test_a_server_over_its_rate_is_answered_429_and_counted(
    world: World, web: aiohttp.ClientSession
) -> None:
    world.relay.moderation.limits.rate = Rate(1, 60)
    server = await world.subscribe("m.test")
    request = server.actor().sign(INBOX, follow(server, number=2), world.clock.now())
    headers = {name: value for name, value in request.headers if name != "host"}
    async with web.post("/inbox", data=request.body, headers=headers) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
        assert (await answer.json(content_type=None))["code"] == "rate-limited"
    async with (
        listening(admin_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
        session.get("/metrics") as answer,
    ):
        assert 'assay_inbox_total{outcome="rate-limited"} 1.0' in await answer.text()


async def test_row_13_a_body_over_the_limit_is_refused_declared_or_not(web: aiohttp.ClientSession) -> None:
    async def drip() -> AsyncIterator[bytes]:
        for _ in range(33):
            yield bytes(32 * 1024)
            await asyncio.sleep(0)  # noqa: TID251

    headers = {"Content-Type": "application/activity+json"}
    async with web.post("/inbox", data=io.BytesIO(bytes(1024 * 1024 + 1)), headers=headers) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (413, "too-large")
    try:
        async with web.post("/inbox", data=drip(), headers=headers) as answer:
            assert answer.status == 413
    except aiohttp.ClientError:
        pass  # the relay closed while the body still came: as good


async def test_attestations_are_looked_up_by_subscribers_only(worlds: Worlds) -> None:
    world = await screened(worlds, PLAIN + LOCAL + "attestation: {withhold: 0%}\n")
    server, content = world.server("a.test"), clean_picture(60)
    await world.publish(server, server.picture(content))
    digest = hashlib.sha256(content).hexdigest()
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):

        async def look(hexadecimal: str, name: str | None) -> tuple[int, str]:
            path = f"/media-attestations/sha256/{hexadecimal}"
            headers = {"Host": "relay.test"}
            if name is not None:
                actor = world.server(name).actor()
                url = f"https://relay.test{path}"
                signed = sign_request(actor.key, actor.key_id, url, b"", world.clock.now(), method="GET")
                headers = dict(signed.headers)
            async with session.get(path, headers=headers) as answer:
                return answer.status, await answer.text()

        status, token = await look(digest, "b.test")
        assert (status, token.count(".")) == (200, 2)
        assert (await look(digest, None))[0] == 401
        assert (await look(digest, "stranger.test"))[0] == 403
        assert (await look("0" * 64, "b.test"))[0] == 404
        assert (await look("zz", "b.test"))[0] == 400
        async with world.relay.office.store.transaction() as tx:
            await tx.media.retract(digest, world.clock.now())
        assert (await look(digest, "b.test"))[0] == 410


async def test_held_withheld_unreadable_and_unknown_files_look_alike(worlds: Worlds) -> None:
    world = await screened(worlds, PLAIN + LOCAL + "attestation: {withhold: 100%, lookup: public}\n")
    server, clean = world.server("a.test"), clean_picture(61)
    broken = min(hostile_pictures().values(), key=len)
    for content in (clean, KNOWN, broken):
        await world.publish(server, server.picture(content))
    answers = set()
    async with (
        listening(public_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        for content in (clean, KNOWN, broken, b"never seen"):
            path = f"/media-attestations/sha256/{hashlib.sha256(content).hexdigest()}"
            async with session.get(path) as answer:
                headers = {name: value for name, value in answer.headers.items() if name != "Date"}
                answers.add((answer.status, str(headers), await answer.text()))
    assert len(answers) == 1


async def test_health_and_metrics(world: World) -> None:
    world.relay.tally.add("inbox", "published")
    async with (
        listening(admin_app(world.relay), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        for path, word in (
            ("/healthz", "ok"),
            ("/readyz", "ready"),
            ("/metrics", "assay_inbox_total"),
            ("/metrics", "assay_shares_held 256.0"),
        ):
            async with session.get(path) as answer:
                assert answer.status == 200
                assert word in await answer.text()
