"""Admins of subscribers at /subscriber: showing who they are in either way, choosing, leaving, and what others try."""

from __future__ import annotations

import asyncio
import io
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from relay.adapters.system import SystemClock
from relay.domain.errors import Refused, RemoteError
from relay.domain.login import MOST_LOOKS, MOST_OF_ONE_SERVER
from relay.domain.subscriber_profile import Direction
from tests.fakes import private_pem, sign_request
from tests.flow.browser import Browser, Page, browsing
from tests.flow.conftest import BASE, follow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes import FakeActor, FakeServer
    from tests.flow.conftest import World, Worlds

PATH = "/subscriber"
CODE = re.compile(r"<code>(assay-[a-z2-7]{26})</code>")


@pytest_asyncio.fixture(loop_scope="session")
async def browser(world: World) -> AsyncIterator[Browser]:
    async with browsing(world.relay) as opened:
        yield opened


async def begun(browser: Browser, server: str = "m.test") -> str:
    """Ask for a code."""
    page = await browser.post(PATH, {"server": server})
    found = CODE.search(page.text)
    assert found, page.text
    return found[1]


def describe(server: FakeServer, text: str) -> None:
    """Let a server say something of itself in its NodeInfo."""
    link = {"rel": "http://nodeinfo.diaspora.software/ns/schema/2.1", "href": server.url("/nodeinfo/2.1")}
    server.serve("/.well-known/nodeinfo", {"links": [link]}, "application/json")
    document = {"software": {"name": "x", "version": "1"}, "metadata": {"nodeDescription": text}}
    server.serve("/nodeinfo/2.1", document, "application/json")


async def show_by_signature(
    browser: Browser, world: World, actor: FakeActor, code: str, host: str = "relay.test"
) -> tuple[int, str]:
    """Let an actor follow the address of the code, as Mastodon does with a relay that its admin adds."""
    url = f"https://{host}{PATH}/proof/{code}"
    asked = {**follow(actor.server), "id": actor.server.url("/follows/99"), "actor": actor.id}
    request = actor.sign(url, asked, world.clock.now())
    headers = dict(request.headers)
    path = f"{PATH}/proof/{code}"
    async with browser.session.post(path, data=request.body, headers=headers) as answer:
        return answer.status, await answer.text()


async def signed_in(browser: Browser, world: World, server: str = "m.test") -> Page:
    """Sign in by a signature."""
    code = await begun(browser, server)
    assert (await show_by_signature(browser, world, world.server(server).actor(), code))[0] == 202
    await browser.get(PATH)  # leads to the page itself, with the secret of the session
    return await browser.get(PATH)


async def test_a_server_that_adds_the_address_as_a_relay_signs_its_admin_in(
    world: World, browser: Browser
) -> None:
    server = await world.subscribe("m.test")
    code = await begun(browser)
    assert "No signed request has come yet" in (await browser.get(f"{PATH}?done=not-signed")).text
    assert (await show_by_signature(browser, world, server.actor(), code)) == (202, "")
    before = dict(browser.cookies)
    assert (await browser.get(PATH)).status == 303
    page = await browser.get(PATH)
    assert "m.test</h2>" in page.text
    assert browser.cookies != before  # what stood for the code opens nothing any more
    # Nothing came of the Follow itself, and the code is used up.
    [subscription] = await world.relay.office.subscribers.all()
    assert subscription.follow_id == server.url("/follows/1")
    assert (await show_by_signature(browser, world, server.actor(), code))[0] == 404
    old = Browser(browser.session, before)
    assert "Your server</label>" in (await old.get(PATH)).text


@pytest.mark.parametrize("place", ["nodeinfo", "/api/v2/instance", "/api/v1/instance"])
async def test_a_code_in_the_description_signs_in(world: World, browser: Browser, place: str) -> None:
    server = await world.subscribe("m.test")
    code = await begun(browser, "https://m.test/about")
    page = await browser.get(PATH)
    describe(server, "a nice place")
    page = await browser.post(f"{PATH}/look", page.form(f"{PATH}/look"))
    assert "not in the description yet" in page.text
    if place == "nodeinfo":
        describe(server, f"a nice place <p>{code}</p>")
    else:
        server.serve(place, {"description": f"a nice place\n{code}."}, "application/json")
    world.clock.forward(6)
    page = await browser.post(f"{PATH}/look", page.form(f"{PATH}/look"))
    assert "m.test</h2>" in page.text


