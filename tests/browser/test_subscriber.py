"""The admin of a subscriber in a real Chromium, whose cookies and `Origin` are what browsers send."""

from __future__ import annotations

import re
import urllib.request
from typing import TYPE_CHECKING

from tests.browser.looking import NARROWEST, css, go, look_for_faults
from tests.flow.conftest import follow

if TYPE_CHECKING:
    from relay.domain.subscription import Subscription
    from tests.browser.conftest import Browser, Site
    from tests.fakes import FakeServer

SERVER = "reader.test"


def send_follow(site: Site, server: FakeServer, path: str, number: int) -> None:
    """Let a server send its Follow to an address of the relay."""
    request = server.actor().sign(site.url + path, follow(server, number=number), site.clock.now())
    headers = {name: value for name, value in request.headers if name != "host"}
    made = urllib.request.Request(site.url + path, data=request.body, headers=headers)  # noqa: S310 - loopback
    with urllib.request.urlopen(made, timeout=20) as answer:  # noqa: S310
        assert answer.status == 202


def subscriptions(site: Site) -> list[Subscription]:
    return [one for one in site.run(site.relay.office.subscribers.all()) if one.server == SERVER]


def look(browser: Browser, name: str) -> None:
    """Look at the page in every view, and on the smallest phone."""
    look_for_faults(browser, name)
    browser.look(width=NARROWEST)
    assert browser.driver.execute_script("return document.documentElement.scrollWidth") <= NARROWEST, name
    browser.look()


def press_button(browser: Browser, action: str) -> None:
    go(browser, css(browser, f"form[action='{action}'] button"))


def test_an_admin_signs_in_chooses_and_leaves(browser: Browser, site: Site) -> None:
    server = site.fediverse.server(SERVER)
    send_follow(site, server, "/inbox", 1)
    browser.look()
    browser.open("/subscriber")
    browser.complaints()
    css(browser, "#server").send_keys(SERVER)
    press_button(browser, "/subscriber")
    look(browser, "code")
    found = re.search(r"/subscriber/proof/assay-[a-z2-7]{26}", css(browser, "main").text)
    assert found is not None
    send_follow(site, server, found[0], 2)
    go(browser, css(browser, "a.button"))
    assert css(browser, "main h2").text == SERVER
    look(browser, "session")
    css(browser, "input[name=languages]").send_keys("german")
    press_button(browser, "/subscriber/choose")
    assert "'german' is no language" in css(browser, "[role=alert]").text
    look(browser, "mistake")
    # The page of a form with mistakes has status 422, which browsers call an error.
    assert all("422" in one for one in browser.complaints())
    field = css(browser, "input[name=languages]")
    field.clear()
    field.send_keys("de, EN")
    press_button(browser, "/subscriber/choose")
    assert css(browser, "[role=status]").text.startswith("Saved.")
    assert subscriptions(site)[0].profile.languages == {"de", "en"}
    css(browser, "input[name=sure]").click()
    press_button(browser, "/subscriber/leave")
    assert "Your server has left the relay" in css(browser, "[role=status]").text
    assert subscriptions(site) == []
    assert browser.complaints() == []
