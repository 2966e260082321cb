"""The whole story of an admin who never programmed, in a real Chromium without scripts; and every page looked at."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from relay.domain.hashlist import ListPurpose
from relay.domain.media import Match, MatchKind
from relay.domain.recall import Cause, Copy, Recall, RecallState
from relay.services.admins import Admins
from tests.browser.looking import NARROWEST, css, fill, go, look_for_faults, tab_to
from tests.flow.conftest import World, follow
from tests.flow.spammers import Crowd

if TYPE_CHECKING:
    from tests.browser.conftest import Browser, Site

PAGES = (
    "/",
    "/policy",
    "/policy/form",
    "/policy/form/rule?section=rules&place=1",
    "/policy/form/rule?section=always",
    "/policy/text",
    "/policy/try?try=yes&w:media=image&w:match=near",
    "/policy/check",
    "/policy/history",
    "/policy/history/1",
    "/waves",
    "/waves/1",
    "/recalls",
    "/recalls/1",
    "/recalls/2",
    "/holds",
    "/holds/1",
    "/posts?done=held",
    "/subscribers",
    "/sessions",
    "/why?post=1",
)


def sign_in(browser: Browser, office: Site) -> None:
    secret = office.run(Admins(office.relay.office.store, office.clock).link(made_by="test"))
    browser.open(f"/sign-in?link={secret}")
    go(browser, css(browser, "main button"))


@pytest.fixture(scope="module")
def world(office: Site) -> World:
    """The relay with three subscribers, one that waits, a wave, and holds."""
    world = World(office.relay, office.fediverse, office.clock)
    office.run(_filled(world))
    return world


async def _filled(world: World) -> None:
    for name in ("a.test", "b.test", "c.test", "d.test", "e.test"):
        await subscribe(world, name)
    crowd = Crowd(world, [world.server(f"{one}.test") for one in "abcde"])
    for number in range(16):
        await crowd.say(crowd.account(number), f"buy cheap noodles now and here {SPAM} {number}")
        world.clock.forward(5)
    await recalled(world)
    await post(world, "cats", 3)
    await post(world, "dogs", 2)


SPAM = " ".join(f"word{number}a lorem{number}b" for number in range(14)).translate(
    {48 + n: 97 + n for n in range(10)}
)


async def recalled(world: World) -> None:
    """Two recalls: of one, servers were told, and one of them refuses; the other waits."""
    recalls = world.relay.office.recalls
    async with world.relay.office.store.transaction() as tx:
        for number in (1, 2):
            waiting = Recall(
                0,
                "local",
                ListPurpose.ABUSE,
                f"{number}" * 16,
                "csam",
                MatchKind.KNOWN,
                RecallState.WAITING,
                Cause.FLOOD,
                world.clock.now(),
            )
            await tx.recalls.add(waiting)
            match = Match(MatchKind.KNOWN, "local", "csam", "sha256")
            await tx.recalls.stop(number, f"{number}" * 64, match, world.clock.now())
            copy = Copy(
                seq=number,
                position=900 + number,
                object_id=f"https://a.test/a-post-with-a-very-long-name-{'that-goes-on-' * 8}{number}",
                author="https://a.test/users/alice",
                origins=frozenset({"a.test"}),
                announce="https://relay.test/activities/none",
                published_at=world.clock.now(),
            )
            await tx.recalls.stop_post(number, copy, await tx.recalls.servings())
    world.server("b.test").status = 404
    await recalls.send(1, who="ann", note="looked at it")
    await world.relay.letters.run_once()
    world.server("b.test").status = 202


async def subscribe(world: World, name: str) -> None:
    server = world.server(name)
    await world.post(server.actor(), follow(server))
    await world.settle()


async def post(world: World, tag: str, count: int) -> None:
    """Let somebody post with a hashtag."""
    server = world.server("a.test")
    for _ in range(count):
        note = server.note(content="<p>look</p>", tag=[{"type": "Hashtag", "name": f"#{tag}"}])
        await world.post(server.actor("/users/alice", "Person"), server.create(note))
    await world.settle()


@pytest.fixture
def admin(office: Site, plain_office_browser: Browser, world: World) -> Browser:
    """Somebody who is signed in, in a browser that runs no scripts."""
    plain_office_browser.look()
    sign_in(plain_office_browser, office)
    return plain_office_browser


@pytest.fixture(scope="module")
def looker(office: Site, office_browser: Browser, world: World) -> Browser:
    """Somebody who is signed in, in a browser whose pages can be examined."""
    sign_in(office_browser, office)
    return office_browser


def choose(browser: Browser, selector: str, value: str) -> None:
    from selenium.webdriver.support.ui import Select

    Select(css(browser, selector)).select_by_value(value)


def text(browser: Browser) -> str:
    return css(browser, "main").text


def click(browser: Browser, words: str, within: str = "main") -> None:
    """Press the first button or link with these words."""
    path = f"//{within}//*[self::a or self::button][contains(normalize-space(.), {json.dumps(words)})]"
    go(browser, browser.driver.find_element("xpath", path))


def test_a_mistake_in_the_text_is_shown_beside_its_line_and_mended(admin: Browser) -> None:
    click(admin, "Policy", "header")
    assert "the first that fits decides" in text(admin)
    click(admin, "Change as text")
    area = css(admin, "#text")
    written = area.get_attribute("value")
    assert written is not None
    fill(admin, area, written.replace("then: relay}", "then: rely}", 1))
    click(admin, "Look for mistakes")
    shown = text(admin)
    assert "1 mistake keeps it from being used" in shown
    assert 'unknown action "rely"' in shown
    assert css(admin, "mark").text == "rely"
    click(admin, "Write that")
    assert "keeps it from being used" not in text(admin)
    click(admin, "Throw it away")
    assert "What is in force stays so." in text(admin)


def test_a_rule_is_made_by_choosing(admin: Browser) -> None:
    admin.open("/policy/form/rule?section=rules")
    choose(admin, "#new-fact", "mentions")
    click(admin, "Add")
    choose(admin, "#mentions-how", "more than")
    css(admin, "#mentions").send_keys("20")
    css(admin, "#name").send_keys("Crowd of mentions")
    css(admin, "#reason").send_keys("mentions")
    click(admin, "Keep in the draft")
    assert css(admin, "#rules-0 h3").text == "Crowd of mentions"
    assert "accounts that it mentions is more than 20, hold it for a person" in css(admin, "#rules-0").text


def test_a_change_is_previewed_put_in_force_and_undone(office: Site, admin: Browser, world: World) -> None:
    admin.open("/policy/text")
    area = css(admin, "#text")
    written = area.get_attribute("value")
    assert written is not None
    rule = "  - {name: Dogs wait, when: {hashtags: dogs}, then: quarantine, reason: dogs}"
    fill(admin, area, re.sub(r"(?m)^rules:.*$", f"rules:\n{rule}", written, count=1))
    click(admin, "Check and save", "form")
    shown = text(admin)
    assert 'rule "Dogs wait"' in shown
    assert "2 of " in shown
    assert "posts of the last 7 days would come out differently" in shown
    css(admin, "#note").send_keys("Cats first")
    before = office.relay.office.decider.policy.id
    click(admin, "Put it in force")
    assert "Version 2 of the policy is in force" in text(admin)
    assert office.relay.office.decider.policy.id != before
    office.run(post(world, "dogs", 1))
    admin.open("/holds")
    assert "Dogs wait" in text(admin)
    admin.open("/policy/history")
    assert "Cats first" in text(admin)
    click(admin, "Undo it")
    assert 'rule "Dogs wait"' in text(admin)
    click(admin, "Put it in force")
    assert "Version 3 of the policy is in force" in text(admin)
    assert office.relay.office.decider.policy.id == before
    assert admin.complaints() == []
    assert admin.strangers() == []


def test_an_incident_and_a_wave(office: Site, admin: Browser, world: World) -> None:
    admin.open("/")
    assert "Spam wave 1" in text(admin)
    css(admin, "details summary").click()
    css(admin, "input[name=kind][value=newcomers]").click()
    css(admin, "#incident-note").send_keys("flood of new accounts")
    click(admin, "Start the incident")
    assert "It has begun." in text(admin)
    click(admin, "End it")
    assert "It is over." in text(admin)
    admin.open("/waves")
    click(admin, "Drop ")
    assert "posts are dropped" in text(admin)
    click(admin, "Take the dropping back")
    assert "go through the policy again" in text(admin)
    assert admin.complaints() == []


def test_the_keyboard_leads_everywhere(office: Site, admin: Browser) -> None:
    admin.open("/policy/form/rule?section=rules&place=1")
    for selector in ("#name", "#new-fact", "#wait", "#until", ".actions button"):
        tab_to(admin, selector)


def test_a_recall_is_sent_and_dismissed_with_two_forms(admin: Browser) -> None:
    admin.open("/recalls")
    click(admin, "Recall 2")
    assert "Waits for you: very many posts are hit at once" in text(admin)
    click(admin, "Tell 5 servers now")
    assert "The messages are on their way." in text(admin)
    fill(admin, css(admin, "#note"), "a meme")
    click(admin, "Dismiss, and tell whoever was told")
    assert "It is dismissed" in text(admin)
    assert "a meme" in text(admin)
    assert not admin.driver.find_elements("css selector", "main img, main video, main picture")


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_faults(looker: Browser, path: str) -> None:
    looker.open(path)
    look_for_faults(looker, path)
    assert looker.strangers() == []
    looker.look(width=NARROWEST, height=800)
    assert looker.driver.execute_script("return document.documentElement.scrollWidth") <= NARROWEST


def test_pages_without_a_session_have_no_faults(office: Site, looker: Browser) -> None:
    secret = office.run(Admins(office.relay.office.store, office.clock).link(made_by="test"))
    for path in (f"/sign-in?link={secret}", "/sign-in?link=x"):
        looker.open(path)
        look_for_faults(looker, path)
    held = looker.driver.get_cookie("assay-admin")
    looker.driver.delete_cookie("assay-admin")
    looker.open("/policy")
    assert "You are not signed in" in text(looker)
    look_for_faults(looker, "401")
    looker.driver.add_cookie(held)