async def test_a_code_that_others_can_write_somewhere_shows_nothing(world: World, browser: Browser) -> None:
    server = await world.subscribe("m.test")
    code = await begun(browser)
    page = await browser.get(PATH)
    server.serve(
        "/api/v2/instance",
        {"description": "", "rules": [{"text": code}], "contact": {"account": {"note": code}}},
        "application/json",
    )
    page = await browser.post(f"{PATH}/look", page.form(f"{PATH}/look"))
    assert "not in the description yet" in page.text


async def test_a_code_seen_in_public_is_worth_nothing_in_another_browser(
    world: World, browser: Browser
) -> None:
    server = await world.subscribe("m.test")
    code = await begun(browser)
    describe(server, code)
    thief = Browser(browser.session)
    assert await begun(thief) != code
    page = await thief.post(f"{PATH}/look", (await thief.get(PATH)).form(f"{PATH}/look"))
    assert "not in the description yet" in page.text


async def test_what_is_chosen_counts_from_now_on_and_is_on_record(worlds: Worlds) -> None:
    world = await worlds.open()
    server, other = await world.subscribe("m.test"), await world.subscribe("o.test")
    async with browsing(world.relay) as browser:
        page = await signed_in(browser, world)
        fields = page.form(f"{PATH}/choose") | {
            "profile": "open",
            "languages": "de, en",
            "hashtags": "#Art",
            "media": "no",
            "rate": "60/minute",
            "sample": "50%",
            "recalls": "yes",
            "direction": "receive",
        }
        page = await browser.post(f"{PATH}/choose", fields)
        assert "Saved." in page.text
        # What the form shows again is what was chosen.
        shown = page.form(f"{PATH}/choose")
        assert {key: shown[key] for key in ("profile", "direction", "languages", "hashtags", "media")} == {
            "profile": "open",
            "direction": "receive",
            "languages": "de, en",
            "hashtags": "art",
            "media": "no",
        }
        assert (shown["rate"], shown["sample"], shown["recalls"]) == ("60 per minute", "50%", "yes")
        again = await browser.post(f"{PATH}/choose", shown)
        assert again.form(f"{PATH}/choose") == shown
    found = await world.relay.office.subscribers.find("m.test")
    assert found.profile.direction is Direction.RECEIVE
    alice = server.actor("/users/alice", "Person")
    assert (await world.post(alice, server.create(server.note()))).code == "ignored-direction"
    assert other.arrivals() == []
    actor = server.actor().id
    with closing(sqlite3.connect(worlds.folder / "data" / "relay.sqlite")) as database:
        rows = database.execute("SELECT who, action, subject FROM audit WHERE who = ?", [actor]).fetchall()
    assert rows == [
        (actor, "follow", actor),
        (actor, "sign-in", "m.test"),
        (actor, "profile", actor),
        (actor, "profile", actor),
    ]


async def test_all_mistakes_are_told_and_nothing_is_saved(world: World, browser: Browser) -> None:
    await world.subscribe("m.test")
    page = await signed_in(browser, world)
    wrong = {"languages": "german", "rate": "60", "sample": "0%", "profile": "<b>", "direction": "up"}
    page = await browser.post(f"{PATH}/choose", page.form(f"{PATH}/choose") | wrong | {"media": "no"})
    assert page.status == 422
    assert page.text.count('aria-invalid="true"') == 3
    assert "&#39;german&#39; is no language" in page.text
    assert "<b>" not in page.text
    assert page.form(f"{PATH}/choose")["rate"] == "60"
    assert (await world.relay.office.subscribers.find("m.test")).profile.media


async def test_a_profile_that_the_operator_fixed_cannot_be_changed(world: World, browser: Browser) -> None:
    await world.subscribe("m.test")
    office = world.relay.office
    page = await signed_in(browser, world)
    found = await office.subscribers.find("m.test")
    await office.profiles.change(found, found.profile, who="ann", locked=True)
    page = await browser.get(PATH)
    assert "The operator of the relay has fixed" in page.text
    page = await browser.post(f"{PATH}/choose", page.form(f"{PATH}/choose") | {"media": "no"})
    assert (page.status, "has fixed this profile" in page.text) == (403, True)
    assert (await office.subscribers.find("m.test")).profile.media


