"""`GET /why`: what anybody, a subscriber and the server of a post are told, and what asking costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from relay.adapters.media.canary import clean_picture
from relay.domain.errors import RemoteError
from relay.domain.rates import Rate
from relay.domain.subscriber_profile import Direction, SubscriberProfile
from relay.domain.subscription import Command
from relay.services.inquiry import InquiryRules
from relay.services.throttle import NAMES
from tests.flow.askers import PATH, asking
from tests.flow.browser import Browser
from tests.flow.conftest import BASE, follow
from tests.flow.test_forward import author, change, send, signed
from tests.flow.test_screen import KNOWN, LOCAL, screened
from tests.flow.test_subscriber_page import signed_in
from tests.unit.protocol.messages import message

if TYPE_CHECKING:
    from tests.fakes import FakeServer
    from tests.flow.conftest import World, Worlds

HTML = {"Accept": "text/html,application/xhtml+xml"}
BUSY = "why: {rate: unlimited, rate_of_all: unlimited}\n"
CROWDS = BUSY + (
    "policy: {version: 1, rules: [{name: Crowd, when: {mentions: more than 1}, then: drop, reason: mentions}, "
    "{name: Text, when: {media: none}, then: relay}]}\n"
)


def crowd(server: FakeServer) -> list[dict[str, str]]:
    """More mentions than the policy takes."""
    return [{"type": "Mention", "href": f"https://{server.name}/users/{n}"} for n in range(3)]


async def posted(world: World, server: FakeServer, note: dict[str, Any]) -> str:
    await world.post(server.actor("/users/alice", "Person"), server.create(note))
    await world.settle()
    return str(note["id"])


async def test_anybody_is_told_state_and_reason_and_nothing_else(worlds: Worlds) -> None:
    world = await worlds.open(BASE + CROWDS)
    server = await world.subscribe("a.test")
    sent = await posted(world, server, server.note())
    dropped = await posted(world, server, server.note(tag=crowd(server)))
    async with asking(world) as asker:
        told = [(await asker.ask(url)) for url in (sent, f"{dropped}/activity")]
    more = {"level": "public", "remembered_hours": 72.0, "contact": None}
    assert [one.document for one in told] == [
        {"object": sent, "state": "relayed", "reason": "allowed", **more},
        {"object": dropped, "state": "not-relayed", "reason": "mentions", **more},
    ]
    assert {one.headers["Cache-Control"] for one in told} == {"max-age=60"}
    assert all("Signature" in one.headers["Vary"] for one in told)
    assert {one.headers["Content-Type"] for one in told} == {"application/json"}


async def test_a_subscriber_is_told_the_rule_and_what_became_of_it_for_itself(worlds: Worlds) -> None:
    world = await worlds.open(BASE + CROWDS)
    server, reader = await world.subscribe("a.test"), await world.subscribe("r.test")
    other = await world.subscribe("o.test")
    sent = await posted(world, server, server.note())
    reader.fault = RemoteError("down")
    waiting = await posted(world, server, server.note())
    office = world.relay.office
    found = await office.subscribers.find("o.test")
    german = SubscriberProfile(languages=frozenset({"de"}))
    await office.profiles.change(found, german, who="test")
    english = await posted(world, server, server.note(contentMap={"en": "hello"}))
    async with asking(world) as asker:
        told = (await asker.ask(sent, by=reader.actor())).document
        assert (told["level"], told["rule"], told["own"]) == ("subscriber", "Text", False)
        [mine] = told["you"]
        assert (mine["subscriber"], mine["fate"]) == (reader.actor().id, "settled")
        [mine] = (await asker.ask(waiting, by=reader.actor())).document["you"]
        assert (mine["fate"], mine["attempts"]) == ("coming", 1)
        assert "down" in mine["error"]
        [mine] = (await asker.ask(english, by=other.actor())).document["you"]
        assert (mine["fate"], mine["part"]) == ("unwanted", "language")
        answer = await asker.ask(sent, by=other.actor())
        assert "r.test" not in answer.text  # others' business
        assert answer.headers["Cache-Control"] == "private, no-store"
        [mine] = (await asker.ask(sent, by=server.actor())).document["you"]
        assert mine["fate"] == "own"


async def test_the_server_of_a_post_is_told_as_much_without_subscribing(worlds: Worlds) -> None:
    world = await worlds.open(BASE.replace("open}", "open, publish_from: anyone}") + CROWDS)
    server, stranger = world.server("s.test"), world.server("x.test")
    url = await posted(world, server, server.note(tag=crowd(server)))
    async with asking(world) as asker:
        own = (await asker.ask(url, by=server.actor("/users/alice", "Person"))).document
        assert (own["level"], own["own"], own["rule"], own["you"]) == ("subscriber", True, "Crowd", [])
        others = (await asker.ask(url, by=stranger.actor())).document
        assert (others["level"], "rule" in others, "own" in others) == ("public", False, False)


async def test_either_kind_of_signature_shows_who_asks(worlds: Worlds) -> None:
    world = await worlds.open(BASE + BUSY)
    server, reader = await world.subscribe("a.test"), await world.subscribe("r.test")
    url = await posted(world, server, server.note())
    target, actor = f"{PATH}?url={quote(url, safe='')}", reader.actor()
    request = message(
        ("@method", "@target-uri"),
        parameters=f';created={int(world.clock.now())};keyid="{actor.key_id}"',
        target=target,
        method="GET",
        body=b"",
        private=actor.key,
    )
    headers = {name: value for name, value in request.headers if name.startswith("signature")}
    async with asking(world) as asker:
        assert (await asker.get(target, **headers)).document["level"] == "subscriber"
        told = await asker.get(f"{PATH}?url={quote(url + '/activity', safe='')}", **headers)
        assert told.status == 401  # it was signed for another question


async def test_only_the_actor_that_follows_the_relay_is_the_subscriber(worlds: Worlds) -> None:
    world = await worlds.open(BASE + BUSY)
    server, reader = await world.subscribe("a.test"), await world.subscribe("r.test")
    url = await posted(world, server, server.note())
    async with asking(world) as asker:
        assert (await asker.ask(url, by=reader.actor("/users/eve", "Person"))).document["level"] == "public"
        await world.relay.office.subscribers.remove("r.test", who="test")
        assert (await asker.ask(url, by=reader.actor())).document["level"] == "public"


async def test_media_show_what_came_of_their_attestations_and_only_late(worlds: Worlds) -> None:
    world = await screened(worlds, BASE + LOCAL + BUSY)
    server, reader = world.server("a.test"), world.server("b.test")
    clean, held = clean_picture(401), server.picture(KNOWN)
    sent = await posted(world, server, server.note(server.picture(clean)))
    stopped = await posted(world, server, server.note(held))
    async with asking(world) as asker:
        told = (await asker.ask(sent, by=reader.actor())).document
        assert (told["state"], told["reason"], told["rule"]) == ("relayed", "relayed", None)
        [medium] = told["media"]
        assert (medium["kind"], medium["attestation"], medium["issuer"]) == ("image", "missing", None)
        before = (await asker.ask(stopped, by=server.actor())).document
        assert (before["state"], before["reason"], before["media"]) == ("waiting", "waiting", [])
        world.clock.forward(12 * 3600)
        after = (await asker.ask(stopped, by=server.actor())).document
        assert (after["state"], after["reason"], after["rule"]) == ("not-relayed", "not-relayed", None)
        assert after["media"][0]["url"] == held["url"]
        assert (await asker.ask(stopped)).document["state"] == "not-relayed"
        page = (await asker.ask(stopped, by=server.actor(), **HTML)).text
        assert "carries no attestation" in page


async def test_an_edit_is_told_to_subscribers_beside_the_post(worlds: Worlds) -> None:
    world = await screened(worlds, BASE + LOCAL + BUSY)
    server = world.server("a.test")
    note = server.note(server.picture(clean_picture(402)))
    url = await posted(world, server, note)
    changed = signed(server, change(server, {**note, "attachment": [server.picture(KNOWN)]}, "Update"))
    assert (await send(world, author(server), changed))[0] == "screening"
    async with asking(world) as asker:
        told = (await asker.ask(url, by=server.actor())).document
        assert (told["state"], [one["state"] for one in told["edits"]]) == ("relayed", ["waiting"])
        assert "edits" not in (await asker.ask(url)).document
        assert "<h3>Edits</h3>" in (await asker.ask(url, by=server.actor(), **HTML)).text


async def test_what_is_unknown_not_public_deleted_or_too_old_is_not_told_of(worlds: Worlds) -> None:
    world = await screened(worlds, BASE + LOCAL + BUSY)
    server, peer = world.server("a.test"), await world.subscribe("p.test", dialect="litepub")
    hidden = peer.note(public=False)
    announce = {"id": peer.url("/x/1"), "type": "Announce", "actor": peer.actor().id, "object": hidden["id"]}
    await world.post(peer.actor(), announce)
    await world.settle()
    deleted, old = server.note(), server.note()
    for note in (deleted, old):
        await posted(world, server, note)
    alice = server.actor("/users/alice", "Person")
    delete = {"id": server.url("/d/1"), "type": "Delete", "actor": alice.id, "object": deleted["id"]}
    await world.post(alice, delete)
    held = await posted(world, server, server.note(server.picture(KNOWN)))
    async with asking(world) as asker:
        urls = ["https://nowhere.test/1", hidden["id"], announce["id"], deleted["id"]]
        for by in (None, peer.actor()):
            told = [await asker.ask(url, by=by) for url in urls[:3]]
            assert len({one.shape() for one in told}) == 1
            assert (told[0].status, told[0].document["code"]) == (404, "unknown-post")
        assert (await asker.ask(deleted["id"])).shape() == (await asker.ask(urls[0])).shape()
        assert (await asker.ask(deleted["id"], by=server.actor())).document["state"] == "withdrawn"
        assert (await asker.ask(old["id"])).status == 200
        world.clock.forward(73 * 3600)
        await world.relay.upkeep.run_once()
        # What is held is kept for longer; that must not be seen.
        assert {(await asker.ask(url)).status for url in (old["id"], held)} == {404}
        page = (await asker.ask(held, **HTML)).text
        assert "came more than 72 hours ago" in page


async def test_what_cannot_be_asked(worlds: Worlds) -> None:
    world = await worlds.open(BASE + BUSY)
    async with asking(world) as asker:
        for query, code in (
            ("", "no-url"),
            ("?url=", "no-url"),
            ("?url=17", "bad-url"),
            ("?url=" + "x" * 2049, "bad-url"),
        ):
            told = await asker.get(PATH + query)
            assert (told.status, told.document["code"]) == (400, code)
            assert told.headers["Content-Type"] == "application/problem+json"
        bad = await asker.ask("https://a.test/1", by=world.server("a.test").actor(), date="yesterday")
        assert (bad.status, bad.headers["Cache-Control"]) == (401, "private, no-store")
        page = await asker.get(f"{PATH}?url=%3Cscript%3E", **HTML)
        assert (page.status, "<script>" in page.text, "&lt;script&gt;" in page.text) == (400, False, True)
        form = await asker.get(PATH, **HTML)
        assert (form.status, 'name="url"' in form.text) == (200, True)


async def test_a_blocked_server_is_refused(worlds: Worlds) -> None:
    world = await worlds.open(BASE.replace("open}", "open, block: [evil.test]}"))
    async with asking(world) as asker:
        told = await asker.ask("https://a.test/1", by=world.server("evil.test").actor())
    assert (told.status, told.document["code"]) == (403, "blocked")


async def test_a_relay_that_does_not_answer_anybody_does_not_tell_who_takes_part(worlds: Worlds) -> None:
    world = await worlds.open(BASE + BUSY.replace("{", "{public: false, "))
    server, reader = await world.subscribe("a.test"), await world.subscribe("r.test")
    url = await posted(world, server, server.note())
    async with asking(world) as asker:
        for by in (None, world.server("x.test").actor()):
            told = [await asker.ask(one, by=by) for one in (url, "https://a.test/unknown")]
            assert (told[0].status, told[0].document["code"]) == (403, "not-public")
            assert told[0].shape() == told[1].shape()
        assert (await asker.ask(url, by=reader.actor())).status == 200
        assert (await asker.ask("https://a.test/unknown", by=reader.actor())).status == 404
        assert (await asker.ask(url, by=server.actor("/users/alice", "Person"))).document["own"]


async def test_asking_is_limited_for_a_client_for_a_server_and_for_all(worlds: Worlds) -> None:
    world = await worlds.open()
    inquiries, url = world.relay.inquiries, "https://a.test/notes/1"
    world.clock.chance = lambda: -0.25  # the wait before an answer takes no time
    server = await world.subscribe("a.test")
    async with asking(world) as asker:

        async def code(address: str, **more: Any) -> int:
            return (await asker.ask(url, **{"X-Forwarded-For": address}, **more)).status

        inquiries._rules = InquiryRules(public=True, rate=Rate(2, 3600), rate_of_all=Rate(6, 3600))
        assert [await code("192.0.2.1") for _ in range(3)] == [404, 404, 429]
        assert await code("192.0.2.2") == 404
        assert [await code(f"192.0.2.{n}", by=server.actor()) for n in (3, 4, 5)] == [404, 404, 429]
        told = await asker.ask(url, **{"X-Forwarded-For": "192.0.2.9"})
        assert (told.status, told.document["code"]) == (429, "rate-limited")
        assert int(told.headers["Retry-After"]) >= 1
        page = await asker.ask(url, **{"X-Forwarded-For": "192.0.2.9"}, **HTML)
        assert (page.status, "Retry-After" in page.headers, "too often" in page.text) == (429, True, True)
    throttle = inquiries._throttle
    for number in range(NAMES + 10):
        throttle.take(str(number), Rate(1, 60))
    assert len(throttle) == NAMES


async def test_the_admin_of_a_subscriber_asks_in_a_browser(worlds: Worlds) -> None:
    world = await worlds.open(BASE + BUSY)
    server = await world.subscribe("a.test")
    await world.subscribe("m.test")
    url = await posted(world, server, server.note())
    async with asking(world) as asker:
        browser = Browser(asker.session)
        assert "For m.test:" not in (await browser.get(f"{PATH}?url={url}")).text
        page = await signed_in(browser, world)
        assert 'href="/why"' in page.text
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        told = await asker.ask(url, Cookie=cookie, **HTML)
        assert "For m.test: delivered, or settled otherwise" in told.text
        assert "because you are signed in for m.test" in told.text
        assert told.headers["Cache-Control"] == "private, no-store"
        assert "a.test:" not in told.text.replace("https://a.test", "")


async def test_the_address_in_the_browser_is_enough(worlds: Worlds) -> None:
    world = await worlds.open(BASE + BUSY)
    server = await world.subscribe("a.test")
    note = server.note(id=server.url("/users/alice/statuses/109"))
    await posted(world, server, note)
    async with asking(world) as asker:
        told = await asker.ask("https://a.test/@alice/109")
    assert (told.status, told.document["object"]) == (200, note["id"])


async def test_every_way_not_to_get_a_post(worlds: Worlds) -> None:
    """The operator sees what became of a post for each subscriber, as far as the cursors tell."""
    world = await worlds.open(BASE + BUSY)
    office = world.relay.office
    server, late = await world.subscribe("a.test"), world.server("late.test")
    names = ("down.test", "push.test", "off.test", "good.test")
    down, _, _, _ = [await world.subscribe(name) for name in names]
    push = await office.subscribers.find("push.test")
    await office.profiles.change(push, SubscriberProfile(direction=Direction.PUSH), who="test")
    down.fault = RemoteError("down")
    url = await posted(world, server, server.note())
    world.clock.forward(60)
    await world.post(late.actor(), follow(late))
    await office.subscribers.command("off.test", Command.SUSPEND, who="test", reason=None)
    await world.settle()
    [told] = await office.explainer.why(url)
    fates = {
        one.subscription.server: one.fate.value for one in await office.explainer.passages(told["number"])
    }
    assert fates == {
        "a.test": "own",
        "down.test": "coming",
        "push.test": "unwanted",
        "off.test": "unserved",
        "good.test": "settled",
        "late.test": "before",
    }
    world.clock.forward(73 * 3600)
    await world.relay.upkeep.run_once()
    assert await office.explainer.passages(told["number"]) == ()  # forgotten with the post


async def test_a_gap_is_told_while_the_post_is_remembered(worlds: Worlds) -> None:
    world = await worlds.open(BASE + BUSY)
    office = world.relay.office
    server, down = await world.subscribe("a.test"), await world.subscribe("down.test")
    down.fault = RemoteError("down")
    url = await posted(world, server, server.note())
    world.clock.forward(73 * 3600)
    await world.relay.fanout.prune()
    [told] = await office.explainer.why(url)
    fates = {
        one.subscription.server: one.fate.value for one in await office.explainer.passages(told["number"])
    }
    assert fates == {"a.test": "settled", "down.test": "missed"}


@pytest.mark.parametrize("text", ["https://a.test/nothing", "0", "99"])
async def test_what_never_came_is_unknown_to_the_operator_too(world: World, text: str) -> None:
    explainer = world.relay.office.explainer
    assert await explainer.why(text) == []
    assert await explainer.passages(99) == ()
