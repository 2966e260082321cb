"""Asking why in a real Chromium: the form without scripts, answers in every view, an admin who is signed in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.media.canary import canary_pictures
from tests.browser.looking import css, go
from tests.browser.test_subscriber import look, press_button, send_follow

if TYPE_CHECKING:
    from tests.browser.conftest import Browser, Site
    from tests.fakes import FakeServer


async def post(site: Site, server: FakeServer, note: dict[str, Any]) -> None:
    """Let alice post a note, and let everything that is due happen."""
    url = site.relay.office.identity.inbox
    request = server.actor("/users/alice", "Person").sign(url, server.create(note), site.clock.now())
    await site.relay.receiver.receive(request)
    await site.relay.screening.run_once()
    await site.relay.fanout.run_once()


@pytest.fixture(scope="module")
def asked(site: Site) -> tuple[FakeServer, str, str]:
    """A server that takes part, a post of it that was relayed and one that is held."""
    server, reader = site.fediverse.server("asking.test"), site.fediverse.server("asked.test")
    for one in (server, reader):
        send_follow(site, one, "/inbox", 1)
    sent, held = server.note(), server.note(server.picture(next(iter(canary_pictures().values()))))
    for note in (sent, held):
        site.run(post(site, server, note))
    return reader, sent["id"], held["id"]


def ask(browser: Browser, url: str) -> str:
    """Paste an address into the form; return what the page says then."""
    field = css(browser, "#url")
    field.clear()
    field.send_keys(url)
    press_button(browser, "/why")
    found: str = css(browser, "main").text
    return found


def test_anybody_pastes_an_address_without_scripts(
    plain_browser: Browser, asked: tuple[FakeServer, str, str]
) -> None:
    _, sent, held = asked
    browser = plain_browser
    browser.look()
    browser.open("/")
    go(browser, css(browser, "a[href='/why']"))
    assert "It was relayed. Reason code: allowed." in ask(browser, sent)
    assert css(browser, "#url").get_attribute("value") == sent
    assert "is not relayed so far" in ask(browser, held)
    assert "Nothing is known of a public post" in ask(browser, "https://nowhere.test/1")
    assert "Ask with the address of a post" in ask(browser, "what is this")
    assert browser.strangers() == []


@pytest.mark.parametrize("answer", ["none", "relayed", "waiting", "unknown"])
def test_answers_are_accessible_in_every_view(
    browser: Browser, asked: tuple[FakeServer, str, str], answer: str
) -> None:
    _, sent, held = asked
    browser.look()
    browser.complaints()
    browser.open("/why")
    urls = {"relayed": sent, "waiting": held, "unknown": "https://nowhere.test/1"}
    if answer in urls:
        ask(browser, urls[answer])
    look(browser, answer)
    # The page of what is unknown has status 404, which browsers call an error.
    assert all("404" in one for one in browser.complaints())


def test_an_admin_who_is_signed_in_sees_what_became_of_it_for_the_own_server(
    browser: Browser, site: Site, asked: tuple[FakeServer, str, str]
) -> None:
    reader, sent, _ = asked
    browser.look()
    browser.open("/subscriber")
    css(browser, "#server").send_keys(reader.name)
    press_button(browser, "/subscriber")
    found = re.search(r"/subscriber/proof/assay-[a-z2-7]{26}", css(browser, "main").text)
    assert found is not None
    send_follow(site, reader, found[0], 2)
    go(browser, css(browser, "a.button"))
    go(browser, css(browser, "main a[href='/why']"))
    assert "For asked.test: delivered, or settled otherwise" in ask(browser, sent)
    look(browser, "signed in")
    browser.open("/subscriber")
    press_button(browser, "/subscriber/end")