async def test_the_admin_sees_how_deliveries_go(world: World, browser: Browser) -> None:
    server, other = await world.subscribe("m.test"), await world.subscribe("o.test")
    await world.publish(other)
    server.fault = RemoteError("<script> on the wire")
    await world.publish(other)
    server.fault = None
    page = await signed_in(browser, world)
    text = re.sub(r"\s+", " ", page.text)
    assert "<dt>Delivered</dt><dd>1</dd>" in text
    assert "deliveries in a row failed: unreachable: &lt;script&gt; on the wire" in text
    assert "o.test" not in text  # others' business


async def test_leaving_ends_the_subscription_and_the_session(world: World, browser: Browser) -> None:
    server, other = await world.subscribe("m.test"), await world.subscribe("o.test")
    page = await signed_in(browser, world)
    form = page.form(f"{PATH}/leave")
    assert (await browser.post(f"{PATH}/leave", form)).status == 400  # not sure
    page = await browser.post(f"{PATH}/leave", form | {"sure": "yes"})
    assert "has left the relay" in page.text
    assert "Your server</label>" in page.text
    await world.publish(other)
    assert [a["type"] for a in server.arrivals()] == ["Reject"]


async def test_signing_out_and_the_end_of_a_session(world: World, browser: Browser) -> None:
    await world.subscribe("m.test")
    page = await signed_in(browser, world)
    held = dict(browser.cookies)
    assert "You are signed out" in (await browser.post(f"{PATH}/end", page.form(f"{PATH}/end"))).text
    assert "Your server</label>" in (await Browser(browser.session, held).get(PATH)).text
    page = await signed_in(browser, world)
    world.clock.forward(1801)
    page = await browser.post(f"{PATH}/choose", page.form(f"{PATH}/choose"))
    assert (page.status, "not signed in any more" in page.text) == (403, True)
    await world.relay.upkeep.run_once()
    async with world.relay.office.store.reading() as tx:
        assert await tx.logins.numbers("m.test", 0.0) == (0, 0)


async def test_a_session_changes_only_its_own_subscription(world: World, browser: Browser) -> None:
    await world.subscribe("m.test")
    await world.subscribe("o.test")
    other = await world.relay.office.subscribers.find("o.test")
    page = await signed_in(browser, world)
    fields = page.form(f"{PATH}/choose") | {"number": str(other.id), "media": "no"}
    assert (await browser.post(f"{PATH}/choose", fields)).status == 403
    leave = page.form(f"{PATH}/leave") | {"number": str(other.id), "sure": "yes"}
    assert (await browser.post(f"{PATH}/leave", leave)).status == 403
    assert await world.relay.office.subscribers.find("o.test") == other


async def test_one_actor_of_a_server_does_not_speak_for_another(world: World, browser: Browser) -> None:
    server = await world.subscribe("m.test")
    second = server.actor("/second")
    asked = {**follow(server), "id": server.url("/follows/2"), "actor": second.id}
    await world.post(second, asked)
    code = await begun(browser)
    assert (await show_by_signature(browser, world, second, code))[0] == 202
    await browser.get(PATH)
    page = await browser.get(PATH)
    assert second.id in page.text
    assert page.text.count(f'action="{PATH}/choose"') == 1
    # The description speaks for the whole server.
    whole = Browser(browser.session)
    describe(server, await begun(whole))
    page = await whole.post(f"{PATH}/look", (await whole.get(PATH)).form(f"{PATH}/look"))
    assert page.text.count(f'action="{PATH}/choose"') == 2


async def test_who_signs_has_to_be_the_subscriber_itself(world: World, browser: Browser) -> None:
    server, other = await world.subscribe("m.test"), await world.subscribe("o.test")
    code = await begun(browser)
    alice = server.actor("/users/alice", "Person")
    assert (await show_by_signature(browser, world, alice, code))[0] == 403
    assert (await show_by_signature(browser, world, other.actor(), code))[0] == 403
    assert (await show_by_signature(browser, world, server.actor(), code, host="evil.test"))[0] == 401
    assert (await show_by_signature(browser, world, server.actor(), "assay-" + "a" * 26))[0] == 404
    url = f"https://relay.test{PATH}/proof/assay-other"  # a signature over another address
    signed = sign_request(server.actor().key, server.actor().key_id, url, b"{}", world.clock.now())
    path = f"{PATH}/proof/{code}"
    async with browser.session.post(path, data=b"{}", headers=dict(signed.headers)) as answer:
        assert answer.status == 401
    assert "show that" in (await browser.get(PATH)).text.lower()


