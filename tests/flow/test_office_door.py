"""Who gets in at the admin pages: links that are good once, sessions that end, and what other sites try."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from relay.domain.admin import IDLE_LASTS, LINK_LASTS, MOST_SESSIONS, SESSION_LASTS
from relay.services.admins import TRIES, Admins
from relay.web.office.door import SIGN_IN
from tests.flow.conftest import BASE
from tests.flow.office import Admin, visiting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.flow.conftest import World, Worlds


@pytest_asyncio.fixture(loop_scope="session")
async def admin(world: World) -> AsyncIterator[Admin]:
    async with visiting(world.relay) as opened:
        yield opened


async def made_link(world: World) -> str:
    return await Admins(world.relay.office.store, world.clock).link(made_by="test")


async def test_a_link_signs_in_once_and_only_when_the_button_is_pressed(world: World, admin: Admin) -> None:
    secret = await made_link(world)
    for _ in range(3):  # what looks at links in mail uses nothing up
        page = await admin.get(f"{SIGN_IN}?link={secret}")
        assert page.status == 200
        assert "Set-Cookie" not in page.headers
    page = await admin.submit(page, SIGN_IN)
    assert page.status == 200
    assert "<h1>relay.test</h1>" in page.text
    assert admin.set_cookie == "HttpOnly; Max-Age=43200; Path=/; SameSite=Strict"
    other = Admin(admin.session, 1)
    other.host = admin.host
    assert (await other.get(f"{SIGN_IN}?link={secret}")).status == 403
    page = await other.post(SIGN_IN, {"link": secret})
    assert page.status == 403
    assert "used before" in page.text
    assert other.cookies == {}


async def test_without_a_session_every_page_says_how_to_get_in(world: World, admin: Admin) -> None:
    for path in ("/", "/policy", "/policy/form", "/policy/check", "/waves", "/holds", "/sessions", "/posts"):
        page = await admin.get(path)
        assert page.status == 401
        assert "assay admin link" in page.text
        assert f'href="{path}"' in page.text  # who is signed in and came from elsewhere goes on from here
    for path in ("/policy/text", "/policy/save", "/holds/1", "/waves/1/purge", "/incidents", "/sessions/end"):
        assert (await admin.post(path, {})).status == 401
    assert (await admin.get("/", Cookie="assay-admin=wrong")).status == 401


async def test_health_and_metrics_need_no_session_and_take_any_name(world: World, admin: Admin) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await admin.get(path, Host="assay.monitoring.svc:8081")).status == 200


async def test_secrets_are_kept_as_digests_only(world: World, admin: Admin, worlds: Worlds) -> None:
    link = await made_link(world)
    await admin.sign_in(world.relay)
    [session] = admin.cookies.values()
    with closing(sqlite3.connect(worlds.folder / "data" / "relay.sqlite")) as store:
        tokens = [row[0] for row in store.execute("SELECT token FROM admin_links")]
        tokens += [row[0] for row in store.execute("SELECT token FROM admin_sessions")]
        audit = list(store.execute("SELECT who, action, detail FROM audit ORDER BY id"))
    assert sorted(tokens) == sorted(hashlib.sha256(one.encode()).hexdigest() for one in (link, session))
    assert ("test", "admin-link", "") in audit
    assert ("admin", "admin-sign-in", "") in audit


async def test_a_link_ends_after_a_quarter_of_an_hour(world: World, admin: Admin) -> None:
    secret = await made_link(world)
    world.clock.forward(LINK_LASTS)
    assert (await admin.post(SIGN_IN, {"link": secret})).status == 403


async def test_sessions_end_when_nobody_uses_them_and_after_a_day_at_work(world: World, admin: Admin) -> None:
    await admin.sign_in(world.relay)
    for _ in range(int(SESSION_LASTS / IDLE_LASTS)):
        world.clock.forward(IDLE_LASTS - 1)
        assert (await admin.get("/")).status == 200
    world.clock.forward(IDLE_LASTS - 1)  # in use all the time, and yet too old
    assert (await admin.get("/")).status == 401
    await admin.sign_in(world.relay)
    world.clock.forward(IDLE_LASTS + 1)
    assert (await admin.get("/")).status == 401


async def test_signing_out_and_ending_another_session(world: World, admin: Admin) -> None:
    other = Admin(admin.session, 1)
    other.host = admin.host
    await other.sign_in(world.relay)
    await admin.sign_in(world.relay)
    page = await admin.get("/sessions")
    assert page.text.count("Another browser") == 1
    page = await admin.submit(page, "/sessions/end", number=1)
    assert "That session is ended." in page.text
    assert (await other.get("/")).status == 401
    page = await admin.submit(page, "/sessions/end")
    assert "You are signed out" in page.text
    assert (await admin.get("/")).status == 401


async def test_there_are_never_more_than_some_sessions(world: World, admin: Admin) -> None:
    first = await admin.sign_in(world.relay)
    assert first.status == 200
    for _ in range(MOST_SESSIONS):
        world.clock.forward(61)
        other = Admin(admin.session, 1)
        other.host = admin.host
        await other.sign_in(world.relay)
    assert (await admin.get("/")).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_of_another_site_does_nothing(
    world: World, admin: Admin, headers: dict[str, str]
) -> None:
    await admin.sign_in(world.relay)
    form = dict((await admin.get("/policy/text")).forms("/policy/text")[0])
    page = await admin.post("/policy/text", form | {"text": "mode: observe"}, **headers)
    assert page.status == 403
    assert "another site" in page.text
    assert "You are working on a draft" not in (await admin.get("/policy")).text
    secret = await made_link(world)
    assert (await admin.post(SIGN_IN, {"link": secret}, **headers)).status == 403


@pytest.mark.parametrize("token", [None, "", "0" * 64])
async def test_a_form_without_the_token_of_the_session_does_nothing(
    world: World, admin: Admin, token: str | None
) -> None:
    await admin.sign_in(world.relay)
    form = dict((await admin.get("/policy/text")).forms("/policy/text")[0]) | {"text": "mode: observe"}
    form = {name: value for name, value in form.items() if name != "token"}
    page = await admin.post("/policy/text", form if token is None else form | {"token": token})
    assert page.status == 403
    assert "another session" in page.text


async def test_a_form_that_is_none_is_refused(world: World, admin: Admin) -> None:
    await admin.sign_in(world.relay)
    page = await admin.post("/policy/text", {}, **{"Content-Type": "text/plain"})
    assert page.status == 403  # without a token, whatever it was
    assert (await admin.post("/sessions/end", {"number": "x" * 9})).status == 403


@pytest.mark.parametrize("host", ["evil.example", "relay.test", "localhost.evil.example:8081", "::1", ""])
async def test_other_names_are_not_answered(world: World, admin: Admin, host: str) -> None:
    await admin.sign_in(world.relay)
    assert (await admin.get("/", Host=host)).status in {400, 403}


@pytest.mark.parametrize("host", ["127.0.0.1:9000", "localhost:9000", "[::1]:8081", "192.168.1.5:8081"])
async def test_addresses_and_localhost_are_answered(world: World, admin: Admin, host: str) -> None:
    await admin.sign_in(world.relay)
    assert (await admin.get("/", Host=host)).status == 200


async def test_behind_a_proxy_with_tls(worlds: Worlds) -> None:
    world = await worlds.open(BASE + 'admin: {url: "https://admin.relay.test"}\n')
    async with visiting(world.relay) as admin:
        admin.host = "admin.relay.test"
        secret = await made_link(world)
        origin = {"Origin": "https://admin.relay.test"}
        page = await admin.post(SIGN_IN, {"link": secret}, **origin)
        assert page.status == 200
        assert list(admin.cookies) == ["__Host-assay-admin"]
        assert "; Secure" in admin.set_cookie
        form = dict(page.forms("/incidents")[0]) | {"for": "1"}
        assert (
            await admin.post("/incidents", form)
        ).status == 200  # http://admin.relay.test is this very address
        assert (await admin.post("/incidents", form, **origin)).status == 200
        assert (await admin.get("/", Host="other.relay.test")).status == 403


async def test_nobody_may_try_links_without_end(world: World, admin: Admin) -> None:
    for _ in range(TRIES.count):
        assert (await admin.post(SIGN_IN, {"link": "no"})).status == 403
    page = await admin.post(SIGN_IN, {"link": "no"})
    assert page.status == 429
    assert int(page.headers["Retry-After"]) > 0
    world.clock.forward(TRIES.seconds)
    assert (await admin.post(SIGN_IN, {"link": "no"})).status == 403


async def test_pages_are_kept_by_nobody_and_run_nothing(world: World, admin: Admin) -> None:
    await admin.sign_in(world.relay)
    for path in ("/", "/policy", "/holds", "/holds/77"):
        page = await admin.get(path)
        assert page.headers["Cache-Control"] == "no-store"
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'")
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert "<script" not in page.text
        assert "<img" not in page.text
