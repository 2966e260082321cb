"""The lab and the home page in a real Chromium: with a phone, a keyboard only, a screen reader, or no script."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests import labs
from tests.browser import samples
from tests.browser.looking import (
    NARROWEST,
    axe,
    css,
    fill,
    focus,
    go,
    leave,
    load_axe,
    look_for_faults,
    press,
    tab_to,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import Browser, Site
    from tests.browser.samples import Samples


@pytest.fixture(scope="session")
def pages(site: Site) -> Samples:
    return samples.make(site)


@pytest.mark.parametrize("number", range(samples.KINDS))
def test_axe_finds_nothing_on_any_page_in_any_view(browser: Browser, pages: Samples, number: int) -> None:
    browser.open(pages.pages[number])
    look_for_faults(browser, pages.pages[number])


def test_axe_does_find_what_is_wrong(browser: Browser, pages: Samples) -> None:
    browser.open("/lab")
    load_axe(browser)
    browser.driver.execute_script(
        "document.querySelector('label').remove(); document.documentElement.lang = ''"
    )
    assert {one[0] for one in axe(browser)} >= {"label", "html-has-lang"}


def test_no_page_is_wider_than_the_smallest_phone_and_none_complains_or_calls_elsewhere(
    browser: Browser, pages: Samples
) -> None:
    browser.complaints()
    browser.strangers()
    browser.look(width=NARROWEST, height=700)
    for path in pages.pages:
        browser.open(path)
        for detail in browser.driver.find_elements("css selector", "details"):
            browser.driver.execute_script("arguments[0].open = true", detail)
        width = browser.driver.execute_script("return document.documentElement.scrollWidth")
        assert width <= NARROWEST, path
        # The page of a code that does not exist is there to be tested, and browsers call any 404 an error.
        complaints = [one for one in browser.complaints() if "/lab/explain/nothing" not in one]
        assert complaints == [], path
    assert browser.strangers() == []


def test_the_result_of_a_paste_is_accessible_in_every_view(browser: Browser, pages: Samples) -> None:
    for token in (labs.attestation(), labs.forged()):
        browser.look()
        paste(browser, samples.document(token))
        go(browser, css(browser, "button[type=submit]"))
        assert css(browser, "h1").text.endswith("valid")
        look_for_faults(browser, token)
        browser.look(width=NARROWEST)
        assert browser.driver.execute_script("return document.documentElement.scrollWidth") <= NARROWEST


def test_tokens_are_decoded_while_somebody_types_and_nothing_is_sent(
    browser: Browser, pages: Samples
) -> None:
    browser.look()
    browser.open("/lab")
    browser.strangers()
    area = css(browser, "textarea[name=document]")
    fill(browser, area, samples.document(labs.attestation()))
    area.send_keys(" ")
    shown = css(browser, "#decoded")
    assert shown.is_displayed()
    assert "not verified" in shown.text
    assert json.loads(css(browser, "#decoded pre").text)["claims"]["sub"] == labs.HASH
    fill(browser, area, "a.b.c nothing")
    area.send_keys(" ")
    assert not shown.is_displayed()
    sent = [
        entry for entry in browser.driver.get_log("performance") if "requestWillBeSent" in entry["message"]
    ]
    assert sent == []


def test_the_whole_way_without_javascript(plain_browser: Browser, pages: Samples, tmp_path: Path) -> None:
    browser = plain_browser
    browser.look()
    browser.open("/lab")
    assert not css(browser, "#decoded").is_displayed()
    area = css(browser, "textarea[name=document]")
    area.send_keys(labs.forged())
    go(browser, css(browser, "button[type=submit]"))
    assert css(browser, "h1").text == "Not every attestation is valid"
    assert "6. signature" in css(browser, ".steps .failed").text
    go(browser, css(browser, "article a[href^='/lab/explain/']"))
    assert css(browser, "h1").text == "bad-signature"
    go(browser, css(browser, "blockquote a"))
    assert css(browser, "h1").text == "V-21"
    browser.open("/lab/inbox")
    go(browser, css(browser, "main button"))
    address = browser.driver.current_url
    assert "/lab/inbox/" in address
    assert "Nothing has arrived yet" in css(browser, "main").text
    go(browser, css(browser, "button.danger"))
    assert css(browser, "h1").text == "The inbox is deleted"
    browser.open("/lab/report")
    report = tmp_path / "report.json"
    report.write_bytes(labs.report_of())
    css(browser, "input[name=file]").send_keys(str(report))
    go(browser, css(browser, "main button"))
    assert "Made by its uploader" in css(browser, ".source").text
    assert browser.complaints() == []


def test_scripts_are_really_off_without_javascript(plain_browser: Browser, pages: Samples) -> None:
    plain_browser.open("/lab")
    area = css(plain_browser, "textarea[name=document]")
    area.send_keys(labs.attestation())
    assert not css(plain_browser, "#decoded").is_displayed()


def test_with_the_keyboard_alone(browser: Browser, pages: Samples) -> None:
    browser.look()
    browser.open("/lab")
    press(browser, "Tab")
    assert focus(browser).text == "Skip to the content"
    assert focus(browser).is_displayed()
    press(browser, "Enter")
    tab_to(browser, "textarea[name=document]")
    focus(browser).send_keys(labs.forged())
    tab_to(browser, "summary")
    press(browser, "Space")
    tab_to(browser, "textarea[name=keys]")
    focus(browser).send_keys(json.dumps(labs.actor()))
    tab_to(browser, "button[type=submit]")
    leave(browser, lambda: press(browser, "Enter"))
    assert css(browser, "h1").text == "Not every attestation is valid"
    tab_to(browser, "article a[href='/lab/explain/bad-signature']")
    leave(browser, lambda: press(browser, "Enter"))
    assert css(browser, "h1").text == "bad-signature"


def test_the_home_page_leads_to_the_lab(browser: Browser, pages: Samples) -> None:
    browser.look()
    browser.open("/")
    go(browser, css(browser, "footer a[href='/lab']"))
    assert css(browser, "h1").text == "Verify an attestation"


def test_what_arrived_is_shown_with_its_steps(browser: Browser, pages: Samples) -> None:
    browser.look()
    browser.open(pages.inbox)
    deliveries = browser.driver.find_elements("css selector", ".delivery")
    assert len(deliveries) == 4
    newest, follow, forged, good = (one.text for one in deliveries)
    assert "not verified" in newest
    assert "An Accept went to" in follow
    assert "bad-signature" in forged
    assert "which the signature covers" in good
    assert "✗" not in good.replace("not ✗", "")
    assert browser.driver.find_elements("css selector", "main script") == []


def paste(browser: Browser, text: str) -> None:
    """Open the form and put a document into it, as one does from the clipboard."""
    browser.open("/lab")
    fill(browser, css(browser, "textarea[name=document]"), text)