async def test_an_unknown_code_makes_the_relay_fetch_nothing(world: World, browser: Browser) -> None:
    stranger = world.server("stranger.test")
    world.fediverse.fetched.clear()
    assert (await show_by_signature(browser, world, stranger.actor(), "assay-" + "b" * 26))[0] == 404
    assert world.fediverse.fetched == []


async def test_who_subscribes_is_not_told(world: World, browser: Browser) -> None:
    await world.subscribe("m.test")
    pages = set()
    for name in ("m.test", "n.test"):
        code = await begun(browser, name)
        page = await browser.get(PATH)
        text = page.text.replace(name, "NAME").replace(code, "CODE")
        pages.add(re.sub(r'value="[0-9a-f]{64}"', "", text))
    assert len(pages) == 1
    # Whoever shows that a server is theirs may know whether it subscribes.
    describe(world.server("n.test"), code)
    page = await browser.post(f"{PATH}/look", page.form(f"{PATH}/look"))
    assert "n.test does not subscribe" in page.text


async def test_forms_of_other_sites_change_nothing(world: World, browser: Browser) -> None:
    await world.subscribe("m.test")
    page = await signed_in(browser, world)
    form = page.form(f"{PATH}/leave") | {"sure": "yes"}
    assert (await browser.post(f"{PATH}/leave", form, Origin="https://evil.test")).status == 403
    assert (await browser.post(f"{PATH}/leave", form, Origin="null")).status == 403
    assert (await browser.post(f"{PATH}/leave", form | {"token": "0" * 64})).status == 403
    assert (
        await browser.post(f"{PATH}/leave", {k: v for k, v in form.items() if k != "token"})
    ).status == 403
    assert (await browser.post(PATH, {"server": "m.test"}, Origin="https://evil.test")).status == 403
    stranger = Browser(browser.session)
    assert (await stranger.post(f"{PATH}/leave", form)).status == 403
    assert len(await world.relay.office.subscribers.all()) == 1


async def test_pages_say_what_browsers_may_do_with_them(world: World, browser: Browser) -> None:
    await world.subscribe("m.test")
    await begun(browser)
    for part in ("HttpOnly", "Secure", "SameSite=Strict", "Path=/"):
        assert part in browser.attributes
    assert list(browser.cookies) == ["__Host-assay"]
    page = await browser.get(PATH)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert "<script" not in page.text


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"server=*.test", "application/x-www-form-urlencoded", 400),
        (b"server=ftp://m.test", "application/x-www-form-urlencoded", 400),
        (b"", "application/x-www-form-urlencoded", 400),
        (b"server=\xff", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=b"] * 100), "application/x-www-form-urlencoded", 400),
        (b"server=" + b"a" * 200_000, "application/x-www-form-urlencoded", 413),
        (b'{"server":"m.test"}', "application/json", 400),
    ],
)
async def test_forms_that_cannot_be_read(browser: Browser, body: bytes, kind: str, status: int) -> None:
    page = await browser.post(PATH, body, **{"Content-Type": kind})
    assert page.status == status
    assert 'role="alert"' in page.text


async def test_codes_and_looks_are_limited(world: World, browser: Browser) -> None:
    server = await world.subscribe("m.test")
    describe(server, "nothing")
    for _ in range(MOST_OF_ONE_SERVER):
        await begun(browser)
    page = await browser.post(PATH, {"server": "m.test"})
    assert (page.status, int(page.headers["Retry-After"]) > 0) == (429, True)
    await begun(Browser(browser.session), "o.test")  # others are not kept away
    look = (await browser.get(PATH)).form(f"{PATH}/look")
    assert (await browser.post(f"{PATH}/look", look)).status == 200
    assert (await browser.post(f"{PATH}/look", look)).status == 429
    for _ in range(MOST_LOOKS - 1):
        world.clock.forward(6)
        assert (await browser.post(f"{PATH}/look", look)).status == 200
    world.clock.forward(6)
    world.fediverse.fetched.clear()
    assert (await browser.post(f"{PATH}/look", look)).status == 429
    assert world.fediverse.fetched == []


