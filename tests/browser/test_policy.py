"""The pages about the policy in a real Chromium: legible in every view, without scripts, on the smallest phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from relay.config.policy_file import load_policy_text
from relay.domain.policy_version import Why
from tests.browser.looking import NARROWEST, css, go, look_for_faults

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import Browser, Site

FIRST = """\
preset: small-instance
lists: {dni: [eve.test, trent.test]}
rules:
  - {name: Unwanted, when: {from: [list:dni, mallory.test], media: any}, then: drop, reason: unwanted}
  - {name: Newcomers, when: {subscribed for: less than 3 days}, then: quarantine, reason: probation, until: 2030-07-09}
"""
SECOND = FIRST.replace("then: drop", "then: quarantine").replace("less than 3 days", "less than 9 days")


@pytest.fixture(scope="module")
def history(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Two versions of a policy on record."""
    folder: Path = tmp_path_factory.mktemp("policy")
    office = site.relay.office
    for text, note in ((FIRST, ""), (SECOND, "mallory.test wrote to us: we look at what comes.")):
        reading = load_policy_text(text, site.clock.now(), shown="policy.yaml", directory=folder).reading
        assert reading is not None
        assert reading.policy is not None
        site.run(
            office.policy_history.record(
                reading.policy, reading.written, why=Why.APPLY, who="cli:ann", note=note
            )
        )


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("level", ["sentences", "full"])
def test_the_policy_can_be_read(browser: Browser, site: Site, level: str) -> None:
    live = site.relay.live
    before = live.settings
    try:
        told = live.settings.transparency.model_copy(update={"policy": level})
        live.settings = live.settings.model_copy(update={"transparency": told})
        browser.complaints()
        browser.strangers()
        for path in (
            "/policy",
            "/policy/history",
            "/policy/history/1",
            "/policy/history/2",
        ):  # not from its cache
            browser.look()
            browser.open(f"{path}?{level}")
            look_for_faults(browser, f"{path} {level}")
            browser.look(width=NARROWEST)
            assert browser.driver.execute_script("return document.documentElement.scrollWidth") <= NARROWEST
        assert browser.complaints() == []
        assert browser.strangers() == []
    finally:
        live.settings = before


@pytest.mark.usefixtures("history")
def test_from_the_home_page_to_a_change_without_scripts(plain_browser: Browser) -> None:
    plain_browser.look(width=390, theme="dark")
    plain_browser.open("/")
    go(plain_browser, css(plain_browser, "#rules ~ p a[href='/policy/history']"))
    go(plain_browser, css(plain_browser, "#v2 a"))
    assert css(plain_browser, "h1").text == "Policy, version 2"
    assert "mallory.test wrote to us" in css(plain_browser, "main").text
    changed = css(plain_browser, ".changes .changed").text
    assert "hold it for a person" in changed
    go(plain_browser, css(plain_browser, "main a[href='/policy']"))
    assert css(plain_browser, "h1").text == "Policy"