async def test_when_there_is_no_room_for_a_code(worlds: Worlds) -> None:
    world = await worlds.open()
    for _ in range(MOST_OF_ONE_SERVER):
        await world.relay.logins.begin("m.test")
    world.clock.forward(60)
    async with browsing(world.relay) as browser:
        world.relay.logins._begun.drop("m.test")
        assert (await browser.post(PATH, {"server": "m.test"})).status == 503
        world.clock.forward(3600)  # codes end
        await begun(browser)


async def test_a_server_that_cannot_be_asked_or_is_blocked(worlds: Worlds) -> None:
    world = await worlds.open(BASE.replace("subscriptions: open", "subscriptions: open, block: [bad.test]"))
    async with browsing(world.relay) as browser:
        for name, status in (("down.test", 502), ("bad.test", 403)):
            await begun(browser, name)
            look = (await browser.get(PATH)).form(f"{PATH}/look")
            assert (await browser.post(f"{PATH}/look", look)).status == status


async def test_a_session_opens_once(world: World) -> None:
    server, logins = await world.subscribe("m.test"), world.relay.logins
    secret, login = await logins.begin("m.test")
    with pytest.raises(Refused, match="not shown"):
        await logins.open(login)
    describe(server, login.nonce or "")
    assert await logins.look(login)
    proven = await logins.current(secret)
    assert proven is not None
    assert await logins.look(proven)  # twice the button: nothing is fetched again
    await logins.open(proven)
    with pytest.raises(Refused, match="used before"):
        await logins.open(proven)


async def test_a_relay_on_plain_http_has_a_plain_cookie(worlds: Worlds) -> None:
    world = await worlds.open(BASE.replace("https://relay.test", "http://relay.test"))
    async with browsing(world.relay) as browser:
        page: Any = await browser.post(PATH, {"server": "m.test"}, Origin="http://relay.test")
        assert CODE.search(page.text)
        assert list(browser.cookies) == ["assay"]
        assert "Secure" not in browser.attributes


async def test_the_script_of_the_guide_shows_a_code(world: World, browser: Browser, tmp_path: Path) -> None:
    server = await world.subscribe("m.test")
    world.clock.time = SystemClock().now()  # the script has a clock of its own
    code = await begun(browser)
    guide = (Path(__file__).parents[2] / "docs/subscriber-profiles.md").read_text()
    [script] = re.findall(r"^```python\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    (tmp_path / "key.pem").write_bytes(private_pem(server.actor().key))
    # On loopback the name leads nowhere: the script signs for it and sends to the port.
    here = str(browser.session._base_url).rstrip("/")
    assert "Request(url," in script
    script = script.replace("Request(url,", f"Request({here!r} + address.path,")
    url = f"https://relay.test{PATH}/proof/{code}"
    words = (sys.executable, "-c", script, str(tmp_path / "key.pem"), server.actor().key_id, url)
    pipe = asyncio.subprocess.PIPE
    ran = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=pipe)
    told, wrong = await ran.communicate()
    assert told.strip() == b"202", wrong.decode()
    await browser.get(PATH)
    assert "m.test</h2>" in (await browser.get(PATH)).text


async def test_row_13_a_signed_request_that_is_too_long_shows_nothing(world: World, browser: Browser) -> None:
    server = await world.subscribe("m.test")
    path = f"{PATH}/proof/{await begun(browser)}"
    actor, body = server.actor(), b"a" * 70_000
    url = f"https://relay.test{path}"
    signed = sign_request(actor.key, actor.key_id, url, body, world.clock.now())
    async with browser.session.post(path, data=io.BytesIO(body), headers=dict(signed.headers)) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (413, "too-large")


async def test_row_23_a_signature_for_another_code_shows_nothing(world: World, browser: Browser) -> None:
    server = await world.subscribe("m.test")
    code, other = await begun(browser), await begun(Browser(browser.session))
    actor = server.actor()
    url = f"https://relay.test{PATH}/proof/{other}"
    signed = sign_request(actor.key, actor.key_id, url, b"{}", world.clock.now())
    path = f"{PATH}/proof/{code}"
    async with browser.session.post(path, data=b"{}", headers=dict(signed.headers)) as answer:
        assert answer.status == 401
